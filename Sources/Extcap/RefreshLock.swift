#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// Held while the listings are made anew: at most one refresh at a time, and not one after the other.
///
/// It is a flock(2) on a file of the cache folder, so that it goes with its holder, however that ends.
/// The file's time says when the last attempt began. Who starts a refresh takes the lock, asks whether
/// it may, and lets go; who refreshes takes it, does not ask, and holds it, with a deadline of its own.
package struct RefreshLock: ~Copyable {
  private let file: Int32

  /// The least time between two attempts, in seconds: a cluster that is down is asked this often
  /// however often Wireshark rescans.
  package static let pause: Int64 = 5

  /// Takes the lock; nil if somebody has it or the folder cannot be written to.
  package init?(_ cache: ListingCache) {
    do throws(CacheError) { try PrivateFile.makeFolder(cache.folder) } catch { return nil }
    let file = open(
      cache.folder + "/refresh.lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, mode_t(0o600))
    guard file >= 0 else { return nil }
    guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
      close(file)
      return nil
    }
    self.file = file
  }

  /// Whether the last attempt is long enough ago for another one. Says so once: the present moment
  /// is noted as that of an attempt.
  ///
  /// - Parameter now: Seconds since 1970.
  /// - Returns: Whether to begin.
  package func mayStart(at now: Int64) -> Bool {
    var status = stat()
    guard fstat(file, &status) == 0 else { return false }
    // Nothing was ever written to a file that was just made.
    let last = status.st_size == 0 ? 0 : modified(status) / 1_000_000_000
    guard last > now || last + Self.pause <= now else { return false }
    var mark: UInt8 = 0x0a
    return pwrite(file, &mark, 1, 0) == 1
  }

  deinit {
    close(file)
  }
}
