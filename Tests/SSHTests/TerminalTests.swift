import Base
import Foundation
import TestSupport
import Testing

@testable import SSH

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Questions at a terminal.
@Suite(.ownThreads) struct TerminalTests {
  @Test func `of two questions at the same time the second waits for the first answer`()
    async throws
  {
    let pty = try PseudoTerminal()
    let bell = try Bell()
    let before = pty.echoes
    async let first = pty.ask("passphrase 1: ", bell)
    #expect(try await eventually { pty.written.contains("passphrase 1: ") })
    async let second = pty.ask("passphrase 2: ", bell)
    // Time for a question that does not wait; one that does is shown by the answer to the first.
    try await Task.sleep(for: .milliseconds(300))
    #expect(!pty.written.contains("passphrase 2: "))
    pty.type("one\n")
    #expect(try await first == "one")
    #expect(try await eventually { pty.written.contains("passphrase 2: ") })
    #expect(!pty.echoes)
    pty.type("two\n")
    #expect(try await second == "two")
    #expect(!pty.written.contains("one") && !pty.written.contains("two"))
    #expect(before && pty.echoes)
  }

  @Test func `a question that waits for its turn hears the bell`() async throws {
    let pty = try PseudoTerminal()
    let (bell, other) = (try Bell(), try Bell())
    async let first = pty.ask("passphrase 1: ", bell)
    #expect(try await eventually { pty.written.contains("passphrase 1: ") })
    async let second = pty.ask("passphrase 2: ", other)
    other.ring()
    #expect(try await second == nil)
    pty.type("one\n")
    #expect(try await first == "one")
    #expect(!pty.written.contains("passphrase 2: "))
  }
}

/// A terminal whose other end the test holds (pty(7)).
private final class PseudoTerminal: Sendable {
  private let side: OwnedFD
  private let other: OwnedFD
  private let collected = Locked("")

  init() throws {
    other = OwnedFD(open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC))
    var locked: Int32 = 0
    var number: Int32 = -1
    // TIOCSPTLCK and TIOCGPTN of ioctl_tty(2), which Swift's Glibc hides.
    try #require(ioctl(other.raw, 0x4004_5431, &locked) == 0)
    try #require(ioctl(other.raw, 0x8004_5430, &number) == 0)
    side = OwnedFD(open("/dev/pts/\(number)", O_RDWR | O_NOCTTY | O_CLOEXEC))
    try #require(side.raw >= 0)
  }

  /// Asks without showing what is typed.
  func ask(_ question: String, _ bell: Bell) async throws -> String? {
    try await blocking {
      Terminal(self.side).ask(question, echo: false, bell: bell)
        .map { $0.withBytes { String(decoding: $0, as: UTF8.self) } }
    }
  }

  func type(_ text: String) {
    _ = Array(text.utf8).withUnsafeBytes { write(other.raw, $0.baseAddress, $0.count) }
  }

  /// What was shown by now.
  var written: String {
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = read(other.raw, &buffer, buffer.count)
    return collected.withLock {
      $0 += String(decoding: buffer[..<max(0, count)], as: UTF8.self)
      return $0
    }
  }

  /// Whether what is typed is shown.
  var echoes: Bool {
    var settings = termios()
    return tcgetattr(side.raw, &settings) == 0 && settings.c_lflag & tcflag_t(ECHO) != 0
  }
}
