internal import Base

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// Connects to a host: all its addresses in turn, none of which may use up the time of the others.
enum TCPConnect {
  enum Outcome {
    case connected(OwnedFD, SocketAddress)
    /// The last address and what it came to; ETIMEDOUT for a black hole.
    case failed(SocketAddress, Int32)
    case stopped
  }

  static func connect(_ addresses: [SocketAddress], deadline: Deadline) -> Outcome {
    var outcome = Outcome.stopped
    for (index, address) in addresses.enumerated() {
      let share = deadline.left / (addresses.count - index)
      outcome = connect(address, deadline: deadline.capped(at: share))
      guard case .failed = outcome else { break }
    }
    return outcome
  }

  private static func connect(_ address: SocketAddress, deadline: Deadline) -> Outcome {
    let raw = socket(address.family, streamSocket, 0)
    guard raw >= 0 else { return .failed(address, errno) }
    let descriptor = OwnedFD(raw)
    _ = fcntl(raw, F_SETFD, FD_CLOEXEC)
    _ = fcntl(raw, F_SETFL, O_NONBLOCK)
    preventSignals(raw)
    var on: Int32 = 1
    setsockopt(raw, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    let result = address.bytes.withUnsafeBytes { bytes in
      bytes.baseAddress.map { start in
        systemConnect(
          raw, start.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count))
      } ?? -1
    }
    if result == 0 { return .connected(descriptor, address) }
    guard errno == EINPROGRESS || errno == EINTR else { return .failed(address, errno) }
    switch deadline.wait(for: raw, POLLOUT) {
    case .stopped: return .stopped
    case .timedOut: return .failed(address, ETIMEDOUT)
    case .ready: break
    }
    var code: Int32 = 0
    var length = socklen_t(MemoryLayout<Int32>.size)
    getsockopt(raw, SOL_SOCKET, SO_ERROR, &code, &length)
    return code == 0 ? .connected(descriptor, address) : .failed(address, code)
  }
}

private func systemConnect(
  _ descriptor: Int32, _ address: UnsafePointer<sockaddr>, _ length: socklen_t
) -> Int32 {
  connect(descriptor, address, length)
}
