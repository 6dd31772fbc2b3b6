internal import Synchronization

/// What a pump has done so far; read from any thread, for a line of progress.
package final class PumpMeter: Sendable {
  private let packetCount = Atomic<Int>(0)
  private let byteCount = Atomic<Int>(0)
  private let interface = Atomic<Int>(-1)
  private let lastData = Atomic<Int>(-1)
  private let writing = Atomic<Bool>(false)
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
