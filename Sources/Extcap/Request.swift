/// What Wireshark wants of us, read from its command line.
package enum Request: Equatable, Sendable {
  /// List the interfaces, for a Wireshark of that version if it says so.
  case interfaces(version: String?)
  /// Describe an interface's arguments, or answer the dialog's reload button.
  case config(interface: String, reload: Reload?)
  /// List an interface's link types.
  case dlts(interface: String)
  /// Say whether a capture filter is valid: exit 0 and nothing, or exit 0 and why not.
  case checkFilter(interface: String, filter: String)
  /// Capture into a FIFO.
  case capture(CaptureRequest)
  /// Clean up after a capture that the parent has killed.
  case cleanup
  /// Write the listing cache anew; only poddump-extcap asks for this.
  case refresh
  /// Explain ourselves.
  case help
  /// Say the version.
  case version
  /// Nothing we know, said as a sentence: exit 2.
  case invalid(String)
}

/// A press of the dialog's reload button.
package struct Reload: Equatable, Sendable {
  /// The name of the argument whose choices are asked for.
  package var argument: String
  /// What the dialog holds at the moment, by the name of the argument; empty values are left out.
  package var options: [String: String]

  /// Creates a reload request.
  package init(argument: String, options: [String: String]) {
    self.argument = argument
    self.options = options
  }
}

/// A capture as Wireshark asks for it.
package struct CaptureRequest: Equatable, Sendable {
  /// The interface's value; nil if none was given.
  package var interface: String?
  /// The path of the FIFO; nil if none was given.
  package var fifo: String?
  /// The capture filter; empty for none.
  package var filter: String
  /// The FIFO we read the toolbar's messages from, if there is a toolbar.
  package var controlIn: String?
  /// The FIFO we write messages for the toolbar to.
  package var controlOut: String?
  /// The options by name; empty values are left out, a flag that is on is `true`, one that is off
  /// is left out.
  package var options: [String: String]
  /// What is wrong with the command line, a sentence each. They are told only after the FIFO
  /// was opened: Wireshark 4.0 hangs for ever if it never is.
  package var problems: [String]

  /// Creates a capture request.
  package init(
    interface: String?, fifo: String?, filter: String = "", controlIn: String? = nil,
    controlOut: String? = nil, options: [String: String] = [:], problems: [String] = []
  ) {
    self.interface = interface
    self.fifo = fifo
    self.filter = filter
    self.controlIn = controlIn
    self.controlOut = controlOut
    self.options = options
    self.problems = problems
  }
}

extension Request {
  /// Reads a command line as Wireshark writes it.
  ///
  /// Order and form are free (`--option value`, `--option=value`, `--flag`, `--flag true`), the last of
  /// several counts, and options that a newer Wireshark may have added (`--extcap-…`) are passed over.
  ///
  /// - Parameter arguments: The arguments after the program's name.
  package init(arguments: [String]) {
    var line = CommandLineWords(arguments)
    var seen = SeenOptions()
    while let word = line.next() { seen.add(word, from: &line) }
    self = seen.request
  }
}

/// Walks over a command line's words.
private struct CommandLineWords {
  private let words: [String]
  private var place = 0

  init(_ words: [String]) {
    self.words = words
  }

  mutating func next() -> String? {
    guard place < words.count else { return nil }
    defer { place += 1 }
    return words[place]
  }

  /// Takes the next word if it can be the value of an option that may have none.
  mutating func next(if isValue: (String) -> Bool) -> String? {
    guard place < words.count, isValue(words[place]) else { return nil }
    return next()
  }
}

/// What the words read so far ask for.
private struct SeenOptions {
  private var flags: Set<String> = []
  private var values: [String: String] = [:]
  private var options: [String: String] = [:]
  private var problems: [String] = []

  /// Options of Wireshark's that have a value.
  private static let valued: Set<String> = [
    "extcap-interface", "extcap-capture-filter", "extcap-reload-option", "fifo",
    "extcap-control-in", "extcap-control-out",
  ]
  /// Options of Wireshark's, and our own, that have none.
  private static let bare: Set<String> = [
    "extcap-interfaces", "extcap-config", "extcap-dlts", "capture", "extcap-cleanup-postkill",
    "help", "version", "refresh",
  ]

  mutating func add(_ word: String, from line: inout CommandLineWords) {
    guard word.utf8.starts(with: "--".utf8), word.utf8.count > 2 else {
      addShort(word)
      return
    }
    let body = word.dropFirst(2)
    let equals = body.utf8.firstIndex(of: 0x3d)
    let name = String(equals.map { body[..<$0] } ?? body)
    let attached = equals.map { String(body[body.utf8.index(after: $0)...]) }
    if Self.valued.contains(name) {
      guard let value = attached ?? line.next() else {
        problems.append("--\(name) needs a value.")
        return
      }
      values[name] = value
    } else if Self.bare.contains(name) {
      // A value ("--capture=true", "--capture true") changes nothing, except that false is no.
      let value = attached ?? line.next(if: Self.isBoolean)
      if value.map({ $0.lowercased() }) != "false" { flags.insert(name) }
    } else if name.utf8.starts(with: "extcap-".utf8) {
      let value = attached ?? line.next(if: { !$0.utf8.starts(with: "--".utf8) })
      if name == "extcap-version" { values[name] = value }
    } else if let argument = Argument.named(name) {
      add(argument, attached: attached, from: &line)
    } else {
      problems.append("There is no option --\(Grammar.shown(name, limit: 60)).")
      // What follows is most likely its value: one mistake, one sentence.
      if attached == nil { _ = line.next(if: { !$0.utf8.starts(with: "-".utf8) }) }
    }
  }

  private mutating func addShort(_ word: String) {
    switch word {
    case "-h": flags.insert("help")
    case "": break
    default: problems.append("\"\(Grammar.shown(word, limit: 60))\" is not expected here.")
    }
  }

  private mutating func add(
    _ argument: Argument, attached: String?, from line: inout CommandLineWords
  ) {
    var value: String
    if argument.kind == .flag {
      value = (attached ?? line.next(if: Self.isBoolean) ?? "true").lowercased()
    } else if let given = attached ?? line.next() {
      value = given
    } else {
      problems.append("--\(argument.name) needs a value.")
      return
    }
    if let problem = argument.problem(with: value) {
      problems.append(problem)
      return
    }
    if argument.kind == .flag, value == "false" { value = "" }
    options[argument.name] = value.isEmpty ? nil : value
  }

  private static func isBoolean(_ word: String) -> Bool {
    let word = word.lowercased()
    return word == "true" || word == "false"
  }

  /// The request, once all words are read. A capture is one whatever else was asked for: its FIFO
  /// must be opened.
  var request: Request {
    if flags.contains("capture") { return .capture(capture) }
    if flags.contains("help") { return .help }
    if flags.contains("version") { return .version }
    if flags.contains("extcap-cleanup-postkill") { return .cleanup }
    if let problem = problems.first { return .invalid(problem) }
    if flags.contains("extcap-interfaces") {
      return .interfaces(version: values["extcap-version"])
    }
    if flags.contains("refresh") { return .refresh }
    guard let interface = values["extcap-interface"] else {
      let needs = flags.contains("extcap-config") || flags.contains("extcap-dlts")
      return needs || values["extcap-capture-filter"] != nil
        ? .invalid("--extcap-interface is missing.") : .help
    }
    if flags.contains("extcap-dlts") { return .dlts(interface: interface) }
    if flags.contains("extcap-config") {
      let reload = values["extcap-reload-option"].map { option in
        // Wireshark leaves the dashes out; accept them all the same.
        Reload(argument: String(option.drop { $0 == "-" }), options: options)
      }
      return .config(interface: interface, reload: reload)
    }
    if let filter = values["extcap-capture-filter"] {
      return .checkFilter(interface: interface, filter: filter)
    }
    return .invalid("What to do with the interface is missing, for example --extcap-config.")
  }

  private var capture: CaptureRequest {
    var problems = problems
    if values["extcap-interface"] == nil { problems.append("--extcap-interface is missing.") }
    if values["fifo"] == nil { problems.append("--fifo is missing.") }
    return CaptureRequest(
      interface: values["extcap-interface"], fifo: values["fifo"],
      filter: values["extcap-capture-filter"] ?? "", controlIn: values["extcap-control-in"],
      controlOut: values["extcap-control-out"], options: options, problems: problems)
  }
}
