package import Base
internal import Synchronization

/// Runs a command on a host by the OpenSSH client, lends its streams to `body`, and ends it.
///
/// The client ends with this scope, whether `body` returns or throws, and when the task is cancelled: its
/// input is closed, and what has not ended three seconds later is killed.
///
/// - Parameters:
///   - settings: The host's effective settings.
///   - options: What the configuration says.
///   - ssh: The `ssh` program's path.
///   - command: The command line for the login shell there.
///   - note: Why this engine was chosen, where there is something to say.
///   - body: Works with the process; `end(errors:)` may be asked for while it runs.
/// - Returns: What `body` returned.
/// - Throws: `Failure` when ssh cannot be started, or what `body` throws.
package func withOpenSSHProcess<R: Sendable>(
  _ settings: SSHSettings, options: SSHOptions, ssh: String, command: String, note: String?,
  _ body: @escaping @Sendable (SSHProcess) async throws(Failure) -> R
) async throws(Failure) -> R {
  let client = OpenSSHClient(
    OpenSSH.command(ssh, settings, options: options, command: command),
    what: SSHSettings.what(settings.name))
  async let life: Void = client.live()
  let result: Result<R, Failure>
  do throws(Failure) {
    let child = try await client.started.value.get()
    let process = SSHProcess(
      streams: RemoteStreams(input: child.input, output: child.output, errors: child.errors),
      engine: .openssh, note: note, finish: { await client.end(errors: $0) })
    result = .success(try await body(process))
  } catch {
    result = .failure(error)
  }
  client.released.give(())
  await life
  return try result.get()
}

/// One `ssh` that runs, from its start to its end. It lives in a task beside the one that works with it,
/// so that its end can be waited for while that work goes on.
private final class OpenSSHClient: Sendable {
  /// How long ssh may take to end by itself once its input is closed: a round trip and the far end's
  /// own clean-up.
  private static let grace = Duration.milliseconds(1500)

  let started = Promise<Result<Child, Failure>>()
  /// Given when nobody needs the process any more.
  let released = Promise<Void>()
  private let ended = Promise<Result<ChildStatus, Failure>>()
  private let answer = Mutex<RemoteEnd?>(nil)
  private let command: Command
  private let what: String

  init(_ command: Command, what: String) {
    self.command = command
    self.what = what
  }

  /// Starts ssh, keeps it until it is released, and ends it.
  func live() async {
    do throws(Failure) {
      let (_, status) = try await withChild(command, grace: Self.grace) { child in
        self.started.give(.success(child))
        await self.released.value
      }
      ended.give(.success(status))
    } catch {
      started.give(.failure(error))
      ended.give(.failure(error))
    }
  }

  /// Ends ssh and says how it ended; the first answer stays.
  func end(errors: String) async -> RemoteEnd {
    let start = ContinuousClock.now
    released.give(())
    let status = await ended.value
    let wasKilled = start.duration(to: .now) >= Self.grace
    return answer.withLock { answer in
      if let answer { return answer }
      let end: RemoteEnd =
        switch status {
        case .failure(let failure): .failed(failure)
        // ssh that is sent SIGTERM ends with 255, as after a failure of its own.
        case .success(.exited(255)) where wasKilled, .success(.signalled) where wasKilled:
          .failed(
            Failure(
              .other, what, why: "The far end did not end in time once its input was closed.",
              detail: errors.isEmpty ? nil : printable(errors)))
        case .success(let status): SSHCause.end(what, status: status, errors: errors)
        }
      answer = end
      return end
    }
  }
}

extension SSHSettings {
  /// The first sentence of a failure of the connection.
  static func what(_ name: String) -> String { "The ssh connection to \(printable(name)) failed." }
}
