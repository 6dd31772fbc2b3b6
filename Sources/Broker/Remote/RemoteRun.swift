internal import Base

/// A short run at the far end: something goes in, an answer comes out, both bounded in size and time.
struct RemoteRun: Sendable {
  /// What it wrote to standard output and standard error.
  var output: String
  var errors: String
  /// How it ended.
  var end: RemoteEnd

  /// Runs something to its end.
  ///
  /// - Parameters:
  ///   - argv: The program and its arguments.
  ///   - input: Its standard input.
  ///   - transport: Starts it.
  ///   - patience: How long it may take in all.
  ///   - silence: How long nothing may move; nil for as long as it may take.
  ///   - what: The failure's first sentence.
  /// - Returns: What it wrote, and how it ended.
  /// - Throws: `Failure` when it cannot be started or does not end in time.
  static func run(
    _ argv: [String], input: [UInt8] = [], on transport: any Transport, within patience: Duration,
    silence: Duration? = nil, _ what: String
  ) async throws(Failure) -> RemoteRun {
    let (exchange, end) = try await transport.withProcess(
      argv, errors: { (exchange: Exchange) in exchange.errors }
    ) { streams async throws(Failure) in
      try await Exchange(input).run(streams, within: patience, silence: silence)
    }
    guard !exchange.isLate else {
      throw Failure(
        .unreachable, what,
        why: exchange.isStuck
          ? "Nothing moved for \(silence?.components.seconds ?? 0) s."
          : "It took longer than \(patience.components.seconds) s.",
        fix: "Check the connection, and try again.", detail: printable(exchange.errors))
    }
    guard !exchange.isTooLong else {
      throw Failure(
        .other, what, why: "It answered with more than a program of ours does.",
        fix: "See what the container's programs print.", detail: printable(exchange.errors))
    }
    return RemoteRun(output: exchange.text, errors: exchange.errors, end: end)
  }
}
