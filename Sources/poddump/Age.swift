/// Ages as kubectl prints them (apimachinery, HumanDuration): two units while the first is small.
enum Age {
  /// - Parameters:
  ///   - created: Seconds since 1970; nil if unknown.
  ///   - now: Seconds since 1970.
  /// - Returns: "3d4h"; "<unknown>" without a time, "<invalid>" for one to come.
  static func text(since created: Int?, now: Int) -> String {
    guard let created else { return "<unknown>" }
    // A second of difference between the clocks is nothing; more is no age.
    guard now - created >= -1 else { return "<invalid>" }
    let seconds = max(0, now - created)
    let minutes = seconds / 60
    let hours = minutes / 60
    let days = hours / 24
    func two(_ large: Int, _ unit: String, _ small: Int, _ smallUnit: String) -> String {
      small == 0 ? "\(large)\(unit)" : "\(large)\(unit)\(small)\(smallUnit)"
    }
    if seconds < 120 { return "\(seconds)s" }
    if minutes < 10 { return two(minutes, "m", seconds % 60, "s") }
    if hours < 3 { return "\(minutes)m" }
    if hours < 8 { return two(hours, "h", minutes % 60, "m") }
    if hours < 48 { return "\(hours)h" }
    if days < 8 { return two(days, "d", hours % 24, "h") }
    if days < 730 { return "\(days)d" }
    if days < 365 * 8 { return two(days / 365, "y", days % 365, "d") }
    return "\(days / 365)y"
  }
}
