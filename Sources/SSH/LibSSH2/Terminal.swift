internal import Base

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

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
