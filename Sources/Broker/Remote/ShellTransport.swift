internal import Base

/// Starts a process at the far end by the shell that has answered already: it is sent its order, and becomes
/// the stanza or the engine.
struct ShellTransport: Transport {
  let shell: FarShell
  /// What reached the shell.
  let command: Command

  func command(_ argv: [String]) throws(Failure) -> Command { command }

  func withProcess<R: Sendable>(
    _ argv: [String], errors: @escaping @Sendable (R) -> String,
    _ body: @escaping @Sendable (RemoteStreams) async throws(Failure) -> R
  ) async throws(Failure) -> (R, RemoteEnd) {
    guard let order = NodeScript.order(argv) else {
      throw Failure(
        .usage, "Cannot start the capture.", why: "A word of its command has a line end.",
        fix: "Write the filter in one line.")
    }
    // An order is smaller than a pipe's buffer, which the script has left empty.
    shell.streams.input.writeAll(Array(order.utf8))
    let result = try await body(shell.streams)
    return (result, await shell.end(errors(result)))
  }
}

extension FarShell {
  /// Puts the plan's engine there, if it brings one, and lends what becomes of this shell.
  ///
  /// - Parameters:
  ///   - plan: What will be run.
  ///   - what: The first sentence of a failure.
  ///   - body: Captures.
  ///   - keep: Runs its second parameter between the record of a file and its removal.
  /// - Returns: What `body` returned.
  /// - Throws: `Failure` when the engine can be put nowhere, or what `body` throws.
  func open<R: Sendable>(
    _ plan: Plan, _ what: String,
    _ body: @escaping @Sendable (Plan, any Transport) async throws(Failure) -> R,
    keeping keep: @escaping Placement.Keeper<R>
  ) async throws(Failure) -> R {
    let transport = ShellTransport(shell: self, command: plan.command)
    guard let placement = plan.placement else { return try await body(plan, transport) }
    return try await placement.place(
      what, keeping: keep,
      put: { bytes, digest, path async throws(Failure) in
        try await put(bytes, digest: digest, placement, at: path, what)
      }
    ) { path async throws(Failure) in
      try await body(plan.running(placement.path, at: path), transport)
    }
  }
}
