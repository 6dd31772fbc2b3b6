package import Base
internal import CSSH2
internal import Synchronization

/// A connection that libssh2 made and that is logged in, for one command.
///
/// Everything that libssh2 does happens on threads of the connection's own, one at a time; the lock hands the
/// session from one to the next.
package final class LibSSH2Connection: Sendable {
  /// The window of the far end's output in bytes: what is on the way and unread at most. More only
  /// costs on short ways (measured); a round trip of 20 ms still carries 100 MB/s.
  static let window: UInt32 = 2 << 20
  /// The largest packet that libssh2 takes, and what OpenSSH sends.
  static let packetSize: UInt32 = 32_768
  /// How long a command may take to end by itself once its input is closed.
  static let grace = Duration.milliseconds(1500)

  private let session: Mutex<LibSSH2Session?>
  private let host: String

  private init(_ session: consuming sending LibSSH2Session, host: String) {
    self.session = Mutex(session)
    self.host = host
  }

  /// Connects and logs in, within the settings' time; cancellation ends it at once.
  ///
  /// - Parameters:
  ///   - settings: Where to, and who logs in.
  ///   - isInteractive: Whether a person may be asked at the terminal.
  ///   - preferredHostKeyAlgorithms: The types of the keys on file, such as "ssh-ed25519"; the server is
  ///     asked for one of these first.
  ///   - hostKey: Decides about the server's key, on another thread; nil accepts it.
  /// - Returns: The connection; it is closed by `withProcess`, or when it is forgotten.
  /// - Throws: Why not, and whether the OpenSSH client may do better.
  package static func open(
    _ settings: SSHSettings, isInteractive: Bool, preferredHostKeyAlgorithms: [String],
    hostKey: @escaping @Sendable (HostKeyOffer) -> Failure?
  ) async throws(SSHConnectError) -> LibSSH2Connection {
    let result: Result<LibSSH2Connection, SSHConnectError>
    do throws(Failure) {
      let bell = try Bell()
      result = try await onOwnThread("ssh", stop: { bell.ring() }) { () throws(Failure) in
        do throws(SSHConnectError) {
          return .success(
            try connect(settings, isInteractive, preferredHostKeyAlgorithms, hostKey, bell))
        } catch {
          return .failure(error)
        }
      }
    } catch {
      throw SSHConnectError(error)
    }
    return try result.get()
  }

  private static func connect(
    _ settings: SSHSettings, _ isInteractive: Bool, _ preferred: [String],
    _ hostKey: @Sendable (HostKeyOffer) -> Failure?, _ bell: Bell
  ) throws(SSHConnectError) -> LibSSH2Connection {
    let failures = ConnectFailures(settings)
    let deadline = Deadline(bell, within: .seconds(max(1, settings.connectTimeout)))
    let socket = try connectSocket(settings, failures, deadline)
    var session = try LibSSH2Session(socket, failures: failures, deadline: deadline)
    try session.handshake(settings, preferred: preferred, hostKey: hostKey)
    var logIn = LogIn(settings, isInteractive: isInteractive)
    try logIn.run(on: &session)
    return LibSSH2Connection(session, host: failures.name)
  }

  private static func connectSocket(
    _ settings: SSHSettings, _ failures: ConnectFailures, _ deadline: Deadline
  ) throws(SSHConnectError) -> OwnedFD {
    let found: Resolver.Outcome
    do throws(Failure) {
      found = try Resolver.resolve(settings.hostName, port: settings.port, deadline: deadline)
    } catch {
      throw SSHConnectError(error)
    }
    switch found {
    case .unknown(let words): throw failures.notResolved(words)
    case .timedOut: throw failures.notResolvedInTime()
    case .stopped: throw failures.cancelled()
    case .addresses(let addresses):
      switch TCPConnect.connect(addresses, deadline: deadline) {
      case .connected(let socket, _): return socket
      case .failed(let address, let code): throw failures.notConnected(address.text, errno: code)
      case .stopped: throw failures.cancelled()
      }
    }
  }

  /// Runs one command, lends its streams to `body`, and closes the connection, however `body` ends.
  ///
  /// - Parameters:
  ///   - command: A command line for the login shell there.
  ///   - body: Works with the command; it is expected to notice cancellation by itself.
  /// - Returns: What `body` returns.
  /// - Throws: `Failure` when the server does not run the command, or what `body` throws.
  package func withProcess<R: Sendable>(
    _ command: String, _ body: @escaping @Sendable (SSHProcess) async throws(Failure) -> R
  ) async throws(Failure) -> R {
    let input = try Pipe()
    let output = try Pipe(bufferSize: Pipe.packetBufferSize)
    let errors = try Pipe()
    let stop = try Bell()
    do throws(Failure) {
      try await start(command, stop)
    } catch {
      await close()
      throw error
    }
    let running = Task {
      await self.run(input: input.reader, output: output.writer, errors: errors.writer, stop)
    }
    let process = SSHProcess(
      streams: RemoteStreams(input: input.writer, output: output.reader, errors: errors.reader),
      engine: .libssh2, note: nil
    ) { _ in
      input.writer.close()
      let patience = Task {
        try? await Task.sleep(for: Self.grace)
        if !Task.isCancelled { stop.ring() }
      }
      let end = await running.value
      patience.cancel()
      return end
    }
    let outcome: Result<R, Failure>
    do throws(Failure) {
      outcome = .success(try await body(process))
    } catch {
      outcome = .failure(error)
    }
    input.writer.close()
    stop.ring()
    _ = await running.value
    output.reader.close()
    errors.reader.close()
    return try outcome.get()
  }

  /// Opens the channel and starts the command.
  private func start(_ command: String, _ stop: Bell) async throws(Failure) {
    try await onOwnThread("ssh", stop: { stop.ring() }) { () throws(Failure) in
      try self.session.withLock { (slot) throws(Failure) in
        guard var session = slot.take() else {
          throw Failure(.other, "The connection to \(self.host) is closed.")
        }
        do throws(SSHConnectError) {
          try session.start(command, stop)
        } catch {
          throw error.failure
        }
        slot = consume session
      }
    }
  }

  private func run(
    input: OwnedFD, output: OwnedFD, errors: OwnedFD, _ stop: Bell
  ) async -> RemoteEnd {
    let closed = RemoteEnd.failed(Failure(.other, "The connection to \(host) is closed."))
    let end = try? await onOwnThread("ssh", stop: {}) { () throws(Failure) in
      self.session.withLock { slot in
        // Taken out: when the loop is over, the session goes and the connection with it.
        guard let session = slot.take() else { return closed }
        guard let channel = session.channel else { return closed }
        var loop = ChannelLoop(
          session, channel: channel, host: self.host, input: input,
          output: output, errors: errors, stop: stop)
        return loop.run()
      }
    }
    return end ?? closed
  }

  private func close() async {
    _ = try? await onOwnThread("ssh", stop: {}) { () throws(Failure) in
      self.session.withLock { $0 = nil }
    }
  }
}

extension LibSSH2Session {
  /// Opens the session's one channel and has the server start a command in it.
  mutating func start(_ command: String, _ stop: Bell) throws(SSHConnectError) {
    phase = .start
    deadline = Deadline(stop, within: .seconds(max(1, failures.timeout)))
    var opened: OpaquePointer?
    let code = try complete { handle in
      opened = libssh2_channel_open_ex(
        handle, "session", 7, LibSSH2Connection.window, LibSSH2Connection.packetSize, nil, 0)
      return opened == nil ? libssh2_session_last_errno(handle) : 0
    }
    guard let opened else { throw notStarted(code) }
    channel = opened
    let length = UInt32(command.utf8.count)
    let started = try complete { _ in
      libssh2_channel_process_startup(opened, "exec", 4, command, length)
    }
    guard started == 0 else { throw notStarted(started) }
  }

  private func notStarted(_ code: Int32) -> SSHConnectError {
    if let lost = lost() { return lost }
    let why =
      code == LIBSSH2_ERROR_CHANNEL_FAILURE
      ? "The server opens no session for user \(failures.user)."
      : "The server runs no commands for user \(failures.user)."
    return SSHConnectError(
      Failure(
        .denied, "Cannot run a command on \(failures.name).", why: why,
        fix: "Check with ssh whether this user may run commands there.",
        detail: "libssh2: \(lastWords) (\(code))"))
  }
}
