package import Base

/// The engine for one connection.
package enum EngineChoice: Sendable, Equatable {
  case libssh2
  /// - Parameters:
  ///   - path: The `ssh` program.
  ///   - note: Why it was chosen where libssh2 would have been; nil when it was asked for.
  case openssh(path: String, note: String?)

  /// The engine's name.
  package var engine: SSHEngine {
    switch self {
    case .libssh2: .libssh2
    case .openssh: .openssh
    }
  }

  /// What is to be said about the choice.
  package var note: String? {
    switch self {
    case .libssh2: nil
    case .openssh(_, let note): note
    }
  }
}

/// Chooses the engine before connecting: the one that was asked for, else libssh2, else OpenSSH where
/// libssh2 lacks something.
///
/// - Parameters:
///   - name: The host, for the words of a failure.
///   - asked: The engine that the configuration names; nil to choose.
///   - lacking: What is in use and libssh2 does not have (`SSHSettings.needsOpenSSH`).
///   - ssh: The `ssh` program's path; nil where there is none.
/// - Returns: The engine.
/// - Throws: `Failure` when the engine that is needed is not there, or lacks something.
package func chooseEngine(
  name: String, asked: SSHEngine?, lacking: [String], ssh: String?
) throws(Failure) -> EngineChoice {
  let what = SSHSettings.what(name)
  let reason = "libssh2 has no \(lacking.joined(separator: ", no "))"
  switch (asked, lacking.isEmpty, ssh) {
  case (.openssh, _, let path?): return .openssh(path: path, note: nil)
  case (.openssh, _, nil):
    throw Failure(
      .other, what, why: "engine = \"openssh\" is configured, and there is no ssh on the PATH.",
      fix: installOpenSSH)
  case (_, true, _): return .libssh2
  case (.libssh2, false, _):
    throw Failure(
      .other, what,
      why: "engine = \"libssh2\" is configured, and \(reason), which ssh's settings ask for.",
      fix: "Set engine in [ssh] to \"auto\".")
  case (nil, false, let path?):
    return .openssh(path: path, note: "the OpenSSH client, since \(reason)")
  case (nil, false, nil):
    throw Failure(
      .other, what, why: "\(reason), which the settings ask for, and there is no ssh on the PATH.",
      fix: installOpenSSH)
  }
}

/// Chooses once more after libssh2 made no connection.
///
/// - Parameters:
///   - error: Why; says what is missing where OpenSSH may do better.
///   - asked: The engine that the configuration names; nil to choose.
///   - ssh: The `ssh` program's path; nil where there is none.
/// - Returns: The `ssh` program, and why it was chosen.
/// - Throws: The failure where OpenSSH would fail too, was not asked for, or is not there.
package func chooseAfter(
  _ error: SSHConnectError, asked: SSHEngine?, ssh: String?
) throws(Failure) -> (path: String, note: String) {
  guard let reason = error.needsOpenSSH else { throw error.failure }
  var failure = error.failure
  let isSaid = failure.why?.lowercased().contains(reason.lowercased()) == true
  let sentence = isSaid ? "" : "It takes the OpenSSH client, since \(reason). "
  switch (asked, ssh) {
  case (.libssh2, _):
    failure.fix = sentence + "Set engine in [ssh] to \"auto\"."
    throw failure
  case (_, nil):
    failure.fix = sentence + installOpenSSH
    throw failure
  case (_, let path?): return (path, "the OpenSSH client, since \(reason)")
  }
}

private let installOpenSSH =
  "Install the OpenSSH client (openssh-client), or put its folder into PATH."
