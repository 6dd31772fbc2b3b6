internal import Synchronization

/// A value that is given once and can be waited for any number of times.
package final class Promise<Value: Sendable>: Sendable {
  private enum State {
    case open([CheckedContinuation<Value, Never>])
    case given(Value)
  }

  private let state = Mutex(State.open([]))

  /// Gives the value; a second call does nothing.
  package func give(_ value: Value) {
    let waiting: [CheckedContinuation<Value, Never>] = state.withLock { state in
      guard case .open(let waiting) = state else { return [] }
      state = .given(value)
      return waiting
    }
    for continuation in waiting { continuation.resume(returning: value) }
  }

  package init() {}

  /// The value, once it was given. Cancellation does not end the wait: whoever makes a promise keeps it.
  package var value: Value {
    get async {
      await withCheckedContinuation { continuation in
        let given: Value? = state.withLock { state in
          switch state {
          case .open(let waiting):
            state = .open(waiting + [continuation])
            return nil
          case .given(let value): return value
          }
        }
        if let given { continuation.resume(returning: given) }
      }
    }
  }
}
