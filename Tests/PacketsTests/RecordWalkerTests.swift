import Base
import Packets
import Testing

@Suite struct RecordWalkerTests {
  struct Walked: Equatable {
    var packets: [[UInt8]] = []
    var times: [UInt64] = []
    var rest = 0
    var isJunk = false
  }

  /// Walks over a stream handed in piece by piece, as the pump does.
  static func walk(_ builder: PcapBuilder, _ pieces: [[UInt8]]) throws -> Walked {
    var walker = RecordWalker(try PcapHeader(builder.header).layout)
    var result = Walked()
    var kept: [UInt8] = []
    pieces: for piece in pieces {
      kept += piece
      var offset = 0
      steps: while true {
        switch walker.look(at: offset, in: kept.span.bytes) {
        case .record(let record):
          result.packets.append(Array(kept[record.data]))
          result.times.append(UInt64(record.seconds) << 32 | UInt64(record.fraction))
          offset = record.data.upperBound
          walker.pass()
        case .cut: break steps
        case .junk:
          result.isJunk = true
          result.rest = kept.count - offset
          break pieces
        }
      }
      kept.removeFirst(offset)
      result.rest = kept.count
    }
    #expect(walker.packets == result.packets.count)
    return result
  }

  @Test(arguments: PcapHeaderTests.variants) func piecesAreTheWhole(_ builder: PcapBuilder) throws {
    var random = SeededGenerator(11)
    let lengths = (0..<200).map { _ in Int.random(in: 0...90, using: &random) }
    let packets = lengths.map { length in
      (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
    }
    let stream = packets.enumerated().flatMap { number, data in
      builder.record(data, seconds: UInt32(number) << 24 | 7, fraction: UInt32(number))
    }
    let whole = try Self.walk(builder, [stream])
    #expect(whole.packets == packets)
    #expect(whole.times == (0..<200).map { $0 << 56 | 7 << 32 | $0 })
    #expect(whole.rest == 0)
    for _ in 0..<20 { #expect(try Self.walk(builder, stream.cut(&random)) == whole) }
    // Every place at which a stream can break off.
    let short = Array(stream.prefix(400))
    for length in 0...short.count {
      let cut = try Self.walk(builder, [Array(short.prefix(length))])
      let used = cut.packets.reduce(0) { $0 + $1.count + (builder.isPatched ? 24 : 16) }
      #expect(used + cut.rest == length)
    }
  }

  @Test(arguments: [262_145, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, 0x0400_0100] as [UInt32])
  func hostileLengthsAreJunk(_ length: UInt32) throws {
    for builder in PcapHeaderTests.variants {
      let stream = builder.record(frame(1)) + builder.record(frame(2), captured: length)
      let walked = try Self.walk(builder, [stream])
      #expect(walked.packets == [frame(1)])
      #expect(walked.isJunk)
    }
  }

  @Test func theLongestPacketIsNone() throws {
    let data = [UInt8](repeating: 0x55, count: RecordLayout.maximumLength)
    let walked = try Self.walk(PcapBuilder(), [PcapBuilder().record(data)])
    #expect(walked.packets == [data])
  }

  @Test func junkIsShown() throws {
    let builder = PcapBuilder()
    let text = "\u{1B}[31mclient_loop: send disconnect: Broken pipe\n"
    let bytes = builder.record(frame(1)) + Array(text.utf8)
    var walker = RecordWalker(try PcapHeader(builder.header).layout)
    let offset = builder.record(frame(1)).count
    walker.pass()
    #expect(walker.look(at: offset, in: bytes.span.bytes) == .junk)
    let failure = walker.junk(at: offset, in: bytes.span.bytes)
    #expect(failure.kind == .other)
    #expect(failure.what == "The packet stream is broken after packet 1.")
    #expect(failure.detail?.contains("client_loop: send disconnect: Broken pipe") == true)
    #expect(failure.detail?.contains("\u{1B}") == false)
  }

  @Test func fuzz() throws {
    var random = SeededGenerator(12)
    let end = ContinuousClock.now + .seconds(1)
    while ContinuousClock.now < end {
      let builder = PcapHeaderTests.variants.randomElement(using: &random) ?? PcapBuilder()
      var stream = (0..<6).flatMap { builder.record(frame($0, length: 46)) }
      for _ in 0..<Int.random(in: 0...4, using: &random) {
        let place = Int.random(in: 0..<stream.count, using: &random)
        stream[place] = UInt8.random(in: 0...255, using: &random)
      }
      let whole = try Self.walk(builder, [stream])
      let pieces = try Self.walk(builder, stream.cut(&random))
      #expect(whole.packets == pieces.packets)
      #expect(whole.isJunk == pieces.isJunk)
      if !whole.isJunk { #expect(whole == pieces) }
    }
  }
}
