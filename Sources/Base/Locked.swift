private import Synchronization

/// A value that several threads may read and write.
package final class Locked<Value: Sendable>: Sendable {
  private let state: Mutex<Value>

  /// Begins with a value.
  package init(_ value: Value) { state = Mutex(value) }

  /// The value; each access stands alone.
  package var value: Value {
    get { state.withLock { $0 } }
    set { state.withLock { $0 = newValue } }
  }

  /// Reads and changes the value in one.
  package func withLock<R: Sendable>(_ work: (inout Value) -> R) -> R {
    state.withLock { work(&$0) }
  }
}

extension Locked where Value == Bool {
  /// Sets the value.
  ///
  /// - Returns: What it was before.
  package func exchange(_ new: Bool) -> Bool {
    withLock { value in
      defer { value = new }
      return value
    }
  }
}
