import Foundation
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// A TLS connection whose bytes a test writes and reads itself, so that what the server sends is
/// not seen through the library that the server is built of.
final class RawConnection: Sendable {
  fileprivate struct State: Sendable {
    var bytes: [UInt8] = []
    var isClosed = false
    var error: String?
  }

  private let state = Mutex(State())
  private let channel: any Channel

  private init(channel: any Channel) { self.channel = channel }

  /// Connects; the certificate is checked.
  static func connect(port: Int, authority: String) async throws -> RawConnection {
    var configuration = TLSConfiguration.makeClientConfiguration()
    configuration.trustRoots = .file(authority)
    let context = try NIOSSLContext(configuration: configuration)
    let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
      .channelOption(.autoRead, value: false)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(
            NIOSSLClientHandler(context: context, serverHostname: nil))
        }
      }
      .connect(host: "127.0.0.1", port: port).get()
    let connection = RawConnection(channel: channel)
    try await channel.eventLoop.submit {
      try channel.pipeline.syncOperations.addHandler(Collector(connection))
    }.get()
    try await channel.setOption(.autoRead, value: true).get()
    return connection
  }

  /// Everything received so far.
  var bytes: [UInt8] { state.withLock { $0.bytes } }
  var isClosed: Bool { state.withLock { $0.isClosed } }
  var error: String? { state.withLock { $0.error } }

  func write(_ bytes: some Sequence<UInt8> & Sendable) async throws {
    try await channel.writeAndFlush(ByteBuffer(bytes: bytes)).get()
  }

  /// Stops or begins to read from the socket.
  func setReading(_ reading: Bool) async throws {
    try await channel.setOption(.autoRead, value: reading).get()
  }

  func close() async throws { try? await channel.close().get() }

  private final class Collector: ChannelInboundHandler, Sendable {
    typealias InboundIn = ByteBuffer
    private let connection: RawConnection

    init(_ connection: RawConnection) { self.connection = connection }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      let buffer = unwrapInboundIn(data)
      connection.state.withLock { $0.bytes.append(contentsOf: buffer.readableBytesView) }
    }

    func channelInactive(context: ChannelHandlerContext) {
      connection.state.withLock { $0.isClosed = true }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
      connection.state.withLock { $0.error = "\(error)" }
      context.close(promise: nil)
    }
  }
}

/// An exec as kubectl does it, frame by frame.
struct RawExec {
  struct Frame: Equatable {
    var opcode: UInt8
    var payload: [UInt8]
    var isMasked = false

    var channel: UInt8? { opcode == 2 ? payload.first : nil }
    var text: String { String(decoding: payload.dropFirst(), as: UTF8.self) }
    var closeCode: Int? {
      opcode == 8 && payload.count == 2 ? Int(payload[0]) << 8 | Int(payload[1]) : nil
    }
  }

  let connection: RawConnection

  /// Asks for an exec; `target` is path and query as in a recording.
  init(
    _ server: LabServer, target: String, context: String = "lab",
    subprotocol: String = "v5.channel.k8s.io"
  ) async throws {
    connection = try await RawConnection.connect(
      port: server.port, authority: server.directory + "/api-tls/ca.crt")
    let request = """
      GET \(target) HTTP/1.1\r
      Host: 127.0.0.1\r
      User-Agent: raw\r
      Authorization: Bearer \(try server.token(context))\r
      Connection: Upgrade\r
      Upgrade: websocket\r
      Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r
      Sec-WebSocket-Protocol: \(subprotocol)\r
      Sec-WebSocket-Version: 13\r
      \r

      """
    try await connection.write(Array(request.utf8))
  }

  /// The lines of the answer's head; empty as long as it is not complete.
  var head: [String] {
    guard let end = headEnd else { return [] }
    return String(decoding: connection.bytes[..<end], as: UTF8.self)
      .components(separatedBy: "\r\n").filter { !$0.isEmpty }
  }

  private var headEnd: Int? {
    connection.bytes.firstRange(of: Array("\r\n\r\n".utf8))?.upperBound
  }

  /// The complete frames so far (RFC 6455, 5.2).
  var frames: [Frame] {
    guard let end = headEnd else { return [] }
    var rest = connection.bytes[end...]
    var frames: [Frame] = []
    while rest.count >= 2 {
      let start = rest.startIndex
      let masked = rest[start + 1] & 0x80 != 0
      var length = Int(rest[start + 1] & 0x7f)
      var header = 2
      if length >= 126 {
        let size = length == 126 ? 2 : 8
        guard rest.count >= 2 + size else { break }
        length = rest[(start + 2)..<(start + 2 + size)].reduce(0) { $0 << 8 | Int($1) }
        header += size
      }
      guard rest.count >= header + length else { break }
      frames.append(
        Frame(
          opcode: rest[start] & 0x0f,
          payload: Array(rest[(start + header)..<(start + header + length)]), isMasked: masked))
      rest = rest.dropFirst(header + length)
    }
    return frames
  }

  /// Sends a frame, masked with zeroes.
  func send(opcode: UInt8 = 2, _ payload: [UInt8]) async throws {
    var frame: [UInt8] = [0x80 | opcode]
    switch payload.count {
    case ..<126: frame.append(0x80 | UInt8(payload.count))
    case ..<65536: frame += [0x80 | 126, UInt8(payload.count >> 8), UInt8(payload.count & 0xff)]
    default:
      frame.append(0x80 | 127)
      frame += (0..<8).reversed().map { UInt8(truncatingIfNeeded: payload.count >> (8 * $0)) }
    }
    try await connection.write(frame + [0, 0, 0, 0] + payload)
  }

  /// Waits for the server to end the connection.
  func untilClosed(within seconds: Double = 15) async throws -> [Frame] {
    let connection = self.connection
    guard try await eventually(within: seconds, { connection.isClosed }) else {
      throw Running.TookTooLong(stdout: "\(frames)", stderr: "")
    }
    return frames
  }
}
