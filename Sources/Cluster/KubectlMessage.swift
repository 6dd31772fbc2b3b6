internal import Base

/// What kubectl printed to stderr, taken apart: its own last message, and what stood before it.
struct KubectlMessage: Equatable {
  /// kubectl's own last message, from its first word to the end.
  let text: String
  /// The last line before it that is no line of kubectl's log: a login program's words.
  let before: String?

  /// How kubectl's own messages begin. What varies between versions comes before or after.
  private static let heads = [
    "error: ", "Error from server", "Error in configuration", "Unable to connect to the server",
    "The connection to the server", "The Pod \"", "The pods \"",
    "command terminated with exit code",
  ]

  init(_ errors: String) {
    let lines = errors.split(whereSeparator: \.isNewline).filter {
      !$0.allSatisfy(\.isWhitespace)
    }
    let head = lines.lastIndex { line in Self.heads.contains { line.hasPrefix($0) } }
    // Without a head the last line is all there is to go by.
    let start = head ?? lines.lastIndex { !Self.isLog($0) } ?? lines.endIndex
    text = lines[start...].joined(separator: "\n")
    before = lines[..<start].last { !Self.isLog($0) && !$0.hasPrefix("\t") && $0 != " >" }
      .map(String.init)
  }

  /// klog's header: a letter for the severity and the date, as in `E1123 06:25:25.176255`.
  private static func isLog(_ line: Substring) -> Bool {
    let start = line.utf8.prefix(6)
    guard let first = start.first, "IWEF".utf8.contains(first), start.count == 6 else {
      return false
    }
    return start.dropFirst().prefix(4).allSatisfy { $0 >= 0x30 && $0 <= 0x39 }
      && start.last == 0x20
  }

  /// Whether the message holds the text.
  func has(_ part: String) -> Bool { text.contains(part) }

  /// What stands between two texts, on one line.
  func between(_ start: String, _ end: String) -> String? {
    guard let from = text.ranges(of: start).first?.upperBound else { return nil }
    let rest = text[from...].prefix { !$0.isNewline }
    if end.isEmpty { return String(rest) }
    guard let to = rest.ranges(of: end).first?.lowerBound else { return nil }
    return String(rest[..<to])
  }

  /// The message's first line without its head and its full stop, to be quoted in a sentence.
  var quotation: String {
    var line = text.prefix { !$0.isNewline }
    let heads = [
      "error: ", "Unable to connect to the server: ", "Error from server: ",
      "Error from server (Forbidden): ", "unable to upgrade connection: ",
    ]
    for head in heads where line.hasPrefix(head) { line = line.dropFirst(head.count) }
    while line.last == "." { line.removeLast() }
    return printable(line, limit: 300)
  }

  /// The exit status of the remote program in `command terminated with exit code N`, which is always
  /// the end of what kubectl prints; the program's own words may stand before it on the line.
  static func remoteStatus(_ errors: String) -> Int32? {
    let words = "command terminated with exit code "
    let trimmed = errors.suffix(200).split(whereSeparator: \.isNewline).last ?? ""
    guard let found = trimmed.ranges(of: words).last else { return nil }
    return Int32(trimmed[found.upperBound...])
  }
}
