internal import Base

/// The beginning of what a far end said, on one line of at most 200 characters, to be quoted in a sentence.
///
/// - Parameter text: Its own words: hostile until quoted.
/// - Returns: Printable text without a full stop; empty when it said nothing.
func excerpt(_ text: String) -> String {
  let shown = printable(text, limit: 1000)
  // What is no text says nothing to anybody.
  guard shown.count(where: { $0 == "\u{FFFD}" }) * 2 < shown.count + 1 else {
    return "bytes that are no text"
  }
  let lines = shown.split(whereSeparator: { $0 == "\n" || $0 == "\r\n" })
  var line = lines.joined(separator: " ").prefix(200)
  while line.hasSuffix(".") || line.hasSuffix(" ") { line = line.dropLast() }
  return String(line)
}
