internal import Base

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// Opens a FIFO for writing, waiting for a reader that is not there yet.
///
/// - Parameters:
///   - path: The FIFO.
///   - isOver: Asked while waiting; true gives up.
/// - Returns: The descriptor, or nil when given up.
/// - Throws: `Failure` when there is no such file, or it is no FIFO.
func openFIFO(_ path: String, until isOver: () -> Bool) throws(Failure) -> OwnedFD? {
  let what = "Cannot write into \(printable(path, limit: 300))."
  while !isOver() {
    // Never created, and never waited for in open(2), which no request to stop could end.
    let raw = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC)
    if raw >= 0 {
      let descriptor = OwnedFD(raw)
      var status = stat()
      guard fstat(raw, &status) == 0, status.st_mode & S_IFMT == S_IFIFO else {
        throw Failure(
          .other, what, why: "It is not a FIFO.", fix: "Wireshark passes one with --fifo.")
      }
      return descriptor
    }
    guard errno == ENXIO || errno == EINTR else {
      throw .system(what, errno: errno, fix: "Wireshark passes a FIFO with --fifo.")
    }
    // ENXIO: a FIFO without a reader (open(2)); a socket too, which never gets one.
    var status = stat()
    guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFIFO else {
      throw Failure(
        .other, what, why: "It is not a FIFO.", fix: "Wireshark passes one with --fifo.")
    }
    usleep(10_000)
  }
  return nil
}
