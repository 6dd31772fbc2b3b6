import Synchronization

/// Texts that come from any thread.
final class Letters: Sendable {
  private let kept = Mutex<[String]>([])

  func append(_ text: String) { kept.withLock { $0.append(text) } }
  var all: [String] { kept.withLock { $0 } }
  var text: String { all.joined() }
}
