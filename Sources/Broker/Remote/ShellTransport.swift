internal import Base

/// Starts a process on a node by the shell that has answered already: it is sent its order, and becomes
/// the stanza.
struct ShellTransport: Transport {
  let shell: NodeShell
  /// What reached the shell.
  let command: Command

  func command(_ argv: [String]) throws(Failure) -> Command { command }

  func withProcess<R: Sendable>(
    _ argv: [String], errors: @escaping @Sendable (R) -> String,
    _ body: @escaping @Sendable (RemoteStreams) async throws(Failure) -> R
  ) async throws(Failure) -> (R, RemoteEnd) {
    guard let order = NodeScript.order(argv) else {
      throw Failure(.usage, "Cannot start the capture.", why: "A word of it has a line end.")
    }
    // An order is smaller than a pipe's buffer, which the script has left empty.
    shell.streams.input.writeAll(Array(order.utf8))
    let result = try await body(shell.streams)
    return (result, await shell.end(errors(result)))
  }
}
