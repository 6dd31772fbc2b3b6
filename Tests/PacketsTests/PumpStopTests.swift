import Base
import Foundation
import Packets
import Testing

/// Readers that are slow or leave, bells, cancellation.
///
/// What must happen within a second on a quiet machine has ten here: tests run side by side, on
/// machines that do other work as well.
@Suite(.timeLimit(.minutes(2))) struct PumpStopTests {
  static let soon = Duration.seconds(10)

  /// A pipe as sink, and its ends.
  static func pipeSink() throws -> (sink: Sink, pipe: Base.Pipe) {
    let pipe = try Base.Pipe()
    return (Sink(pipe.writer, name: "the pipe"), pipe)
  }

  @Test func packetsDoNotWait() async throws {
    let (sink, out) = try Self.pipeSink()
    let source = try Base.Pipe()
    let bell = try Bell()
    async let end = pump(
      from: source.reader, to: sink, as: .pcap, meter: PumpMeter(), stop: bell)
    let builder = PcapBuilder()
    writeAll(builder.header, to: source.writer)
    #expect(await take(24, from: out.reader) == builder.header)
    for number in 0..<20 {
      let record = builder.record(frame(number))
      let start = ContinuousClock.now
      writeAll(record, to: source.writer)
      #expect(await take(record.count, from: out.reader) == record)
      #expect(ContinuousClock.now - start < Self.soon)
    }
    source.writer.close()
    #expect(try await end == .sourceEnded(complete: true))
  }

  @Test func aReaderThatLeavesAnIdleCaptureIsNoticed() async throws {
    let (sink, out) = try Self.pipeSink()
    let source = try feed([stream(packets: 1)], staysOpen: true)
    let bell = try Bell()
    async let end = pump(
      from: source.reader, to: sink, as: .pcap, meter: PumpMeter(), stop: bell)
    #expect(await take(24 + 80, from: out.reader).count == 24 + 80)
    let start = ContinuousClock.now
    out.reader.close()
    #expect(try await end == .readerClosed)
    #expect(ContinuousClock.now - start < Self.soon)
    try sink.finish([1, 2, 3])
    _ = source
  }

  @Test func aReaderThatLeavesABusyCaptureIsNoticed() async throws {
    let (sink, out) = try Self.pipeSink()
    let pieces =
      [stream(packets: 1)]
      + [[UInt8]](
        repeating: Array(stream(packets: 1000).dropFirst(24)), count: 200)
    let source = try feed(pieces)
    let bell = try Bell()
    async let end = pump(
      from: source.reader, to: sink, as: .pcap, meter: PumpMeter(), stop: bell)
    #expect(await take(100_000, from: out.reader).count == 100_000)
    out.reader.close()
    #expect(try await end == .readerClosed)
    try sink.finish()
  }

  @Test func aSlowReaderGetsEverything() async throws {
    let (sink, out) = try Self.pipeSink()
    let stream = stream(packets: 3000, length: 700)
    let source = try feed([stream])
    async let read = drain(out.reader, atMost: 32_768, pause: .milliseconds(2))
    let end = try await pump(
      from: source.reader, to: sink, as: .pcap, meter: PumpMeter(), stop: Bell())
    try sink.finish()
    out.writer.close()
    #expect(end == .sourceEnded(complete: true))
    #expect(await read == stream)
  }

  @Test func theBellEndsAnIdleCapture() async throws {
    let source = try Base.Pipe()
    let bell = try Bell()
    async let end = pump(
      from: source.reader, to: Sink(file: "/dev/null"), as: .pcap, meter: PumpMeter(), stop: bell)
    try await Task.sleep(for: .milliseconds(50))
    bell.ring()
    #expect(try await end == .stopped)
  }

  @Test func cancellationRingsTheBell() async throws {
    let source = try Base.Pipe()
    let bell = try Bell()
    let task = Task {
      try await pump(
        from: source.reader, to: Sink(file: "/dev/null"), as: .pcap, meter: PumpMeter(),
        stop: bell)
    }
    try await Task.sleep(for: .milliseconds(50))
    task.cancel()
    #expect(try await task.value == .stopped)
    #expect(bell.isRung)
  }

  @Test func theBellEndsAWaitForAReaderThatTakesNothing() async throws {
    let (sink, out) = try Self.pipeSink()
    // More than the pipe of 1 MiB takes.
    let stream = stream(packets: 3000, length: 1400)
    let source = try feed([stream])
    let (meter, bell) = (PumpMeter(), try Bell())
    async let pumping = pump(
      from: source.reader, to: sink, as: .pcap, meter: meter, stop: bell)
    try await waitUntilBlocked(meter)
    let start = ContinuousClock.now
    bell.ring()
    #expect(try await pumping == .stopped)
    // The stream stands within a record: a trailer now would be taken for packets.
    try sink.finish([0xAA, 0xAA, 0xAA, 0xAA])
    #expect(ContinuousClock.now - start < Self.soon)
    out.writer.close()
    let read = await drain(out.reader)
    #expect(stream.starts(with: read))
    #expect(read.count > 100_000)
    #expect(meter.packets == (read.count - 24) / 1416)
  }

  @Test func aReaderThatGoesOnAfterTheBellGetsWholeBlocksAndTheTrailer() async throws {
    for _ in 0..<5 {
      let (sink, out) = try Self.pipeSink()
      let (meter, bell) = (PumpMeter(), try Bell())
      _ = try sink.begin(PcapngSection(application: "test"), stop: bell)
      let source = try feed([stream(packets: 3000, length: 1400)])
      async let pumping = pump(
        from: source.reader, to: sink, as: .pcapng(PcapngInterface(name: "x")), meter: meter,
        stop: bell)
      try await waitUntilBlocked(meter)
      async let reading = drain(out.reader) { bell.ring() }
      #expect(try await pumping == .stopped)
      var trailer: [UInt8] = []
      PcapngWriter.append(
        PcapngStatistics(end: .now, delivered: UInt64(meter.packets)), interface: 0,
        resolution: .microseconds, to: &trailer)
      try sink.finish(trailer)
      out.writer.close()
      let blocks = try BlockReader.blocks(await reading)
      #expect(blocks.last?.type == 5)
      #expect(blocks.count { $0.type == 6 } == meter.packets)
      #expect(meter.packets > 100)
      #expect(meter.packets < 3000)
    }
  }

  @Test func aRunningBellDoesNotLoseWhatFits() async throws {
    let (sink, out) = try Self.pipeSink()
    let bell = try Bell()
    bell.ring()
    let end = try await pump(
      from: feed([stream(packets: 1)]).reader, to: sink, as: .pcap, meter: PumpMeter(), stop: bell)
    #expect(end == .stopped)
    _ = out
  }
}
