/// How the records of an output are told apart: just enough to cut it between two of them.
package enum Framing: Sendable, Equatable {
  /// Classic pcap, with the records as their source laid them out.
  case pcap(RecordLayout)
  /// pcapng in this project's own byte order, little-endian.
  case pcapng

  /// The length of the record at `offset`, nil when its beginning is not there.
  private func length(at offset: Int, in bytes: RawSpan) -> Int? {
    switch self {
    case .pcap(let layout):
      guard bytes.byteCount - offset >= layout.headerLength else { return nil }
      let captured: UInt32 = bytes.load(offset + 8, swapped: layout.isSwapped)
      return layout.headerLength + Int(captured)
    case .pcapng:
      guard bytes.byteCount - offset >= 8 else { return nil }
      let length = UInt32(littleEndian: bytes.load(offset + 4, swapped: false))
      return max(Int(length), 12)
    }
  }

  /// The length of the longest run of whole records at the start that is at most `limit` bytes.
  func wholeRecords(of bytes: RawSpan, atMost limit: Int) -> Int {
    var end = 0
    while let length = length(at: end, in: bytes), end + length <= min(limit, bytes.byteCount) {
      end += length
    }
    return end
  }

  /// How many whole records there are before `end`; of the blocks of pcapng only packets count.
  func recordCount(in bytes: RawSpan, before end: Int) -> Int {
    var count = 0
    var offset = 0
    while let length = length(at: offset, in: bytes), offset + length <= end {
      if isPacket(at: offset, in: bytes) { count += 1 }
      offset += length
    }
    return count
  }

  private func isPacket(at offset: Int, in bytes: RawSpan) -> Bool {
    guard self == .pcapng else { return true }
    return UInt32(littleEndian: bytes.load(offset, swapped: false)) == PcapngWriter.Block.packet
  }

  /// The length of the shortest run of whole records at the start that is at least `limit` bytes.
  func wholeRecords(of bytes: RawSpan, atLeast limit: Int) -> Int {
    var end = 0
    while end < limit, let length = length(at: end, in: bytes) { end += length }
    return min(end, bytes.byteCount)
  }
}
