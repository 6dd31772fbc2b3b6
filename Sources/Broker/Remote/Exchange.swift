internal import Base

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// A question to a process at the far end and its answer: both directions at once, since a far end that answers
/// before it has read everything must not block; and bounded in size and time. Blocks: own thread only.
struct Exchange: Sendable {
  /// What is still to be written.
  private var input: ArraySlice<UInt8>
  /// The line that ends the answer; nil where the end of the stream does, and then input is closed when all of it
  /// was written.
  private let end: [UInt8]?
  /// The most bytes of an answer.
  private let limit: Int
  /// The most bytes of standard error that are kept, but for those of one read more.
  static let errorLimit = 64 * 1024

  private var outputBytes: [UInt8] = []
  private var errorBytes: [UInt8] = []
  /// Whether the answer's last line, or the end of the streams, was read.
  private(set) var isComplete = false
  /// Whether it took too long.
  private(set) var isLate = false
  /// Whether it was given up because nothing moved any more.
  private(set) var isStuck = false

  /// - Parameters:
  ///   - input: What is written.
  ///   - end: The answer's last line.
  ///   - limit: The most bytes of an answer.
  init(_ input: [UInt8], end: String? = nil, limit: Int = 1 << 20) {
    self.input = input[...]
    self.end = end.map { Array("\n\($0)\n".utf8) }
    self.limit = limit
  }

  /// What it wrote to standard output and standard error.
  var text: String { String(decoding: outputBytes, as: UTF8.self) }
  var errors: String { String(decoding: errorBytes, as: UTF8.self) }
  /// Whether the answer was given up for its length.
  var isTooLong: Bool { outputBytes.count >= limit }

  /// The same, run on its own thread.
  ///
  /// - Parameters:
  ///   - streams: The far end's.
  ///   - patience: How long it may take in all.
  ///   - silence: How long nothing may move, neither there nor back; nil for as long as it may take.
  /// - Returns: What came of it.
  /// - Throws: `Failure` when the process has no descriptor left.
  func run(
    _ streams: RemoteStreams, within patience: Duration, silence: Duration? = nil
  ) async throws(Failure) -> Exchange {
    let stop = try Bell()
    return try await onOwnThread("exchange", stop: { stop.ring() }) { () throws(Failure) in
      var exchange = self
      exchange.read(
        streams, deadline: .now + patience, silence: silence, stop: stop)
      return exchange
    }
  }

  /// Writes and reads until the answer's last line, the end of the streams, the limit or the deadline. What
  /// stands on standard error is taken along: it says why there is no answer.
  private mutating func read(
    _ streams: RemoteStreams, deadline: ContinuousClock.Instant, silence: Duration?, stop: Bell
  ) {
    var buffer = [UInt8](repeating: 0, count: 64 * 1024)
    var isOpen = (input: true, output: true, errors: true)
    _ = fcntl(streams.input.raw, F_SETFL, O_NONBLOCK)
    var moved = ContinuousClock.now
    while isOpen.output || isOpen.errors {
      if isOpen.input, input.isEmpty {
        if end == nil { streams.input.close() }
        isOpen.input = false
      }
      var entries = [
        pollfd(fd: isOpen.output ? streams.output.raw : -1, events: Int16(POLLIN), revents: 0),
        pollfd(fd: isOpen.errors ? streams.errors.raw : -1, events: Int16(POLLIN), revents: 0),
        pollfd(fd: isOpen.input ? streams.input.raw : -1, events: Int16(POLLOUT), revents: 0),
        pollfd(fd: stop.reader, events: Int16(POLLIN), revents: 0),
      ]
      // Its output having ended, the last words are waited for, but not for long.
      let now = ContinuousClock.now
      let limit = silence.map { min(deadline, moved + $0) } ?? deadline
      let left = now.duration(to: limit)
      let patience = isOpen.output ? left : min(left, .seconds(5))
      let ready = poll(&entries, 4, Int32(max(0, patience / .milliseconds(1))))
      if ready < 0 && errno == EINTR { continue }
      // Also when there is always something to read.
      guard ready > 0, left > .zero else {
        isLate = isOpen.output
        isStuck = isLate && limit < deadline
        return
      }
      if entries[3].revents != 0 { return }
      moved = .now
      if entries[2].revents != 0 { write(to: streams.input) }
      if entries[1].revents != 0 {
        let count = streams.errors.read(into: &buffer)
        if count <= 0 { isOpen.errors = false }
        if count > 0, errorBytes.count < Self.errorLimit { errorBytes += buffer[..<count] }
      }
      if entries[0].revents != 0 {
        let count = streams.output.read(into: &buffer)
        if count <= 0 { isOpen.output = false } else { outputBytes += buffer[..<count] }
        if let end, outputBytes.suffix(end.count) == end[...] {
          isComplete = true
          return
        }
        if isTooLong { return }
      }
    }
    isComplete = end == nil
  }

  private mutating func write(to descriptor: OwnedFD) {
    let count = descriptor.write(input.prefix(64 * 1024))
    if count > 0 {
      input = input.dropFirst(count)
    } else if count < 0, errno != EAGAIN, errno != EINTR {
      // It is gone, and its other streams say why.
      input = []
    }
  }
}
