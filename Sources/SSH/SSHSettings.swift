/// Which implementation of SSH carries a connection.
package enum SSHEngine: String, Sendable, CaseIterable {
  /// In this process, by libssh2.
  case libssh2
  /// The OpenSSH client as a child process.
  case openssh
}

/// What is done about a host key that is in no known_hosts file.
package enum HostKeyPolicy: String, Sendable, CaseIterable {
  /// The connection is refused; ssh_config(5), StrictHostKeyChecking yes.
  case strict = "yes"
  /// It is believed and written down; a changed or revoked key is refused all the same.
  case acceptNew = "accept-new"
}

/// What the configuration's `[ssh]` says; nil leaves a setting to ssh's own files and defaults.
package struct SSHOptions: Sendable, Equatable {
  /// The login name.
  package var user: String?
  package var port: Int?
  /// A private key's file; then no other key file is offered.
  package var key: String?
  /// A jump host as `ssh -J` takes it.
  package var jump: String?
  /// Whether `sudo -n` is used where the login user is not root.
  package var sudo = true
  /// The engine; nil chooses.
  package var engine: SSHEngine?
  /// A known_hosts file instead of the user's own.
  package var knownHosts: String?
  package var hostKeys = HostKeyPolicy.strict

  package init() {}
}

/// How one host is reached and who logs in there: the effective settings, after ssh's own files, the
/// configuration and the defaults. The names are those of ssh_config(5).
package struct SSHSettings: Sendable, Equatable {
  /// What was asked for: an alias of ssh_config(5), a host name or an address.
  package var name: String
  /// The name or address that is connected to.
  package var hostName: String
  package var port = 22
  package var user: String
  /// The name under which the host key is looked up instead of the host's own.
  package var hostKeyAlias: String?
  /// Private keys, in the order in which they are offered; files that do not exist are skipped.
  package var identityFiles: [String] = []
  package var certificateFiles: [String] = []
  /// Whether an agent's keys are offered only if they are among the identity files.
  package var identitiesOnly = false
  /// The agent's socket; nil for no agent.
  package var agent: String?
  /// known_hosts files, the user's before the system's; files that do not exist are skipped.
  package var knownHosts: [String] = []
  package var hostKeys = HostKeyPolicy.strict
  package var proxyJump: String?
  package var proxyCommand: String?
  /// Whether ssh's files choose the ciphers, or ssh takes none to be put first: then they stay as they are.
  package var hasOwnCiphers = false
  /// Features in use that only the OpenSSH client has, in words: "ProxyJump", "certificates".
  package var needsOpenSSH: [String] = []
  /// How long connecting and logging in may take, in seconds.
  package var connectTimeout = 10

  package init(name: String, hostName: String, user: String) {
    self.name = name
    self.hostName = hostName
    self.user = user
  }
}
