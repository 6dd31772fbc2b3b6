import Base
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import poddump

@Suite struct FIFOTests {
  private static func makeFIFO(_ scratch: Scratch) throws -> String {
    let path = scratch.path + "/fifo"
    try #require(mkfifo(path, 0o600) == 0)
    return path
  }

  @Test func aReaderThatIsThereIsServedAtOnce() async throws {
    let scratch = try Scratch()
    let path = try Self.makeFIFO(scratch)
    let reader = open(path, O_RDONLY | O_NONBLOCK)
    defer { close(reader) }
    let descriptor = try #require(try openFIFO(path, until: { false }))
    #expect(write(descriptor.raw, "x", 1) == 1)
  }

  @Test func aReaderThatComesLaterIsWaitedFor() async throws {
    let scratch = try Scratch()
    let path = try Self.makeFIFO(scratch)
    let waited = Atomic<Int>(0)
    let descriptor = try await blocking {
      var reader: Int32 = -1
      defer { if reader >= 0 { close(reader) } }
      return try openFIFO(path) {
        if waited.add(1, ordering: .relaxed).newValue == 10 {
          reader = open(path, O_RDONLY | O_NONBLOCK)
        }
        return false
      }
    }
    #expect(descriptor != nil)
    #expect(waited.load(ordering: .relaxed) >= 10)
  }

  @Test func whoeverGivesUpGetsNone() async throws {
    let scratch = try Scratch()
    let path = try Self.makeFIFO(scratch)
    let asked = Atomic<Int>(0)
    let descriptor = try await blocking {
      try openFIFO(path) { asked.add(1, ordering: .relaxed).newValue > 5 }
    }
    #expect(descriptor == nil)
    #expect(try openFIFO(path, until: { true }) == nil)
  }

  @Test func aFIFOThatIsNotThereIsNotMade() throws {
    let scratch = try Scratch()
    let failure = #expect(throws: Failure.self) {
      _ = try openFIFO(scratch.path + "/none", until: { false })
    }
    #expect(failure?.why == "The system says: No such file or directory.")
    #expect(try scratch.names() == [])
  }

  @Test func anotherSortOfFileIsRefusedAndLeftAsItIs() throws {
    let scratch = try Scratch()
    let file = try scratch.text("regular", "kept")
    for path in [file, "/dev/null"] {
      let failure = #expect(throws: Failure.self) { _ = try openFIFO(path, until: { false }) }
      #expect(failure?.why == "It is not a FIFO.")
    }
    let folder = #expect(throws: Failure.self) {
      _ = try openFIFO(scratch.path, until: { false })
    }
    #expect(folder?.kind == .other)
    #expect(try contents(file) == Array("kept".utf8))
  }
}
