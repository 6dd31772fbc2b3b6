internal import Base

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// Until when something that blocks may take, and the bell that ends it at once.
struct Deadline {
  let bell: Bell
  private(set) var end: ContinuousClock.Instant

  init(_ bell: Bell, within patience: Duration) {
    self.bell = bell
    self.end = .now + patience
  }

  /// What is left.
  var left: Duration { max(.zero, end - .now) }

  /// This deadline or one in so long, whichever is earlier.
  func capped(at patience: Duration) -> Deadline {
    var copy = self
    copy.end = min(end, .now + patience)
    return copy
  }

  /// Gives the time back that a person took to answer.
  mutating func extend(by pause: Duration) { end += pause }

  /// What a wait came to.
  enum Outcome: Equatable { case ready, stopped, timedOut }

  /// The same, but not longer than so long.
  func wait(
    for descriptor: Int32, _ events: some BinaryInteger, atMost patience: Duration
  ) -> Outcome {
    capped(at: patience).wait(for: descriptor, events)
  }

  /// Sleeps until the descriptor is ready, the bell rings or time is over.
  func wait(for descriptor: Int32, _ events: some BinaryInteger) -> Outcome {
    while true {
      var entries = [
        pollfd(fd: descriptor, events: Int16(events), revents: 0),
        pollfd(fd: bell.reader, events: Int16(POLLIN), revents: 0),
      ]
      let count = poll(&entries, 2, left.pollTimeout)
      if entries[1].revents != 0 { return .stopped }
      if entries[0].revents != 0 { return .ready }
      if count == 0, left == .zero { return .timedOut }
      if count < 0, errno != EINTR { return .stopped }
    }
  }
}

extension Duration {
  /// As poll(2) takes it: milliseconds, rounded up, so that a wait never ends just before its time.
  var pollTimeout: Int32 {
    let (seconds, attoseconds) = components
    let milliseconds = seconds * 1000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
    return Int32(clamping: max(0, milliseconds))
  }
}
