internal import CShim
internal import Synchronization

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// Owns one file descriptor: closes it once, at the latest when the last reference goes.
///
/// A class rather than a non-copyable value, since a descriptor is handed to the thread that loops
/// over it while the scope that opened it stays responsible for closing it.
package final class OwnedFD: Sendable {
  private let open: Mutex<Bool>

  /// The descriptor's number; valid until `close()`.
  package let raw: Int32

  /// Takes over an open descriptor.
  package init(_ raw: Int32) {
    self.raw = raw
    self.open = Mutex(raw >= 0)
  }

  /// Closes the descriptor; a second call does nothing.
  ///
  /// Call it only when no thread is still polling it: the number may be given out again at once.
  package func close() {
    let wasOpen = open.withLock { isOpen in
      defer { isOpen = false }
      return isOpen
    }
    if wasOpen { _ = systemClose(raw) }
  }

  /// Gives the descriptor up without closing it; whoever asked closes it.
  package func release() -> Int32 {
    open.withLock { $0 = false }
    return raw
  }

  deinit { close() }

  /// Reads once (read(2)).
  ///
  /// - Parameter buffer: Overwritten from its beginning; as many bytes are asked for as it has.
  /// - Returns: How many bytes came, 0 at the end, -1 with `errno` set.
  package func read(into buffer: inout [UInt8]) -> Int {
    systemRead(raw, &buffer)
  }

  /// Writes once (write(2)).
  ///
  /// - Returns: How many bytes were taken, or -1 with `errno` set.
  package func write(_ bytes: ArraySlice<UInt8>) -> Int {
    bytes.withUnsafeBytes { systemWrite(raw, $0) }
  }

  /// Writes everything, in as many pieces as it takes (write(2)). Blocks.
  ///
  /// - Returns: False when whoever reads is gone, or on another error; `errno` is set.
  @discardableResult
  package func writeAll(_ bytes: [UInt8]) -> Bool {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { systemWrite(raw, $0) }
      guard count > 0 || count < 0 && errno == EINTR else { return false }
      rest = rest.dropFirst(max(0, count))
    }
    return true
  }
}

private func systemClose(_ descriptor: Int32) -> Int32 {
  close(descriptor)
}

private func systemRead(_ descriptor: Int32, _ buffer: inout [UInt8]) -> Int {
  read(descriptor, &buffer, buffer.count)
}

private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
  write(descriptor, bytes.baseAddress, bytes.count)
}

/// The two ends of a pipe, both closed on exec.
package struct Pipe: Sendable {
  /// Bytes come out here.
  package let reader: OwnedFD
  /// Bytes go in here.
  package let writer: OwnedFD

  /// The buffer that every pipe on the packets' way is asked to have, in bytes: the cheapest gain
  /// measured, and what an unprivileged user may have (proc(5), pipe-max-size).
  package static let packetBufferSize: Int32 = 1 << 20

  /// Makes a pipe.
  ///
  /// - Parameter bufferSize: The kernel buffer asked for in bytes, best effort; nil keeps the default.
  /// - Throws: `Failure` when the process has no descriptor left.
  package init(bufferSize: Int32? = nil) throws(Failure) {
    var ends: (Int32, Int32) = (-1, -1)
    let result = withUnsafeMutableBytes(of: &ends) { bytes in
      poddump_pipe_cloexec(bytes.bindMemory(to: Int32.self).baseAddress)
    }
    guard result == 0 else { throw .system("Cannot make a pipe.", errno: errno) }
    reader = OwnedFD(ends.0)
    writer = OwnedFD(ends.1)
    if let bufferSize { _ = poddump_set_pipe_size(ends.1, bufferSize) }
  }
}
