import Base
import Foundation
import Packets
import TestSupport
import Testing

@testable import Broker

@Suite(.ownThreads) struct FarEndMessagesTests {
  private static func taken(_ text: String) -> FarEndMessages {
    let messages = FarEndMessages()
    messages.take(Array(text.utf8)[...])
    return messages
  }

  @Test func answersToHeartbeatsAreNoMessages() {
    let messages = Self.taken("poddump: alive\npoddump: alive\nsh: oops\npoddump: alive\n")
    #expect(messages.text == "sh: oops")
  }

  @Test func countersAreRead() {
    let messages = Self.taken(
      "tcpdump: listening on eth0, link-type EN10MB (Ethernet), snapshot length 65535 bytes\n"
        + "poddump: alive\n3 packets captured\n5 packets received by filter\n2 packets dropped by kernel\n"
    )
    #expect(messages.statistics.captured == 3)
    #expect(messages.statistics.receivedByFilter == 5)
    #expect(messages.statistics.droppedByKernel == 2)
    #expect(messages.statistics.listening?.interface == "eth0")
    #expect(messages.text == "")
  }

  @Test func piecesMayBeCutAnywhere() {
    var random = SeededGenerator(3)
    let text =
      "poddump: alive\nsh: no\n7 packets captured\npoddump: alive\n9 packets received by filter\n"
    let bytes = Array(text.utf8)
    for _ in 0..<300 {
      let messages = FarEndMessages()
      var start = 0
      while start < bytes.count {
        let end = min(bytes.count, start + Int.random(in: 1...12, using: &random))
        messages.take(bytes[start..<end])
        start = end
      }
      #expect(messages.text == "sh: no")
      #expect(messages.statistics.captured == 7 && messages.statistics.receivedByFilter == 9)
    }
  }

  @Test func aFloodStaysBoundedAndPrintable() {
    let messages = FarEndMessages()
    let line = Array(("\u{1b}[2J" + String(repeating: "x", count: 3000) + "\n").utf8)
    for _ in 0..<500 { messages.take(line[...]) }
    messages.take(Array(repeating: UInt8(ascii: "y"), count: 1 << 20)[...])  // no line at all
    #expect(messages.statistics.messages.count <= CaptureStatistics.maximumMessages)
    #expect(messages.statistics.omittedMessages > 0)
    #expect(messages.text.utf8.count < 64 << 10)
    #expect(!messages.text.contains("\u{1b}"))
  }

  @Test func readsUntilTheEndAndTakesTheLastLine() async throws {
    let pipe = try Base.Pipe()
    let messages = FarEndMessages()
    let bell = try Bell()
    _ = write(pipe.writer.raw, "one\ntwo", 7)
    pipe.writer.close()
    try await blocking { try messages.read(from: pipe.reader, stop: bell) }
    #expect(messages.text == "one\ntwo")
  }

  @Test func theBellEndsTheReading() async throws {
    let pipe = try Base.Pipe()
    let messages = FarEndMessages()
    let bell = try Bell()
    _ = write(pipe.writer.raw, "last words", 10)
    bell.ring()
    try await blocking { try messages.read(from: pipe.reader, stop: bell) }
    #expect(messages.text == "last words")
    #expect(messages.silence < .seconds(60))
    _ = pipe.writer.raw
  }
}

@Suite(.ownThreads) struct FarEndInputTests {
  private static let brokenPipesAreIgnored: Bool = {
    ignoreBrokenPipes()
    return true
  }()

  @Test func beatsUntilItIsEnded() async throws {
    let pipe = try Base.Pipe()
    let input = FarEndInput(pipe.writer)
    input.beat()
    input.beat()
    input.end()
    input.beat()
    input.end()
    let text = try await blocking {
      var buffer = [UInt8](repeating: 0, count: 100)
      let count = read(pipe.reader.raw, &buffer, buffer.count)
      let rest = read(pipe.reader.raw, &buffer, buffer.count)
      return (count, rest)
    }
    #expect(text == (2, 0))
  }

  @Test func aFullPipeAndAFarEndThatIsGoneHoldNobodyUp() async throws {
    #expect(Self.brokenPipesAreIgnored)
    let full = try Base.Pipe()
    let input = FarEndInput(full.writer)
    try await blocking { for _ in 0..<200_000 { input.beat() } }
    let gone = try Base.Pipe()
    gone.reader.close()
    FarEndInput(gone.writer).beat()
    withExtendedLifetime(full) {}
  }

  @Test func keepsBeatingUntilCancelled() async throws {
    let pipe = try Base.Pipe()
    let input = FarEndInput(pipe.writer)
    let task = Task { await input.keepBeating(every: .milliseconds(5)) }
    let count = try await blocking {
      var buffer = [UInt8](repeating: 0, count: 1)
      return (0..<5).reduce(0) { sum, _ in sum + read(pipe.reader.raw, &buffer, 1) }
    }
    #expect(count == 5)
    task.cancel()
    await task.value
  }
}

@Suite struct DrainTests {
  @Test func readsToTheEnd() async throws {
    let pipe = try Base.Pipe()
    let bell = try Bell()
    let draining = Task { try await blocking { drain(pipe.reader, stop: bell) } }
    try await blocking {
      let zeros = [UInt8](repeating: 0, count: 1 << 20)
      var sent = 0
      while sent < 4 << 20 { sent += max(0, write(pipe.writer.raw, zeros, zeros.count)) }
      pipe.writer.close()
    }
    try await draining.value
  }

  @Test func theBellEndsIt() async throws {
    let pipe = try Base.Pipe()
    let bell = try Bell()
    bell.ring()
    try await blocking { drain(pipe.reader, stop: bell) }
    withExtendedLifetime(pipe) {}
  }
}
