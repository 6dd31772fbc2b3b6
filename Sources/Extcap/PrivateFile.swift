#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// Why a cache file could not be written; nobody needs the cache, so this is for a log only.
package struct CacheError: Error, Equatable, Sendable {
  /// What was attempted, such as "create /home/me/.cache/poddump".
  package var doing: String
  /// The system's `errno`.
  package var code: Int32

  /// The error as a sentence.
  package var sentence: String {
    "Cannot \(doing): \(String(cString: strerror(code)))."
  }
}

/// Size and time of the last change of whatever is at `path`; nil if there is nothing.
func fileStatus(_ path: String) -> (modified: Int64, size: Int64)? {
  var status = stat()
  guard stat(path, &status) == 0 else { return nil }
  return (modified(status), Int64(status.st_size))
}

/// Files that only we read and write: not followed if they are links, not read if they are another
/// user's, pipes or overlarge, replaced as a whole.
enum PrivateFile {
  /// Far above what 100,000 pods need; a larger file is not one of ours.
  static let largest = 64 << 20

  /// Reads a file, or its start; nil if it cannot be had or trusted.
  ///
  /// - Parameters:
  ///   - path: The file's path.
  ///   - first: How many bytes to read at first.
  ///   - enough: Told the first bytes and the file's size, says how many bytes are wanted in all;
  ///     nil if the file is not to be read.
  /// - Returns: As many bytes as were wanted.
  static func read(
    _ path: String, first: Int = 4096, enough: ([UInt8], Int) -> Int? = { $1 }
  ) -> [UInt8]? {
    // O_NONBLOCK: somebody may have put a FIFO here.
    let file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
      status.st_uid == geteuid(), status.st_size > 0, status.st_size <= largest
    else { return nil }
    let size = Int(status.st_size)
    guard let start = bytes(of: file, at: 0, count: min(first, size)),
      let wanted = enough(start, size), wanted <= size
    else { return nil }
    return wanted <= start.count ? Array(start[..<wanted]) : bytes(of: file, at: 0, count: wanted)
  }

  private static func bytes(of file: Int32, at offset: Int, count: Int) -> [UInt8]? {
    let result = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      filled = 0
      while filled < count, let base = buffer.baseAddress {
        let got = pread(file, base + filled, count - filled, off_t(offset + filled))
        if got < 0, errno == EINTR { continue }
        guard got > 0 else { return }
        filled += got
      }
    }
    return result.count == count ? result : nil
  }

  /// Puts a file in place as a whole, readable by us alone: whoever reads sees the old or the new one.
  static func write(_ bytes: [UInt8], to path: String) throws(CacheError) {
    let temporary = "\(path).\(getpid()).\(UInt32.random(in: 0...UInt32.max)).tmp"
    let file = open(
      temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode_t(0o600))
    guard file >= 0 else { throw CacheError(doing: "create \(temporary)", code: errno) }
    var code = writeAll(bytes, to: file)
    if close(file) != 0, code == 0 { code = errno }
    if code == 0, rename(temporary, path) != 0 { code = errno }
    guard code == 0 else {
      unlink(temporary)
      throw CacheError(doing: "write \(path)", code: code)
    }
  }

  private static func writeAll(_ bytes: [UInt8], to file: Int32) -> Int32 {
    bytes.withUnsafeBytes { all in
      var done = 0
      while done < all.count, let base = all.baseAddress {
        let got = Glue.write(file, base + done, all.count - done)
        if got < 0, errno == EINTR { continue }
        guard got > 0 else { return got < 0 ? errno : EIO }
        done += got
      }
      return 0
    }
  }

  /// Whether `path` is a folder of ours that nobody else can write to.
  static func isPrivateFolder(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
      && status.st_uid == geteuid() && status.st_mode & 0o022 == 0
  }

  /// Makes sure that `path` is a folder of ours that nobody else can write to.
  static func makeFolder(_ path: String) throws(CacheError) {
    if isPrivateFolder(path) { return }
    let parent = String(path.prefix(upTo: path.lastIndex(of: "/") ?? path.startIndex))
    if !parent.isEmpty {
      if access(parent, F_OK) != 0 { try makeFolder(parent) }
      // Root must not leave a folder behind in somebody's home that its owner cannot use.
      var status = stat()
      if geteuid() == 0, stat(parent, &status) == 0, status.st_uid != 0 {
        throw CacheError(doing: "create \(path) in another user's folder", code: EPERM)
      }
    }
    guard mkdir(path, mode_t(0o700)) == 0 || errno == EEXIST else {
      throw CacheError(doing: "create \(path)", code: errno)
    }
    guard isPrivateFolder(path) else {
      throw CacheError(doing: "use \(path), which others can write to", code: EPERM)
    }
  }
}

/// The system's write(2), under a name that the enclosing `write` does not hide.
private enum Glue {
  static func write(_ file: Int32, _ bytes: UnsafeRawPointer, _ count: Int) -> Int {
    #if canImport(Glibc)
    Glibc.write(file, bytes, count)
    #else
    Darwin.write(file, bytes, count)
    #endif
  }
}
