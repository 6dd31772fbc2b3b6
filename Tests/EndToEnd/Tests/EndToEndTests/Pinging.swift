import Foundation

/// Traffic for a pod that has none, from another pod: five packets a second there, and five back.
struct Pinging {
  private let program: Program
  private let arguments: [String]

  /// Begins, for at most so many seconds; as a flood, 500 packets of 1.4 kB a second instead.
  init(
    from pod: String, _ address: String, for seconds: Int = 60, isFlood: Bool = false
  ) throws {
    arguments =
      ["ping", "-i", isFlood ? "0.002" : "0.2", "-s", isFlood ? "1400" : "56", "-w"]
      + [String(seconds), address]
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
