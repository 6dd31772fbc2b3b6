internal import NIOCore
internal import Synchronization

/// What is wrong with the server at the moment, and the connections that have to suffer it.
package final class Faults: Sendable {
  private struct State: Sendable {
    var delay = 0
    var isBlackHole = false
    var gates: [ObjectIdentifier: NIOLoopBound<Gate>] = [:]
    var waiting: [@Sendable () -> Void] = []
  }

  private let state = Mutex(State())

  package init() {}

  /// Milliseconds before each answer.
  package var delay: Int {
    get { state.withLock { $0.delay } }
    set { state.withLock { $0.delay = newValue } }
  }

  /// Makes a gate for a new connection, on its event loop.
  func gate(for channel: any Channel) -> Gate {
    state.withLock { state in
      let gate = Gate(isShut: state.isBlackHole)
      state.gates[ObjectIdentifier(channel)] = NIOLoopBound(gate, eventLoop: channel.eventLoop)
      return gate
    }
  }

  func forget(_ channel: any Channel) {
    state.withLock { _ = $0.gates.removeValue(forKey: ObjectIdentifier(channel)) }
  }

  /// Nothing passes any more on any connection, present or new; or all passes again.
  package func setBlackHole(_ isBlackHole: Bool) {
    onEachGate({ $0.isBlackHole = isBlackHole }) { $0.setShut(isBlackHole) }
    guard !isBlackHole else { return }
    let waiting = state.withLock { state in
      defer { state.waiting = [] }
      return state.waiting
    }
    for act in waiting { act() }
  }

  /// Does something that the network has to tell us first: at once, or after the black hole.
  func whenPassable(_ act: @escaping @Sendable () -> Void) {
    let isBlackHole = state.withLock { state in
      if state.isBlackHole { state.waiting.append(act) }
      return state.isBlackHole
    }
    if !isBlackHole { act() }
  }

  /// Resets every connection.
  package func resetConnections() {
    onEachGate({ _ in }) { $0.reset() }
  }

  private func onEachGate(
    _ change: (inout State) -> Void, _ act: @escaping @Sendable (Gate) -> Void
  ) {
    let gates = state.withLock { state in
      change(&state)
      return Array(state.gates.values)
    }
    for gate in gates { gate.eventLoop.execute { act(gate.value) } }
  }
}
