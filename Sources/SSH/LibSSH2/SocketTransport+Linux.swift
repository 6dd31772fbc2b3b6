#if os(Linux)
internal import Glibc

/// A connection that broke is an error of the call, never a signal (send(2)).
let noSignal = Int32(MSG_NOSIGNAL)

/// Nothing to prepare: MSG_NOSIGNAL does it.
func preventSignals(_ socket: Int32) {}

/// SOCK_STREAM, which glibc declares as an enumeration.
let streamSocket = Int32(SOCK_STREAM.rawValue)
#endif
