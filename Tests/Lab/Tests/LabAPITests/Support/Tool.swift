import Foundation
import Synchronization

@testable import LabAPI

/// What a program that has ended left behind.
struct Outcome: Sendable {
  var stdout: String
  var stderr: String
  /// The exit status; -9 and the like for a signal.
  var status: Int32
  var seconds: Double
}

/// A program that runs.
final class Running: Sendable {
  private struct State {
    var stdin: Int32?
    var stdout = Data()
    var stderr = Data()
    var openOutputs = 2
    var end: ContainerProcess.End?
  }

  let pid: pid_t
  private let state: Mutex<State>
  private let started = ContinuousClock.now

  /// Starts a program with further variables in its environment. It reads `stdin`; without one its
  /// stdin stays open until ``closeInput()``.
  init(_ arguments: [String], environment: [String: String] = [:], stdin: Data? = Data()) throws {
    let variables = environment.map { "\($0.key)=\($0.value)" }
    let process = try ContainerProcess.start(
      ["/usr/bin/env"] + variables + arguments, stdin: true, stdout: true, stderr: true)
    pid = process.pid
    state = Mutex(State(stdin: process.stdin))
    collect(process.stdout, \.stdout)
    collect(process.stderr, \.stderr)
    process.whenEnded { [self] end in state.withLock { $0.end = end } }
    guard let stdin else { return }
    Thread.detachNewThread { [self] in
      write(stdin)
      closeInput()
    }
  }

  private func collect(
    _ descriptor: Int32?, _ part: any WritableKeyPath<State, Data> & Sendable
  ) {
    guard let descriptor else { return }
    Thread.detachNewThread { [self] in
      var buffer = [UInt8](repeating: 0, count: 65_536)
      while true {
        let count = read(descriptor, &buffer, buffer.count)
        guard count > 0 else { break }
        state.withLock { $0[keyPath: part].append(contentsOf: buffer.prefix(count)) }
      }
      close(descriptor)
      state.withLock { $0.openOutputs -= 1 }
    }
  }

  var isRunning: Bool { state.withLock { $0.end == nil } }
  var stdout: String { state.withLock { String(decoding: $0.stdout, as: UTF8.self) } }
  var stderr: String { state.withLock { String(decoding: $0.stderr, as: UTF8.self) } }

  func write(_ text: String) { write(Data(text.utf8)) }

  private func write(_ data: Data) {
    signal(SIGPIPE, SIG_IGN)
    guard let descriptor = state.withLock({ $0.stdin }) else { return }
    var rest = data[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
      guard count > 0 else { return }
      rest = rest.dropFirst(count)
    }
  }

  func closeInput() {
    let descriptor = state.withLock { state in
      defer { state.stdin = nil }
      return state.stdin
    }
    if let descriptor { close(descriptor) }
  }

  func send(_ signal: Int32) { kill(pid, signal) }

  struct TookTooLong: Error {
    var stdout: String
    var stderr: String
  }

  /// Waits for the end.
  /// - Throws: ``TookTooLong`` after killing the program when that takes too long.
  func wait(seconds: Double = 30) async throws -> Outcome {
    let ended = try await eventually(within: seconds) {
      state.withLock { $0.end != nil && $0.openOutputs == 0 }
    }
    guard ended, let end = state.withLock({ $0.end }) else {
      send(SIGKILL)
      closeInput()
      throw TookTooLong(stdout: stdout, stderr: stderr)
    }
    closeInput()
    let parts = started.duration(to: .now).components
    let status: Int32 =
      switch end {
      case .exited(let code): code
      case .signaled(let signal): -signal
      }
    return Outcome(
      stdout: stdout, stderr: stderr, status: status,
      seconds: Double(parts.seconds) + Double(parts.attoseconds) / 1e18)
  }
}

/// Waits until something holds.
/// - Returns: whether it did in time.
func eventually(
  within seconds: Double = 20, _ holds: () async throws -> Bool
) async throws -> Bool {
  let deadline = ContinuousClock.now + .seconds(seconds)
  while ContinuousClock.now < deadline {
    if try await holds() { return true }
    try await Task.sleep(for: .milliseconds(20))
  }
  return false
}
