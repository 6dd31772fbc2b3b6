/// How long a call of kubectl may take.
///
/// Two bounds, since an answer that comes slowly is not a server that cannot be reached.
package struct Patience: Sendable, Equatable {
  /// The longest time without a byte, the wait for the first one included.
  package var silence: Duration
  /// The longest time in all.
  package var total: Duration

  package init(silence: Duration, total: Duration) {
    self.silence = min(silence, total)
    self.total = total
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

  /// A server that cannot be reached is given up in less than five seconds, kubectl's own end included.
  package static let standard = Patience(silence: .milliseconds(4500), total: .seconds(60))
}
