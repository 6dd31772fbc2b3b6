#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// A point in time in whole seconds, as Kubernetes writes it into objects.
package struct Timestamp: Sendable, Hashable, Comparable, CustomStringConvertible {
  /// Seconds since 1970.
  package var seconds: Int

  package init(seconds: Int) { self.seconds = seconds }

  package static var now: Timestamp { Timestamp(seconds: time(nil)) }

  package static func + (time: Timestamp, seconds: Int) -> Timestamp {
    Timestamp(seconds: time.seconds + seconds)
  }

  package static func < (left: Timestamp, right: Timestamp) -> Bool {
    left.seconds < right.seconds
  }

  /// RFC 3339 in UTC, for example `2026-11-23T06:10:34Z`.
  package var description: String {
    var time = time_t(seconds)
    var parts = tm()
    gmtime_r(&time, &parts)
    func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
    return "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
      + "T\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))Z"
  }

  package var json: JSON { .string(description) }

  /// Reads what ``description`` writes.
  package init?(_ text: String) {
    let numbers = text.split(whereSeparator: { "-T:Z".contains($0) }).compactMap { Int32($0) }
    guard numbers.count == 6 else { return nil }
    var parts = tm()
    (parts.tm_year, parts.tm_mon, parts.tm_mday) = (numbers[0] - 1900, numbers[1] - 1, numbers[2])
    (parts.tm_hour, parts.tm_min, parts.tm_sec) = (numbers[3], numbers[4], numbers[5])
    seconds = timegm(&parts)
  }

  /// The age as kubectl prints it: `42s`, `5m3s`, `17m`, `3h5m`, `2d4h`, `12d`.
  /// The thresholds are those of `duration.HumanDuration` in Kubernetes' apimachinery.
  package func age(at now: Timestamp) -> String {
    let seconds = now.seconds - self.seconds
    guard seconds >= 0 else { return seconds > -2 ? "0s" : "<invalid>" }
    if seconds < 120 { return "\(seconds)s" }
    let minutes = seconds / 60
    if minutes < 10 { return seconds % 60 == 0 ? "\(minutes)m" : "\(minutes)m\(seconds % 60)s" }
    if minutes < 180 { return "\(minutes)m" }
    let hours = seconds / 3600
    if hours < 8 { return minutes % 60 == 0 ? "\(hours)h" : "\(hours)h\(minutes % 60)m" }
    if hours < 48 { return "\(hours)h" }
    let days = hours / 24
    if hours < 192 { return hours % 24 == 0 ? "\(days)d" : "\(days)d\(hours % 24)h" }
    return "\(days)d"
  }
}
