package import Base

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// Opens a FIFO for writing and waits until somebody reads it.
///
/// - Parameters:
///   - path: The FIFO, which must exist.
///   - stop: Ends the wait; cancellation rings it too.
///   - patience: The most time to wait. dumpcap opens its end at once; whoever made the FIFO may be gone before we
///     could see that it was ever there.
/// - Returns: The open FIFO, nil when the bell rang or the time was over first.
/// - Throws: `Failure` when there is no such file, it is no FIFO, or it may not be written.
package func openFifo(
  _ path: String, stop: Bell, within patience: Duration = .seconds(60)
) async throws(Failure) -> OwnedFD? {
  // Mostly the reader is there already: no thread is needed then.
  if let fifo = try tryOpenFifo(path) { return fifo }
  let end = ContinuousClock.now + patience
  return try await onOwnThread("fifo", stop: { stop.ring() }) { () throws(Failure) -> OwnedFD? in
    var bell = pollfd(fd: stop.reader, events: Int16(POLLIN), revents: 0)
    // No event tells a writer that a reader has come.
    while poll(&bell, 1, 10) <= 0, .now < end {
      if let fifo = try tryOpenFifo(path) { return fifo }
    }
    return nil
  }
}

/// Opens the FIFO if somebody reads it; nil if nobody does.
private func tryOpenFifo(_ path: String) throws(Failure) -> OwnedFD? {
  let raw = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC)
  let code = errno
  var status = stat()
  guard raw >= 0 else {
    // A socket answers ENXIO for ever.
    if code == ENXIO, stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFIFO { return nil }
    guard code != ENXIO else { throw .notAFifo(path) }
    throw .system("Cannot open the FIFO \(path).", errno: code, fix: Failure.whichFifo)
  }
  let fifo = OwnedFD(raw)
  guard fstat(raw, &status) == 0, status.st_mode & S_IFMT == S_IFIFO else { throw .notAFifo(path) }
  return fifo
}

extension Failure {
  fileprivate static let whichFifo = "Name the FIFO that Wireshark made for the capture."

  fileprivate static func notAFifo(_ path: String) -> Failure {
    Failure(
      .other, "Cannot write packets to \(path).", why: "It is not a FIFO.", fix: whichFifo)
  }
}
