internal import Base

/// The OpenSSH client: where it is, and what it is asked for.
package enum OpenSSH {
  /// Faster by a fifth or more than ssh's own first choice, chacha20-poly1305, as measured.
  static let fastCipher = "aes128-gcm@openssh.com"

  /// Puts it before the others (ssh_config(5), Ciphers), of which none is left out.
  static let fastCipherFirst = "Ciphers=^\(fastCipher)"

  /// The path of the `ssh` on the PATH; where there is no PATH, the one of the system.
  ///
  /// A desktop's minimal PATH has the system's folders, so that nothing is looked for beyond it; relative
  /// entries are left out: what a foreign directory holds is not run.
  ///
  /// - Returns: Nil when there is none.
  package static func find(path: String? = environmentValue("PATH")) -> String? {
    let folders = (path ?? "/usr/local/bin:/usr/bin:/bin").split(separator: ":")
    return folders.lazy.filter { $0.hasPrefix("/") }.map { "\($0)/ssh" }.first(where: isProgram)
  }

  /// What the configuration changes in ssh's own settings; `ssh -G` is asked with the same.
  package static func overrides(_ options: SSHOptions) -> [String] {
    var words: [String] = []
    if let user = options.user { words += ["-l", user] }
    if let port = options.port { words += ["-p", "\(port)"] }
    if let key = options.key { words += ["-i", key, "-o", "IdentitiesOnly=yes"] }
    if let jump = options.jump { words += ["-J", jump] }
    if let file = options.knownHosts {
      words += ["-o", "UserKnownHostsFile=\(quoted(file))"]
    }
    return words
  }

  /// The arguments of `ssh` for one command on a host: what the plan prints and what is run.
  ///
  /// - Parameters:
  ///   - settings: The host's effective settings.
  ///   - options: What the configuration says.
  ///   - command: The command line for the login shell there, as one word.
  /// - Returns: What follows the program's name.
  package static func arguments(
    _ settings: SSHSettings, options: SSHOptions, command: String
  ) -> [String] {
    var settled = [
      // Nobody is there to answer.
      "BatchMode=yes",
      "StrictHostKeyChecking=\(settings.hostKeys.rawValue)",
      // Every host's key is looked up, and none is learnt on the way.
      "NoHostAuthenticationForLocalhost=no", "UpdateHostKeys=no",
      "ConnectTimeout=\(settings.connectTimeout)",
      // A dead connection ends after 15 s.
      "ServerAliveInterval=5", "ServerAliveCountMax=3",
      // The far end's bytes pass as they are, and nothing else is opened or started.
      "EscapeChar=none", "ClearAllForwardings=yes", "ForwardAgent=no",
      "ForwardX11=no", "Tunnel=no", "PermitLocalCommand=no", "RemoteCommand=none",
      // A connection that stands may be shared, but ours never outlives the capture.
      "ControlMaster=no",
      // A quiet one would keep its reasons to itself.
      "LogLevel=INFO",
    ]
    if !settings.hasOwnCiphers { settled.append(fastCipherFirst) }
    return ["-T"] + settled.flatMap { ["-o", $0] } + overrides(options)
      + ["--", settings.name, command]
  }

  /// What is started for one command on a host.
  ///
  /// ssh starts another one for a jump host, which knows nothing of BatchMode. In the background of a
  /// terminal it would be stopped by its first question, and no time limit covers that: it asks by
  /// ssh-askpass or not at all (ssh(1), SSH_ASKPASS_REQUIRE; since OpenSSH 8.4).
  static func command(
    _ ssh: String, _ settings: SSHSettings, options: SSHOptions, command: String
  ) -> Command {
    Command(
      ssh, arguments(settings, options: options, command: command),
      environment: ["SSH_ASKPASS_REQUIRE": "force"])
  }

  /// A file's name as ssh_config(5) wants it: in double quotes where it has blanks.
  private static func quoted(_ file: String) -> String {
    guard file.contains(where: { " \t\"'\\#".contains($0) }) else { return file }
    let escaped = file.map { $0 == "\"" || $0 == "\\" ? "\\\($0)" : "\($0)" }.joined()
    return "\"\(escaped)\""
  }
}
