import Foundation
import Synchronization
import Testing

/// A test's own folder, which is also a home in which Wireshark finds poddump-extcap; it goes with the
/// value.
final class Folder: Sendable {
  let path: String
  private static let last = Mutex(20_000)

  init() throws {
    path = FileManager.default.temporaryDirectory.path + "/poddump-test-\(UUID().uuidString)"
    for name in [".config/wireshark/extcap", ".local/lib/wireshark/extcap"] {
      try FileManager.default.createDirectory(
        atPath: "\(path)/\(name)", withIntermediateDirectories: true)
      try FileManager.default.createSymbolicLink(
        atPath: "\(path)/\(name)/poddump-extcap", withDestinationPath: Lab.extcap)
    }
    try FileManager.default.createDirectory(
      atPath: "\(path)/cache", withIntermediateDirectories: true,
      attributes: [.posixPermissions: 0o700])
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// A number that no other capture of the run has; it serves as a port that nobody uses.
  func nextNumber() -> Int {
    Self.last.withLock {
      $0 += 1
      return $0
    }
  }

  /// What makes it the home of a program.
  var environment: [String: String?] {
    [
      "HOME": path, "XDG_CACHE_HOME": path + "/cache", "XDG_CONFIG_HOME": nil,
      "PODDUMP_CONFIG": nil,
    ]
  }

  /// Waits until a pod is among the interfaces that the extcap lists; the first listing is made in the
  /// background.
  func waitUntilListed(_ value: String, environment: [String: String?] = [:]) throws {
    let all = self.environment.merging(environment) { _, own in own }
    for _ in 0..<40 {
      let run = try Program.run([Lab.extcap, "--extcap-interfaces"], environment: all)
      if run.output.contains("{value=\(value)}") { return }
      usleep(250_000)
    }
    Issue.record("\(value) is not listed")
  }

  /// Writes a file into the folder; its path.
  func write(_ text: String, to name: String) throws -> String {
    try text.write(toFile: "\(path)/\(name)", atomically: true, encoding: .utf8)
    return "\(path)/\(name)"
  }

  /// Runs tshark in this home.
  func tshark(
    _ words: [String], environment: [String: String?] = [:], within seconds: Double = 40
  ) throws -> Finished {
    try Program.run(
      ["/usr/bin/env", "tshark"] + words,
      environment: self.environment.merging(environment) { _, own in own }, within: seconds)
  }
}
