/// Turns the whole records among the bytes of one read into what is written for them: the same bytes,
/// or packet blocks of pcapng in a buffer that is kept.
struct RecordBatch: Sendable {
  /// How far a batch went.
  struct Walk: Sendable, Equatable {
    enum End: Sendable, Equatable {
      /// The next record is not whole yet.
      case cut
      /// A limit does not let the next record through.
      case limit
      /// No record follows.
      case junk
    }

    var packets = 0
    var consumed = 0
    var end = End.cut
  }

  private(set) var walker: RecordWalker
  private let resolution: TimestampResolution
  /// The number of the pcapng interface; nil passes records on untouched.
  let interface: UInt32?
  /// The packet blocks of the batch that was taken last; empty where records pass untouched.
  private(set) var blocks: [UInt8] = []

  /// - Parameters:
  ///   - header: The header of the stream.
  ///   - interface: The number its packets get in pcapng; nil passes records on untouched.
  init(_ header: PcapHeader, interface: UInt32?) {
    walker = RecordWalker(header.layout)
    resolution = header.resolution
    self.interface = interface
  }

  /// Walks over the whole records from the start of `bytes`, and converts them where that is asked.
  ///
  /// - Parameters:
  ///   - bytes: The records.
  ///   - limit: The most packets of the whole stream, those of earlier batches included.
  ///   - room: The most bytes that may be written.
  /// - Returns: How far it came, and why no further.
  mutating func take(_ bytes: RawSpan, packets limit: Int, room: Int) -> Walk {
    blocks.removeAll(keepingCapacity: true)
    var walk = Walk()
    var length = 0
    while true {
      // Said as soon as it is so, not when another packet comes.
      guard walker.packets < limit else {
        walk.end = .limit
        break
      }
      guard case .record(let record) = walker.look(at: walk.consumed, in: bytes) else { break }
      if let interface {
        length += PcapngWriter.packetBlockLength(record.data.count)
        guard length <= room else {
          walk.end = .limit
          return walk
        }
        PcapngWriter.append(
          record, of: bytes, interface: interface, resolution: resolution, to: &blocks)
      } else if record.data.upperBound > room {
        walk.end = .limit
        return walk
      }
      walk.consumed = record.data.upperBound
      walk.packets += 1
      walker.pass()
    }
    if walk.end == .cut, walker.look(at: walk.consumed, in: bytes) == .junk { walk.end = .junk }
    return walk
  }
}
