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
    /// The names among the blocks; nil where there are none.
    var names: BatchNames?
  }

  /// Names to be written again and again among the packets.
  struct Names: Sendable {
    var block: [UInt8] = []
    var generation = 0
  }

  private(set) var walker: RecordWalker
  private let resolution: TimestampResolution
  /// The number of the pcapng interface; nil passes records on untouched.
  let interface: UInt32?
  /// Remarks for the next packet; they do not fit into classic pcap.
  var comments: [String] = []
  /// The packet blocks of the batch that was taken last are its first `length` bytes.
  private(set) var buffer: [UInt8] = []
  /// The bytes of the packet blocks; 0 where records pass untouched.
  private(set) var length = 0

  /// - Parameters:
  ///   - header: The header of the stream.
  ///   - interface: The number its packets get in pcapng; nil passes records on untouched.
  init(_ header: PcapHeader, interface: UInt32?) {
    walker = RecordWalker(header.layout)
    resolution = header.resolution
    self.interface = interface
  }

  /// Goes back to where a batch began, since it is not to be written as it is.
  mutating func rewind(to start: RecordWalker, comments: [String]) {
    walker = start
    self.comments = comments
  }

  /// Walks over the whole records from the start of `bytes`, and converts them where that is asked.
  ///
  /// - Parameters:
  ///   - bytes: The records.
  ///   - limit: The most packets.
  ///   - room: The most bytes that may be written.
  ///   - names: What is repeated among the blocks of pcapng.
  /// - Returns: How far it came, and why no further.
  mutating func take(
    _ bytes: RawSpan, packets limit: Int, room: Int, names: Names = Names()
  ) -> Walk {
    length = 0
    guard let interface else { return pass(bytes, packets: limit, room: room) }
    reserve(bytes.byteCount)
    var loop = ConvertLoop(
      layout: walker.layout, unitsPerSecond: resolution.unitsPerSecond, interface: interface,
      limit: limit, room: room, names: names)
    takeRemarkable(bytes, &loop)
    if loop.walk.end == .cut {
      buffer.withUnsafeMutableBytes { out in
        bytes.withUnsafeBytes { loop.run(over: $0, into: out) }
      }
    }
    length = loop.written
    walker.pass(loop.walk.packets)
    return loop.finished()
  }

  /// Writes the first packet where there are remarks for it.
  private mutating func takeRemarkable(_ bytes: RawSpan, _ loop: inout ConvertLoop) {
    guard !comments.isEmpty, let interface, loop.limit > 0,
      case .record(let record) = walker.look(at: 0, in: bytes)
    else { return }
    var block: [UInt8] = []
    PcapngWriter.append(
      record, of: bytes, interface: interface, resolution: resolution, comments: comments,
      to: &block)
    guard block.count <= loop.room else {
      loop.walk.end = .limit
      return
    }
    comments = []
    buffer.replaceSubrange(0..<block.count, with: block)
    loop.pass(record.data.upperBound, written: block.count)
  }

  /// Makes room for what so many bytes of records can become: an empty packet doubles, and a packet of one
  /// byte is padded to four; names are a thirty-second part, and remarks are bounded.
  private mutating func reserve(_ count: Int) {
    let most = count * 5 / 2 + (128 << 10)
    if buffer.count < most { buffer = [UInt8](repeating: 0, count: most) }
  }

  /// Walks over whole records that are written as they are.
  private mutating func pass(_ bytes: RawSpan, packets limit: Int, room: Int) -> Walk {
    var walk = Walk()
    while true {
      // Said as soon as it is so, not when another packet comes.
      guard walk.packets < limit else {
        walk.end = .limit
        return walk
      }
      switch walker.look(at: walk.consumed, in: bytes) {
      case .cut: return walk
      case .junk:
        walk.end = .junk
        return walk
      case .record(let record):
        guard record.data.upperBound <= room else {
          walk.end = .limit
          return walk
        }
        walk.consumed = record.data.upperBound
        walk.packets += 1
        walker.pass()
      }
    }
  }
}
