internal import NIOCore

/// Reads one of a process's outputs as fast as the client takes it.
final class PipeReader: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer

  private let session: ExecSession
  private let stream: ExecSession.StreamChannel
  private var context: ChannelHandlerContext?
  private var isPaused = true

  init(session: ExecSession, stream: ExecSession.StreamChannel) {
    (self.session, self.stream) = (session, stream)
  }

  /// Goes on reading after a pause.
  func resume() {
    guard isPaused, let context else { return }
    isPaused = false
    context.read()
  }

  func close() { context?.close(promise: nil) }

  func channelActive(context: ChannelHandlerContext) {
    self.context = context
    resume()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    session.received(unwrapInboundIn(data), from: stream)
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    session.flush()
    if session.takesOutput { context.read() } else { isPaused = true }
  }

  func channelInactive(context: ChannelHandlerContext) {
    self.context = nil
    session.ended(stream)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    context.close(promise: nil)
  }
}
