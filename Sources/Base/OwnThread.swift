internal import Dispatch

/// Runs a loop that blocks (read, write, poll) on a thread of its own, since Swift's cooperative pool
/// has only as many threads as cores and must never wait.
///
/// - Parameters:
///   - name: The thread's name in a debugger.
///   - stop: Called on cancellation, from any thread: rings the bell that the loop polls. The loop
///     then returns or throws by itself and is always waited for.
///   - loop: The blocking work.
/// - Returns: What the loop returns.
/// - Throws: What the loop throws.
package func onOwnThread<R: Sendable>(
  _ name: String, stop: @escaping @Sendable () -> Void,
  _ loop: @escaping @Sendable () throws(Failure) -> R
) async throws(Failure) -> R {
  let result: Result<R, Failure> = await withTaskCancellationHandler {
    await withCheckedContinuation { continuation in
      DispatchQueue(label: "poddump.\(name)").async {
        continuation.resume(returning: Result(catching: loop))
      }
    }
  } onCancel: {
    stop()
  }
  return try result.get()
}
