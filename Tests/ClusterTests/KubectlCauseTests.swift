import Base
import Foundation
import Testing

@testable import Cluster

struct RecordedError: Decodable, CustomTestStringConvertible, Sendable {
  let id: String
  let group: String
  let exit_code: Int32?
  /// none: kubectl succeeded; ended: it was killed; remote: the program in the container ended so;
  /// else the kind of the failure.
  let kind: String
  let stderr: String

  var testDescription: String { id }

  var status: ChildStatus {
    guard let exit_code else { return .signalled(9) }
    return exit_code < 0 ? .signalled(-exit_code) : .exited(exit_code)
  }

  static func all() throws -> [RecordedError] {
    try Recording.bytes("errors.jsonl").split(separator: 0x0A).map {
      try JSONDecoder().decode(RecordedError.self, from: Data($0))
    }
  }
}

@Suite struct KubectlCauseTests {
  static let kinds: [String: Failure.Kind] = [
    "other": .other, "usage": .usage, "unreachable": .unreachable, "denied": .denied,
    "notFound": .notFound, "noRoute": .noRoute, "ended": .other,
  ]

  @Test(arguments: try RecordedError.all())
  func recordedErrorHasItsKind(_ error: RecordedError) throws {
    let end = KubectlCause.execEnd(
      "Cannot do it.", status: error.status, errors: error.stderr)
    let failure = KubectlCause.failure("Cannot do it.", status: error.status, errors: error.stderr)
    switch error.kind {
    case "none":
      #expect(failure == nil)
      #expect(end == .remoteExit(0))
    case "remote":
      #expect(end == .remoteExit(try #require(error.exit_code)))
    default:
      let kind = try #require(Self.kinds[error.kind])
      #expect(failure?.kind == kind, "\(failure?.sentence ?? "no failure")")
      #expect(end == failure.map(KubectlExecEnd.failed))
      let text = try #require(failure)
      #expect(text.what == "Cannot do it.")
      if error.kind != "ended" {
        for part in [text.why, text.fix] {
          let sentence = try #require(part)
          #expect(sentence.hasSuffix(".") && !sentence.hasSuffix(".."), "\(sentence)")
          #expect(!sentence.contains("memcache.go"), "\(sentence)")
        }
      }
    }
  }
}
