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
}

private func systemClose(_ descriptor: Int32) -> Int32 {
  close(descriptor)
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
