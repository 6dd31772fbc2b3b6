internal import Base

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// How long kubectl is waited for where patience does not count.
enum OutputGrace {
  /// Between SIGTERM and SIGKILL.
  static let terminate = Duration.milliseconds(200)
  /// For the end of stderr, after the end of the output. A login program that kubectl left running may
  /// hold stderr open; kubectl's own words are there by then.
  static let errors = Duration.seconds(1)
}

/// Reads a child's two outputs until both end or patience does.
struct OutputReader<C: OutputConsumer>: Sendable {
  enum End: Sendable {
    /// Both outputs have ended.
    case complete
    /// The consumer has all it wants; kubectl was ended.
    case enough
    case silent, interrupted
  }

  /// How much of stderr is kept; the last line is what counts.
  static var errorLimit: Int { 64 << 10 }

  let child: Child
  var consumer: C
  let patience: Patience
  private(set) var end = End.complete
  private var errors: [UInt8] = []
  /// What kubectl has not been given yet of its input.
  private var input: ArraySlice<UInt8>

  /// Whether the child's input stays open although there is nothing to read.
  private let keepsInput: Bool

  init(
    child: Child, input: [UInt8], keepsInput: Bool = false, consumer: C, patience: Patience
  ) {
    self.child = child
    self.input = input[...]
    self.keepsInput = keepsInput
    self.consumer = consumer
    self.patience = patience
  }

  var errorText: String { String(decoding: errors, as: UTF8.self) }

  mutating func run(until bell: Bell) throws(Failure) {
    let clock = ContinuousClock()
    let latest = clock.now + patience.total
    var deadline = min(clock.now + patience.silence, latest)
    var notice = patience.notice.map { clock.now + $0.after }
    var isOutputOpen = true
    var areErrorsOpen = true
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 16)
    defer { buffer.deallocate() }
    if input.isEmpty, !keepsInput { child.input.close() }

    while isOutputOpen || areErrorsOpen {
      var entries = [
        pollfd(fd: isOutputOpen ? child.output.raw : -1, events: Int16(POLLIN), revents: 0),
        pollfd(fd: areErrorsOpen ? child.errors.raw : -1, events: Int16(POLLIN), revents: 0),
        pollfd(fd: bell.reader, events: Int16(POLLIN), revents: 0),
        pollfd(fd: input.isEmpty ? -1 : child.input.raw, events: Int16(POLLOUT), revents: 0),
      ]
      let count = poll(
        &entries, nfds_t(entries.count), milliseconds(clock.now, min(deadline, notice ?? deadline)))
      if count < 0 {
        guard errno == EINTR else { throw .system("Cannot wait for kubectl.", errno: errno) }
        continue
      }
      if entries[2].revents != 0 { return terminate(.interrupted) }
      if entries[0].revents != 0 {
        let piece = Self.read(child.output.raw, buffer)
        isOutputOpen = piece.count > 0
        if isOutputOpen {
          try consumer.consume(piece)
          if !consumer.wantsMore { return terminate(.enough) }
          deadline = min(clock.now + patience.silence, latest)
          notice = nil
        } else {
          deadline = min(deadline, clock.now + OutputGrace.errors)
        }
      }
      if entries[1].revents != 0 {
        let piece = Self.read(child.errors.raw, buffer)
        areErrorsOpen = piece.count > 0
        keep(piece)
      }
      if entries[3].revents != 0 { feed(entries[3].revents) }
      if let due = notice, clock.now >= due {
        notice = nil
        if isOutputOpen { patience.notice?.give(errorText) }
      }
      if clock.now >= deadline, isOutputOpen || areErrorsOpen {
        if isOutputOpen { terminate(.silent) }
        return
      }
    }
  }

  /// Ends kubectl and its login programs: SIGTERM, and shortly after SIGKILL, since nothing of what
  /// kubectl reads needs a clean-up and the user waits.
  private mutating func terminate(_ end: End) {
    self.end = end
    _ = kill(-child.pid, SIGTERM)
    // Its outputs close when it ends: that is what poll(2) reports although nothing was asked for.
    var entry = pollfd(fd: child.output.raw, events: 0, revents: 0)
    let clock = ContinuousClock()
    _ = poll(&entry, 1, milliseconds(clock.now, clock.now + OutputGrace.terminate))
    _ = kill(-child.pid, SIGKILL)
  }

  /// Writes the next piece of the input, and closes it behind the last one.
  ///
  /// What poll(2) calls writable takes PIPE_BUF bytes at once, so that this never waits.
  private mutating func feed(_ events: Int16) {
    let piece = input.prefix(Int(PIPE_BUF))
    var count = -1
    if events & Int16(POLLOUT) != 0 {
      count = piece.withUnsafeBytes { writeBytes(child.input.raw, $0) }
      if count < 0, errno == EINTR { return }
    }
    // A kubectl that does not want its input has ended, or says why it will.
    input = count < 0 ? [] : input.dropFirst(count)
    if input.isEmpty { child.input.close() }
  }

  private mutating func keep(_ piece: UnsafeRawBufferPointer) {
    errors.append(contentsOf: piece)
    if errors.count > 2 * Self.errorLimit { errors.removeFirst(errors.count - Self.errorLimit) }
  }

  private func milliseconds(
    _ now: ContinuousClock.Instant, _ deadline: ContinuousClock.Instant
  ) -> Int32 {
    let left = now.duration(to: deadline)
    guard left > .zero else { return 0 }
    let (seconds, attoseconds) = left.components
    return Int32(min(seconds, 3600) * 1000 + attoseconds / 1_000_000_000_000_000) + 1
  }

  private static func read(
    _ descriptor: Int32, _ buffer: UnsafeMutableRawBufferPointer
  ) -> UnsafeRawBufferPointer {
    while true {
      let count = readBytes(descriptor, buffer)
      if count < 0, errno == EINTR { continue }
      return UnsafeRawBufferPointer(rebasing: buffer[..<max(0, count)])
    }
  }
}

private func readBytes(_ descriptor: Int32, _ buffer: UnsafeMutableRawBufferPointer) -> Int {
  read(descriptor, buffer.baseAddress, buffer.count)
}

private func writeBytes(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
  write(descriptor, bytes.baseAddress, bytes.count)
}
