import Foundation
import Testing

/// The lab that Tests/run-in-lab has raised, through its own command.
enum Lab {
  /// The repository's top folder.
  static let top = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().path

  static let command = "\(top)/Tests/Lab/lab"
  static let api = environment("LAB_API", or: "\(top)/Tests/Lab/.build/release/lab-api")
  static let directory = environment("PODDUMP_LAB", or: "/run/poddump-lab")
  static let poddump = environment("PODDUMP", or: "\(top)/.build/release/poddump")
  static let extcap = environment("PODDUMP_EXTCAP", or: "\(top)/.build/release/poddump-extcap")
  static let nodes = ["n1", "n2"]

  static func environment(_ name: String, or other: String) -> String {
    ProcessInfo.processInfo.environment[name].flatMap { $0.isEmpty ? nil : $0 } ?? other
  }

  /// Everything that runs on the nodes, one line per process with its start time, so that a process
  /// number given out again counts as another process.
  static func processes() throws -> Set<String> {
    var all: Set<String> = []
    for node in nodes {
      let run = try Program.run([command, "pids", node])
      try #require(run.status == 0, "lab pids \(node): \(run.errors)")
      for line in run.output.split(separator: "\n") { all.insert("\(node) \(line)") }
    }
    return all
  }

  /// The files in a container: type, mode, size, path.
  static func files(_ container: String) throws -> Set<String> {
    let run = try Program.run([command, "files", container])
    try #require(run.status == 0, "lab files \(container): \(run.errors)")
    return Set(run.output.split(separator: "\n").map(String.init))
  }

  /// Switches a fault of the API stand-in: black-hole on, reset, slow 200, expired, refuse, clear.
  static func fault(_ words: String...) throws {
    let run = try Program.run([api, "fault"] + words + ["--state", directory])
    try #require(run.status == 0, "fault \(words): \(run.errors)")
  }

  /// Waits until nothing of ours is left on the nodes, compared with before; fails with what is.
  ///
  /// A process that is seen twice in a row counts: web servers in the lab fork for each request.
  static func expectNothingLeft(
    since before: Set<String>, within seconds: Double, _ comment: String = "",
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let deadline = Date(timeIntervalSinceNow: seconds)
    var earlier = try processes().subtracting(before)
    var left = earlier
    while !left.isEmpty, Date() < deadline {
      usleep(150_000)
      let now = try processes().subtracting(before)
      left = now.intersection(earlier)
      earlier = now
    }
    if left.isEmpty { return }
    Issue.record("left behind \(comment): \(left.sorted())", sourceLocation: sourceLocation)
  }
}
