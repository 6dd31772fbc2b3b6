#if canImport(Glibc)
package import Glibc
#elseif canImport(Darwin)
package import Darwin
#endif

/// Whole files of a few lines.
package enum SmallFile {
  private static let limit = 1 << 20

  /// What is in a text file; nil if it cannot be read, is no regular file, or is too large to be one of these.
  package static func read(_ path: String) -> String? {
    bytes(path, limit: limit).flatMap { String(validating: $0, as: UTF8.self) }
  }

  /// What is in a file.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - limit: The most bytes that it may have.
  ///   - isOwn: Whether it must be no link, and this user's.
  /// - Returns: nil if it is none of these, cannot be read, is no regular file, or is too large.
  package static func bytes(_ path: String, limit: Int, isOwn: Bool = false) -> [UInt8]? {
    // O_NONBLOCK: somebody may have put a FIFO there.
    let file = OwnedFD(
      open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | (isOwn ? O_NOFOLLOW : 0)))
    var status = stat()
    guard file.raw >= 0, fstat(file.raw, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
      !isOwn || status.st_uid == geteuid(), status.st_size <= limit
    else { return nil }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: min(64 << 10, limit + 1))
    while bytes.count <= limit {
      let count = file.read(into: &buffer)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return count == 0 ? bytes : nil }
      bytes += buffer[..<count]
    }
    return nil
  }

  /// Puts a text in a file's place, whole or not at all.
  ///
  /// - Parameters:
  ///   - text: The text.
  ///   - path: The file; a link to one is followed, so that it stays.
  ///   - mode: The new file's mode; nil for that of the old one.
  /// - Throws: `Failure` when it cannot be written.
  package static func write(_ text: String, to path: String, mode: mode_t?) throws(Failure) {
    let path = realPath(path) ?? path
    var status = stat()
    let old: mode_t? = stat(path, &status) == 0 ? status.st_mode & 0o777 : nil
    let temporary = "\(path).\(getpid()).tmp"
    let file = OwnedFD(
      open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode ?? old ?? 0o644))
    guard file.raw >= 0 else { throw .system("Cannot write \(path).", errno: errno) }
    guard file.writeAll(Array(text.utf8)), fsync(file.raw) == 0, rename(temporary, path) == 0 else {
      let code = errno
      unlink(temporary)
      throw .system("Cannot write \(path).", errno: code)
    }
  }
}
