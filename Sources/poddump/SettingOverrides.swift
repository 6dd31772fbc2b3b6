internal import ArgumentParser
internal import Base
internal import Broker
internal import Cluster
internal import SSH

/// Settings of the configuration that one capture has otherwise: `--ssh-user` is the file's `user` in
/// `[ssh]`, and so on. Wireshark's dialog has the same names.
struct SettingOverrides: ParsableArguments {
  @Option(name: .customLong("ssh-user"), help: "Who logs in on the node.")
  var sshUser: String?

  @Option(
    name: .customLong("ssh-host"),
    help:
      "The host of a node, such as {node}.example.com; also {internalip}, {externalip}, {hostname}."
  )
  var sshHost: String?

  @Option(name: .customLong("ssh-port"), help: "The port of sshd on the node.")
  var sshPort: Int?

  @Option(name: .customLong("ssh-key"), help: "A private key's file; no other key is offered then.")
  var sshKey: String?

  @Option(name: .customLong("ssh-jump"), help: "A host on the way, as ssh -J takes it.")
  var sshJump: String?

  @Option(
    name: .customLong("ssh-sudo"), help: "Whether sudo -n is used where the login is not root.")
  var sshSudo: SudoChoice = .auto

  @Option(name: .customLong("ssh-engine"), help: "What carries the connection to the node.")
  var sshEngine: SSHEngineChoice = .auto

  @Option(name: .customLong("image-debug"), help: "The image of the ephemeral container.")
  var debugImage: String?

  @Option(name: .customLong("image-node"), help: "The image of the helper pod.")
  var nodeImage: String?

  func validate() throws {
    if let sshPort, !(1...65_535).contains(sshPort) {
      throw ValidationError("--ssh-port takes a number from 1 to 65535.")
    }
  }

  /// Reads the options; nil where the form of one is wrong.
  static func read(_ words: [String]) -> SettingOverrides? { try? parse(words) }

  /// `--ssh-sudo`; `auto` leaves it to the configuration.
  enum SudoChoice: String, ExpressibleByArgument, CaseIterable, Sendable {
    case auto, yes, no
  }

  /// `--ssh-engine`; `auto` leaves it to the configuration.
  enum SSHEngineChoice: String, ExpressibleByArgument, CaseIterable, Sendable {
    case auto, libssh2, openssh
  }
}

extension Configuration {
  /// The configuration with what one capture has otherwise.
  ///
  /// - Throws: `Failure` of kind `usage` for an image that is none.
  func overridden(by other: SettingOverrides) throws(Failure) -> Configuration {
    var result = self
    let before = nodes
    if let host = other.sshHost { result.nodes.host = host }
    if let user = other.sshUser { result.nodes.options.user = user }
    if let port = other.sshPort { result.nodes.options.port = port }
    if let key = other.sshKey { result.nodes.options.key = expandingHome(key) }
    if let jump = other.sshJump { result.nodes.options.jump = jump }
    if other.sshSudo != .auto { result.nodes.options.sudo = other.sshSudo == .yes }
    if let engine = SSHEngine(rawValue: other.sshEngine.rawValue) {
      result.nodes.options.engine = engine
    }
    // Whoever says how nodes are reached wants them reached.
    if result.nodes != before { result.nodes.isConfigured = true }
    if let image = other.debugImage {
      result.routes.debugImage = try Self.checked(image, "--image-debug")
    }
    if let image = other.nodeImage {
      result.routes.nodeImage = try Self.checked(image, "--image-node")
    }
    return result
  }

  private static func checked(_ image: String, _ option: String) throws(Failure) -> String {
    guard isImage(image) else {
      throw Failure(
        .usage, "\"\(printable(image, limit: 80))\" is no name of an image.",
        fix: "Write \(option) registry/name:tag.")
    }
    return image
  }
}
