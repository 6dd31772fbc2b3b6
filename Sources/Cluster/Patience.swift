internal import Base

/// How long a call of kubectl may take.
///
/// Two bounds, since an answer that comes slowly is not a server that cannot be reached.
package struct Patience: Sendable, Equatable {
  /// The longest time without a byte, the wait for the first one included.
  package var silence: Duration
  /// The longest time in all.
  package var total: Duration
  /// Who is told before the silence is too long; nil for nobody.
  package var notice: SilenceNotice?

  package init(silence: Duration, total: Duration, notice: SilenceNotice? = nil) {
    self.silence = min(silence, total)
    self.total = total
    self.notice = notice
  }

  /// At most this long, whatever arrives.
  package init(_ total: Duration) {
    self.init(silence: total, total: total)
  }

  /// The silence in words: "4.5 s".
  package var silenceText: String {
    let (seconds, attoseconds) = silence.components
    let tenths = attoseconds / 100_000_000_000_000_000
    return "\(seconds)\(tenths == 0 ? "" : ".\(tenths)") s"
  }

  /// So long that nothing is ever ended: what `--request-timeout=0` means to kubectl.
  package static let endless = Patience(.seconds(366 * 86_400))

  /// So long without a byte; an answer that comes may take longer.
  package static func silent(_ time: Duration) -> Patience {
    let silence = min(time, endless.silence)
    return Patience(silence: silence, total: max(standard.total, silence * 2))
  }

  /// A server that cannot be reached is given up in less than five seconds, kubectl's own end included.
  package static let standard = Patience(silence: .milliseconds(4500), total: .seconds(60))
}

/// Tells a person once that kubectl is silent: it may wait for a login that is theirs to complete.
package final class SilenceNotice: Sendable, Equatable {
  /// How long a silence is told.
  let after: Duration
  private let tell: @Sendable (_ words: String) -> Void
  private let isTold = Locked(false)

  /// Creates a notice that has not been given.
  ///
  /// - Parameters:
  ///   - after: How long a silence is told.
  ///   - tell: Called once, from any thread, with kubectl's last words on standard error, printable; they may be empty.
  package init(after: Duration, tell: @escaping @Sendable (_ words: String) -> Void) {
    self.after = after
    self.tell = tell
  }

  /// Tells, the first time.
  func give(_ errors: String) {
    if !isTold.exchange(true) { tell(KubectlMessage(errors).quotation) }
  }

  package static func == (left: SilenceNotice, right: SilenceNotice) -> Bool { left === right }
}
