/// What a pump is to write beside the packets, left for it by others.
struct PumpNotes: Sendable, Equatable {
  /// Remarks for the next packet.
  var comments: [String] = []
  /// Packets that were lost before the next one.
  var lost: UInt64 = 0
  /// Counters; only the newest are written.
  var statistics: PcapngStatistics?

  /// The most remarks kept for one packet.
  static let maximumComments = 4

  /// The remarks for the next packet, that packets were lost among them.
  var remarks: [String] {
    guard lost > 0 else { return comments }
    let text =
      lost == 1 ? "1 packet was lost before this one" : "\(lost) packets were lost before this one"
    return comments + ["\(text) (kernel)"]
  }
}
