@testable import Packets
import Testing

/// The fast loop says the same as the readable way.
@Suite struct RecordBatchTests {
  @Test(arguments: PcapHeaderTests.variants) func theLoopSaysWhatTheWriterSays(
    _ builder: PcapBuilder
  ) throws {
    var random = SeededGenerator(41)
    let header = try PcapHeader(builder.header)
    for _ in 0..<200 {
      var records: [UInt8] = []
      var expected: [UInt8] = []
      for _ in 0..<Int.random(in: 0...40, using: &random) {
        let length = [0, 1, 2, 3, 4, 60, 64, 1500].randomElement(using: &random) ?? 0
        let data = (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
        let record = builder.record(
          data, seconds: .random(in: 0 ... .max, using: &random),
          fraction: .random(in: 0..<1_000_000, using: &random),
          original: .random(in: 0 ... .max, using: &random))
        records += record
        guard
          case .record(let read) = RecordWalker(header.layout).look(at: 0, in: record.span.bytes)
        else { continue }
        PcapngWriter.append(
          read, of: record.span.bytes, interface: 7, resolution: header.resolution, to: &expected)
      }
      var batch = RecordBatch(header, interface: 7)
      let cut = Int.random(in: 0...30, using: &random)
      let bytes = records + builder.record(frame(1)).prefix(cut)
      let walk = batch.take(bytes.span.bytes, packets: .max, room: .max)
      #expect(walk.consumed == records.count)
      #expect(walk.end == .cut)
      #expect(Array(batch.buffer.prefix(batch.length)) == expected)
      #expect(batch.walker.packets == walk.packets)

      // A limit of bytes lets whole blocks through, as many as fit.
      let room = Int.random(in: 0...(expected.count + 10), using: &random)
      var limited = RecordBatch(header, interface: 7)
      let part = limited.take(bytes.span.bytes, packets: .max, room: room)
      #expect(limited.length <= room)
      #expect(
        Array(limited.buffer.prefix(limited.length)) == Array(expected.prefix(limited.length)))
      #expect(part.end == (limited.length == expected.count ? .cut : .limit))
    }
  }

  @Test func namesComeBetweenPackets() throws {
    let header = try PcapHeader(PcapBuilder().header)
    let table = NameTableTests.table(30)
    let names = RecordBatch.Names(block: table.near, generation: 3)
    for length in [0, 60, 1500, 40_000, 262_144] {
      let builder = PcapBuilder()
      let count = max(2, 500_000 / (length + 16))
      let records = (0..<count).flatMap { _ in
        builder.record([UInt8](repeating: 1, count: length))
      }
      var batch = RecordBatch(header, interface: 0)
      let walk = batch.take(records.span.bytes, packets: .max, room: .max, names: names)
      #expect(walk.packets == count)
      let blocks = try BlockReader.blocks(Array(batch.buffer.prefix(batch.length)))
      #expect(blocks.count { $0.type == 6 } == count)
      let noted = try #require(walk.names)
      #expect(noted.generation == 3)
      // Never more than the period without names, but for a single long packet.
      var (since, lead) = (0, -1)
      for block in blocks {
        let size = block.type == 6 ? block.body.count + 12 : 0
        if block.type == 4 {
          if lead < 0 { lead = since }
          since = 0
        } else {
          since += size
          #expect(since <= max(NameFlow.nearPeriod, size))
        }
      }
      #expect(noted.lead == lead)
      #expect(noted.tail == since)
    }
  }

  @Test func remarksGoToTheNextPacket() throws {
    let builder = PcapBuilder()
    let header = try PcapHeader(builder.header)
    let records = builder.record(frame(1)) + builder.record(frame(2))
    var batch = RecordBatch(header, interface: 0)
    batch.comments = ["12 packets were lost before this one (kernel)", "not captured for 3 s"]
    let walk = batch.take(records.span.bytes, packets: .max, room: .max)
    #expect(walk.packets == 2)
    let blocks = try BlockReader.blocks(Array(batch.buffer.prefix(batch.length)))
    #expect(
      blocks[0].texts(1) == [
        "12 packets were lost before this one (kernel)", "not captured for 3 s",
      ])
    #expect(blocks[0].packet == frame(1))
    #expect(blocks[1].options.isEmpty)
    #expect(batch.comments.isEmpty)
    // The longest packet gives way to them.
    batch.comments = [String(repeating: "x", count: 4096)]
    let long = builder.record([UInt8](repeating: 5, count: RecordLayout.maximumLength))
    _ = batch.take(long.span.bytes, packets: .max, room: .max)
    #expect(batch.length <= PcapngWriter.maximumBlockLength)
    #expect(try BlockReader.blocks(Array(batch.buffer.prefix(batch.length))).count == 1)
  }

  @Test func remarksAreBoundedAndAdded() {
    let meter = PumpMeter()
    #expect(meter.takeNotes() == nil)
    #expect(meter.drops == nil)
    #expect(!meter.note(drops: 0))
    #expect(meter.drops == 0)
    #expect(meter.takeNotes() == nil)
    #expect(meter.note(drops: 5))
    #expect(meter.note(drops: 12))
    #expect(!meter.note(drops: 12))
    for _ in 0..<100 { meter.mark("not captured for 3 s") }
    let notes = meter.takeNotes()
    #expect(notes?.remarks.count == 5)
    #expect(notes?.remarks.last == "12 packets were lost before this one (kernel)")
    #expect(meter.note(drops: 13))
    #expect(meter.takeNotes()?.remarks == ["1 packet was lost before this one (kernel)"])
    #expect(meter.takeNotes() == nil)
  }
}
