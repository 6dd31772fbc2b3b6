import Foundation
import Testing

/// A terminal whose other end the test holds (pty(7)).
struct PseudoTerminal {
  /// What a program gets as its standard output.
  let side: FileHandle
  private let other: Int32

  init() throws {
    other = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK)
    var locked: Int32 = 0
    var number: Int32 = -1
    // TIOCSPTLCK and TIOCGPTN of ioctl_tty(2), which Swift's Glibc hides.
    try #require(other >= 0 && ioctl(other, 0x4004_5431, &locked) == 0)
    try #require(ioctl(other, 0x8004_5430, &number) == 0)
    let raw = open("/dev/pts/\(number)", O_RDWR | O_NOCTTY)
    try #require(raw >= 0)
    side = FileHandle(fileDescriptor: raw, closeOnDealloc: true)
  }

  /// What was written to the terminal by now.
  func written() -> String {
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = read(other, &buffer, buffer.count)
    return String(decoding: buffer[..<max(0, count)], as: UTF8.self)
  }
}
