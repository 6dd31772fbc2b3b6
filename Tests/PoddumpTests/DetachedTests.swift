import Base
import Foundation
import TestSupport
import Testing

@testable import poddump

@Suite struct DetachedTests {
  /// A shell that writes its own status to a file, then waits to be ended.
  private static func start(_ scratch: Scratch, input: OwnedFD? = nil) async throws -> [String] {
    let script =
      "cat /proc/self/status >\"$0/s\"; cut -d' ' -f1,6 /proc/$$/stat >>\"$0/s\";"
      + " cat >\"$0/in\"; ls -l /proc/$$/fd >\"$0/fds\"; mv \"$0/s\" \"$0/status\""
    try startDetached("/bin/sh", ["-c", script, scratch.path], input: input)
    let path = scratch.path + "/status"
    #expect(try await eventually { FileManager.default.fileExists(atPath: path) })
    return String(decoding: try contents(path), as: UTF8.self).split(separator: "\n").map(
      String.init)
  }

  @Test func hasASessionOfItsOwnAndHearsEverySignal() async throws {
    signal(SIGPIPE, SIG_IGN)
    let scratch = try Scratch()
    let lines = try await Self.start(scratch)
    let ids = try #require(lines.last).split(separator: " ")
    #expect(ids.first == ids.last)  // it leads its session
    for set in ["SigBlk:", "SigIgn:"] {
      let line = try #require(lines.first { $0.hasPrefix(set) })
      let bits = try #require(line.split(separator: "\t").last.flatMap { UInt64($0, radix: 16) })
      // 32 and 33 are the C library's own (nptl(7)).
      #expect(bits & ~0x1_8000_0000 == 0, "\(line)")
    }
    #expect(try contents(scratch.path + "/in") == [])
    #expect(
      String(decoding: try contents(scratch.path + "/fds"), as: UTF8.self).contains("/dev/null"))
  }

  @Test func readsTheInputItWasGiven() async throws {
    let scratch = try Scratch()
    let pipe = try Base.Pipe()
    _ = write(pipe.writer.raw, "packets", 7)
    let writer = pipe.writer
    async let lines = Self.start(scratch, input: pipe.reader)
    writer.close()
    _ = try await lines
    #expect(try contents(scratch.path + "/in") == Array("packets".utf8))
  }

  @Test func whatCannotBeStartedIsAFailure() {
    let failure = #expect(throws: Failure.self) { try startDetached("/no/such/program", []) }
    #expect(failure?.why == "The system says: No such file or directory.")
  }
}
