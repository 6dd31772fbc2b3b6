internal import Base

/// Builds the blocks of a pcapng file (draft-ietf-opsawg-pcapng), little-endian, as bytes.
///
/// Every function appends one whole block and does nothing else. Texts are made safe and bounded, so
/// no block grows beyond what dumpcap takes from a pipe.
package enum PcapngWriter {
  /// The longest block that dumpcap accepts, with everything in it, in bytes (measured).
  package static let maximumBlockLength = 262_144

  /// The bytes of a packet block that are not the packet.
  package static let packetOverhead = 32

  enum Block {
    static let section: UInt32 = 0x0A0D_0D0A
    static let interface: UInt32 = 1
    static let names: UInt32 = 4
    static let statistics: UInt32 = 5
    static let packet: UInt32 = 6
  }

  /// Appends a section header block, the first of a file.
  package static func append(_ section: PcapngSection, to out: inout [UInt8]) {
    appendBlock(Block.section, to: &out) { out in
      out.append(little: 0x1A2B_3C4D as UInt32)  // the byte order
      out.append(little: 1 as UInt16)  // version 1.0
      out.append(little: 0 as UInt16)
      out.append(little: UInt64.max)  // the section's length: not known
      out.appendOption(2, text: section.hardware)
      out.appendOption(3, text: section.system)
      out.appendOption(4, text: section.application)
      out.appendComments(section.comments)
      out.appendEndOfOptions()
    }
  }

  /// Appends an interface description block. Interfaces are numbered in the order of their blocks.
  ///
  /// - Parameters:
  ///   - interface: What is known about it.
  ///   - header: The header of the pcap stream whose packets will carry its number.
  ///   - out: The bytes to append to.
  package static func append(
    _ interface: PcapngInterface, of header: PcapHeader, to out: inout [UInt8]
  ) {
    appendBlock(Block.interface, to: &out) { out in
      out.append(little: header.fileLinkType)
      out.append(little: 0 as UInt16)
      out.append(little: UInt32(clamping: header.snapLength))
      out.appendOption(2, text: interface.name)
      out.appendOption(3, text: interface.description)
      out.appendOption(9, bytes: [header.resolution.exponent])
      // A leading 0 says that the filter is a libpcap string.
      out.appendOption(11, prefix: [0], text: interface.filter)
      out.appendOption(12, text: interface.system)
      if let bits = header.frameCheckBits { out.appendOption(13, bytes: [bits]) }
      out.appendComments(interface.comments)
      out.appendEndOfOptions()
    }
  }

  /// Appends an enhanced packet block made from a record of a pcap stream.
  ///
  /// A packet so long that the block would be refused loses its end, as with a smaller snap length.
  /// This is the way of single packets, those with remarks; `RecordBatch` has the way of the many.
  ///
  /// - Parameters:
  ///   - record: The record.
  ///   - bytes: Where it stands.
  ///   - interface: The number of its interface.
  ///   - resolution: The unit of its timestamps.
  ///   - comments: Remarks for people, such as that packets were lost before it.
  ///   - out: The bytes to append to.
  package static func append(
    _ record: PcapRecord, of bytes: RawSpan, interface: UInt32, resolution: TimestampResolution,
    comments: [String] = [], to out: inout [UInt8]
  ) {
    var options: [UInt8] = []
    options.appendComments(comments)
    if !options.isEmpty { options.appendEndOfOptions() }
    let room = maximumBlockLength - packetOverhead - options.count
    let captured = min(record.data.count, room)
    let time = UInt64(record.seconds) * resolution.unitsPerSecond + UInt64(record.fraction)
    appendBlock(Block.packet, to: &out) { out in
      out.append(little: interface)
      out.append(little: UInt32(truncatingIfNeeded: time >> 32))
      out.append(little: UInt32(truncatingIfNeeded: time))
      out.append(little: UInt32(truncatingIfNeeded: captured))
      out.append(little: record.originalLength)
      let start = record.data.lowerBound
      bytes.extracting(start..<(start + captured)).withUnsafeBytes { out.append(contentsOf: $0) }
      out.appendZeros(padded(captured) - captured)
      out += options
    }
  }

  /// Appends an interface statistics block.
  ///
  /// - Parameters:
  ///   - statistics: The counters; those that are nil are left out.
  ///   - interface: The number of the interface.
  ///   - resolution: The unit of that interface's timestamps.
  ///   - out: The bytes to append to.
  package static func append(
    _ statistics: PcapngStatistics, interface: UInt32, resolution: TimestampResolution,
    to out: inout [UInt8]
  ) {
    appendBlock(Block.statistics, to: &out) { out in
      out.append(little: interface)
      out.append(time: statistics.end, resolution)
      out.appendOption(2, time: statistics.start, resolution)
      out.appendOption(3, time: statistics.end, resolution)
      out.appendOption(4, number: statistics.received)
      out.appendOption(5, number: statistics.droppedByInterface)
      out.appendOption(6, number: statistics.acceptedByFilter)
      out.appendOption(7, number: statistics.droppedBySystem)
      out.appendOption(8, number: statistics.delivered)
      out.appendComments(statistics.comments)
      out.appendEndOfOptions()
    }
  }

  /// Appends a block: its type, its length, what `body` writes, and its length again.
  static func appendBlock(
    _ type: UInt32, to out: inout [UInt8], _ body: (inout [UInt8]) -> Void
  ) {
    let start = out.count
    out.append(little: type)
    out.append(little: 0 as UInt32)
    body(&out)
    let length = UInt32(truncatingIfNeeded: out.count - start + 4)
    out.append(little: length)
    withUnsafeBytes(of: length.littleEndian) { bytes in
      out.replaceSubrange((start + 4)..<(start + 8), with: bytes)
    }
  }

  @inline(__always)
  static func padded(_ length: Int) -> Int { (length + 3) & ~3 }
}

/// The longest text of an option, in bytes of UTF-8, and the most comments of a block: together far
/// below the limit of a block.
private let maximumTextLength = 4096
private let maximumComments = 16

extension [UInt8] {
  mutating func append(little value: some FixedWidthInteger) {
    Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
  }

  mutating func appendZeros(_ count: Int) {
    for _ in 0..<count { append(0) }
  }

  /// A timestamp is two halves, the upper one first, whatever the byte order.
  fileprivate mutating func append(time: WallTime, _ resolution: TimestampResolution) {
    let units = time.nanoseconds / (1_000_000_000 / resolution.unitsPerSecond)
    append(little: UInt32(truncatingIfNeeded: units >> 32))
    append(little: UInt32(truncatingIfNeeded: units))
  }

  fileprivate mutating func appendOption(_ code: UInt16, bytes: [UInt8]) {
    append(little: code)
    append(little: UInt16(clamping: bytes.count))
    append(contentsOf: bytes)
    appendZeros(PcapngWriter.padded(bytes.count) - bytes.count)
  }

  fileprivate mutating func appendOption(_ code: UInt16, prefix: [UInt8] = [], text: String?) {
    guard let text, !text.isEmpty else { return }
    appendOption(code, bytes: prefix + boundedText(text, onOneLine: true))
  }

  fileprivate mutating func appendOption(_ code: UInt16, number: UInt64?) {
    guard let number else { return }
    appendOption(code, bytes: Swift.withUnsafeBytes(of: number.littleEndian) { Array($0) })
  }

  fileprivate mutating func appendOption(
    _ code: UInt16, time: WallTime?, _ resolution: TimestampResolution
  ) {
    guard let time else { return }
    var bytes: [UInt8] = []
    bytes.append(time: time, resolution)
    appendOption(code, bytes: bytes)
  }

  fileprivate mutating func appendComments(_ comments: [String]) {
    for comment in comments.prefix(maximumComments) where !comment.isEmpty {
      appendOption(1, bytes: boundedText(comment, onOneLine: false))
    }
  }

  fileprivate mutating func appendEndOfOptions() { append(little: 0 as UInt32) }
}

/// Text as an option holds it: UTF-8 without control characters, cut between two of them.
private func boundedText(_ text: String, onOneLine: Bool) -> [UInt8] {
  var bytes: [UInt8] = []
  for scalar in printable(text, limit: maximumTextLength).unicodeScalars {
    let next = String(onOneLine && scalar == "\n" ? " " : scalar).utf8
    guard bytes.count + next.count <= maximumTextLength else { break }
    bytes.append(contentsOf: next)
  }
  return bytes
}
