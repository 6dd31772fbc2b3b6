internal import NIOCore
internal import NIOHTTP1
internal import NIOSSL
internal import NIOWebSocket

/// One connection that speaks HTTP: collects each request, asks the API, sends the answer; turns the
/// connection into an exec's or lets a watch run on it.
final class HTTPHandler: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundOut = HTTPServerResponsePart

  /// The handlers that have to go when the connection is upgraded.
  struct HTTPHandlers {
    var decoder: ByteToMessageHandler<HTTPRequestDecoder>
    var encoder: HTTPResponseEncoder
    var pipelining: HTTPServerPipelineHandler
  }

  /// Bodies larger than this are refused, as the API server does.
  private static let bodyLimit = 3 * 1024 * 1024

  /// Bodies up to this get a Content-Length, larger ones are sent in chunks: so does Go's net/http.
  private static let unchunkedLimit = 2048

  private let services: Services
  private let handlers: HTTPHandlers
  private var head: HTTPRequestHead?
  private var body = ByteBuffer()
  private var watch: WatchStream?

  init(services: Services, handlers: HTTPHandlers) {
    (self.services, self.handlers) = (services, handlers)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let head):
      self.head = head
      body.clear()
    case .body(var part):
      if body.readableBytes + part.readableBytes <= Self.bodyLimit { body.writeBuffer(&part) }
    case .end:
      guard let head else { return }
      self.head = nil
      let request = Request(
        method: head.method.rawValue, uri: head.uri,
        headers: head.headers.map { ($0.name, $0.value) }, body: body)
      services.requests.add(request)
      let delay = services.faults.delay
      guard delay > 0 else { return respond(to: request, head, context: context) }
      let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
      context.eventLoop.scheduleTask(in: .milliseconds(Int64(delay))) {
        let (handler, context) = bound.value
        guard context.channel.isActive else { return }
        handler.respond(to: request, head, context: context)
      }
    }
  }

  func channelInactive(context: ChannelHandlerContext) {
    stopWatch()
    context.fireChannelInactive()
  }

  func handlerRemoved(context: ChannelHandlerContext) { stopWatch() }

  private func stopWatch() {
    watch?.stop()
    watch = nil
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    context.close(promise: nil)
  }

  // MARK: Answers

  private func respond(
    to request: Request, _ head: HTTPRequestHead, context: ChannelHandlerContext
  ) {
    switch services.api.answer(request, certificate: certificate(context)) {
    case .bytes(let code, let contentType, let headers, let bytes):
      var fields = headers
      if !contentType.isEmpty { fields.append(("Content-Type", contentType)) }
      if bytes.readableBytes <= Self.unchunkedLimit, code != 304 {
        fields.append(("Content-Length", String(bytes.readableBytes)))
      }
      write(head: head, code: code, fields, context: context)
      context.write(wrapOutboundOut(.body(.byteBuffer(bytes))), promise: nil)
      end(head, context: context)
    case .list(let list):
      write(
        head: head, code: 200,
        [("Cache-Control", "no-cache, private"), ("Content-Type", "application/json")],
        context: context)
      send(list, head, context: context)
    case .watch(let plan):
      write(
        head: head, code: 200,
        [("Cache-Control", "no-cache, private"), ("Content-Type", "application/json")],
        context: context)
      let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
      watch = WatchStream(plan: plan, store: services.api.cluster.store, channel: context.channel) {
        let (handler, context) = bound.value
        handler.watch = nil
        handler.end(head, context: context)
      }
      watch?.start()
    case .exec(let plan): upgrade(head, plan, context: context)
    }
  }

  private func certificate(_ context: ChannelHandlerContext) -> [UInt8]? {
    let handler = try? context.pipeline.syncOperations.handler(type: NIOSSLServerHandler.self)
    return try? handler?.peerCertificate?.toDERBytes()
  }

  private func write(
    head: HTTPRequestHead, code: Int, _ fields: [(name: String, value: String)],
    context: ChannelHandlerContext
  ) {
    var headers = HTTPHeaders([("Audit-Id", Digest.uid(of: "\(services.requests.count)"))])
    for field in fields { headers.add(name: field.name, value: field.value) }
    if code != 101 { headers.add(name: "Date", value: httpDate()) }
    let response = HTTPResponseHead(
      version: .http1_1, status: HTTPResponseStatus(statusCode: code), headers: headers)
    context.write(wrapOutboundOut(.head(response)), promise: nil)
  }

  private func end(_ head: HTTPRequestHead, context: ChannelHandlerContext) {
    let done = context.eventLoop.makePromise(of: Void.self)
    context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: done)
    guard !head.isKeepAlive else { return }
    let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
    done.futureResult.whenComplete { _ in bound.value.close(promise: nil) }
  }

  /// Sends a list piece by piece, each when the one before has gone out.
  private func send(_ list: ListBody, _ head: HTTPRequestHead, context: ChannelHandlerContext) {
    var list = list
    guard let piece = list.piece(size: 256 * 1024) else { return end(head, context: context) }
    let rest = list
    let sent = context.eventLoop.makePromise(of: Void.self)
    context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(piece))), promise: sent)
    let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
    sent.futureResult.whenSuccess {
      let (handler, context) = bound.value
      handler.send(rest, head, context: context)
    }
  }

  // MARK: Upgrade

  /// Makes the connection a WebSocket (RFC 6455) and hands it to an exec.
  private func upgrade(_ head: HTTPRequestHead, _ plan: ExecPlan, context: ChannelHandlerContext) {
    let upgrader = NIOWebSocketServerUpgrader(
      shouldUpgrade: { channel, _ in channel.eventLoop.makeSucceededFuture([:]) },
      upgradePipelineHandler: { channel, _ in channel.eventLoop.makeSucceededVoidFuture() })
    let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
    upgrader.buildUpgradeResponse(
      channel: context.channel, upgradeRequest: head, initialResponseHeaders: HTTPHeaders()
    ).whenComplete { result in
      let (handler, context) = bound.value
      switch result {
      case .success(let headers):
        handler.becomeWebSocket(headers, plan, context: context)
      case .failure(let error):
        handler.write(
          head: head, code: 400, [("Content-Type", "text/plain; charset=utf-8")], context: context)
        let text = ByteBuffer(string: "websocket: \(error)\n")
        context.write(handler.wrapOutboundOut(.body(.byteBuffer(text))), promise: nil)
        handler.end(head, context: context)
      }
    }
  }

  private func becomeWebSocket(
    _ accepted: HTTPHeaders, _ plan: ExecPlan, context: ChannelHandlerContext
  ) {
    var headers = HTTPHeaders([("Upgrade", "websocket"), ("Connection", "Upgrade")])
    for value in accepted["sec-websocket-accept"] {
      headers.add(name: "Sec-WebSocket-Accept", value: value)
    }
    headers.add(name: "Sec-WebSocket-Protocol", value: plan.subprotocol)
    let response = HTTPResponseHead(
      version: .http1_1, status: .switchingProtocols, headers: headers)
    context.write(wrapOutboundOut(.head(response)), promise: nil)
    context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    let pipeline = context.pipeline.syncOperations
    pipeline.removeHandler(handlers.pipelining, promise: nil)
    pipeline.removeHandler(handlers.encoder, promise: nil)
    do {
      try pipeline.addHandlers([
        WebSocketFrameEncoder(),
        ByteToMessageHandler(WebSocketFrameDecoder(maxFrameSize: ExecSession.frameLimit)),
        ExecSession(plan: plan, faults: services.faults),
      ])
    } catch {
      return context.close(promise: nil)
    }
    pipeline.removeHandler(context: context, promise: nil)
    // Last: what it has read beyond the request goes on to the WebSocket.
    pipeline.removeHandler(handlers.decoder, promise: nil)
  }
}
