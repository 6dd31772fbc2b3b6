import Base
import Foundation
@testable import Packets
import Testing

/// Names and counters in what a sink writes.
@Suite(.timeLimit(.minutes(2))) struct StreamNamesTests {
  static let interface = PumpTests.interface
  let table = NameTableTests.table(300)

  /// Pumps streams into one pipe, each as an interface of its own, and reads what comes out.
  func piped(
    _ sources: [[[UInt8]]], meters: [PumpMeter], limits: PumpLimits = PumpLimits(),
    _ prepare: (Sink) -> Void
  ) async throws -> [UInt8] {
    ignoreBrokenPipes()
    let pipe = try Base.Pipe()
    let sink = Sink(pipe.writer, name: "pipe")
    prepare(sink)
    let bell = try Bell()
    async let bytes = drain(pipe.reader)
    #expect(try sink.begin(PcapngSection(application: "test"), stop: bell) == .written)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for (source, meter) in zip(sources, meters) {
        group.addTask {
          _ = try await pump(
            from: try feed(source, pause: .microseconds(20)).reader, to: sink,
            as: .pcapng(Self.interface), limits: limits, meter: meter, stop: bell)
        }
      }
      try await group.waitForAll()
    }
    try sink.finish()
    pipe.writer.close()
    return await bytes
  }

  @Test func everyPartOfAStreamHasNames() async throws {
    var random = SeededGenerator(51)
    for longest in [40, 3000, 300_000] {
      let streams = (0..<4).map { number in
        stream(packets: 4000, length: 64 + 300 * number).cut(&random, longest: longest)
          .prefix(longest == 40 ? 4000 : .max)
      }
      let meters = streams.map { _ in PumpMeter() }
      let bytes = try await piped(streams.map(Array.init), meters: meters) { $0.setNames(table) }
      let blocks = try BlockReader.blocks(bytes)
      #expect(blocks.count { $0.type == 6 } == meters.map(\.packets).reduce(0, +))
      #expect(blocks.first { $0.type == 4 || $0.type == 6 }?.type == 4)
      #expect(Set(blocks.flatMap(\.names)).count == table.count)
      var since = 0
      for block in blocks {
        since = block.type == 4 ? 0 : since + block.body.count + 12
        #expect(since <= NameFlow.nearPeriod + 4 * 200)
      }
      #expect(blocks.filter { $0.type == 4 }.dropFirst().allSatisfy { $0.body.count <= 1024 })
    }
  }

  @Test func dumpcapsRingHasNamesInEveryFile() async throws {
    let scratch = try Scratch()
    let bytes = try await piped([[stream(packets: 8000, length: 500)]], meters: [PumpMeter()]) {
      $0.setNames(table)
    }
    let input = try scratch.file("in.pcapng", bytes)
    let answer = try run(
      "sh",
      [
        "-c", "cat \"$1\" | dumpcap -q -i - -b filesize:100 -w \"$2\"", "sh", input,
        scratch.path + "/out.pcapng",
      ])
    #expect(answer.status == 0, "\(answer.errors)")
    let files = try scratch.names().filter { $0.hasPrefix("out_") }
    #expect(files.count > 30)
    for file in files {
      let blocks = try BlockReader.blocks(contents(scratch.path + "/" + file))
      #expect(blocks.flatMap(\.names).contains { $0.name == "pod-1.shop" }, "\(file)")
    }
  }

  @Test func aNewNameIsForLaterPackets() async throws {
    let renamed = NameTable(
      [AddressName("198.51.100.2", "after.shop")].compactMap(\.self) + table.names)
    let first = NameTable(
      [AddressName("198.51.100.2", "before.shop")].compactMap(\.self) + table.names)
    let scratch = try Scratch()
    let path = scratch.path + "/x.pcapng"
    let sink = try Sink(file: path)
    let bell = try Bell()
    sink.setNames(first)
    _ = try sink.begin(PcapngSection(application: "test"), stop: bell)
    let source = try Base.Pipe()
    let meter = PumpMeter()
    async let end = pump(
      from: source.reader, to: sink, as: .pcapng(Self.interface), meter: meter, stop: bell)
    let packets = stream(packets: 2)
    writeAll(Array(packets.prefix(24 + 80)), to: source.writer)
    while meter.packets < 1 { try await Task.sleep(for: .milliseconds(5)) }
    sink.setNames(renamed)
    writeAll(Array(packets.dropFirst(24 + 80)), to: source.writer)
    source.writer.close()
    #expect(try await end == .sourceEnded(complete: true))
    try sink.finish()
    #expect(try BlockReader.blocks(contents(path)).map(\.type) == [0x0A0D_0D0A, 1, 4, 6, 4, 4, 6])
    // Wireshark reads all names of a file before it shows it; the last one counts.
    let shark = try run(
      "tshark", ["-r", path, "-N", "n", "-T", "fields", "-e", "ip.dst_host", "-e", "ip.src"])
    #expect(shark.output.contains("\t198.51.100.1"))
    #expect(shark.output.contains("before.shop"))
  }

  @Test func aRingsFilesBeginWithNames() throws {
    let scratch = try Scratch()
    let sink = try Sink(ring: scratch.path + "/x.pcapng", files: 100, size: 100_000)
    let bell = try Bell()
    sink.setNames(table)
    _ = try sink.begin(PcapngSection(application: "test"), stop: bell)
    let builder = PcapBuilder()
    let header = try PcapHeader(builder.header)
    var block: [UInt8] = []
    PcapngWriter.append(Self.interface, of: header, to: &block)
    _ = try sink.addInterface(block, stop: bell)
    var batch = RecordBatch(header, interface: 0)
    let records = (0..<400).flatMap { builder.record(frame($0, length: 1000)) }
    _ = batch.take(records.span.bytes, packets: .max, room: .max, names: sink.repeatedNames)
    for _ in 0..<3 {
      _ = try sink.write(batch.buffer.span.bytes.extracting(first: batch.length), stop: bell)
    }
    try sink.finish()
    let files = try scratch.names()
    #expect(files.count > 10)
    for file in files {
      let bytes = try contents(scratch.path + "/" + file)
      #expect(bytes.count <= 100_000)
      let blocks = try BlockReader.blocks(bytes)
      #expect(Set(blocks.flatMap(\.names)).count == table.count, "\(file)")
      #expect(blocks.contains { $0.type == 6 })
    }
  }

  @Test(arguments: [200, 5000, 50_000, 200_000]) func namesKeepToTheLimit(
    _ limit: Int
  ) async throws {
    let bytes = try await piped(
      [[stream(packets: 5000)]], meters: [PumpMeter()], limits: PumpLimits(bytes: limit)
    ) { $0.setNames(table) }
    #expect(bytes.count <= limit)
    #expect(try BlockReader.blocks(bytes).contains { $0.type == 6 })
  }

  @Test func classicPcapHasNone() async throws {
    let scratch = try Scratch()
    let sink = try Sink(file: scratch.path + "/x.pcap")
    sink.setNames(table)
    let bytes = stream(packets: 100)
    let meter = PumpMeter()
    meter.mark("nothing of this fits")
    meter.note(PcapngStatistics(end: WallTime(nanoseconds: 1)))
    _ = try await pump(
      from: try feed([bytes]).reader, to: sink, as: .pcap, meter: meter, stop: Bell())
    try sink.finish()
    #expect(try contents(scratch.path + "/x.pcap") == bytes)
  }

  @Test func packetsWaitAMomentForNames() async throws {
    let found = try Bell()
    let table = table
    let bytes = try await piped([[stream(packets: 10)]], meters: [PumpMeter()]) { sink in
      sink.expectNames(found)
      Task {
        try await Task.sleep(for: .milliseconds(100))
        sink.setNames(table)
        found.ring()
      }
    }
    let types = try BlockReader.blocks(bytes).map(\.type)
    #expect(types.prefix(4) == [0x0A0D_0D0A, 1, 4, 6])
    // And not for ever.
    let without = try await piped([[stream(packets: 10)]], meters: [PumpMeter()]) {
      $0.expectNames(found)
    }
    #expect(try BlockReader.blocks(without).count == 12)
  }

  @Test func countersAndRemarksAreInTheStream() async throws {
    let scratch = try Scratch()
    let path = scratch.path + "/x.pcapng"
    let sink = try Sink(file: path)
    let (bell, meter, source) = (try Bell(), PumpMeter(), try Base.Pipe())
    _ = try sink.begin(PcapngSection(application: "test"), stop: bell)
    meter.mark("not captured for 3 s")
    async let end = pump(
      from: source.reader, to: sink, as: .pcapng(Self.interface), meter: meter, stop: bell)
    let packets = stream(packets: 2)
    writeAll(Array(packets.prefix(24 + 80)), to: source.writer)
    while meter.packets < 1 { try await Task.sleep(for: .milliseconds(5)) }
    meter.note(drops: 7)
    let before = sink.bytesWritten
    meter.note(PcapngStatistics(end: WallTime(nanoseconds: 1), droppedByInterface: 7))
    // Although no packet comes.
    while sink.bytesWritten == before { try await Task.sleep(for: .milliseconds(20)) }
    writeAll(Array(packets.dropFirst(24 + 80)), to: source.writer)
    source.writer.close()
    #expect(try await end == .sourceEnded(complete: true))
    try sink.finish()
    let blocks = try BlockReader.blocks(contents(path))
    #expect(blocks.map(\.type) == [0x0A0D_0D0A, 1, 6, 5, 6])
    #expect(blocks[2].texts(1) == ["not captured for 3 s"])
    #expect(blocks[3].number(5) == 7)
    #expect(blocks[4].texts(1) == ["7 packets were lost before this one (kernel)"])
    let shark = try run("tshark", ["-r", path, "-T", "fields", "-e", "frame.comment"])
    #expect(shark.output.contains("7 packets were lost before this one (kernel)"))
  }
}
