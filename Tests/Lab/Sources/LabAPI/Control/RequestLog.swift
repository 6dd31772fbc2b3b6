internal import Synchronization

/// The requests that came in, for tests that count them. Bounded: the oldest go first.
package final class RequestLog: Sendable {
  private struct State: Sendable {
    var lines: [JSON] = []
    var count = 0
  }

  private static let limit = 10_000
  private let state = Mutex(State())

  package init() {}

  /// How many requests there were ever.
  package var count: Int { state.withLock { $0.count } }

  func add(_ request: Request) {
    let command = request.query.filter { $0.name == "command" }.map { JSON.string($0.value) }
    let query = request.query.map { JSON.string("\($0.name)=\($0.value)") }
    let line: JSON = .object(
      ("time", Timestamp.now.json), ("method", .string(request.method)),
      ("path", .string(request.path)), ("query", query.isEmpty ? nil : .array(query)),
      ("userAgent", request.header("user-agent").map { .string($0) }),
      ("command", command.isEmpty ? nil : .array(command)))
    state.withLock { state in
      state.count += 1
      state.lines.append(line)
      if state.lines.count > Self.limit { state.lines.removeFirst(Self.limit / 10) }
    }
  }

  /// One JSON object per line, oldest first.
  package func text() -> String {
    state.withLock { $0.lines.map { $0.text + "\n" }.joined() }
  }

  package func clear() {
    state.withLock { $0.lines = [] }
  }
}
