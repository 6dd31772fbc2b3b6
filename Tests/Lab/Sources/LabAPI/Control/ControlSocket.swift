internal import Foundation

#if canImport(Glibc)
internal import Glibc
#else
internal import Darwin
#endif

/// The socket `control.sock` in the state directory: one line in, the answer out, then the end.
enum ControlSocket {
  struct Failure: Error, CustomStringConvertible {
    var what: String
    var number = errno
    var description: String { "\(what): \(String(cString: strerror(number)))" }
  }

  static func path(_ state: String) -> String { state + "/control.sock" }

  /// Calls `body` with a socket and its address.
  static func open(
    _ state: String, _ body: (Int32, UnsafePointer<sockaddr>, socklen_t) throws -> Void
  ) throws -> Int32 {
    #if canImport(Glibc)
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    #else
    let descriptor = socket(AF_UNIX, SOCK_STREAM, 0)
    #endif
    guard descriptor >= 0 else { throw Failure(what: "socket") }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let path = Array(path(state).utf8)
    guard path.count < MemoryLayout.size(ofValue: address.sun_path) else {
      close(descriptor)
      throw Failure(
        what: "the state directory's path is too long for a socket", number: ENAMETOOLONG)
    }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path) }
    do {
      try withUnsafePointer(to: &address) { pointer in
        try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          try body(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
      }
    } catch {
      close(descriptor)
      throw error
    }
    return descriptor
  }

  /// Reads until the end, or until a line feed.
  static func read(_ descriptor: Int32, untilLineFeed: Bool) -> String {
    var text: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
      #if canImport(Glibc)
      let count = Glibc.read(descriptor, &buffer, buffer.count)
      #else
      let count = Darwin.read(descriptor, &buffer, buffer.count)
      #endif
      guard count > 0 else { break }
      text.append(contentsOf: buffer.prefix(count))
      if untilLineFeed, text.contains(UInt8(ascii: "\n")) { break }
    }
    return String(decoding: text, as: UTF8.self)
  }

  static func write(_ text: String, _ descriptor: Int32) {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes {
        send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { return }
      rest = rest.dropFirst(count)
    }
  }
}

/// The server's side of the control socket, on a thread of its own.
enum ControlServer {
  /// Begins to listen.
  static func start(_ control: Control, state: String) throws {
    unlink(ControlSocket.path(state))
    let mask = umask(0o177)
    defer { umask(mask) }
    let listener = try ControlSocket.open(state) { descriptor, address, length in
      guard bind(descriptor, address, length) == 0, listen(descriptor, 16) == 0 else {
        throw ControlSocket.Failure(what: "control.sock")
      }
    }
    Thread.detachNewThread {
      while true {
        let connection = accept(listener, nil, nil)
        guard connection >= 0 else { continue }
        _ = fcntl(connection, F_SETFD, FD_CLOEXEC)
        let line = ControlSocket.read(connection, untilLineFeed: true)
        let done = DispatchSemaphore(value: 0)
        Task {
          ControlSocket.write(
            await control.carryOut(line.filter { $0 != "\n" }), connection)
          close(connection)
          done.signal()
        }
        done.wait()
      }
    }
  }
}

/// The other side: one request to a running server.
package enum ControlClient {
  package struct Refused: Error, CustomStringConvertible {
    package var description: String
  }

  /// - Returns: the server's answer.
  /// - Throws: ``Refused`` when it makes nothing of the request.
  package static func send(_ line: String, state: String) throws -> String {
    let connection = try ControlSocket.open(state) { descriptor, address, length in
      guard connect(descriptor, address, length) == 0 else {
        throw ControlSocket.Failure(what: "no server at \(ControlSocket.path(state))")
      }
    }
    defer { close(connection) }
    ControlSocket.write(line + "\n", connection)
    let answer = ControlSocket.read(connection, untilLineFeed: false)
    if answer.hasPrefix("error: ") { throw Refused(description: String(answer.dropLast())) }
    return answer
  }
}
