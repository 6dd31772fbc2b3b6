internal import Base

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// Everything that is written for people. Messages go to standard error and only there; standard
/// output carries answers and packets.
struct Terminal: Sendable {
  /// How much is said.
  enum Level: Int, Sendable, Comparable {
    case quiet, normal, verbose

    static func < (left: Level, right: Level) -> Bool { left.rawValue < right.rawValue }
  }

  /// How much is said.
  var level = Level.normal
  /// A file that gets messages as well, whatever the level; nil for none.
  var log: OwnedFD?
  /// The least that is written there.
  var logLevel = LogLevel.debug

  /// Whether standard error is a terminal, where a line may be overwritten.
  static var isInteractive: Bool { isatty(STDERR_FILENO) == 1 }

  /// Whether standard output is a terminal, which never gets packets.
  static var outputIsTerminal: Bool { isatty(STDOUT_FILENO) == 1 }

  /// A message for the user; nothing with `-q`.
  func say(_ text: String) { write("poddump: \(text)\n", above: .quiet, .info) }

  /// A message about something that is not as it should be.
  func warn(_ text: String) { write("poddump: Warning: \(text)\n", above: .quiet, .warning) }

  /// A detail for the user; shown with `-v` only.
  func detail(_ text: String) { write("poddump: \(text)\n", above: .normal, .debug) }

  /// A question, after which the answer is typed.
  func prompt(_ text: String) { Self.put(text, to: STDERR_FILENO) }

  /// A failure: what, why and what to do; the far end's own words with `-v`.
  func fail(_ failure: Failure) { Self.put(text(of: failure), to: STDERR_FILENO) }

  /// Writes a failure to the log file alone, with all that is known: it is shown by whoever ends the
  /// process.
  func note(_ failure: Failure) {
    guard let log else { return }
    var detailed = self
    detailed.level = .verbose
    Self.put(detailed.text(of: failure), to: log.raw)
  }

  private func text(of failure: Failure) -> String {
    var text = "poddump: \(failure.sentence)\n"
    if level >= .verbose, let words = failure.detail, !words.isEmpty {
      text += words.split(separator: "\n").map { "  | \($0)\n" }.joined()
    }
    return text
  }

  /// Overwrites the current line of a terminal; nothing elsewhere.
  func live(_ text: String) {
    guard level > .quiet, Self.isInteractive else { return }
    Self.put("\r\u{1b}[K\(text)", to: STDERR_FILENO)
  }

  /// An answer, on standard output.
  static func answer(_ text: String) { put(text, to: STDOUT_FILENO) }

  private func write(_ text: String, above threshold: Level, _ weight: LogLevel) {
    if let log, weight >= logLevel { Self.put(text, to: log.raw) }
    guard level > threshold else { return }
    Self.put(text, to: STDERR_FILENO)
  }

  fileprivate static func putError(_ text: String) { put(text, to: STDERR_FILENO) }

  /// Writes a text in full; a descriptor that is closed or full is no reason to fail.
  private static func put(_ text: String, to descriptor: Int32) {
    var text = text
    text.withUTF8 { bytes in
      var offset = 0
      while offset < bytes.count, let base = bytes.baseAddress {
        let count = systemWrite(descriptor, base + offset, bytes.count - offset)
        guard count > 0 || errno == EINTR || errno == EAGAIN else { return }
        offset += max(0, count)
      }
    }
  }
}

private func systemWrite(_ descriptor: Int32, _ bytes: UnsafePointer<UInt8>, _ count: Int) -> Int {
  write(descriptor, bytes, count)
}

extension Terminal {
  /// The parser's own words about a wrong command line.
  func usage(_ text: String) { Self.putError(text + "\n") }
}

/// How much is written to a log file; each holds what those before it hold.
enum LogLevel: String, Sendable, CaseIterable, Comparable {
  case debug, info, warning, error

  static func < (left: LogLevel, right: LogLevel) -> Bool {
    left.place < right.place
  }

  private var place: Int { Self.allCases.firstIndex(of: self) ?? 0 }
}

/// Opens a log file.
///
/// - Throws: `Failure` when it cannot be written.
func openLog(_ path: String) throws(Failure) -> OwnedFD {
  let log = OwnedFD(openForAppending(path))
  guard log.raw >= 0 else {
    throw .system(
      "Cannot write the log file \(path).", errno: errno, fix: "Name one that you may write.")
  }
  return log
}

/// Opens a file for messages, made if need be, readable by its owner only; -1 with errno set if it
/// cannot be.
func openForAppending(_ path: String) -> Int32 {
  open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
}
