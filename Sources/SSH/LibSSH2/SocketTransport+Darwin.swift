#if canImport(Darwin)
internal import Darwin

/// Darwin has no flag for it; see `preventSignals`.
let noSignal: Int32 = 0

/// A connection that broke is an error of the call, never a signal (setsockopt(2), SO_NOSIGPIPE).
func preventSignals(_ socket: Int32) {
  var on: Int32 = 1
  setsockopt(socket, SOL_SOCKET, SO_NOSIGPIPE, &on, socklen_t(MemoryLayout<Int32>.size))
}

/// SOCK_STREAM, which glibc declares as an enumeration.
let streamSocket = SOCK_STREAM
#endif
