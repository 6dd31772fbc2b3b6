import Foundation
import Synchronization
import Testing

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Answers HTTP on loopback, one request a connection, so that the real kubectl can be asked for what
/// Kubernetes was recorded to say.
final class TinyServer: Sendable {
  struct Answer: Sendable {
    var status = "200 OK"
    var pieces: [[UInt8]]
    /// How often the pieces are sent.
    var times = 1
    /// Promised and not sent: the connection breaks in the middle.
    var missing = 0

    init(_ body: [UInt8], status: String = "200 OK", missing: Int = 0) {
      pieces = [body]
      self.status = status
      self.missing = missing
    }
  }

  let port: UInt16
  private let socket: Int32
  private let seen = Mutex<[String]>([])

  /// The request lines so far.
  var requests: [String] { seen.withLock { $0 } }

  /// Listens; with no `answer` it takes connections and stays silent, as a black hole does.
  init(_ answer: (@Sendable (_ target: String) -> Answer)?) throws {
    #if canImport(Glibc)
    let kind = Int32(SOCK_STREAM.rawValue)
    #else
    let kind = SOCK_STREAM
    #endif
    let listener = newSocket(kind)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let size = length
    let bound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, size) == 0 && listen(listener, 16) == 0
          && getsockname(listener, $0, &length) == 0
      }
    }
    try #require(bound)
    socket = listener
    port = UInt16(bigEndian: address.sin_port)
    guard let answer else { return }
    Thread.detachNewThread { [weak self] in
      while true {
        let connection = accept(listener, nil, nil)
        guard connection >= 0, let self else { return }
        serve(connection, answer)
      }
    }
  }

  /// Must be called: ends the thread.
  func stop() {
    shutdown(socket, Int32(SHUT_RDWR))
    close(socket)
  }

  /// A kubeconfig for this server.
  var kubeconfig: String {
    """
    {"apiVersion":"v1","kind":"Config","current-context":"lab",
    "clusters":[{"name":"c","cluster":{"server":"http://127.0.0.1:\(port)"}}],
    "users":[{"name":"u","user":{}}],
    "contexts":[{"name":"lab","context":{"cluster":"c","user":"u","namespace":"demo"}}]}
    """
  }

  private func serve(_ connection: Int32, _ answer: @Sendable (String) -> Answer) {
    defer { close(connection) }
    var request: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while !String(decoding: request, as: UTF8.self).contains("\r\n\r\n") {
      let count = read(connection, &buffer, buffer.count)
      guard count > 0 else { return }
      request += buffer[..<count]
    }
    let line = String(decoding: request, as: UTF8.self).prefix { $0 != "\r\n" }
    let words = line.split(separator: " ")
    guard words.count == 3 else { return }
    let target = String(words[1])
    seen.withLock { $0.append("\(words[0]) \(target)") }
    let answer = answer(target)
    let length = answer.pieces.reduce(0) { $0 + $1.count } * answer.times + answer.missing
    let head =
      "HTTP/1.1 \(answer.status)\r\nContent-Type: application/json\r\nContent-Length: \(length)\r\nConnection: close\r\n\r\n"
    guard send(connection, Array(head.utf8)) else { return }
    for _ in 0..<answer.times {
      for piece in answer.pieces { guard send(connection, piece) else { return } }
    }
  }

  private func send(_ connection: Int32, _ bytes: [UInt8]) -> Bool {
    var sent = 0
    while sent < bytes.count {
      let count = bytes[sent...].withUnsafeBytes {
        sendBytes(connection, $0.baseAddress, $0.count)
      }
      guard count > 0 else { return false }
      sent += count
    }
    return true
  }
}

private func newSocket(_ kind: Int32) -> Int32 { socket(AF_INET, kind, 0) }

private func sendBytes(_ fd: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
  // MSG_NOSIGNAL: a reader that has gone must not end the test run.
  send(fd, bytes, count, 0x4000)
}
