package import Base

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

extension Sink {
  /// A sink that writes a regular file. A new one only its owner may read: packets hold passwords. One that
  /// exists keeps its permissions, as with tcpdump and dumpcap: somebody has given it those. A device such
  /// as /dev/null, or a FIFO that somebody reads, is written as a stream.
  ///
  /// What the file holds is given up with the first byte written, not before; a file that was made here
  /// and never written is removed again.
  ///
  /// - Parameter path: The file's path.
  /// - Throws: `Failure` when the file cannot be opened, or is a FIFO that nobody reads (`openFifo` waits).
  package convenience init(file path: String) throws(Failure) {
    let file = try FileOutput(path: path)
    if file.isRegular {
      self.init(name: path, readerWatch: nil, file)
    } else {
      self.init(file.descriptor, name: path)
    }
  }
}

/// Writes a regular file, which always ends with a whole record: what a full disk cut off is removed.
struct FileOutput: Output {
  let descriptor: OwnedFD
  private let name: String
  /// Where our bytes begin: not at 0 when standard output is appended to a file.
  private let start: off_t
  /// Whether the file was opened here, so that what it held goes.
  private let isOurs: Bool
  /// Whether the file did not exist before.
  private let isNew: Bool
  private(set) var length = 0
  private var isBegun = false
  private var isClosed = false

  /// Writes where an open descriptor stands, such as standard output.
  init(_ descriptor: OwnedFD, name: String) {
    self.descriptor = descriptor
    self.name = name
    (isOurs, isNew) = (false, false)
    let isAppending = fcntl(descriptor.raw, F_GETFL) & O_APPEND != 0
    start = max(0, lseek(descriptor.raw, 0, isAppending ? SEEK_END : SEEK_CUR))
  }

  /// Opens a file for writing; made new if need be, and not changed before the first write.
  ///
  /// - Throws: `Failure` when it cannot be opened.
  init(path: String) throws(Failure) {
    // Without O_NONBLOCK the open of a FIFO would wait for a reader where nothing can end the wait.
    let flags = O_WRONLY | O_CREAT | O_CLOEXEC | O_NONBLOCK
    var raw = open(path, flags | O_EXCL, 0o600)
    isNew = raw >= 0
    if raw < 0, errno == EEXIST { raw = open(path, flags, 0o600) }
    guard raw >= 0 else { throw .cannotWrite(path, errno: errno) }
    descriptor = OwnedFD(raw)
    name = path
    start = 0
    isOurs = true
  }

  /// Whether it is a file after all, and no FIFO or device of that name.
  var isRegular: Bool {
    var status = stat()
    return fstat(descriptor.raw, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
  }

  mutating func write(
    _ bytes: RawSpan, _ part: StreamPart, framing: Framing?, stop: Bell?, written: inout Int
  ) throws(Failure) -> WriteOutcome {
    try begin()
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

  /// Gives up what the file held, before its first byte is written.
  private mutating func begin() throws(Failure) {
    guard isOurs, !isBegun else { return }
    isBegun = true
    // A device such as /dev/null has no length (EINVAL).
    guard ftruncate(descriptor.raw, 0) == 0 || errno == EINVAL else {
      throw .cannotWrite(name, errno: errno)
    }
  }

  /// Network file systems tell of a full disk when a descriptor is closed; a copy does, and standard
  /// output stays open.
  mutating func close() throws(Failure) {
    guard !isClosed else { return }
    isClosed = true
    if isNew, length == 0 { unlink(name) }
    let copy = dup(descriptor.raw)
    guard copy < 0 || systemClose(copy) == 0 else { throw .cannotWrite(name, errno: errno) }
  }
}

private func systemClose(_ descriptor: Int32) -> Int32 { close(descriptor) }
