package import Base

/// Takes kubectl's output piece by piece, on the thread that reads it.
package protocol OutputConsumer: Sendable {
  /// Takes the next piece; the bytes are valid during the call.
  ///
  /// - Throws: `Failure` when no more is wanted: kubectl is ended and the caller gets it.
  mutating func consume(_ bytes: UnsafeRawBufferPointer) throws(Failure)
  /// Whether there is more to be read; kubectl is ended as soon as there is not.
  var wantsMore: Bool { get }
}

extension OutputConsumer {
  package var wantsMore: Bool { true }
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
  /// - Returns: What kubectl printed to stdout.
  /// - Throws: `Failure` when kubectl fails, is silent too long, or prints too much.
  package func output(
    _ what: String, _ arguments: [String], within patience: Patience? = nil,
    limit: Int = 4 << 20
  ) async throws(Failure) -> [UInt8] {
    try await stream(
      what, arguments, within: patience, into: CollectedOutput(what: what, limit: limit)
    ).bytes
  }

  /// Reads one path of the API: `kubectl get --raw`, which does no discovery.
  ///
  /// - Parameters:
  ///   - what: What the caller tries, for the failure's first sentence.
  ///   - path: Path and query, already encoded.
  ///   - patience: How long it may take.
  ///   - consumer: Takes the answer as it comes.
  /// - Returns: The consumer, once all has come.
  /// - Throws: `Failure` when there is no answer or one of failure, or what the consumer throws.
  package func get<C: OutputConsumer>(
    _ what: String, raw path: APIPath, within patience: Patience? = nil, into consumer: C
  ) async throws(Failure) -> C {
    // kubectl's own limit is a second net, for the case that we are killed while it waits.
    let seconds = max(1, (patience ?? self.patience).total.components.seconds)
    return try await stream(
      what, ["get", "--request-timeout=\(seconds)s", "--raw", path.text], within: patience,
      into: consumer)
  }

  /// Runs kubectl without input and hands its output to a consumer as it comes.
  ///
  /// - Parameters:
  ///   - what: What the caller tries, for the failure's first sentence.
  ///   - arguments: The subcommand and what follows.
  ///   - patience: How long it may take.
  ///   - isTied: Whether kubectl ends with us, also when we are killed: to be said of one that may be silent for
  ///     long, since any other notices at its next word.
  ///   - consumer: Takes the output as it comes.
  /// - Returns: The consumer, once kubectl has ended well.
  /// - Throws: `Failure` when kubectl fails or is silent too long, or what the consumer throws.
  package func stream<C: OutputConsumer>(
    _ what: String, _ arguments: [String], within patience: Patience? = nil, isTied: Bool = false,
    into consumer: C
  ) async throws(Failure) -> C {
    let end = try await run(
      what, arguments, within: patience, isTied: isTied, into: consumer)
    if let failure = KubectlCause.failure(what, status: end.status, errors: end.errors) {
      throw failure
    }
    return end.consumer
  }

  /// Runs kubectl, whatever its exit status.
  ///
  /// - Parameters:
  ///   - what: What the caller tries, for the failure's first sentence.
  ///   - arguments: The subcommand and what follows.
  ///   - input: What kubectl reads from its standard input, where `-f -` says so.
  ///   - patience: How long it may take.
  ///   - isTied: Whether kubectl ends with us, also when we are killed.
  ///   - consumer: Takes the output as it comes.
  /// - Returns: The consumer, and how kubectl ended; exit status 0 where the consumer had enough.
  /// - Throws: `Failure` when kubectl cannot be started or is silent too long, or what the consumer
  ///   throws.
  func run<C: OutputConsumer>(
    _ what: String, _ arguments: [String], input: [UInt8] = [], within patience: Patience?,
    isTied: Bool = false, into consumer: C
  ) async throws(Failure) -> (consumer: C, status: ChildStatus, errors: String) {
    guard input.count <= ListReader.itemLimit else {
      throw Failure(.other, what, why: "What is to be sent is too large for the API.")
    }
    let bell = try Bell()
    let patience = patience ?? self.patience
    // The grace only matters when kubectl does not end by itself once its output has ended.
    let (read, status) = try await withChild(
      isTied ? Self.tied(command(arguments)) : command(arguments), grace: OutputGrace.terminate
    ) { (child) async throws(Failure) -> OutputReader<C> in
      try await onOwnThread("kubectl", stop: { bell.ring() }) { () throws(Failure) in
        var reader = OutputReader(
          child: child, input: input, keepsInput: isTied, consumer: consumer, patience: patience)
        try reader.run(until: bell)
        return reader
      }
    }
    switch read.end {
    case .complete: return (read.consumer, status, read.errorText)
    case .enough: return (read.consumer, .exited(0), read.errorText)
    case .silent:
      throw KubectlCause.silence(
        what, after: patience, isInteractive: isInteractive, errors: read.errorText)
    case .interrupted: throw Failure(.other, what, why: "It was interrupted.")
    }
  }

  /// A command that ends when its standard input does, which nobody but us holds: the kernel closes it whatever
  /// becomes of us.
  static func tied(_ command: Command) -> Command {
    let script = """
      exec 3<&0 </dev/null
      "$@" 3<&- &
      p=$!
      (read x <&3; kill "$p") >/dev/null 2>&1 &
      w=$!
      exec 3<&-
      wait "$p"
      rc=$?
      kill "$w" 2>/dev/null
      exit "$rc"
      """
    return Command(
      "/bin/sh", ["-c", script, "kubectl", command.executable] + command.arguments,
      environment: command.environment)
  }
}
