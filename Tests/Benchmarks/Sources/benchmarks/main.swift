import Foundation

// Runs the benchmarks that are named, or all; exit status 1 if a limit is missed.
let all: [(name: String, run: (Scoreboard) throws -> Void)] = [
  ("listing", benchmarkListing), ("interfaces", benchmarkInterfaces), ("filter", benchmarkFilter),
  ("latency", benchmarkLatency),
  ("throughput", benchmarkThroughput), ("ssh", benchmarkSSH), ("routes", benchmarkRoutes),
  ("window", benchmarkWindow),
]
let named = Set(CommandLine.arguments.dropFirst())
let board = Scoreboard()
do {
  for (name, run) in all where named.isEmpty || named.contains(name) { try run(board) }
} catch {
  print("failed: \(error)")
  exit(1)
}
exit(board.failed == 0 ? 0 : 1)
