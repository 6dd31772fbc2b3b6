import Base
import Packets
import Testing

@Suite struct PcapHeaderTests {
  static let variants = [
    PcapBuilder(), PcapBuilder(isBigEndian: true), PcapBuilder(isNano: true),
    PcapBuilder(isBigEndian: true, isNano: true), PcapBuilder(isPatched: true),
    PcapBuilder(isBigEndian: true, isPatched: true),
  ]

  @Test(arguments: variants) func everyVariantIsRead(_ builder: PcapBuilder) throws {
    var builder = builder
    builder.snapLength = 96
    builder.linkType = 276
    let header = try PcapHeader(builder.header)
    #expect(header.bytes == builder.header)
    #expect(header.linkType == .linuxCooked2)
    #expect(header.fileLinkType == 276)
    #expect(header.snapLength == 96)
    #expect(header.resolution == (builder.isNano ? .nanoseconds : .microseconds))
    #expect(header.frameCheckBits == nil)
    // The tests' machine is little-endian, as all that Swift supports.
    #expect(header.layout.isSwapped == builder.isBigEndian)
    #expect(header.layout.headerLength == (builder.isPatched ? 24 : 16))
  }

  @Test(arguments: [
    (0 as UInt32, 262_144), (1, 1), (65_535, 65_535), (0x8000_0000, 262_144), (.max, 262_144),
  ]) func snapLengthsAreCapped(_ written: UInt32, _ read: Int) throws {
    #expect(try PcapHeader(PcapBuilder(snapLength: written).header).snapLength == read)
  }

  @Test func theLinkTypeInTheFileIsNotTheSystems() throws {
    // LINKTYPE_RAW is 101 in files; DLT_RAW is 12 on Linux.
    let header = try PcapHeader(PcapBuilder(linkType: 101).header)
    #expect(header.fileLinkType == 101)
    #expect(header.linkType.name == "RAW")
  }

  @Test func theFrameCheckSequenceIsKept() throws {
    let header = try PcapHeader(PcapBuilder(linkType: 0x2400_0001).header)
    #expect(header.linkType == .ethernet)
    #expect(header.fileLinkType == 1)
    #expect(header.frameCheckBits == 32)
  }

  @Test(arguments: [
    [], Array("hello, hello, hello, hello".utf8), [UInt8](repeating: 0, count: 24),
    Array(PcapBuilder().header.dropLast()), PcapBuilder().header + [0],
    PcapBuilder(linkType: 0x0001_0001).header, PcapBuilder(linkType: 0x03FF_FFFF).header,
    PcapBuilder(minorVersion: 3).header, PcapBuilder(minorVersion: 999).header,
    [0x0A, 0x0D, 0x0D, 0x0A] + [UInt8](repeating: 0, count: 20),
  ]) func whatIsNoneIsRefused(_ bytes: [UInt8]) {
    #expect(throws: Failure.self) { try PcapHeader(bytes) }
  }

  @Test func fuzz() throws {
    var random = SeededGenerator(1)
    var read = 0
    let end = ContinuousClock.now + .milliseconds(500)
    while ContinuousClock.now < end {
      var bytes = Self.variants.randomElement(using: &random)?.header ?? []
      for _ in 0..<Int.random(in: 0...3, using: &random) {
        bytes[Int.random(in: 4..<24, using: &random)] = UInt8.random(in: 0...255, using: &random)
      }
      guard let header = try? PcapHeader(bytes) else { continue }
      read += 1
      #expect((1...RecordLayout.maximumLength).contains(header.snapLength))
    }
    #expect(read > 0)
  }
}
