package import Base

/// One record of a classic pcap stream; offsets count from the start of the bytes walked over.
package struct PcapRecord: Sendable, Equatable {
  /// Seconds since 1970.
  package let seconds: UInt32
  /// Micro- or nanoseconds of that second, as the header's resolution says.
  package let fraction: UInt32
  /// The packet's length on the wire, in bytes; at least what was captured in a sane stream.
  package let originalLength: UInt32
  /// Where the captured bytes of the packet stand.
  package let data: Range<Int>
}

/// Walks over the records of a classic pcap stream that arrives in pieces cut anywhere.
///
/// Nothing is copied: the caller keeps the bytes, and hands a record that was cut in again, from its
/// start, together with what came after it.
package struct RecordWalker: Sendable {
  /// What stands at an offset.
  package enum Step: Sendable, Equatable {
    case record(PcapRecord)
    /// The record goes on beyond the bytes there are.
    case cut
    /// A length that no record has: what follows is no capture.
    case junk
  }

  /// How the records are laid out.
  package let layout: RecordLayout
  /// How many whole records were walked over.
  package private(set) var packets = 0

  /// A walker at the first record.
  package init(_ layout: RecordLayout) { self.layout = layout }

  /// Looks at the record that begins at `offset`, without walking over it.
  @inline(__always)
  package func look(at offset: Int, in bytes: RawSpan) -> Step {
    guard bytes.byteCount - offset >= layout.headerLength else { return .cut }
    let captured: UInt32 = bytes.load(offset + 8, swapped: layout.isSwapped)
    guard captured <= UInt32(RecordLayout.maximumLength) else { return .junk }
    let start = offset + layout.headerLength
    guard bytes.byteCount - start >= Int(captured) else { return .cut }
    return .record(
      PcapRecord(
        seconds: bytes.load(offset, swapped: layout.isSwapped),
        fraction: bytes.load(offset + 4, swapped: layout.isSwapped),
        originalLength: bytes.load(offset + 12, swapped: layout.isSwapped),
        data: start..<(start + Int(captured))))
  }

  /// Counts a record that was looked at as walked over.
  @inline(__always)
  package mutating func pass() { packets += 1 }

  /// Counts records that somebody else walked over.
  mutating func pass(_ count: Int) { packets += count }

  /// Why the bytes at `offset`, where `look(at:in:)` found junk, end the capture.
  package func junk(at offset: Int, in bytes: RawSpan) -> Failure {
    let length: UInt32 = bytes.load(offset + 8, swapped: layout.isSwapped)
    let rest = bytes.extracting(offset..<min(bytes.byteCount, offset + 512))
    let shown = rest.withUnsafeBytes { printable(String(decoding: $0, as: UTF8.self), limit: 512) }
    return Failure(
      .other, "The packet stream is broken after packet \(packets).",
      why: "The next record claims a length of \(length) bytes; the most is "
        + "\(RecordLayout.maximumLength).",
      fix: "Something at the far end writes between the packets: see its words with -v.",
      detail: shown)
  }
}
