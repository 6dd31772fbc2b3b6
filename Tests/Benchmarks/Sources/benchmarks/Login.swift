import Foundation

/// A home on the lab's laptop from which its nodes are reached by ssh: the settings of poddump and of the
/// ssh client beside it.
final class Login {
  static let address = "198.51.100.11"
  let folder: String

  init() throws {
    folder = NSTemporaryDirectory() + "poddump-login-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    for engine in ["libssh2", "openssh"] {
      let text = """
        [route]
        order = ["ssh"]
        [ssh]
        user = "root"
        key = "\(key)"
        known_hosts = "\(knownHosts)"
        engine = "\(engine)"
        """
      try text.write(toFile: "\(folder)/\(engine).toml", atomically: true, encoding: .utf8)
    }
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  let key = "\(Setting.state)/client_key"
  let knownHosts = "\(Setting.state)/known_hosts"

  /// A program on the laptop, with poddump's settings for an engine.
  func onLaptop(_ words: [String], engine: String = "libssh2") -> [String] {
    [Setting.lab, "laptop", "env", "PODDUMP_CONFIG=\(folder)/\(engine).toml"] + words
  }

  /// The plain ssh client, with its own defaults but for who logs in.
  func ssh(_ options: [String] = [], _ command: String) -> [String] {
    onLaptop(
      [
        "ssh", "-F", "none", "-o", "BatchMode=yes", "-i", key, "-o",
        "UserKnownHostsFile=\(knownHosts)",
      ] + options + ["root@\(Self.address)", command])
  }
}
