internal import Packets
internal import Synchronization

/// Since when packets are being delivered, and of what kind; written by the pump's thread, read by
/// the clock.
final class Delivering: Sendable {
  private let state = Mutex<(since: ContinuousClock.Instant, header: PcapHeader)?>(nil)

  /// When delivery began; nil before that.
  var since: ContinuousClock.Instant? { state.withLock { $0?.since } }

  /// The packet header that came first; nil before that.
  var header: PcapHeader? { state.withLock { $0?.header } }

  /// Delivery begins now.
  func begin(_ header: PcapHeader) { state.withLock { $0 = (.now, header) } }
}
