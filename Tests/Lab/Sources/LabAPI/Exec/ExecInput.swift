internal import NIOCore

/// The way of a client's input into a process's stdin. Used on one event loop only.
final class ExecInput {
  /// Input that waits for the process; with more, the client has to wait. A real server takes at
  /// least 1 MiB while the process reads nothing, and goes on to answer pings.
  private static let window = 2 * 1024 * 1024

  /// Is called when there is room again.
  var onRoom: () -> Void = {}

  /// Bytes that the process can no longer get, because it has closed its stdin or ended.
  private(set) var undelivered = 0
  private(set) var isClosed = false

  private let loop: any EventLoop
  private var channel: (any Channel)?
  /// What came before the pipe was ready.
  private var waiting: [ByteBuffer] = []
  private var pending = 0

  init(loop: any EventLoop) { self.loop = loop }

  var isFull: Bool { pending > Self.window }

  /// Takes the pipe to the process.
  func attach(_ channel: any Channel) {
    self.channel = channel
    let waiting = self.waiting
    self.waiting = []
    for bytes in waiting { write(bytes, to: channel) }
    if isClosed { end() }
  }

  func write(_ bytes: ByteBuffer) {
    guard !isClosed, bytes.readableBytes > 0 else { return }
    pending += bytes.readableBytes
    if let channel { write(bytes, to: channel) } else { waiting.append(bytes) }
  }

  private func write(_ bytes: ByteBuffer, to channel: any Channel) {
    let count = bytes.readableBytes
    let bound = NIOLoopBound(self, eventLoop: loop)
    channel.writeAndFlush(bytes).whenComplete { result in
      let input = bound.value
      input.pending -= count
      if case .failure = result { input.undelivered += count }
      if input.pending <= Self.window / 2 { input.onRoom() }
    }
  }

  /// Ends the process's stdin after all that has been written to it.
  func end() {
    isClosed = true
    guard let channel else { return }
    let bound = NIOLoopBound(channel, eventLoop: loop)
    channel.writeAndFlush(ByteBuffer()).whenComplete { _ in bound.value.close(promise: nil) }
  }

  /// Ends the process's stdin now; what it has not got yet is lost.
  /// - Returns: when that is done, so that ``undelivered`` is final.
  @discardableResult
  func abandon() -> EventLoopFuture<Void> {
    isClosed = true
    guard let channel, channel.isActive else { return loop.makeSucceededVoidFuture() }
    return channel.close().flatMapErrorThrowing { _ in }
  }
}
