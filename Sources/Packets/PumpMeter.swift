internal import Synchronization

/// What a pump has done so far; read from any thread, for a line of progress.
package final class PumpMeter: Sendable {
  private let packetCount = Atomic<Int>(0)
  private let byteCount = Atomic<Int>(0)
  private let interface = Atomic<Int>(-1)
  private let lastData = Atomic<Int>(-1)
  private let writing = Atomic<Bool>(false)
  private let dropCount = Atomic<Int>(-1)
  private let hasNotes = Atomic<Bool>(false)
  private let notes = Mutex(PumpNotes())
  private let start = ContinuousClock.now

  /// A meter at zero.
  package init() {}

  /// Packets handed to the sink.
  package var packets: Int { packetCount.load(ordering: .relaxed) }

  /// Bytes handed to the sink in those packets, headers included.
  package var bytes: Int { byteCount.load(ordering: .relaxed) }

  /// The number of the pcapng interface that the packets carry; nil before its block is written.
  package var interfaceNumber: UInt32? {
    UInt32(exactly: interface.load(ordering: .relaxed))
  }

  /// How long ago the source last sent anything; nil when it has sent nothing yet.
  package var silence: Duration? {
    let last = lastData.load(ordering: .relaxed)
    guard last >= 0 else { return nil }
    return start.duration(to: .now) - .nanoseconds(last)
  }

  /// Whether the pump is held up by a slow reader right now: the source is then not read, and its
  /// silence means nothing.
  package var isWaitingForReader: Bool { writing.load(ordering: .relaxed) }

  /// Packets lost at the far end so far, where it has said so.
  package var drops: Int? {
    let count = dropCount.load(ordering: .relaxed)
    return count < 0 ? nil : count
  }

  /// Has a remark put on the next packet, where the format has room for one: the first after a gap, such as
  /// "not captured for 3 s". Safe from every thread; waits for nothing.
  package func mark(_ comment: String) {
    note { if $0.comments.count < PumpNotes.maximumComments { $0.comments.append(comment) } }
  }

  /// Takes the far end's word on how many packets it has lost. If they are more than before, the next packet
  /// says so.
  ///
  /// - Parameter drops: All of them, since the capture began.
  /// - Returns: Whether they are more.
  @discardableResult
  package func note(drops: UInt64) -> Bool {
    let before = dropCount.exchange(Int(clamping: drops), ordering: .relaxed)
    let more = Int(clamping: drops) - max(0, before)
    guard more > 0 else { return false }
    note { $0.lost &+= UInt64(more) }
    return true
  }

  /// Has counters written, among the packets; only the newest are. Safe from every thread; waits for nothing.
  package func note(_ statistics: PcapngStatistics) { note { $0.statistics = statistics } }

  /// What was left since the last time; nil is nothing.
  func takeNotes() -> PumpNotes? {
    guard hasNotes.exchange(false, ordering: .acquiringAndReleasing) else { return nil }
    return notes.withLock { notes in
      defer { notes = PumpNotes() }
      return notes
    }
  }

  private func note(_ change: (inout PumpNotes) -> Void) {
    notes.withLock { change(&$0) }
    hasNotes.store(true, ordering: .releasing)
  }

  func noteWriting(_ isWriting: Bool) { writing.store(isWriting, ordering: .relaxed) }

  func count(packets: Int, bytes: Int) {
    packetCount.add(packets, ordering: .relaxed)
    byteCount.add(bytes, ordering: .relaxed)
  }

  func noteData() {
    lastData.store(Int(start.duration(to: .now) / .nanoseconds(1)), ordering: .relaxed)
  }

  func noteInterface(_ number: UInt32) {
    interface.store(Int(number), ordering: .relaxed)
  }
}
