import Foundation
import Testing

/// poddump on the lab's laptop, from which alone the nodes are reached by ssh, with a configuration that
/// says how to log in there.
struct SSHLogin: Sendable, CustomStringConvertible {
  enum Engine: String, Sendable, CaseIterable, CustomStringConvertible {
    case libssh2, openssh
    var description: String { rawValue }
  }

  /// Who logs in; nil leaves the setting out, as it does for all of them.
  var user: String? = "root"
  var key: String? = Lab.directory + "/client_key"
  var knownHosts: String? = Lab.directory + "/known_hosts"
  var engine: Engine?
  /// The routes under `[route]`; empty leaves the table out.
  var order = ["ssh"]
  /// The routes that are chosen only if somebody allows them.
  var allowed: [String] = []
  /// Further lines of `[ssh]`, such as "port = 2201".
  var lines: [String] = []
  /// Whether there is a table `[ssh]` at all.
  var isConfigured = true

  var description: String { "\(user ?? "(nobody)") by \(engine?.rawValue ?? "either engine")" }

  /// The configuration's text.
  var text: String {
    var text = ""
    if !order.isEmpty || !allowed.isEmpty { text += "[route]\n" }
    for (name, routes) in [("order", order), ("allow", allowed)] where !routes.isEmpty {
      text += "\(name) = [\(routes.map { "\"\($0)\"" }.joined(separator: ", "))]\n"
    }
    guard isConfigured else { return text }
    text += "[ssh]\n"
    let settings = [
      ("user", user), ("key", key), ("known_hosts", knownHosts), ("engine", engine?.rawValue),
    ]
    for case (let name, let value?) in settings { text += "\(name) = \"\(value)\"\n" }
    return text + lines.map { $0 + "\n" }.joined()
  }

  /// Writes the configuration into the folder, and makes it the one of whoever has this environment.
  func environment(in folder: Folder) throws -> [String: String?] {
    var environment = folder.environment
    environment["PODDUMP_CONFIG"] = try folder.write(
      text, to: "config-\(folder.nextNumber()).toml")
    // Nobody's agent plays a part.
    environment["SSH_AUTH_SOCK"] = String?.none
    environment["SSH_ASKPASS"] = String?.none
    return environment
  }

  /// What precedes a program that is to run on the laptop: it takes the place of this, with its process
  /// number.
  static let laptop = [Lab.command, "laptop"]

  /// The same for a program that logs in so. Where libssh2 carries the connection there is no ssh on the
  /// PATH: nothing of it may need one.
  func laptop(in folder: Folder) throws -> [String] {
    guard engine == .libssh2 else { return Self.laptop }
    let path = folder.path + "/without-ssh"
    if !FileManager.default.fileExists(atPath: path) {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      for name in ["kubectl", "tshark", "dumpcap"] {
        let found = try Program.run(["/usr/bin/env", "sh", "-c", "command -v \(name)"])
        try FileManager.default.createSymbolicLink(
          atPath: "\(path)/\(name)",
          withDestinationPath: found.output.trimmingCharacters(in: .newlines))
      }
    }
    return Self.laptop + ["/usr/bin/env", "PATH=\(path)"]
  }

  /// Runs poddump on the laptop to its end.
  func poddump(
    _ words: [String], in folder: Folder, environment: [String: String?] = [:],
    within seconds: Double = 40
  ) throws -> Finished {
    try Program.run(
      laptop(in: folder) + [Lab.poddump] + words,
      environment: self.environment(in: folder).merging(environment) { $1 }, within: seconds)
  }

  /// Starts poddump on the laptop.
  func start(
    _ words: [String], in folder: Folder, environment: [String: String?] = [:]
  ) throws -> Program {
    try Program(
      laptop(in: folder) + [Lab.poddump] + words,
      environment: self.environment(in: folder).merging(environment) { $1 })
  }

  /// Runs tshark on the laptop to its end; it finds poddump-extcap in the folder, its home.
  func tshark(
    _ words: [String], in folder: Folder, environment: [String: String?] = [:],
    within seconds: Double = 60
  ) throws -> Finished {
    try Program.run(
      laptop(in: folder) + ["/usr/bin/env", "tshark"] + words,
      environment: self.environment(in: folder).merging(environment) { $1 }, within: seconds)
  }

  /// Waits until the extcap lists an interface, as `Folder.waitUntilListed` does, with this
  /// configuration.
  func waitUntilListed(_ value: String, in folder: Folder) throws {
    try folder.waitUntilListed(value, environment: environment(in: folder))
  }
}

extension Lab {
  /// Does something on a node, or to it, by the lab's command: `lab link n1 reset`.
  ///
  /// What the lab leaves running gets no descriptor of ours: Foundation takes the end of one for the end
  /// of the program, and would wait for a daemon that has it.
  @discardableResult
  static func run(_ words: String..., within seconds: Double = 60) throws -> Finished {
    let script = """
      (
        for fd in /proc/self/fd/*; do
          fd=${fd##*/}
          [ "$fd" -le 2 ] || eval "exec $fd>&-"
        done
        exec "$@"
      )
      exit $?
      """
    let run = try Program.run(
      ["/bin/bash", "-c", script, "bash", command] + words, within: seconds)
    try #require(run.status == 0, "lab \(words): \(run.errors)")
    return run
  }
}
