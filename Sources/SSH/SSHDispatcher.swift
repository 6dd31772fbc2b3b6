package import Base
internal import Synchronization

/// A connection in this process, logged in.
package protocol SSHConnection: Sendable {
  /// Runs a command, lends its streams to `body`, ends it, and closes the connection.
  func withProcess<R: Sendable>(
    _ command: String, _ body: @escaping @Sendable (SSHProcess) async throws(Failure) -> R
  ) async throws(Failure) -> R
}

/// Connects and logs in, in this process: the settings, whether somebody is there to answer, the host key
/// algorithms to ask for first (none: any), and what refuses a host key before anything is sent.
package typealias SSHOpener =
  @Sendable (
    _ settings: SSHSettings, _ isInteractive: Bool, _ preferredHostKeyAlgorithms: [String],
    _ hostKey: @escaping @Sendable (HostKeyOffer) -> Failure?
  ) async throws(SSHConnectError) -> any SSHConnection

/// Runs a command on a host, by the engine that can, and lends its streams to `body`.
///
/// - Parameters:
///   - settings: The host's effective settings.
///   - options: What the configuration says.
///   - ssh: The `ssh` program's path; nil where there is none.
///   - command: The command line for the login shell there.
///   - isInteractive: Whether somebody is there to be asked for a passphrase or a password.
///   - open: The engine in this process.
///   - body: Works with the process. It runs once: no engine is tried again once a command was started.
/// - Returns: What `body` returned.
/// - Throws: `Failure` when no engine connects, or what `body` throws.
package func withSSHProcess<R: Sendable>(
  _ settings: SSHSettings, options: SSHOptions, ssh: String? = OpenSSH.find(), command: String,
  isInteractive: Bool, open: SSHOpener = openByLibSSH2,
  _ body: @escaping @Sendable (SSHProcess) async throws(Failure) -> R
) async throws(Failure) -> R {
  let choice = try chooseEngine(
    name: settings.name, asked: options.engine, lacking: settings.needsOpenSSH, ssh: ssh)
  switch choice {
  case .openssh(let ssh, let note):
    return try await withOpenSSHProcess(
      settings, options: options, ssh: ssh, command: command, note: note, body)
  case .libssh2:
    let keys = try HostKeyCheck(settings)
    let connection: any SSHConnection
    do throws(SSHConnectError) {
      connection = try await open(settings, isInteractive, keys.algorithms) { keys.refusal(of: $0) }
    } catch {
      // Not after a key was refused, whatever the engine says: the other one must not be asked as well.
      guard !keys.hasRefused else { throw error.failure }
      let ssh = try chooseAfter(error, asked: options.engine, ssh: ssh)
      return try await withOpenSSHProcess(
        settings, options: options, ssh: ssh.path, command: command, note: ssh.note, body)
    }
    return try await connection.withProcess(command) { process throws(Failure) in
      try await body(process.adding(note: keys.note))
    }
  }
}

/// The engine in this process.
package let openByLibSSH2: SSHOpener = {
  (settings, isInteractive, preferred, hostKey) async throws(SSHConnectError) in
  try await LibSSH2Connection.open(
    settings, isInteractive: isInteractive, preferredHostKeyAlgorithms: preferred,
    hostKey: hostKey)
}

extension LibSSH2Connection: SSHConnection {}

/// Compares a host's key with those on file, as the engine in this process asks.
private final class HostKeyCheck: Sendable {
  private struct Outcome {
    var hasRefused = false
    var note: String?
  }

  private let settings: SSHSettings
  private let known: KnownHosts
  private let outcome = Mutex(Outcome())

  init(_ settings: SSHSettings) throws(Failure) {
    self.settings = settings
    known = try KnownHosts(files: settings.knownHosts)
  }

  var algorithms: [String] {
    let (host, port) = settings.hostKeyName
    return known.algorithms(for: host, port: port)
  }

  var hasRefused: Bool { outcome.withLock { $0.hasRefused } }

  /// That a new key was written down; nil when none was.
  var note: String? { outcome.withLock { $0.note } }

  /// Why a key is not believed. A new one is written down where the policy says so.
  func refusal(of offer: HostKeyOffer) -> Failure? {
    let (host, port) = settings.hostKeyName
    let refusal = known.refusal(
      SSHSettings.what(settings.name), host: host, port: port, type: offer.type, key: offer.blob,
      fingerprint: offer.fingerprint, policy: settings.hostKeys,
      // Nothing can be asked for its keys by an alias.
      file: settings.hostKeyAlias == nil ? settings.knownHosts.first : nil)
    if let refusal {
      outcome.withLock { $0.hasRefused = true }
      return refusal
    }
    guard
      known.verdict(host: host, port: port, type: offer.type, key: offer.blob) == .unknown
    else { return nil }
    do throws(Failure) {
      let note = try KnownHosts.add(
        host: host, port: port, key: offer.blob, fingerprint: offer.fingerprint,
        to: settings.knownHosts.first)
      outcome.withLock { $0.note = note }
      return nil
    } catch {
      outcome.withLock { $0.hasRefused = true }
      return error
    }
  }
}
