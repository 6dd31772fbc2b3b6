internal import Base

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// One of the far end's output streams on its way into our pipe: one read, one write, one buffer, kept.
struct FarStream: ~Copyable {
  /// More per read did not pay (measured).
  static let readSize = 64 << 10

  /// 0 for standard output, 1 for standard error (RFC 4254, 5.2).
  let number: Int32
  let pipe: OwnedFD
  /// What was read and is not yet written.
  private let buffer: UnsafeMutableRawBufferPointer
  private var written = 0
  private var filled = 0
  /// Whether the far end said that nothing more comes, or nobody reads our pipe.
  private(set) var isEnded = false
  private(set) var isReaderGone = false

  init(_ number: Int32, to pipe: OwnedFD) {
    self.number = number
    self.pipe = pipe
    buffer = .allocate(byteCount: Self.readSize, alignment: 16)
    _ = fcntl(pipe.raw, F_SETFL, O_NONBLOCK)
  }

  deinit {
    buffer.deallocate()
    pipe.close()
  }

  /// Whether bytes wait until the pipe's reader makes room.
  var isBlocked: Bool { written < filled }

  mutating func end() {
    isEnded = true
    if !isBlocked { pipe.close() }
  }

  /// Lends the buffer to `read`, then passes on what came.
  ///
  /// - Returns: What `read` returned.
  mutating func fill(_ read: (UnsafeMutableRawBufferPointer) -> Int) -> Int {
    let count = read(buffer)
    if count > 0 {
      written = 0
      filled = isReaderGone ? 0 : count
      passOn()
    }
    return count
  }

  /// Writes what waits, as much as goes.
  mutating func passOn() {
    while written < filled {
      let count = write(pipe.raw, buffer.baseAddress?.advanced(by: written), filled - written)
      if count >= 0 {
        written += count
        continue
      }
      if errno == EINTR { continue }
      if errno == EAGAIN { return }
      // EPIPE: the reader has left. What still comes is dropped, so that the far end can end.
      isReaderGone = true
      filled = written
    }
    if isEnded { pipe.close() }
  }
}
