package import Base

/// A way to start a process at the far end. Routes differ in their transport and share everything else.
package protocol Transport: Sendable {
  /// What is run here to start `argv` there: the plan shows it, and it is what `withProcess` starts.
  ///
  /// - Throws: `Failure` of kind `usage` when a name that it needs is none.
  func command(_ argv: [String]) throws(Failure) -> Command

  /// Starts a process at the far end, lends its streams to `body`, and ends it.
  ///
  /// - Parameters:
  ///   - argv: The program there and its arguments, handed over as they are: no shell joins them.
  ///   - errors: What was read from the far end's standard error, for the words of a failure. Called
  ///     once, after `body`.
  ///   - body: Works with the streams.
  /// - Returns: What `body` returned, and how the process ended.
  /// - Throws: `Failure` when the process cannot be started, or what `body` throws.
  func withProcess<R: Sendable>(
    _ argv: [String], errors: @escaping @Sendable (R) -> String,
    _ body: @escaping @Sendable (RemoteStreams) async throws(Failure) -> R
  ) async throws(Failure) -> (R, RemoteEnd)
}
