internal import Synchronization

/// Since when packets are being delivered; written by the pump's thread, read by the clock.
final class Delivering: Sendable {
  private let moment = Mutex<ContinuousClock.Instant?>(nil)

  /// When delivery began; nil before that.
  var since: ContinuousClock.Instant? { moment.withLock(\.self) }

  /// Delivery begins now.
  func begin() { moment.withLock { $0 = .now } }
}
