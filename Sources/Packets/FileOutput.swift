package import Base

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

extension Sink {
  /// A sink that writes a regular file, made new or emptied. Only its owner may read it: packets hold
  /// passwords. A device such as /dev/null is taken as it is.
  ///
  /// - Parameter path: The file's path.
  /// - Throws: `Failure` when the file cannot be opened, or is a FIFO (see `openFIFO`).
  package convenience init(file path: String) throws(Failure) {
    let descriptor = try createFile(path)
    self.init(descriptor, name: path)
  }
}

/// Opens a file for writing, made new or emptied.
func createFile(_ path: String) throws(Failure) -> OwnedFD {
  // Without O_NONBLOCK the open of a FIFO would wait for a reader where nothing can end the wait.
  let raw = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NONBLOCK, 0o600)
  guard raw >= 0 else { throw .cannotWrite(path, errno: errno) }
  return OwnedFD(raw)
}

/// Writes a regular file, which always ends with a whole record: what a full disk cut off is removed.
struct FileOutput: Output {
  private let descriptor: OwnedFD
  private let name: String
  /// Where our bytes begin: not at 0 when standard output is appended to a file.
  private let start: off_t
  private(set) var length = 0
  private var isClosed = false

  init(_ descriptor: OwnedFD, name: String) {
    self.descriptor = descriptor
    self.name = name
    let isAppending = fcntl(descriptor.raw, F_GETFL) & O_APPEND != 0
    start = max(0, lseek(descriptor.raw, 0, isAppending ? SEEK_END : SEEK_CUR))
  }

  mutating func write(
    _ bytes: RawSpan, _ part: StreamPart, framing: Framing?, stop: Bell?, written: inout Int
  ) throws(Failure) -> WriteOutcome {
    while written < bytes.byteCount {
      let rest = bytes.extracting(written..<bytes.byteCount)
      let count = rest.withUnsafeBytes { systemWrite(descriptor.raw, $0) }
      let code = errno
      if count >= 0 {
        written += count
        continue
      }
      guard code != EINTR else { continue }
      let whole = framing?.wholeRecords(of: bytes, atMost: written) ?? 0
      written = part == .records ? whole : 0
      length += written
      _ = ftruncate(descriptor.raw, start + off_t(length))
      throw .cannotWrite(name, errno: code)
    }
    length += written
    return .written
  }

  /// Network file systems tell of a full disk when a descriptor is closed; a copy does, and standard
  /// output stays open.
  mutating func close() throws(Failure) {
    guard !isClosed else { return }
    isClosed = true
    let copy = dup(descriptor.raw)
    guard copy < 0 || systemClose(copy) == 0 else { throw .cannotWrite(name, errno: errno) }
  }
}

private func systemClose(_ descriptor: Int32) -> Int32 { close(descriptor) }
