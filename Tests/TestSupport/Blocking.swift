internal import Dispatch

/// Runs work that waits (for a process, a pipe) on a thread of its own: tests run on as many threads
/// as there are cores, and what they test needs those.
package func blocking<R: Sendable>(
  _ work: @escaping @Sendable () throws -> R
) async throws -> R {
  try await withCheckedThrowingContinuation { continuation in
    DispatchQueue(label: "test").async {
      continuation.resume(with: Result(catching: work))
    }
  }
}

/// Asks again and again until the answer is yes, at most `seconds` long.
///
/// - Returns: Whether it ever was.
package func eventually(
  within seconds: Double = 10, _ condition: @Sendable () throws -> Bool
) async throws -> Bool {
  let end = ContinuousClock.now + .seconds(seconds)
  var pause = Duration.milliseconds(5)
  while ContinuousClock.now < end {
    if try condition() { return true }
    try await Task.sleep(for: pause)
    // Looking costs more than what is looked for: soon at first, then seldom.
    pause = min(pause * 2, .milliseconds(320))
  }
  return try condition()
}
