/// Tells a runtime's complaint that it could not start a program from the program's own words.
///
/// `runc exec` writes one line and exits with 255:
/// `time="…" level=error msg="exec failed: unable to start container process: exec: \"x\": …"`.
/// While stderr may still become exactly that, it is kept back: at most 4 KiB, and no longer than
/// until the first byte that does not fit.
struct StartFailure: Equatable {
  private static let limit = 4096
  private static let opening = Array(#"time=""#.utf8)
  private static let level = Array(#"" level=error msg="exec failed: "#.utf8)

  private var kept: [UInt8] = []
  private(set) var isOver = false

  /// Takes what has been read from stderr.
  /// - Returns: what is to be passed on now.
  mutating func pass(_ bytes: some Collection<UInt8>) -> [UInt8] {
    guard !isOver else { return Array(bytes) }
    kept.append(contentsOf: bytes)
    return Self.mayBecomeComplaint(kept) ? [] : release()
  }

  /// Gives up keeping anything back.
  mutating func release() -> [UInt8] {
    isOver = true
    defer { kept = [] }
    return kept
  }

  /// The runtime's complaint, without `exec failed: `, if that is all there was on stderr and the
  /// status is the one that belongs to it.
  func complaint(exitCode: Int32) -> String? {
    guard !isOver, exitCode == 255, kept.last == UInt8(ascii: "\n"),
      let start = Self.messageStart(in: kept)
    else { return nil }
    var message: [UInt8] = []
    var rest = kept[start...].dropLast()
    guard rest.popLast() == UInt8(ascii: "\"") else { return nil }
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "\\"), let next = rest.popFirst() else {
        message.append(byte)
        continue
      }
      message.append(next)
    }
    return String(decoding: message, as: UTF8.self)
  }

  private static func mayBecomeComplaint(_ bytes: [UInt8]) -> Bool {
    guard bytes.count <= limit else { return false }
    guard bytes.count > opening.count else { return opening.starts(with: bytes) }
    guard bytes.starts(with: opening) else { return false }
    guard let quote = bytes[opening.count...].firstIndex(of: UInt8(ascii: "\"")) else {
      return bytes.count < 64  // a time is no longer
    }
    let rest = bytes[quote...]
    guard rest.count > level.count else { return level.starts(with: rest) }
    guard rest.starts(with: level) else { return false }
    // One line only.
    return rest.dropLast().allSatisfy { $0 != UInt8(ascii: "\n") }
  }

  /// Where the message begins that follows `exec failed: `.
  private static func messageStart(in bytes: [UInt8]) -> Int? {
    guard bytes.starts(with: opening),
      let quote = bytes[opening.count...].firstIndex(of: UInt8(ascii: "\"")),
      bytes[quote...].starts(with: level)
    else { return nil }
    return quote + level.count
  }
}
