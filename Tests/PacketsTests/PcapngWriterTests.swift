import Base
import Foundation
import Packets
import Testing

@Suite struct PcapngWriterTests {
  static let section = PcapngSection(
    hardware: "x86_64", system: "Linux 6.1.0", application: "poddump 1.2.3",
    comments: ["Route exec.", "Größe: 3 µs"])
  static let interface = PcapngInterface(
    name: "shop/web/eth0", description: "shop/web · node1 · lab", filter: "tcp port 80",
    system: "Linux 5.15", comments: ["tcpdump -U -i eth0 -w -"])

  /// A file with one interface and the packets of a pcap stream.
  static func file(
    _ builder: PcapBuilder, _ records: [UInt8], section: PcapngSection = section,
    interface: PcapngInterface = interface, statistics: PcapngStatistics? = nil
  ) throws -> [UInt8] {
    var out: [UInt8] = []
    let header = try PcapHeader(builder.header)
    PcapngWriter.append(section, to: &out)
    PcapngWriter.append(interface, of: header, to: &out)
    let walker = RecordWalker(header.layout)
    var offset = 0
    while case .record(let record) = walker.look(at: offset, in: records.span.bytes) {
      PcapngWriter.append(
        record, of: records.span.bytes, interface: 0, resolution: header.resolution, to: &out)
      offset = record.data.upperBound
    }
    #expect(offset == records.count)
    if let statistics {
      PcapngWriter.append(statistics, interface: 0, resolution: header.resolution, to: &out)
    }
    return out
  }

  static let statistics = PcapngStatistics(
    start: WallTime(nanoseconds: 1_700_000_000_123_456_789),
    end: WallTime(nanoseconds: 1_700_000_009_987_654_321), received: 11, droppedByInterface: 5,
    acceptedByFilter: 10, droppedBySystem: 4, delivered: 3, comments: ["Cut: the pod has gone."])

  @Test func bytesAreAsRecorded() throws {
    let builder = PcapBuilder(isNano: true, linkType: 0x2400_0001)
    let records =
      builder.record(frame(1), seconds: 1_700_000_000, fraction: 999_999_999)
      + builder.record(frame(2, length: 61), seconds: 1_700_000_001, original: 1500)
    let bytes = try Self.file(builder, records, statistics: Self.statistics)
    let golden = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("Data/two-packets.pcapng")
    if ProcessInfo.processInfo.environment["RECORD_GOLDEN"] == "1" {
      try Data(bytes).write(to: golden)
      Issue.record("recorded anew")
    }
    #expect(bytes == Array(try Data(contentsOf: golden)))
  }

  @Test func blocksHoldWhatTheyShould() throws {
    let builder = PcapBuilder(isNano: true, linkType: 0x2400_0001)
    let records =
      builder.record(frame(1), seconds: 1_700_000_000, fraction: 999_999_999)
      + builder.record(frame(2, length: 61), seconds: 1_700_000_001, original: 1500)
    let blocks = try BlockReader.blocks(
      Self.file(builder, records, statistics: Self.statistics))
    #expect(blocks.map(\.type) == [0x0A0D_0D0A, 1, 6, 6, 5])

    #expect(blocks[0].word(0) == 0x1A2B_3C4D)
    #expect(blocks[0].word(4) == 1)
    #expect(blocks[0].body[8...].allSatisfy { $0 == 0xFF })
    #expect(blocks[0].options.map(\.code) == [2, 3, 4, 1, 1])
    #expect(blocks[0].texts(4) == ["poddump 1.2.3"])
    #expect(blocks[0].texts(1) == ["Route exec.", "Größe: 3 µs"])

    #expect(blocks[1].word(0) == 1)
    #expect(blocks[1].word(4) == 262_144)
    #expect(blocks[1].options.map(\.code) == [2, 3, 9, 11, 12, 13, 1])
    #expect(blocks[1].texts(2) == ["shop/web/eth0"])
    #expect(blocks[1].number(9) == 9)
    #expect(blocks[1].texts(11) == ["\0tcp port 80"])
    #expect(blocks[1].number(13) == 32)

    #expect(blocks[2].packet == frame(1))
    #expect(blocks[2].time == 1_700_000_000_999_999_999)
    #expect(blocks[3].packet == frame(2, length: 61))
    #expect(blocks[3].word(16) == 1500)

    #expect(blocks[4].word(0) == 0)
    #expect(blocks[4].options.map(\.code) == [2, 3, 4, 5, 6, 7, 8, 1])
    #expect((4...8).map { blocks[4].number($0) } == [11, 5, 10, 4, 3])
    let end: UInt64 = 1_700_000_009_987_654_321
    #expect(UInt64(blocks[4].word(4)) << 32 | UInt64(blocks[4].word(8)) == end)
  }

  @Test func microsecondsStayMicroseconds() throws {
    let builder = PcapBuilder()
    let blocks = try BlockReader.blocks(
      Self.file(
        builder, builder.record(frame(1), seconds: 4_294_967_295, fraction: 999_999),
        statistics: Self.statistics))
    #expect(blocks[1].number(9) == 6)
    #expect(blocks[2].time == 4_294_967_295_999_999)
    #expect(
      UInt64(blocks[3].word(4)) << 32 | UInt64(blocks[3].word(8)) == 1_700_000_009_987_654)
  }

  @Test func whatIsNotKnownIsLeftOut() throws {
    let blocks = try BlockReader.blocks(
      Self.file(
        PcapBuilder(), [], section: PcapngSection(application: ""),
        interface: PcapngInterface(name: ""),
        statistics: PcapngStatistics(end: WallTime(nanoseconds: 0))))
    #expect(blocks[0].options.isEmpty)
    #expect(blocks[1].options.map(\.code) == [9])
    #expect(blocks[2].options.map(\.code) == [3])
  }

  @Test func countersComeFromTcpdumpsWords() {
    let said = CaptureStatisticsTests.heard(
      "10 packets captured\n12 packets received by filter\n"
        + "3 packets dropped by kernel\n2 packets dropped by interface\n")
    let end = WallTime(nanoseconds: 5)
    #expect(
      PcapngStatistics(said, delivered: 9, end: end)
        == PcapngStatistics(
          end: end, received: 12, droppedByInterface: 5, acceptedByFilter: 12, droppedBySystem: 3,
          delivered: 9))
    // A tcpdump that was killed says nothing, which is not "no drops".
    let silent = PcapngStatistics(CaptureStatistics(), delivered: 9, end: end)
    #expect(silent == PcapngStatistics(end: end, delivered: 9))
  }

  static let hostile: [String: String] = [
    "control": "a\u{1B}[2J\0b\r\n", "long": String(repeating: "é", count: 100_000),
    "marks": "a" + String(repeating: "\u{301}", count: 100_000),
    "directions": "\u{202E}gpj.exe", "lines": "one\ntwo",
    "emoji": String(repeating: "👩‍👩‍👧‍👦", count: 3000),
  ]

  @Test(arguments: hostile.keys.sorted()) func textsAreMadeSafe(_ name: String) throws {
    let text = try #require(Self.hostile[name])
    let comments = [String](repeating: text, count: 1000)
    let bytes = try Self.file(
      PcapBuilder(), [],
      section: PcapngSection(
        hardware: text, system: text, application: text, comments: comments),
      interface: PcapngInterface(
        name: text, description: text, filter: text, system: text, comments: comments),
      statistics: PcapngStatistics(end: WallTime(nanoseconds: 0), comments: comments))
    let blocks = try BlockReader.blocks(bytes)
    #expect(blocks.count == 3)
    for option in blocks.flatMap(\.options) {
      #expect(option.value.count <= 4097)
      guard option.code != 9, option.code != 3 || option.value.count != 8 else { continue }
      let value = option.code == 11 ? Array(option.value.dropFirst()) : option.value
      #expect(!value.isEmpty)
      let read = try #require(String(validating: value, as: UTF8.self))
      for scalar in read.unicodeScalars {
        #expect(
          scalar.properties.generalCategory != .control || (scalar == "\n" && option.code == 1))
        #expect(scalar != "\u{202E}")
      }
    }
  }

  @Test func packetsOfEveryLengthFit() throws {
    let builder = PcapBuilder()
    let most = PcapngWriter.maximumBlockLength - PcapngWriter.packetOverhead
    for length in [0, 1, 2, 3, 4, 5, most - 1, most, most + 1, RecordLayout.maximumLength] {
      let data = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 7) }
      let bytes = try Self.file(builder, builder.record(data))
      let block = try #require(BlockReader.blocks(bytes).last)
      #expect(block.packet == Array(data.prefix(most)))
      #expect(block.word(16) == UInt32(length))
    }
  }

  @Test func dumpcapPassesItOnByteForByte() throws {
    let scratch = try Scratch()
    let builder = PcapBuilder()
    let long = [UInt8](repeating: 0x5A, count: RecordLayout.maximumLength)
    let records =
      builder.record(frame(1)) + builder.record(long) + builder.record(frame(2), original: 1)
    let bytes = try Self.file(builder, records, statistics: Self.statistics)
    let input = try scratch.file("in.pcapng", bytes)
    let output = scratch.path + "/out.pcapng"
    let answer = try run(
      "sh", ["-c", "cat \"$1\" | dumpcap -q -i - -w \"$2\"", "sh", input, output])
    #expect(answer.status == 0, "\(answer.errors)")
    #expect(try contents(output) == bytes)
  }
}
