package import Base

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// Takes kubectl's output piece by piece, on the thread that reads it.
package protocol OutputConsumer: Sendable {
  /// Takes the next piece; the bytes are valid during the call.
  ///
  /// - Throws: `Failure` when no more is wanted: kubectl is ended and the caller gets it.
  mutating func consume(_ bytes: UnsafeRawBufferPointer) throws(Failure)
}

/// Keeps everything, up to a limit.
struct CollectedOutput: OutputConsumer {
  let what: String
  let limit: Int
  var bytes: [UInt8] = []

  mutating func consume(_ piece: UnsafeRawBufferPointer) throws(Failure) {
    guard bytes.count + piece.count <= limit else {
      throw Failure(.other, what, why: "The answer is larger than \(limit >> 10) KiB.")
    }
    bytes.append(contentsOf: piece)
  }
}

extension Kubectl {
  /// Runs kubectl and returns what it printed.
  ///
  /// - Parameters:
  ///   - what: What the caller tries, for the failure's first sentence: "Cannot list pods."
  ///   - arguments: The subcommand and what follows.
  ///   - patience: How long it may take.
  ///   - limit: The most bytes accepted.
  /// - Throws: `Failure` when kubectl fails, is silent too long, or prints too much.
  package func output(
    _ what: String, _ arguments: [String], within patience: Patience = .standard,
    limit: Int = 4 << 20
  ) async throws(Failure) -> [UInt8] {
    try await stream(
      what, arguments, within: patience, into: CollectedOutput(what: what, limit: limit)
    ).bytes
  }

  /// Reads one path of the API: `kubectl get --raw`, which does no discovery.
  ///
  /// - Parameter path: Path and query, already encoded; see `APIPath`.
  package func get<C: OutputConsumer>(
    _ what: String, raw path: APIPath, within patience: Patience = .standard, into consumer: C
  ) async throws(Failure) -> C {
    // kubectl's own limit is a second net, for the case that we are killed while it waits.
    let seconds = max(1, patience.total.components.seconds)
    return try await stream(
      what, ["get", "--request-timeout=\(seconds)s", "--raw", path.text], within: patience,
      into: consumer)
  }

  /// Runs kubectl without input and hands its output to a consumer as it comes.
  ///
  /// - Returns: The consumer, once kubectl has ended well.
  /// - Throws: `Failure` when kubectl fails or is silent too long, or what the consumer throws.
  package func stream<C: OutputConsumer>(
    _ what: String, _ arguments: [String], within patience: Patience = .standard,
    into consumer: C
  ) async throws(Failure) -> C {
    let bell = try Bell()
    let (read, status) = try await withChild(
      command(arguments), grace: .milliseconds(200)
    ) { (child) async throws(Failure) -> OutputReader<C> in
      child.input.close()
      return try await onOwnThread("kubectl", stop: { bell.ring() }) { () throws(Failure) in
        var reader = OutputReader(child: child, consumer: consumer, patience: patience)
        try reader.run(until: bell)
        return reader
      }
    }
    switch read.end {
    case .complete:
      if let failure = KubectlCause.failure(what, status: status, errors: read.errorText) {
        throw failure
      }
      return read.consumer
    case .silent:
      throw KubectlCause.silence(what, after: patience, errors: read.errorText)
    case .interrupted:
      throw Failure(.other, what, why: "It was interrupted.")
    }
  }
}

/// Reads a child's two outputs until both end or patience does.
private struct OutputReader<C: OutputConsumer>: Sendable {
  enum End: Sendable {
    case complete, silent, interrupted
  }

  /// How much of stderr is kept; the last line is what counts.
  static var errorLimit: Int { 64 << 10 }

  let child: Child
  var consumer: C
  let patience: Patience
  private(set) var end = End.complete
  private var errors: [UInt8] = []

  init(child: Child, consumer: C, patience: Patience) {
    self.child = child
    self.consumer = consumer
    self.patience = patience
  }

  var errorText: String { String(decoding: errors, as: UTF8.self) }

  mutating func run(until bell: Bell) throws(Failure) {
    let clock = ContinuousClock()
    let latest = clock.now + patience.total
    var deadline = min(clock.now + patience.silence, latest)
    var isOutputOpen = true
    var areErrorsOpen = true
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 16)
    defer { buffer.deallocate() }

    while isOutputOpen || areErrorsOpen {
      var entries = [
        pollfd(fd: isOutputOpen ? child.output.raw : -1, events: Int16(POLLIN), revents: 0),
        pollfd(fd: areErrorsOpen ? child.errors.raw : -1, events: Int16(POLLIN), revents: 0),
        pollfd(fd: bell.reader, events: Int16(POLLIN), revents: 0),
      ]
      let count = poll(&entries, nfds_t(entries.count), milliseconds(clock.now, deadline))
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
          deadline = min(clock.now + patience.silence, latest)
        } else {
          // A login program left running may hold stderr open; kubectl's own words are there by now.
          deadline = min(deadline, clock.now + .seconds(1))
        }
      }
      if entries[1].revents != 0 {
        let piece = Self.read(child.errors.raw, buffer)
        areErrorsOpen = piece.count > 0
        keep(piece)
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
    var entry = pollfd(fd: child.output.raw, events: 0, revents: 0)
    _ = poll(&entry, 1, 200)
    _ = kill(-child.pid, SIGKILL)
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
