internal import NIOCore

#if canImport(Glibc)
internal import Glibc
#else
internal import Darwin
#endif

/// Stands between a connection's socket and everything else, and can be shut: then nothing passes in
/// either direction, not even that the other side has closed, as when packets are lost on the way.
/// When it is opened again, what was kept back passes, as after TCP has repeated it.
///
/// At most one read's worth of bytes is kept back inwards, because reading stops; outwards as much
/// as the writers write without seeing their promises kept, and these bound that themselves.
final class Gate: ChannelDuplexHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundIn = ByteBuffer

  private enum Inbound {
    case read(NIOAny)
    case readComplete
    case event(Any)
    case error(any Error)
    case inactive
  }

  private enum Outbound {
    case write(NIOAny, EventLoopPromise<Void>?)
    case flush
    case close(CloseMode, EventLoopPromise<Void>?)
  }

  private var isShut: Bool
  private var inbound: [Inbound] = []
  private var outbound: [Outbound] = []
  private var wantsRead = false
  private var context: ChannelHandlerContext?

  init(isShut: Bool) { self.isShut = isShut }

  func handlerAdded(context: ChannelHandlerContext) { self.context = context }

  func handlerRemoved(context: ChannelHandlerContext) {
    self.context = nil
    for case .write(_, let promise) in outbound { promise?.fail(ChannelError.ioOnClosedChannel) }
    for case .close(_, let promise) in outbound { promise?.succeed() }
    outbound = []
  }

  /// Shuts or opens the gate.
  func setShut(_ shut: Bool) {
    guard shut != isShut, let context else { return }
    isShut = shut
    guard !shut else { return }
    let (inbound, outbound) = (self.inbound, self.outbound)
    (self.inbound, self.outbound) = ([], [])
    for item in outbound {
      switch item {
      case .write(let data, let promise): context.write(data, promise: promise)
      case .flush: context.flush()
      case .close(let mode, let promise): context.close(mode: mode, promise: promise)
      }
    }
    for item in inbound {
      switch item {
      case .read(let data): context.fireChannelRead(data)
      case .readComplete: context.fireChannelReadComplete()
      case .event(let event): context.fireUserInboundEventTriggered(event)
      case .error(let error): context.fireErrorCaught(error)
      case .inactive: context.fireChannelInactive()
      }
    }
    if wantsRead {
      wantsRead = false
      context.read()
    }
  }

  /// Ends the connection with a TCP reset, past everything else.
  func reset() {
    guard let context else { return }
    if let options = context.channel as? any SocketOptionProvider {
      let promptly = linger(l_onoff: 1, l_linger: 0)
      _ = options.setSoLinger(promptly)
    }
    context.close(promise: nil)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    if isShut { inbound.append(.read(data)) } else { context.fireChannelRead(data) }
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    if isShut { inbound.append(.readComplete) } else { context.fireChannelReadComplete() }
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if isShut {
      inbound.append(.event(event))
    } else {
      context.fireUserInboundEventTriggered(event)
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    if isShut { inbound.append(.error(error)) } else { context.fireErrorCaught(error) }
  }

  func channelInactive(context: ChannelHandlerContext) {
    if isShut { inbound.append(.inactive) } else { context.fireChannelInactive() }
  }

  func read(context: ChannelHandlerContext) {
    if isShut { wantsRead = true } else { context.read() }
  }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    if isShut {
      outbound.append(.write(data, promise))
    } else {
      context.write(data, promise: promise)
    }
  }

  func flush(context: ChannelHandlerContext) {
    if isShut { outbound.append(.flush) } else { context.flush() }
  }

  func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
    if isShut {
      outbound.append(.close(mode, promise))
    } else {
      context.close(mode: mode, promise: promise)
    }
  }
}
