internal import Base
internal import Dispatch
internal import Synchronization

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// Who can be asked for a passphrase.
enum Asking: Equatable {
  /// The program that SSH_ASKPASS names.
  case program(String)
  /// The person at the terminal.
  case terminal
  case nobody

  /// Decides as ssh(1) does (section ENVIRONMENT, SSH_ASKPASS and SSH_ASKPASS_REQUIRE).
  ///
  /// - Parameters:
  ///   - hasTerminal: Whether there is a person at a terminal.
  ///   - environment: The value of an environment variable.
  /// - Returns: Who is asked.
  static func choose(hasTerminal: Bool, environment: (String) -> String?) -> Asking {
    let program = environment("SSH_ASKPASS").map(Asking.program)
    let hasDisplay = environment("DISPLAY") != nil || environment("WAYLAND_DISPLAY") != nil
    switch environment("SSH_ASKPASS_REQUIRE") {
    case "force": return program ?? .nobody
    case "never": return hasTerminal ? .terminal : .nobody
    case "prefer" where hasDisplay && program != nil: return program ?? .nobody
    default:
      if hasTerminal { return .terminal }
      return hasDisplay ? program ?? .nobody : .nobody
    }
  }
}

/// The controlling terminal (tty(4)).
struct Terminal {
  private let descriptor: OwnedFD

  /// A terminal that is open already.
  init(_ descriptor: OwnedFD) { self.descriptor = descriptor }

  /// Opens the terminal; nil when there is none, or when another job has it: reading would stop us.
  init?() {
    let raw = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)
    guard raw >= 0 else { return nil }
    self.init(OwnedFD(raw))
    guard tcgetpgrp(raw) == getpgrp() else { return nil }
  }

  /// Asks one question, when it is its turn: several log in at the same time, and the echo and the next line
  /// belong to one question.
  ///
  /// - Parameters:
  ///   - question: Shown as it is; what came from the far end must be printable already.
  ///   - echo: Whether what is typed is shown.
  ///   - bell: Gives up at once.
  /// - Returns: The answer; nil when there is none.
  func ask(_ question: String, echo: Bool, bell: Bell) -> Secret? {
    QuestionTurn.take(bell) { askNow(question, echo: echo, bell: bell) }
  }

  private func askNow(_ question: String, echo: Bool, bell: Bell) -> Secret? {
    var before = termios()
    guard tcgetattr(descriptor.raw, &before) == 0 else { return nil }
    var quiet = before
    quiet.c_lflag &= ~tcflag_t(ECHO)
    quiet.c_lflag |= tcflag_t(ICANON | ECHONL)
    if !echo { tcsetattr(descriptor.raw, TCSAFLUSH, &quiet) }
    defer { if !echo { tcsetattr(descriptor.raw, TCSAFLUSH, &before) } }
    show(question)
    let patience = Deadline(bell, within: .seconds(300))
    let secret = Secret()
    while true {
      guard patience.wait(for: descriptor.raw, POLLIN) == .ready else {
        show("\n")
        return nil
      }
      var byte: UInt8 = 0
      guard read(descriptor.raw, &byte, 1) == 1 else { return nil }
      if byte == 0x0A || byte == 0x0D { return secret }
      secret.append(byte)
    }
  }

  private func show(_ text: String) {
    var text = text
    text.withUTF8 { _ = write(descriptor.raw, $0.baseAddress, $0.count) }
  }
}

/// Whose turn it is to ask at the terminal, of all that this process does at the same time.
private enum QuestionTurn {
  /// Holds one byte while nobody asks: who reads it has the turn. So a bell is heard while one waits for it.
  private static let token: Pipe? = {
    guard let pipe = try? Pipe(), fcntl(pipe.reader.raw, F_SETFL, O_NONBLOCK) == 0 else {
      return nil
    }
    giveBack(to: pipe)
    return pipe
  }()

  /// Waits for the turn, as long as others take to answer, and does something with it. Blocks.
  ///
  /// - Returns: What `work` returns; nil when the bell rang first.
  static func take(_ bell: Bell, _ work: () -> Secret?) -> Secret? {
    guard let token else { return nil }
    let patience = Deadline(bell, within: .seconds(86_400))
    var byte: UInt8 = 0
    repeat {
      guard patience.wait(for: token.reader.raw, POLLIN) == .ready else { return nil }
    } while read(token.reader.raw, &byte, 1) != 1
    defer { giveBack(to: token) }
    return work()
  }

  private static func giveBack(to token: Pipe) {
    var byte: UInt8 = 1
    _ = write(token.writer.raw, &byte, 1)
  }
}

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
