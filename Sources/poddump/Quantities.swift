internal import Base

/// Durations and sizes as people write them on a command line.
enum Quantities {
  /// Reads a duration: `30`, `30s`, `5m`, `24h`, `1d`, `500ms`. Returns milliseconds.
  static func milliseconds(_ text: String) -> Int? {
    let units = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)]
    return scaled(text, units: units, plain: 1000)
  }

  /// Reads a size in bytes: `1000`, `10kB`, `100MB`, `1GiB`.
  static func bytes(_ text: String) -> Int? {
    let units = [
      ("kib", 1 << 10), ("mib", 1 << 20), ("gib", 1 << 30), ("kb", 1000), ("mb", 1_000_000),
      ("gb", 1_000_000_000), ("k", 1000), ("m", 1_000_000), ("g", 1_000_000_000), ("b", 1),
    ]
    return scaled(text.lowercased(), units: units, plain: 1)
  }

  /// A number of bytes for people: "1.2 MB".
  static func describe(bytes: Int) -> String {
    let units = ["B", "kB", "MB", "GB", "TB"]
    var value = bytes * 10
    var unit = 0
    while value >= 10_000, unit < units.count - 1 {
      value = (value + 500) / 1000
      unit += 1
    }
    return unit == 0 ? "\(bytes) B" : "\(value / 10).\(value % 10) \(units[unit])"
  }

  private static func scaled(_ text: String, units: [(String, Int)], plain: Int) -> Int? {
    var number = text
    var factor = plain
    for (unit, scale) in units where text.hasSuffix(unit) {
      number = String(text.dropLast(unit.count))
      factor = scale
      break
    }
    guard let value = Int(number), value >= 0 else { return nil }
    let (product, overflow) = value.multipliedReportingOverflow(by: factor)
    return overflow ? nil : product
  }
}
