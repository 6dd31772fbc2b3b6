package import Base

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// Reads and forgets until the end of a stream or until the bell rings. Blocks: own thread only.
package func drain(_ descriptor: OwnedFD, stop: Bell) {
  var buffer = [UInt8](repeating: 0, count: 64 * 1024)
  while true {
    var entries = [
      pollfd(fd: descriptor.raw, events: Int16(POLLIN), revents: 0),
      pollfd(fd: stop.reader, events: Int16(POLLIN), revents: 0),
    ]
    guard poll(&entries, 2, -1) >= 0 || errno == EINTR else { return }
    if entries[1].revents != 0 { return }
    if entries[0].revents != 0, read(descriptor.raw, &buffer, buffer.count) <= 0 { return }
  }
}
