internal import Base

/// What `ssh -G` printed: one setting per line, the keyword in lower case.
struct SSHGOutput: Sendable, Equatable {
  private var values: [String: [String]] = [:]

  init(_ text: String) {
    for line in text.split(whereSeparator: \.isNewline) {
      let parts = line.split(separator: " ", maxSplits: 1)
      guard let keyword = parts.first else { continue }
      values[keyword.lowercased(), default: []].append(parts.count > 1 ? String(parts[1]) : "")
    }
  }

  /// A setting's value; nil when it is not there, empty, or "none".
  subscript(_ keyword: String) -> String? {
    values[keyword]?.first { !$0.isEmpty && $0.lowercased() != "none" }
  }

  /// A setting's value as it stands, "none" too.
  func text(_ keyword: String) -> String? { values[keyword]?.first }

  /// The words of a setting's value.
  func words(_ keyword: String) -> [String] {
    self[keyword]?.split(separator: " ").map(String.init) ?? []
  }

  /// All values of a setting that may stand several times, without "none".
  func all(_ keyword: String) -> [String] {
    (values[keyword] ?? []).filter { !$0.isEmpty && $0.lowercased() != "none" }
  }

  /// Whether a setting says yes.
  func isOn(_ keyword: String) -> Bool {
    ["yes", "true"].contains(values[keyword]?.first?.lowercased())
  }

  /// Whether two outputs have the same ciphers, wherever in the order our fast one stands.
  static func isSameChoice(_ one: String, _ other: String) -> Bool {
    func ciphers(_ text: String) -> [Substring]? {
      let all = SSHGOutput(text)["ciphers"]?.split(separator: ",")
      guard let all, all.contains(where: { $0 == OpenSSH.fastCipher }) else { return nil }
      return all.filter { $0 != OpenSSH.fastCipher }
    }
    return ciphers(one).map { $0 == ciphers(other) } ?? false
  }

  /// The settings that differ from those for another name, but for what only repeats the name.
  func differs(from other: SSHGOutput) -> Bool {
    let repeated: Set<String> = ["host", "hostname", "originalhost", "controlpath"]
    func settings(_ output: SSHGOutput) -> [String: [String]] {
      output.values.filter { !repeated.contains($0.key) }
    }
    return settings(self) != settings(other)
  }
}

extension SSHSettings {
  /// The settings as the OpenSSH client has them.
  ///
  /// - Parameters:
  ///   - name: The host's name or alias, as `ssh` was asked for it.
  ///   - sshG: What `ssh -G` printed with the overrides of `OpenSSH.overrides`.
  ///   - options: What the configuration says; it was given to `ssh -G` as well.
  ///   - user: Who runs this.
  ///   - algorithms: What libssh2 has.
  package init(
    name: String, sshG: String, options: SSHOptions, user: LocalUser = .current,
    algorithms: SSHAlgorithms = .libssh2
  ) {
    let output = SSHGOutput(sshG)
    self.init(
      name: name, hostName: output["hostname"] ?? name, user: output["user"] ?? user.login)
    port = output["port"].flatMap { Int($0) } ?? 22
    hostKeyAlias = output["hostkeyalias"]
    identitiesOnly = output.isOn("identitiesonly")
    proxyJump = output["proxyjump"]
    proxyCommand = output["proxycommand"]
    // Ours is the rule; a user's own "yes" makes it stricter, nothing makes it laxer.
    hostKeys = output.isOn("stricthostkeychecking") ? .strict : options.hostKeys
    if let seconds = output["connecttimeout"].flatMap({ Int($0) }), seconds > 0 {
      connectTimeout = seconds
    }
    let tokens = PathTokens(settings: self, user: user)
    // ssh -G leaves out a file of ours that is not there.
    let keys = options.key.map { [$0] } ?? output.all("identityfile")
    identityFiles = keys.compactMap(tokens.expand)
    certificateFiles = output.all("certificatefile").compactMap(tokens.expand)
    agent = Self.agent(output.text("identityagent"), tokens)
    // ssh -G prints several files with blanks between and does not quote: a file with a blank in its
    // name is only known where it is ours.
    let users = options.knownHosts.map { [$0] } ?? output.words("userknownhostsfile")
    knownHosts = (users + output.words("globalknownhostsfile")).compactMap(tokens.expand)
    needsOpenSSH = Self.lacking(output, algorithms)
  }

  /// The settings where there is no ssh to ask: the configuration and ssh's defaults.
  package init(name: String, options: SSHOptions, user: LocalUser = .current) {
    self.init(name: name, hostName: name, user: options.user ?? user.login)
    port = options.port ?? 22
    hostKeys = options.hostKeys
    proxyJump = options.jump
    identitiesOnly = options.key != nil
    let tokens = PathTokens(settings: self, user: user)
    let keys =
      options.key.map { [$0] } ?? ["id_ed25519", "id_ecdsa", "id_rsa"].map { "~/.ssh/\($0)" }
    identityFiles = keys.compactMap(tokens.expand)
    agent = user.variable("SSH_AUTH_SOCK")
    let users = options.knownHosts.map { [$0] } ?? ["~/.ssh/known_hosts", "~/.ssh/known_hosts2"]
    let systems = ["/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"]
    knownHosts = (users + systems).compactMap(tokens.expand)
    if options.jump != nil { needsOpenSSH = ["ProxyJump"] }
  }

  /// The agent's socket (ssh_config(5), IdentityAgent): a path, `SSH_AUTH_SOCK`, `$VARIABLE` or `none`.
  private static func agent(_ value: String?, _ tokens: PathTokens) -> String? {
    guard let value, value != "SSH_AUTH_SOCK" else { return tokens.user.variable("SSH_AUTH_SOCK") }
    guard value.lowercased() != "none" else { return nil }
    if value.first == "$", !value.hasPrefix("${") {
      return tokens.user.variable(String(value.dropFirst()))
    }
    return tokens.expand(value)
  }

  /// What is in use and libssh2 does not have, so that "libssh2 has no …" is a sentence.
  private static func lacking(_ output: SSHGOutput, _ algorithms: SSHAlgorithms) -> [String] {
    let features = [
      ("proxyjump", "ProxyJump"), ("proxycommand", "ProxyCommand"),
      ("certificatefile", "certificates"), ("pkcs11provider", "PKCS11Provider"),
      ("knownhostscommand", "KnownHostsCommand"), ("revokedhostkeys", "RevokedHostKeys"),
      ("bindaddress", "BindAddress"), ("bindinterface", "BindInterface"),
    ]
    var words = features.filter { output[$0.0] != nil }.map(\.1)
    if output.isOn("verifyhostkeydns") { words.append("VerifyHostKeyDNS") }
    if let family = output["addressfamily"], family != "any" { words.append("AddressFamily") }
    let lists: [(String, Set<String>, String)] = [
      ("kexalgorithms", algorithms.keyExchanges, "key exchange"),
      ("hostkeyalgorithms", algorithms.hostKeys, "kind of host key"),
      ("ciphers", algorithms.ciphers, "cipher"), ("macs", algorithms.macs, "MAC"),
    ]
    for (keyword, ours, word) in lists {
      guard let value = output[keyword] else { continue }
      let asked = value.split(separator: ",").map(String.init)
      if ours.isDisjoint(with: asked) { words.append("\(word) that ssh's settings allow") }
    }
    return words
  }
}
