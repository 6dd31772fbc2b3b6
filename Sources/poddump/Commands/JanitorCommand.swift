internal import Base
internal import Broker

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// `poddump janitor FOLDER PID START`, which poddump starts for itself: waits until the process is gone,
/// then undoes what it left. It says nothing, and has no other descriptors than its input.
enum JanitorCommand {
  static let name = "janitor"

  /// Waits and works.
  ///
  /// - Returns: The exit status.
  static func run(_ arguments: [String]) async -> Int32 {
    guard arguments.count == 3, arguments[0].hasPrefix("/"), let pid = Int32(arguments[1]) else {
      return Failure.Kind.usage.rawValue
    }
    // A terminal that is closed, or a Ctrl-C in it, is the owner's affair.
    for number in [SIGHUP, SIGINT] { signal(number, SIG_IGN) }
    // Read now: its path may be a relative one.
    let configuration = (try? Configuration.load()) ?? Configuration()
    // No folder is kept from being removed or unmounted.
    _ = chdir("/")
    waitForEndOfInput()
    let undoer = EntryUndoer(nodes: configuration.nodes, isInteractive: false)
    await Janitor(
      journal: Journal(folder: arguments[0]),
      owner: .ofThisMachine(pid: pid, start: arguments[2])
    ) { (entry) async throws(Failure) in
      try await undoer.undo(entry)
    }.run()
    return 0
  }

  /// Blocks: nothing else is to be done meanwhile.
  private static func waitForEndOfInput() {
    var byte: UInt8 = 0
    while true {
      let count = read(STDIN_FILENO, &byte, 1)
      guard count > 0 || count < 0 && errno == EINTR else { return }
    }
  }
}
