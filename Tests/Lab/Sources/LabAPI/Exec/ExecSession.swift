internal import NIOCore
internal import NIOPosix
internal import NIOWebSocket

#if canImport(Glibc)
internal import Glibc
#else
internal import Darwin
#endif

/// One command in a container, over a WebSocket (Kubernetes enhancement 4006). Everything happens on
/// the connection's event loop.
///
/// When the client goes, its stdin is closed and nothing is read any more. The process is not
/// signalled, not even with SIGPIPE: containerd's shim keeps the reading ends of stdout and stderr
/// open until the process ends, so one that goes on writing blocks when the pipes are full.
final class ExecSession: ChannelInboundHandler {
  typealias InboundIn = WebSocketFrame
  typealias OutboundOut = WebSocketFrame

  enum StreamChannel: UInt8 {
    case stdin = 0
    case stdout = 1
    case stderr = 2
    case error = 3
    case resize = 4
    case close = 255
  }

  /// Frames from the client may be so long; kubectl's are of 32 KiB at most.
  static let frameLimit = 1 << 20

  /// The largest piece of output in one frame, as the kubelet copies it.
  static let outputPiece = 32 * 1024

  /// What is read from the process at once: all that its pipe holds, since each read costs a change
  /// of tasks.
  private static let readSize = 128 * 1024

  /// Output on its way to the client; with more, reading from the process stops.
  private static let outputWindow = 512 * 1024

  /// With more input than this left over when its reader is gone, a real server never says how the
  /// command ended; what fits into the pipes is forgotten.
  private static let forgottenInput = 128 * 1024

  private let plan: ExecPlan
  private let faults: Faults
  private var context: ChannelHandlerContext?
  private var readers: [StreamChannel: PipeReader] = [:]
  private var openStreams: Set<StreamChannel> = []
  private var input: ExecInput?
  private var continued: StreamChannel?
  private var output = 0
  private var readingIsPaused = false
  private var startFailure = StartFailure()
  private var end: ContainerProcess.End?
  private var isFinished = false

  init(plan: ExecPlan, faults: Faults) {
    (self.plan, self.faults) = (plan, faults)
  }

  // MARK: Start

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    send(.stdout, ByteBuffer())
    context.flush()
    if let pid = plan.container.pid, let lookup = ProgramLookup(pid: pid),
      let failure = lookup.failure(of: plan.command[0])
    {
      return finish(
        ExecStatus.notStarted("unable to start container process: \(failure)", id: Self.makeID()))
    }
    do {
      let process = try ContainerProcess.start(
        (plan.container.exec ?? []) + plan.command, stdin: plan.stdin, stdout: plan.stdout,
        stderr: plan.stderr)
      attach(process, context: context)
    } catch {
      finish(
        ExecStatus.notStarted("unable to start container process: \(error)", id: Self.makeID()))
    }
  }

  private func attach(_ process: ContainerProcess, context: ChannelHandlerContext) {
    let loop = context.eventLoop
    let bound = NIOLoopBound(self, eventLoop: loop)
    let outputs = [(StreamChannel.stdout, process.stdout), (.stderr, process.stderr)]
    for case (let stream, let descriptor?) in outputs {
      openStreams.insert(stream)
      let reader = PipeReader(session: self, stream: stream)
      readers[stream] = reader
      let readerBound = NIOLoopBound(reader, eventLoop: loop)
      NIOPipeBootstrap(group: loop)
        .channelOption(.autoRead, value: false)
        .channelOption(
          .recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: Self.readSize)
        )
        .channelInitializer { channel in
          channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(readerBound.value)
          }
        }
        .takingOwnershipOfDescriptor(input: descriptor)
        .whenFailure { _ in
          close(descriptor)
          bound.value.ended(stream)
        }
    }
    if let descriptor = process.stdin {
      let input = ExecInput(loop: loop)
      input.onRoom = { [weak self] in self?.setReading(true) }
      self.input = input
      let inputBound = NIOLoopBound(input, eventLoop: loop)
      NIOPipeBootstrap(group: loop).takingOwnershipOfDescriptor(output: descriptor)
        .whenComplete { result in
          switch result {
          case .success(let channel): inputBound.value.attach(channel)
          case .failure: close(descriptor)
          }
        }
    }
    process.whenEnded { end in
      loop.execute { bound.value.ended(end) }
    }
  }

  private static func makeID() -> String {
    (0..<4).map { _ in
      let digits = String(UInt64.random(in: 0...UInt64.max), radix: 16)
      return String(repeating: "0", count: 16 - digits.count) + digits
    }.joined()
  }

  // MARK: From the client

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let frame = unwrapInboundIn(data)
    var bytes = frame.unmaskedData
    switch frame.opcode {
    case .ping:
      let pong = WebSocketFrame(fin: true, opcode: .pong, data: bytes)
      context.writeAndFlush(wrapOutboundOut(pong), promise: nil)
    case .binary, .text:
      guard let number = bytes.readInteger(as: UInt8.self) else { return }
      continued = frame.fin ? nil : StreamChannel(rawValue: number)
      receive(bytes, on: StreamChannel(rawValue: number))
    case .continuation:
      receive(bytes, on: continued)
      if frame.fin { continued = nil }
    case .connectionClose:
      let answer = WebSocketFrame(fin: true, opcode: .connectionClose, data: bytes)
      let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
      let sent = context.eventLoop.makePromise(of: Void.self)
      context.writeAndFlush(wrapOutboundOut(answer), promise: sent)
      sent.futureResult.whenComplete { _ in bound.value.close(promise: nil) }
    default: break
    }
  }

  private func receive(_ bytes: ByteBuffer, on stream: StreamChannel?) {
    switch stream {
    case .stdin:
      input?.write(bytes)
      if input?.isFull == true { setReading(false) }
    case .close where plan.subprotocol == "v5.channel.k8s.io":
      if bytes.readableBytesView.first == StreamChannel.stdin.rawValue { input?.end() }
    default: break
    }
  }

  private func setReading(_ reading: Bool) {
    guard readingIsPaused == reading, let channel = context?.channel else { return }
    readingIsPaused = !reading
    _ = channel.setOption(.autoRead, value: reading)
  }

  func channelInactive(context: ChannelHandlerContext) {
    disconnected(context)
    context.fireChannelInactive()
  }

  /// The only word when the connection ends behind a gate that is shut.
  func handlerRemoved(context: ChannelHandlerContext) { disconnected(context) }

  /// The client is gone.
  private func disconnected(_ context: ChannelHandlerContext) {
    guard self.context != nil else { return }
    self.context = nil
    let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
    faults.whenPassable {
      bound.eventLoop.execute { bound.value.detach() }
    }
  }

  /// Closes the process's stdin and reads no more.
  private func detach() {
    input?.abandon()
    if end != nil { closePipes() }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    context.close(promise: nil)
  }

  // MARK: To the client

  /// Whether more may be read from the process.
  var takesOutput: Bool { context != nil && output < Self.outputWindow }

  func received(_ bytes: ByteBuffer, from stream: StreamChannel) {
    guard stream == .stderr, !startFailure.isOver else {
      var rest = bytes
      while let piece = rest.readSlice(length: min(rest.readableBytes, Self.outputPiece)),
        piece.readableBytes > 0
      {
        send(stream, piece)
      }
      return
    }
    let passed = startFailure.pass(bytes.readableBytesView)
    if !passed.isEmpty { send(.stderr, ByteBuffer(bytes: passed)) }
  }

  func flush() { context?.flush() }

  private func send(_ stream: StreamChannel, _ bytes: ByteBuffer) {
    guard let context, !isFinished else { return }
    // Room for the frame's header, which is then put in front without a second buffer.
    var data = context.channel.allocator.buffer(capacity: bytes.readableBytes + 16)
    data.moveWriterIndex(to: 14)
    data.moveReaderIndex(to: 14)
    data.writeInteger(stream.rawValue)
    data.writeImmutableBuffer(bytes)
    let count = data.readableBytes
    output += count
    let frame = WebSocketFrame(fin: true, opcode: .binary, data: data)
    let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
    let sent = context.eventLoop.makePromise(of: Void.self)
    context.write(wrapOutboundOut(frame), promise: sent)
    sent.futureResult.whenComplete { _ in bound.value.sent(count) }
  }

  private func sent(_ count: Int) {
    let tookOutput = takesOutput
    output -= count
    if !tookOutput, takesOutput {
      for reader in readers.values { reader.resume() }
    }
  }

  // MARK: End

  func ended(_ stream: StreamChannel) {
    openStreams.remove(stream)
    readers[stream] = nil
    finishIfOver()
  }

  private func ended(_ end: ContainerProcess.End) {
    self.end = end
    if context == nil { closePipes() }
    finishIfOver()
  }

  private func closePipes() {
    for reader in readers.values { reader.close() }
    input?.abandon()
  }

  private func finishIfOver() {
    guard let end, openStreams.isEmpty, !isFinished, let context else { return }
    // The rest of the input is given up now, so that its amount is known.
    guard let input else { return sayEnd(end) }
    let bound = NIOLoopBound((self, input), eventLoop: context.eventLoop)
    input.abandon().whenComplete { _ in
      let (session, input) = bound.value
      if input.undelivered <= Self.forgottenInput { session.sayEnd(end) }
    }
  }

  private func sayEnd(_ end: ContainerProcess.End) {
    if let complaint = startFailure.complaint(exitCode: end.code) {
      return finish(ExecStatus.notStarted(complaint, id: Self.makeID()))
    }
    let kept = startFailure.release()
    if !kept.isEmpty { send(.stderr, ByteBuffer(bytes: kept)) }
    finish(ExecStatus.end(code: end.code))
  }

  /// Says how it ended and closes the connection.
  private func finish(_ status: JSON) {
    guard let context, !isFinished else { return }
    send(.error, ByteBuffer(bytes: status.bytes))
    isFinished = true
    var code = ByteBuffer()
    code.write(webSocketErrorCode: .normalClosure)
    let frame = WebSocketFrame(fin: true, opcode: .connectionClose, data: code)
    let sent = context.eventLoop.makePromise(of: Void.self)
    context.writeAndFlush(wrapOutboundOut(frame), promise: sent)
    let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
    sent.futureResult.whenComplete { _ in bound.value.close(promise: nil) }
  }
}
