/// Text that Wireshark's tokeniser takes apart as we meant it.
///
/// A value ends at the first `}` that is followed by `{`, a blank or the end of the line, and nothing
/// can be escaped; a line that is not UTF-8 is dropped; an unprintable character in an argument's
/// title makes Wireshark abort at start (extcap_parser.c and prefs.c of Wireshark 4.0 and 4.4).
package enum Grammar {
  /// The most characters of a text that people read. Wireshark has no limit of its own.
  package static let longestShown = 500

  /// Text for people, changed where it must be: braces become round ones, control characters,
  /// direction marks and the like become `�`, blanks at the ends go.
  ///
  /// - Parameters:
  ///   - text: Any text, also from a cluster.
  ///   - limit: The most characters kept; a longer text ends in `…`.
  /// - Returns: The text as it may stand in a sentence.
  package static func shown(_ text: String, limit: Int = longestShown) -> String {
    var text = text
    let survey = Survey(text)
    if !survey.isPrintable || survey.hasBraces || text.utf8.first == 0x20
      || text.utf8.last == 0x20
    {
      text = replaced(text)
    }
    if text.utf8.count > limit, text.unicodeScalars.count > limit {
      text = String(text.unicodeScalars.prefix(limit - 1)) + "…"
    }
    return text
  }

  /// Text that comes back to us and must arrive unchanged; nil if it would not.
  ///
  /// Blanks at the ends are refused because Wireshark trims what it reads from its preferences.
  package static func exact(_ text: String) -> String? {
    let survey = Survey(text)
    guard survey.isPrintable, text.utf8.count <= 4096, text.utf8.first != 0x20,
      text.utf8.last != 0x20
    else { return nil }
    guard survey.hasBraces else { return text }
    var isAfterBrace = false
    for byte in text.utf8 {
      if isAfterBrace, byte == 0x7b || byte == 0x20 { return nil }
      isAfterBrace = byte == 0x7d
    }
    return isAfterBrace ? nil : text
  }

  /// Text for people outside of a sentence, where braces do no harm: on one line, with nothing in it that
  /// cannot be seen.
  package static func printable(_ text: String) -> String {
    Survey(text).isPrintable ? text : replaced(text, keepsBraces: true)
  }

  private static func replaced(_ text: String, keepsBraces: Bool = false) -> String {
    var result = ""
    var blanks = 0
    for scalar in text.unicodeScalars {
      let written: Unicode.Scalar =
        switch scalar {
        case "{" where !keepsBraces: "("
        case "}" where !keepsBraces: ")"
        case "\t", "\n", "\r": " "
        default: isPrintable(scalar) ? scalar : "\u{fffd}"
        }
      if written == " " {
        blanks += 1
      } else {
        if !result.isEmpty { result += String(repeating: " ", count: blanks) }
        blanks = 0
        result.unicodeScalars.append(written)
      }
    }
    return result
  }

  fileprivate static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
    guard scalar.value >= 0x7f else { return scalar.value >= 0x20 }
    return switch scalar.properties.generalCategory {
    case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator,
      .paragraphSeparator, .spaceSeparator:
      false
    default: true
    }
  }
}

/// What a text is made of, found in one cheap pass: a listing has a few hundred of them.
private struct Survey {
  /// Whether Wireshark can show all of it.
  var isPrintable = true
  /// Whether there are curly braces in it.
  var hasBraces = false

  init(_ text: String) {
    var hasOthers = false
    for byte in text.utf8 {
      if byte == 0x7b || byte == 0x7d { hasBraces = true }
      if byte < 0x20 || byte == 0x7f { isPrintable = false }
      if byte >= 0x80 { hasOthers = true }
    }
    guard hasOthers, isPrintable else { return }
    // The middle dot of our own displays is the only character beyond ASCII that is common.
    isPrintable = text.unicodeScalars.allSatisfy {
      $0.isASCII || $0 == "·" || Grammar.isPrintable($0)
    }
  }
}

/// One line of an answer to Wireshark, such as `interface {value=poddump}{display=…}`.
///
/// The makers take values apart in two sorts: what people read is cleaned, what comes back to us is
/// either written exactly or the line is not made at all.
package struct Sentence: Equatable, Sendable {
  /// The line without its end.
  package private(set) var text: String

  private init(_ keyword: String, length: Int = 0) {
    text = keyword
    text.reserveCapacity(length)
    text += " "
  }

  private mutating func put(_ key: String, _ value: String) {
    text += "{"
    text += key
    text += "="
    text += value
    text += "}"
  }

  private mutating func show(
    _ key: String, _ value: String?, limit: Int = Grammar.longestShown
  ) {
    guard let value, !value.isEmpty else { return }
    put(key, Grammar.shown(value, limit: limit))
  }

  /// The first line of a listing: the tool's version, its help page (a URL or `file://`) and the
  /// title of its toolbar.
  package static func extcap(version: String, help: String, display: String) -> Sentence {
    var line = Sentence("extcap")
    line.show("version", version)
    line.show("help", help)
    line.show("display", display)
    return line
  }

  /// One interface.
  package static func interface(_ value: InterfaceValue, display: String) -> Sentence {
    var line = Sentence("interface")
    line.put("value", value.text)
    let display = Grammar.shown(display)
    line.put("display", display.isEmpty ? value.text : display)
    return line
  }

  /// A link type; it is cosmetic, the stream itself says what it carries.
  package static func dlt(number: Int, name: String, display: String) -> Sentence {
    var line = Sentence("dlt")
    line.put("number", String(number))
    line.show("name", name)
    line.show("display", display)
    return line
  }

  /// An argument of an interface.
  ///
  /// - Parameters:
  ///   - argument: What is asked for.
  ///   - number: Its number among the interface's arguments.
  ///   - isSaved: Whether Wireshark keeps the value in its preferences.
  ///   - wireshark: The Wireshark that asks.
  /// - Returns: The line.
  package static func argument(
    _ argument: Argument, number: Int, isSaved: Bool, for wireshark: WiresharkVersion
  ) -> Sentence {
    // Its texts are our own, and the tests look at them all; a few dozen are made at every call.
    var line = Sentence("arg", length: 320)
    line.put("number", String(number))
    line.put("call", "--" + argument.name)
    line.put("display", argument.title)
    line.put("type", argument.type(for: wireshark))
    if let tooltip = argument.tooltip { line.put("tooltip", tooltip) }
    if let placeholder = argument.placeholder { line.put("placeholder", placeholder) }
    if let range = argument.range {
      line.put("range", String(range.lowerBound) + "," + String(range.upperBound))
    }
    if let validation = argument.validation { line.put("validation", validation) }
    if argument.kind == .saveFile { line.put("mustexist", "false") }
    if argument.kind == .openFile { line.put("mustexist", "true") }
    if argument.kind == .flag { line.put("default", "false") }
    if argument.isRequired { line.put("required", "true") }
    if argument.isReloadable, argument.hasChoices(for: wireshark) { line.put("reload", "true") }
    if !isSaved { line.put("save", "false") }
    line.put("group", argument.group)
    return line
  }

  /// A choice of an argument; nil if its value cannot be written so that it comes back unchanged.
  package static func value(argument number: Int, _ choice: Choice) -> Sentence? {
    value("arg", number, choice)
  }

  private static func value(_ key: String, _ number: Int, _ choice: Choice) -> Sentence? {
    let display = Grammar.shown(choice.display.isEmpty ? choice.value : choice.display)
    // Wireshark drops a choice that shows nothing.
    guard let value = Grammar.exact(choice.value), !display.isEmpty else { return nil }
    var line = Sentence("value")
    line.put(key, String(number))
    line.put("value", value)
    line.put("display", display)
    if choice.isDefault { line.put("default", "true") }
    return line
  }

  /// Sentences as an answer, a line each.
  package static func lines(_ sentences: some Sequence<Sentence>) -> [UInt8] {
    var text: [UInt8] = []
    for sentence in sentences {
      text += sentence.text.utf8
      text.append(0x0a)
    }
    return text
  }

  /// The sort of a toolbar control; raw values are Wireshark's words.
  package enum Control: String, Sendable {
    case boolean, button, selector, string
  }

  /// What a toolbar control is for; raw values are Wireshark's words.
  package enum Role: String, Sendable {
    case control, help, logger, restore
  }

  /// A control of the toolbar, part of the listing's answer.
  package static func control(
    number: Int, _ type: Control, display: String, role: Role = .control, tooltip: String? = nil
  ) -> Sentence {
    var line = Sentence("control")
    line.put("number", String(number))
    line.put("type", type.rawValue)
    line.show("display", display)
    if role != .control { line.put("role", role.rawValue) }
    line.show("tooltip", tooltip)
    return line
  }

  /// A choice of a selector of the toolbar; nil if its value cannot be written exactly.
  package static func value(control number: Int, _ choice: Choice) -> Sentence? {
    value("control", number, choice)
  }
}
