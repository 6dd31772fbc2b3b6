internal import Base

/// Why the OpenSSH client failed, read from its last words. They have been the same in the parts that are
/// matched here since OpenSSH 7.
package enum SSHCause: Sendable, Equatable {
  /// Nothing accepts connections there.
  case refused(String)
  case unknownName(String)
  case unreachable(String)
  /// No answer to the first packet.
  case timedOut(String)
  /// The connection stands, and nothing comes.
  case silent
  /// The server hangs up before anybody could log in.
  case closedEarly(String)
  /// What answers does not speak SSH 2.
  case wrongProtocol
  /// What ssh goes through to the host, a jump host or a command, failed; its own words, if it had any.
  case proxy(String?)
  case hostKeyUnknown(type: String?)
  case hostKeyChanged(key: String?, place: String?)
  case hostKeyRevoked(type: String?)
  /// No algorithm in common.
  case negotiation(String)
  /// No login; what is wrong with a key file, if ssh said so.
  case denied(who: String, methods: String, key: KeyProblem?)
  case tooManyKeys
  /// A setting of the user's own files, or one of ours, that this ssh does not take.
  case badSetting(String)
  /// A connection that stood has broken.
  case connectionLost(String)
  case unknown(String)

  /// Why ssh did not use a key file.
  package enum KeyProblem: Sendable, Equatable {
    case missing(String)
    case readableByOthers(String)
    case unreadable(String)
  }

  /// What ssh's words mean; nil when the last line is none of ssh's own.
  ///
  /// The far end's standard error comes the same way. Only the last line decides: ssh speaks after
  /// everybody else.
  ///
  /// - Parameter errors: All that came on standard error, or the end of it.
  package init?(errors: String) {
    let message = SSHMessage(errors)
    guard let cause = Self.read(message) else { return nil }
    self = cause
  }

  private static func read(_ message: SSHMessage) -> SSHCause? {
    if message.last.hasSuffix("UNKNOWN port 65535") { return proxy(message) }
    return hostKey(message) ?? login(message) ?? connection(message) ?? setting(message)
      ?? (message.last.hasPrefix("ssh: ") ? .unknown(message.quotation) : nil)
  }

  /// Behind a proxy, the last lines are about the pipe to it; the reason stands before them.
  private static func proxy(_ message: SSHMessage) -> SSHCause {
    let own = message.lines.filter {
      !$0.hasSuffix("UNKNOWN port 65535") && !$0.hasPrefix("kex_exchange_identification: ")
    }
    let before = SSHMessage(own.joined(separator: "\n"))
    switch hostKey(before) ?? login(before) {
    case let cause?: return cause
    case nil: return .proxy(before.last.isEmpty ? nil : before.quotation)
    }
  }

  private static func hostKey(_ message: SSHMessage) -> SSHCause? {
    guard message.last == "Host key verification failed." else { return nil }
    if let line = message.line("is marked as revoked.") {
      return .hostKeyRevoked(type: line.between("The ", " host key for ").map { String($0) })
    }
    if message.line("REMOTE HOST IDENTIFICATION HAS CHANGED!") != nil {
      let type = message.lines.compactMap { $0.between("The fingerprint for the ", " key sent") }
      let print = message.lines.last { $0.hasPrefix("SHA256:") }?.prefix { $0 != "." }
      let place = message.lines.compactMap { line in
        line.hasPrefix("Offending ") ? line.between(" key in ", "") : nil
      }
      let key = [type.last, print].compactMap { $0 }.joined(separator: " ")
      return .hostKeyChanged(
        key: key.isEmpty ? nil : printable(key, limit: 100),
        place: place.last.map { printable($0, limit: 300) })
    }
    let type = message.lines.compactMap { $0.between("No ", " host key is known for ") }.last
    return .hostKeyUnknown(type: type.map { printable($0, limit: 60) })
  }

  private static func login(_ message: SSHMessage) -> SSHCause? {
    if let who = message.last.between("", ": Permission denied (") {
      return .denied(
        who: printable(who, limit: 100),
        methods: printable(message.last.between("denied (", ")") ?? "", limit: 100),
        key: message.lines.compactMap(keyProblem).last)
    }
    // What the server said may have several lines.
    guard message.last.hasPrefix("Disconnected from "),
      let words = message.lines.last(where: { $0.hasPrefix("Received disconnect from ") })
    else { return nil }
    if words.contains("Too many authentication failures") { return .tooManyKeys }
    return .connectionLost(printable(words, limit: 300))
  }

  private static func keyProblem(_ line: Substring) -> KeyProblem? {
    if let file = line.between("Identity file ", " not accessible") {
      return .missing(printable(file, limit: 300))
    }
    if let file = line.between(" for '", "' are too open.") {
      return .readableByOthers(printable(file, limit: 300))
    }
    if line.hasSuffix("bad permissions") { return nil }
    return line.between("Load key \"", "\":").map { .unreadable(printable($0, limit: 300)) }
  }

  private static func connection(_ message: SSHMessage) -> SSHCause? {
    let last = message.last
    if last.hasPrefix("ssh: connect to host "),
      let place = last.between("connect to host ", ": "), let words = last.between(": connect", "")
    {
      let reason = words.between(": ", "") ?? words
      let place = printable(place, limit: 300)
      switch reason {
      case "Connection refused": return .refused(place)
      case "Connection timed out", "Operation timed out": return .timedOut(place)
      default: return .unreachable("\(place): \(printable(reason, limit: 200))")
      }
    }
    if let name = last.between("ssh: Could not resolve hostname ", ": ") {
      return .unknownName(printable(name, limit: 300))
    }
    if last.hasPrefix("Unable to negotiate with ") {
      let words = last.between(": no matching ", " found") ?? last.between(": ", "") ?? last
      return .negotiation(printable(words, limit: 200))
    }
    if message.has("Protocol major versions differ")
      || last.hasPrefix("banner exchange: ") && !last.contains("timed out")
      || message.has("banner line contains invalid characters")
    {
      return .wrongProtocol
    }
    if message.has("timed out during banner exchange") || last.hasPrefix("banner exchange: ") {
      return .silent
    }
    let ends = ["Connection closed by ", "Connection reset by "]
    if ends.contains(where: last.hasPrefix), last.contains(" port ") {
      return .closedEarly(message.quotation)
    }
    let breaks = [
      "Connection to ", "Timeout, server ", "client_loop: ", "Read from remote host ",
      "Write to remote host ", "packet_write_wait: ", "ssh_dispatch_run_fatal: ",
      "ssh_packet_write_wait: ", "Corrupted MAC on input", "Bad packet length ",
    ]
    return breaks.contains(where: last.hasPrefix) ? .connectionLost(message.quotation) : nil
  }

  private static func setting(_ message: SSHMessage) -> SSHCause? {
    let signs = [
      "Bad configuration option", "bad configuration option", "Bad SSH2 cipher spec",
      "Bad port '", "hostname contains invalid characters", "Unsupported option",
      "Can't open user config file", "Bad owner or permissions on ", "Invalid -J argument",
      "missing argument", "keyword ", "command-line line 0",
    ]
    let isSetting = signs.contains { message.last.contains($0) }
    guard isSetting || message.last.hasPrefix("command-line: ") else { return nil }
    // The line that names the option stands before the one that counts.
    let line = message.line("Bad configuration option") ?? message.last
    return .badSetting(SSHMessage(String(line)).quotation)
  }
}

/// What came on standard error, as lines.
struct SSHMessage: Sendable, Equatable {
  /// Those that are not empty, without the CR that ssh ends its own with.
  let lines: [Substring]

  init(_ errors: String) {
    // A CR and a LF are one character to Swift, and a line break as well.
    lines = errors.split(whereSeparator: \.isNewline).filter { !$0.allSatisfy(\.isWhitespace) }
  }

  var last: Substring { lines.last ?? "" }

  /// The last line, to be quoted in a sentence.
  var quotation: String {
    var line = last
    while line.last == "." || line.last == " " { line.removeLast() }
    return printable(line, limit: 300)
  }

  func line(_ part: String) -> Substring? { lines.last { $0.contains(part) } }

  /// Whether one of the last two lines holds the text.
  func has(_ part: String) -> Bool { lines.suffix(2).contains { $0.contains(part) } }
}

/// The last line, for failures that have nothing better.
func lastLine(_ errors: String) -> String { SSHMessage(errors).quotation }

extension Substring {
  /// What stands between two texts; an empty one is the beginning or the end.
  func between(_ start: String, _ end: String) -> Substring? {
    var from = startIndex
    if !start.isEmpty {
      guard let found = firstRange(of: start) else { return nil }
      from = found.upperBound
    }
    let rest = self[from...]
    if end.isEmpty { return rest }
    guard let found = rest.firstRange(of: end) else { return nil }
    return rest[..<found.lowerBound]
  }
}
