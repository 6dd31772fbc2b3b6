internal import Base
internal import Dispatch
internal import Synchronization

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// Runs SSH_ASKPASS's program: its argument is the question, its first line the answer.
enum Askpass {
  /// Blocks; own thread only.
  static func ask(_ question: String, program: String, bell: Bell) -> Secret? {
    let answer = Answer()
    let done = DispatchSemaphore(value: 0)
    let task = Task {
      let result = try? await withChild(Command(program, [question])) { child throws(Failure) in
        child.input.close()
        let stop = try Bell()
        return try await onOwnThread("askpass", stop: { stop.ring() }) { () throws(Failure) in
          answer.fill(from: child.output, Deadline(stop, within: .seconds(300)))
        }
      }
      if result?.1.isSuccess == true { answer.accept() }
      done.signal()
    }
    while done.wait(timeout: .now() + .milliseconds(30)) == .timedOut {
      if bell.isRung { task.cancel() }
    }
    return answer.take()
  }

  private final class Answer: Sendable {
    private struct State {
      var bytes = [UInt8](repeating: 0, count: Secret.limit + 1)
      var count = 0
      var isAccepted = false
    }
    private let state = Mutex(State())

    func fill(from source: OwnedFD, _ patience: Deadline) {
      state.withLock { state in
        while state.count < state.bytes.count {
          guard patience.wait(for: source.raw, POLLIN) == .ready else { return }
          let start = state.count
          let count = state.bytes.withUnsafeMutableBytes { memory in
            read(source.raw, memory.baseAddress?.advanced(by: start), memory.count - start)
          }
          guard count > 0 else { return }
          state.count += count
        }
      }
    }

    func accept() { state.withLock { $0.isAccepted = true } }

    func take() -> Secret? {
      state.withLock { state in
        defer { wipe(&state.bytes) }
        guard state.isAccepted else { return nil }
        let secret = Secret()
        for byte in state.bytes[..<state.count] {
          if byte == 0x0A || byte == 0x0D { break }
          secret.append(byte)
        }
        return secret
      }
    }
  }
}
