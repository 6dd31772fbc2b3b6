internal import CShim
internal import Subprocess

#if canImport(System)
internal import System
#else
internal import SystemPackage
#endif
#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// A program to start, as data: what a plan prints is what is run.
package struct Command: Sendable, Equatable {
  /// The program's absolute path.
  package var executable: String
  /// The arguments after the program's name. They reach the program untouched; no shell is involved.
  package var arguments: [String]
  /// Changes to the environment; nil removes a variable.
  package var environment: [String: String?]

  /// Creates a command.
  package init(
    _ executable: String, _ arguments: [String], environment: [String: String?] = [:]
  ) {
    self.executable = executable
    self.arguments = arguments
    self.environment = environment
  }
}

/// How a child process ended.
package enum ChildStatus: Sendable, Equatable {
  case exited(Int32)
  case signalled(Int32)

  /// Whether the child ended by itself with exit status 0.
  package var isSuccess: Bool { self == .exited(0) }
}

/// A running child process and our ends of its three standard streams.
package struct Child: Sendable {
  /// The process ID, which is the ID of its process group as well.
  package let pid: Int32
  /// What is written here the child reads; close it for the child's end of input.
  package let input: OwnedFD
  /// The child's standard output.
  package let output: OwnedFD
  /// The child's standard error.
  package let errors: OwnedFD
}

extension Child {
  /// Closes the child's input and waits for its end, while it is still lent.
  ///
  /// - Parameter grace: How long it may take to end by itself; then its group is sent SIGTERM, and a second
  ///   later SIGKILL.
  /// - Returns: How it ended. A second call gives the same answer.
  package func end(grace: Duration) async -> ChildStatus {
    input.close()
    var deadline = ContinuousClock.now + grace
    var signals = [SIGKILL, SIGTERM]
    while true {
      if let status = peek() { return status }
      if ContinuousClock.now >= deadline {
        guard let signal = signals.popLast() else { return .signalled(SIGKILL) }
        _ = kill(-pid, signal)
        deadline = .now + .seconds(1)
      }
      // Also when the task was cancelled: the end does not take long any more.
      await Task { try? await Task.sleep(for: .milliseconds(5)) }.value
    }
  }

  /// How it ended; nil while it runs. It stays to be waited for.
  private func peek() -> ChildStatus? {
    var status: Int32 = 0
    return switch poddump_peek_child(pid, &status) {
    case 0: nil
    case 1: .exited(status)
    case 2: .signalled(status)
    // Nobody else waits for it; there is nothing to be known about it.
    default: .signalled(SIGKILL)
    }
  }
}

/// Starts a program, lends it to `body`, and ends it.
///
/// The child is the leader of a process group of its own: a Ctrl-C in the terminal reaches us alone, and
/// helpers that the child started (kubectl's dispatchers and login plugins) end with it. When `body`
/// returns or throws, the child's input is closed, and a child that has not ended after `grace` is
/// sent SIGTERM, a second later SIGKILL, with its whole group. All descriptors are closed.
///
/// - Parameters:
///   - command: What to start.
///   - grace: How long the child may take to end by itself once `body` is done.
///   - body: Works with the child. It is expected to notice cancellation by itself.
/// - Returns: What `body` returned, and how the child ended.
/// - Throws: `Failure` when the program cannot be started, or what `body` throws.
package func withChild<R: Sendable>(
  _ command: Command, grace: Duration = .seconds(2),
  _ body: @escaping @Sendable (Child) async throws(Failure) -> R
) async throws(Failure) -> (R, ChildStatus) {
  let input = try Pipe()
  let output = try Pipe(bufferSize: Pipe.packetBufferSize)
  let errors = try Pipe()
  var options = PlatformOptions()
  options.processGroupID = 0
  options.teardownSequence = teardown(after: grace)
  var environment: [Environment.Key: String?] = [:]
  for (name, value) in command.environment {
    guard let key = Environment.Key(rawValue: name) else { continue }
    environment[key] = value
  }
  let configuration = Configuration(
    executable: .path(FilePath(command.executable)), arguments: Arguments(command.arguments),
    environment: .inherit.updating(environment), platformOptions: options)
  let streams = ChildStreams(input: input, output: output, errors: errors)

  do {
    let result = try await Subprocess.run(
      configuration,
      input: .fileDescriptor(
        FileDescriptor(rawValue: input.reader.release()), closeAfterSpawningProcess: true),
      output: .fileDescriptor(
        FileDescriptor(rawValue: output.writer.release()), closeAfterSpawningProcess: true),
      error: .fileDescriptor(
        FileDescriptor(rawValue: errors.writer.release()), closeAfterSpawningProcess: true)
    ) { execution in
      let child = streams.child(pid: execution.processIdentifier.value)
      let outcome: Result<R, Failure>
      do throws(Failure) {
        outcome = .success(try await body(child))
      } catch {
        outcome = .failure(error)
      }
      child.input.close()
      await execution.teardown(using: teardown(after: grace))
      // What the leader left behind in its group goes with it.
      _ = kill(-child.pid, SIGKILL)
      return outcome
    }
    let status: ChildStatus =
      switch result.terminationStatus {
      case .exited(let code): .exited(Int32(code))
      case .signaled(let signal): .signalled(Int32(signal))
      }
    return (try result.closureResult.get(), status)
  } catch let failure as Failure {
    throw failure
  } catch {
    throw Failure(
      .other, "Cannot start \(command.executable).", why: sentence(of: error),
      fix: "Check that the file exists and may be run.")
  }
}

/// Subprocess's own words, which have no full stop.
private func sentence(of error: any Error) -> String {
  let words = printable("\(error)", limit: 500)
  return words.hasSuffix(".") ? words : words + "."
}

/// Our ends of the three pipes, until the process ID is known.
private struct ChildStreams: Sendable {
  let input: Pipe
  let output: Pipe
  let errors: Pipe

  func child(pid: Int32) -> Child {
    Child(pid: pid, input: input.writer, output: output.reader, errors: errors.reader)
  }
}

/// First nothing (signal 0 only asks), then SIGTERM, then, by Subprocess's own rule, SIGKILL.
private func teardown(after grace: Duration) -> [TeardownStep] {
  [
    .send(signal: Signal(rawValue: 0), allowedDurationToNextStep: grace),
    .send(signal: .terminate, toProcessGroup: true, allowedDurationToNextStep: .seconds(1)),
  ]
}
