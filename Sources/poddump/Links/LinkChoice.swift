/// The desktop's choice of us for `poddump://` links, in a file mimeapps.list
/// (https://specifications.freedesktop.org/mime-apps-spec/latest).
///
/// It is edited here rather than by xdg-mime, which cannot take a choice back.
enum LinkChoice {
  /// The name of the desktop entry.
  static let entry = "poddump.desktop"
  private static let key = "x-scheme-handler/poddump"
  private static let section = "[Default Applications]"
  private static let line = "\(key)=\(entry)"

  /// The file with us as the choice; nil if it has one already, which stays.
  static func added(to text: String) -> String? {
    var lines = split(text)
    guard let begin = lines.firstIndex(of: section) else {
      return text + (text.isEmpty || text.hasSuffix("\n") ? "" : "\n") + "\(section)\n\(line)\n"
    }
    let body = lines[(begin + 1)...].prefix { !$0.hasPrefix("[") }
    guard !body.contains(where: { name(of: $0) == key[...] }) else { return nil }
    lines.insert(line, at: begin + 1)
    return lines.joined(separator: "\n")
  }

  /// The file without it; nil if it is not in it. A section that was made for it goes with it.
  static func removed(from text: String) -> String? {
    var lines = split(text)
    guard let place = lines.firstIndex(of: line) else { return nil }
    lines.remove(at: place)
    if place > 0, lines[place - 1] == section,
      place == lines.count || lines[place] == "" && place == lines.count - 1
    {
      lines.remove(at: place - 1)
    }
    return lines == [""] ? "" : lines.joined(separator: "\n")
  }

  private static func split(_ text: String) -> [String] {
    text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
  }

  private static func name(of line: String) -> Substring {
    var name = line.prefix { $0 != "=" }
    while name.last == " " { name.removeLast() }
    return name
  }
}
