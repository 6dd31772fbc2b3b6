package import Base

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

extension SSHSettings {
  /// The settings with which a host is reached.
  ///
  /// - Parameters:
  ///   - name: The host's name, address, or alias in ssh's files.
  ///   - options: What the configuration says.
  ///   - ssh: The `ssh` program, which is asked what its files say; nil for ssh's defaults.
  /// - Returns: The settings.
  /// - Throws: `Failure` of kind `usage` when a name is none; another when ssh cannot read its files.
  package static func effective(
    name: String, options: SSHOptions, ssh: String?
  ) async throws(Failure) -> SSHSettings {
    try check(name: name, options)
    var settings: SSHSettings
    if let ssh {
      let asked = try await output(of: ssh, name, OpenSSH.overrides(options))
      settings = SSHSettings(name: name, sshG: asked, options: options)
      // The defaults, without the user's and the system's files. An ssh that takes no cipher to be put
      // first (before 8.1, or built without it) fails here rather than later.
      let plain = try? await output(
        of: ssh, name, ["-F", "/dev/null", "-o", OpenSSH.fastCipherFirst])
      settings.hasOwnCiphers = !SSHGOutput.isSameChoice(asked, plain ?? "")
    } else {
      settings = SSHSettings(name: name, options: options)
    }
    for word in settings.lackingInFiles() where !settings.needsOpenSSH.contains(word) {
      settings.needsOpenSSH.append(word)
    }
    return settings
  }

  /// Whether ssh's files have settings for this host in particular, which is how people say that they
  /// log in there by ssh.
  ///
  /// - Returns: False where there is no ssh, or where it cannot read its files.
  package static func hasOwnSettings(name: String, ssh: String?) async -> Bool {
    guard let ssh, (try? check(name: name, SSHOptions())) != nil else { return false }
    // No name server knows a name under .invalid (RFC 6761).
    async let other = try? output(of: ssh, "poddump-asks.invalid", [])
    guard let asked = try? await output(of: ssh, name, []), let other = await other else {
      return false
    }
    let mine = SSHGOutput(asked)
    let isMapped =
      !mine.isOn("canonicalizehostname") && mine["hostname"]?.lowercased() != name.lowercased()
    return isMapped || mine.differs(from: SSHGOutput(other))
  }

  /// The name and port under which known_hosts files have the host: an alias stands without a port.
  package var hostKeyName: (host: String, port: Int) {
    hostKeyAlias.map { ($0, 22) } ?? (hostName, port)
  }

  private static func output(
    of ssh: String, _ name: String, _ words: [String]
  ) async throws(Failure) -> String {
    let what = "ssh's settings for \(printable(name)) cannot be read."
    let run = try await ShortRun.run(
      Command(ssh, ["-G", "-T"] + words + ["--", name]), what, within: .seconds(5))
    guard run.status.isSuccess else {
      throw (SSHCause(errors: run.errors) ?? .unknown(lastLine(run.errors)))
        .failure(what, detail: run.errors)
    }
    return run.output
  }

  /// What only the key and known_hosts files show to be in use, and libssh2 does not have.
  private func lackingInFiles() -> [String] {
    var words: [String] = []
    if identityFiles.contains(where: { access("\($0)-cert.pub", R_OK) == 0 }) {
      words.append("certificates")
    }
    if identityFiles.contains(where: { KeyType(file: $0)?.isHardware == true }) {
      words.append("hardware keys")
    }
    let (host, port) = hostKeyName
    // A file that cannot be read is said when it is needed.
    if let known = try? KnownHosts(files: knownHosts), known.hasOnlyAuthority(for: host, port: port)
    {
      words.append("host certificates")
    }
    return words
  }

  /// Refuses what ssh could take for something else than a name: an option, a URI, another user's login.
  private static func check(name: String, _ options: SSHOptions) throws(Failure) {
    try check("The host name", name, without: "'`\"$\\;&<>|(){}@/")
    // As OpenSSH's own check of user names, so that both engines refuse the same.
    if let user = options.user { try check("The ssh user", user, without: "'`\";&<>|(){}") }
    if let key = options.key { try check("The ssh key file", key, without: "", blanks: true) }
    if let jump = options.jump { try check("The jump host", jump, without: "'`\"$\\;&<>|(){}") }
    if let file = options.knownHosts {
      try check("The known_hosts file", file, without: "", blanks: true)
    }
    if let port = options.port, !(1...65535).contains(port) {
      throw Failure(
        .usage, "The ssh port \(port) is not valid.", fix: "Give a number from 1 to 65535.")
    }
  }

  private static func check(
    _ what: String, _ text: String, without special: String, blanks: Bool = false
  ) throws(Failure) {
    let isPlain = text.unicodeScalars.allSatisfy { scalar in
      scalar.value > 0x20 && scalar.value != 0x7F && !(0x80...0x9F).contains(scalar.value)
        && !special.unicodeScalars.contains(scalar) || blanks && scalar == " "
    }
    guard !text.isEmpty, !text.hasPrefix("-"), isPlain else {
      throw Failure(
        .usage, "\(what) \"\(printable(text, limit: 100))\" is not valid.",
        why: "It is empty, begins with a dash, or has characters that do not belong there.",
        fix: "Check [ssh] in the configuration and the node's name.")
    }
  }
}
