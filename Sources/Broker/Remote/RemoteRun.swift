internal import Base

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// A short run at the far end: something goes in, an answer comes out, both bounded in size and time.
struct RemoteRun: Sendable {
  /// What it wrote to standard output and standard error.
  var output: String
  var errors: String
  /// How it ended.
  var end: RemoteEnd

  /// The most bytes of an answer.
  private static let limit = 1 << 20

  /// Runs something to its end.
  ///
  /// - Parameters:
  ///   - argv: The program and its arguments.
  ///   - input: Its standard input.
  ///   - transport: Starts it.
  ///   - patience: How long it may take in all.
  ///   - what: The failure's first sentence.
  /// - Throws: `Failure` when it cannot be started or does not end in time.
  static func run(
    _ argv: [String], input: [UInt8] = [], on transport: any Transport, within patience: Duration,
    _ what: String
  ) async throws(Failure) -> RemoteRun {
    let stop = try Bell()
    let (exchange, end) = try await transport.withProcess(
      argv, errors: { (exchange: Exchange) in exchange.errors }
    ) { streams async throws(Failure) in
      try await onOwnThread("exchange", stop: { stop.ring() }) { () throws(Failure) in
        var exchange = Exchange(input: input[...])
        exchange.run(streams, deadline: .now + patience, stop: stop)
        return exchange
      }
    }
    guard !exchange.isLate else {
      throw Failure(
        .unreachable, what, why: "It took longer than \(patience.components.seconds) s.",
        fix: "Check the connection, and try again.", detail: printable(exchange.errors))
    }
    return RemoteRun(output: exchange.output, errors: exchange.errors, end: end)
  }

  /// Both directions at once: a far end that answers before it has read everything must not block.
  private struct Exchange: Sendable {
    var input: ArraySlice<UInt8>
    private var outputBytes: [UInt8] = []
    private var errorBytes: [UInt8] = []
    private(set) var isLate = false

    init(input: ArraySlice<UInt8>) { self.input = input }

    var output: String { String(decoding: outputBytes, as: UTF8.self) }
    var errors: String { String(decoding: errorBytes, as: UTF8.self) }

    mutating func run(
      _ streams: RemoteStreams, deadline: ContinuousClock.Instant, stop: Bell
    ) {
      var buffer = [UInt8](repeating: 0, count: 64 * 1024)
      var isOpen = (input: true, output: true, errors: true)
      _ = fcntl(streams.input.raw, F_SETFL, O_NONBLOCK)
      while isOpen.output || isOpen.errors {
        if isOpen.input, input.isEmpty {
          streams.input.close()
          isOpen.input = false
        }
        var entries = [
          pollfd(fd: isOpen.output ? streams.output.raw : -1, events: Int16(POLLIN), revents: 0),
          pollfd(fd: isOpen.errors ? streams.errors.raw : -1, events: Int16(POLLIN), revents: 0),
          pollfd(fd: isOpen.input ? streams.input.raw : -1, events: Int16(POLLOUT), revents: 0),
          pollfd(fd: stop.reader, events: Int16(POLLIN), revents: 0),
        ]
        let left = ContinuousClock.now.duration(to: deadline)
        let ready = poll(&entries, 4, Int32(max(0, left / .milliseconds(1))))
        if ready < 0 && errno == EINTR { continue }
        guard ready > 0, left > .zero else {
          isLate = true
          return
        }
        if entries[3].revents != 0 { return }
        if entries[2].revents != 0 {
          let count = input.withUnsafeBytes { write(streams.input.raw, $0.baseAddress, $0.count) }
          if count > 0 {
            input = input.dropFirst(count)
          } else if count < 0, errno != EAGAIN, errno != EINTR {
            // It is gone, and its other streams say why.
            input = []
          }
        }
        if entries[0].revents != 0 {
          let count = streams.output.read(into: &buffer)
          if count <= 0 { isOpen.output = false }
          if count > 0, outputBytes.count < limit { outputBytes += buffer[..<count] }
        }
        if entries[1].revents != 0 {
          let count = streams.errors.read(into: &buffer)
          if count <= 0 { isOpen.errors = false }
          if count > 0, errorBytes.count < limit / 16 { errorBytes += buffer[..<count] }
        }
      }
    }
  }
}
