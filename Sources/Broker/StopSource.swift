internal import Base
internal import Synchronization

/// Asks a capture to end. The first reason counts; whoever waits is told at once, whoever waits
/// later too.
package final class StopSource: Sendable {
  private struct State {
    var reason: StopReason?
    var waiting: [Int: AsyncStream<StopReason>.Continuation] = [:]
    var next = 0
  }

  private let state = Mutex(State())

  package init() {}

  /// Why the end was asked for; nil while nobody has.
  package var reason: StopReason? { state.withLock { $0.reason } }

  /// Asks for the end; only the first call counts. Safe from every thread.
  package func request(_ reason: StopReason) {
    let waiting = state.withLock { state in
      guard state.reason == nil else { return [AsyncStream<StopReason>.Continuation]() }
      state.reason = reason
      defer { state.waiting = [:] }
      return Array(state.waiting.values)
    }
    for continuation in waiting {
      continuation.yield(reason)
      continuation.finish()
    }
  }

  /// Waits until somebody asks for the end.
  ///
  /// - Returns: The reason, or nil when the waiting task was cancelled.
  package func requested() async -> StopReason? {
    let (stream, continuation) = AsyncStream.makeStream(of: StopReason.self)
    let (id, reason) = state.withLock { state in
      state.next += 1
      if state.reason == nil { state.waiting[state.next] = continuation }
      return (state.next, state.reason)
    }
    if let reason { return reason }
    defer { state.withLock { _ = $0.waiting.removeValue(forKey: id) } }
    return await stream.first { _ in true }
  }

  /// Runs work that is cancelled as soon as the end is asked for.
  ///
  /// - Returns: What the work returns, or nil when it was given up.
  /// - Throws: What the work throws, unless it was given up.
  package func interrupting<R: Sendable, E: Error>(
    _ work: @escaping @Sendable () async throws(E) -> R
  ) async throws(E) -> R? {
    try await interruptingStart { (_) async throws(E) in try await work() }
  }

  /// Runs work whose beginning is cancelled as soon as the end is asked for; once it has said that it has
  /// begun, it looks after the end by itself.
  ///
  /// - Parameter work: Calls its parameter with true when it has begun, and with false when it begins anew.
  /// - Returns: What the work returns, or nil when it was given up.
  /// - Throws: What the work throws, unless it was given up.
  package func interruptingStart<R: Sendable, E: Error>(
    _ work: @escaping @Sendable (@escaping @Sendable (Bool) -> Void) async throws(E) -> R
  ) async throws(E) -> R? {
    let begun = Locked(false)
    let result = await withTaskGroup(of: Result<R, E>?.self) { group in
      group.addTask {
        do throws(E) {
          return .success(try await work { begun.value = $0 })
        } catch {
          return .failure(error)
        }
      }
      group.addTask {
        _ = await self.requested()
        return nil
      }
      let first = await group.next() ?? nil
      if first == nil, begun.value {
        let last = await group.next() ?? nil
        return last
      }
      group.cancelAll()
      await group.waitForAll()
      return first
    }
    return try result?.get()
  }
}
