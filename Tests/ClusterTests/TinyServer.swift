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
  struct Request: Sendable {
    var method: String
    var target: String
    var body: [UInt8]
  }

  struct Answer: Sendable {
    var status = "200 OK"
    var pieces: [[UInt8]]
    /// How often the pieces are sent.
    var times = 1
    /// Promised and not sent: the connection breaks in the middle.
    var missing = 0
    /// Seconds between two pieces; nil sends them with their length, at once.
    var pause: Double?

    init(_ body: [UInt8], status: String = "200 OK", missing: Int = 0) {
      pieces = [body]
      self.status = status
      self.missing = missing
    }

    /// A watch: one line after the other, until the last one or the end of the server.
    init(lines: [String], pause: Double) {
      pieces = lines.map { Array("\($0)\n".utf8) }
      self.pause = pause
    }
  }

  let port: UInt16
  private let socket: Int32
  private let seen = Mutex<[Request]>([])

  /// The request lines so far.
  var requests: [String] { received.map { "\($0.method) \($0.target)" } }
  /// The requests so far, with their bodies.
  var received: [Request] { seen.withLock { $0 } }

  /// Listens; with no `answer` it takes connections and stays silent, as a black hole does.
  convenience init(_ answer: (@Sendable (_ target: String) -> Answer)?) throws {
    try self.init(request: answer.map { answer in { @Sendable in answer($0.target) } })
  }

  /// A server whose answers depend on more than the path.
  static func answering(
    _ answer: @escaping @Sendable (Request) -> Answer
  ) throws -> TinyServer {
    try TinyServer(request: answer)
  }

  private init(request answer: (@Sendable (Request) -> Answer)?) throws {
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
        // A watch must not keep the others waiting.
        Thread.detachNewThread { self.serve(connection, answer) }
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

  private func serve(_ connection: Int32, _ answer: @Sendable (Request) -> Answer) {
    defer { close(connection) }
    guard let request = read(connection) else { return }
    seen.withLock { $0.append(request) }
    let answer = answer(request)
    let length = answer.pieces.reduce(0) { $0 + $1.count } * answer.times + answer.missing
    let head =
      "HTTP/1.1 \(answer.status)\r\nContent-Type: application/json\r\n"
      + (answer.pause == nil ? "Content-Length: \(length)\r\n" : "")
      + "Connection: close\r\n\r\n"
    guard send(connection, Array(head.utf8)) else { return }
    for _ in 0..<answer.times {
      for piece in answer.pieces {
        guard send(connection, piece) else { return }
        if let pause = answer.pause { Thread.sleep(forTimeInterval: pause) }
      }
    }
  }

  /// Reads a request; what kubectl gets on stdin it sends in chunks.
  private func read(_ connection: Int32) -> Request? {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    func more() -> Bool {
      let count = readBytes(connection, &buffer)
      guard count > 0 else { return false }
      bytes += buffer[..<count]
      return true
    }
    let end = Array("\r\n\r\n".utf8)
    while bytes.firstRange(of: end) == nil { guard more() else { return nil } }
    guard let head = bytes.firstRange(of: end) else { return nil }
    let text = String(decoding: bytes[..<head.lowerBound], as: UTF8.self)
    let words = text.prefix { $0 != "\r\n" }.split(separator: " ")
    guard words.count == 3 else { return nil }
    var request = Request(method: String(words[0]), target: String(words[1]), body: [])
    bytes.removeSubrange(..<head.upperBound)
    guard text.lowercased().contains("transfer-encoding: chunked") else {
      let length = text.lowercased().split(separator: "\r\n")
        .first { $0.hasPrefix("content-length: ") }
      let count = length.flatMap { Int($0.dropFirst("content-length: ".count)) } ?? 0
      while bytes.count < count { guard more() else { return nil } }
      request.body = bytes
      return request
    }
    // Chunks (RFC 9112 section 7.1): the length in hexadecimal digits, the bytes, an empty line.
    let lineEnd = Array("\r\n".utf8)
    while true {
      while bytes.firstRange(of: lineEnd) == nil { guard more() else { return nil } }
      guard let line = bytes.firstRange(of: lineEnd),
        let count = Int(String(decoding: bytes[..<line.lowerBound], as: UTF8.self), radix: 16)
      else { return nil }
      while bytes.count < line.upperBound + count + 2 { guard more() else { return nil } }
      if count == 0 { return request }
      request.body += bytes[line.upperBound..<line.upperBound + count]
      bytes.removeSubrange(..<(line.upperBound + count + 2))
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

private func readBytes(_ fd: Int32, _ buffer: inout [UInt8]) -> Int {
  read(fd, &buffer, buffer.count)
}
