internal import Base
internal import Extcap

/// The file that gets a capture's messages: Wireshark shows none while it runs, and what reaches standard error
/// it takes for a failure.
struct ExtcapLog: Sendable {
  /// Writes to the file and nowhere else.
  private(set) var terminal = Terminal(level: .quiet)

  /// Opens the file that the dialog names, if it does.
  ///
  /// - Throws: `Failure` when it cannot be written.
  mutating func open(_ options: [String: String]) throws(Failure) {
    guard let path = options[Argument.logFile.name] else { return }
    terminal.log = try openLog(path)
    if let level = options[Argument.logLevel.name].flatMap({ LogLevel(rawValue: $0) }) {
      terminal.logLevel = level
    }
  }
}
