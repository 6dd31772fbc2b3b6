import Foundation

/// Traffic for a pod that has none, from another pod: five packets a second there, and five back.
struct Pinging {
  private let program: Program
  private let arguments: [String]

  /// Begins, for at most a minute.
  init(from pod: String, _ address: String) throws {
    arguments = ["ping", "-i", "0.2", "-w", "60", address]
    program = try Program([Lab.command, "exec-in", "shop/" + pod] + arguments)
  }

  /// Ends, and waits for the end.
  func end() {
    for process in LocalProcess.all(where: { $0.arguments == arguments }) {
      kill(process.pid, SIGINT)
    }
    _ = program.finish(within: 5)
  }
}
