internal import Foundation
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import NIOSSL
internal import Synchronization

/// The listening side: TLS, HTTP/1.1, one pipeline per connection.
package final class Server: Sendable {
  private let services: Services
  private let group: MultiThreadedEventLoopGroup
  private let tls: NIOSSLContext
  private let listeners = Mutex<[any Channel]>([])
  private let addresses = Mutex<[SocketAddress]>([])

  package init(api: API, faults: Faults, requests: RequestLog, files: TLSFiles) throws {
    services = Services(api: api, faults: faults, requests: requests)
    group = MultiThreadedEventLoopGroup(numberOfThreads: max(2, System.coreCount))
    let chain = try NIOSSLCertificate.fromPEMFile(files.serverCertificate)
    let key = try NIOSSLPrivateKey(file: files.serverKey, format: .pem)
    var configuration = TLSConfiguration.makeServerConfiguration(
      certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
    configuration.trustRoots = .file(files.authority)
    configuration.certificateVerification = .optionalVerification
    configuration.applicationProtocols = ["http/1.1"]
    tls = try NIOSSLContext(configuration: configuration)
  }

  /// Begins to listen.
  /// - Returns: the port that is listened on; with port 0 the system chose it.
  package func listen(host: String, port: Int) async throws -> Int {
    let listener = try await bind(SocketAddress(ipAddress: host, port: port))
    guard let address = listener.localAddress, let port = address.port else {
      throw ChannelError.unknownLocalAddress
    }
    addresses.withLock { $0.append(address) }
    return port
  }

  /// Stops to listen; connections stay.
  package func refuse() async {
    let listeners = self.listeners.withLock { listeners in
      defer { listeners = [] }
      return listeners
    }
    for listener in listeners { try? await listener.close() }
  }

  /// Listens again where it did before.
  package func accept() async throws {
    guard listeners.withLock({ $0.isEmpty }) else { return }
    for address in addresses.withLock({ $0 }) { _ = try await bind(address) }
  }

  private func bind(_ address: SocketAddress) async throws -> any Channel {
    let (services, tls) = (self.services, self.tls)
    let listener = try await ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: 1024)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          let decoder = ByteToMessageHandler(
            HTTPRequestDecoder(leftOverBytesStrategy: .forwardBytes))
          let handlers = HTTPHandler.HTTPHandlers(
            decoder: decoder, encoder: HTTPResponseEncoder(),
            pipelining: HTTPServerPipelineHandler())
          let pipeline = channel.pipeline.syncOperations
          try pipeline.addHandler(services.faults.gate(for: channel))
          channel.closeFuture.whenComplete { _ in services.faults.forget(channel) }
          try pipeline.addHandler(NIOSSLServerHandler(context: tls))
          try pipeline.addHandler(handlers.encoder)
          try pipeline.addHandler(handlers.decoder)
          try pipeline.addHandler(handlers.pipelining)
          try pipeline.addHandler(HTTPHandler(services: services, handlers: handlers))
        }
      }
      .bind(to: address).get()
    listeners.withLock { $0.append(listener) }
    return listener
  }
}
