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

  /// Every sentence that the recordings lead to, to be read by people. RECORD_GOLDEN=1 writes the file
  /// anew, and fails.
  @Test func wordings() throws {
    var lines: [String] = []
    var seen: Set<String> = []
    for error in try RecordedError.all() {
      guard case .exited = error.status, error.kind != "remote",
        let failure = KubectlCause.failure("-", status: error.status, errors: error.stderr)
      else { continue }
      let words = "\(failure.kind): \(failure.why ?? "")\n    \(failure.fix ?? "")"
      if seen.insert(words).inserted { lines.append("\(error.id)\n  \(words)\n") }
    }
    let text = lines.joined()
    if ProcessInfo.processInfo.environment["RECORD_GOLDEN"] == "1" {
      let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      let file = folder.appendingPathComponent("Data/wordings.txt")
      try text.write(to: file, atomically: true, encoding: .utf8)
      Issue.record("Data/wordings.txt was recorded anew.")
    }
    #expect(text == String(decoding: try Recording.bytes("wordings.txt"), as: UTF8.self))
  }

  /// Words that no recording has.
  @Test(
    arguments: [
      ("error: You must be logged in to the server (Unauthorized)", .notLoggedIn),
      ("I1123 06:25:25.1 27426 x.go:1] noise\nerror: EOF\n", .notLoggedIn),
      (
        "plugin: error: broken\nUnable to connect to the server: getting credentials: exec: executable kubelogin failed with exit code 1",
        .loginFailed(
          "exec: executable kubelogin failed with exit code 1", words: "plugin: error: broken")
      ),
      (
        "Unable to connect to the server: dial tcp: lookup api.example.com: no such host",
        .unreachable("dial tcp: lookup api.example.com: no such host")
      ),
      ("Unable to connect to the server: net/http: TLS handshake timeout", .timedOut),
      ("error: context \"nope\" does not exist", .unknownContext("nope")),
      (
        "Error from server (TooManyRequests): slow down",
        .overloaded("Error from server (TooManyRequests): slow down")
      ),
      (
        "error: Internal error occurred: error executing command in container: exec: \"tcpdump\": cannot start: resource busy",
        .noProgram(name: "tcpdump", why: .other)
      ),
      (
        "error: error reading from error stream: next reader: websocket: close 1006 (abnormal closure): unexpected EOF",
        .connectionLost(
          "error reading from error stream: next reader: websocket: close 1006 (abnormal closure): unexpected EOF"
        )
      ),
      (
        "error: unable to upgrade connection: pod does not exist",
        .notFound("pod does not exist")
      ),
      (
        "error: You must be logged in to the server, says a login program\nError from server (NotFound): pods \"web\" not found",
        .notFound("pods \"web\" not found")
      ),
      ("something else entirely", .unknown("something else entirely")),
      ("a\u{1B}[31mred", .unknown("a\u{FFFD}[31mred")),
      ("", .unknown("")),
    ] as [(String, KubectlCause)])
  func otherWords(_ errors: String, _ cause: KubectlCause) {
    #expect(KubectlCause(errors: errors) == cause)
  }

  @Test func aDenialIsTakenApart() {
    let denial = AccessDenial(
      "pods \"x\" is forbidden: User \"system:serviceaccount:a:b\" cannot create resource \"pods/exec\" in API group \"\" in the namespace \"demo\""
    )
    #expect(denial.user == "system:serviceaccount:a:b")
    #expect(denial.verb == "create")
    #expect(denial.resource == "pods/exec")
    #expect(denial.namespace == "demo")
    #expect(AccessDenial("x is forbidden: exceeded quota: q").verb == nil)
    #expect(AccessDenial("x is forbidden: exceeded quota: q").words == "exceeded quota: q")
  }

  /// How runtimes that give a status of their own to a program that cannot be started say so, and what
  /// a remote program's own words must not be mistaken for.
  @Test(
    arguments: [
      (
        "OCI runtime exec failed: exec failed: unable to start container process: exec: \"tcpdump\": executable file not found in $PATH: unknown\ncommand terminated with exit code 127",
        127, Failure.Kind.noRoute
      ),
      (
        "OCI runtime exec failed: exec failed: unable to start container process: exec: \"/etc\": permission denied: unknown\ncommand terminated with exit code 126",
        126, .noRoute
      ),
      ("sh: tcpdump: not found\ncommand terminated with exit code 127", 127, nil),
      ("Error from server (Forbidden): fooled you\ncommand terminated with exit code 1\n", 1, nil),
      ("no newline at the endcommand terminated with exit code 3", 3, nil),
      ("command terminated with exit code 3\nerror: Timeout occurred", 1, .other),
      ("command terminated with exit code 3", 1, .other),
    ] as [(String, Int32, Failure.Kind?)])
  func execEnds(_ errors: String, _ code: Int32, _ kind: Failure.Kind?) {
    switch KubectlCause.execEnd("-", status: .exited(code), errors: errors) {
    case .remoteExit(let status):
      #expect(kind == nil)
      #expect(status == code)
    case .failed(let failure):
      #expect(failure.kind == kind)
    }
  }

  @Test func mutatedWordsDoNotTrap() async throws {
    var generator = SeededGenerator(seed: 11)
    for error in try RecordedError.all() where error.exit_code == 1 {
      await Task.yield()
      for _ in 0..<3 {
        let tail = Array(error.stderr.utf8.suffix(600))
        let text = String(decoding: mutated(tail, &generator), as: UTF8.self)
        let failure = KubectlCause.failure("-", status: .exited(1), errors: text)
        #expect(failure?.why?.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" } == false)
      }
    }
  }
}
