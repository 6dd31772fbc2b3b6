internal import Base

/// What is to be done about something that was found.
package enum CleanDecision: Sendable, Equatable {
  /// It is undone, and why: "its time was over at …".
  case undo(because: String)
  /// It is undone, and why, unless a capture is found in it: no journal of ours tells.
  case undoIfUnused(because: String)
  /// It is left alone, and why: "ann@desk uses it".
  case leave(because: String)

  /// Whether a look into it comes first.
  package var asksFirst: Bool {
    if case .undoIfUnused = self { true } else { false }
  }
}

/// Decides about things that were found. Pure.
package struct CleanRules: Sendable {
  /// Who asks: "ann@desk".
  package var user: String
  /// The changes of poddumps of this machine that are running, and their process IDs.
  package var inUse: [(change: FarChange, pid: Int32)]
  /// Now, in seconds since 1970.
  package var now: Int

  package init(user: String, entries: [JournalEntry], now: Int) {
    self.user = user
    self.now = now
    inUse = entries.filter { $0.owner.isRunning == true }.map { ($0.change, $0.owner.pid) }
  }

  /// What is done about an entry of the journal.
  package func decision(_ entry: JournalEntry) -> CleanDecision {
    switch entry.owner.isRunning {
    case true?: .leave(because: "poddump uses it (process \(entry.owner.pid))")
    case false?: Self.undo(entry.change, because: "its poddump is gone")
    case nil: .leave(because: "it was made on \(printable(entry.owner.host, limit: 80))")
    }
  }

  /// An ephemeral container may be used by several captures, one after the other or at the same time.
  private static func undo(_ change: FarChange, because why: String) -> CleanDecision {
    if case .ephemeralContainer = change { return .undoIfUnused(because: why) }
    return .undo(because: why)
  }

  /// What is done about something found in the cluster.
  package func decision(_ found: Leftover) -> CleanDecision {
    let change = found.change
    if let user = inUse.first(where: { $0.change == change }) {
      return .leave(because: "poddump uses it (process \(user.pid))")
    }
    guard change.isValid else { return .leave(because: "poddump gives no such names") }
    switch found {
    case .pod(let pod): return decision(pod)
    case .container(_, _, _, _, let isRunning):
      return isRunning
        ? .undoIfUnused(because: "no poddump of yours uses it")
        : .leave(because: "it has not been started yet, so that it cannot be ended")
    }
  }

  private func decision(_ pod: HelperPod) -> CleanDecision {
    if pod.isBeingDeleted { return .leave(because: "it is being deleted already") }
    if pod.isFinished { return .undo(because: "it has finished") }
    if let expiry = pod.expiry, expiry.seconds <= now {
      return .undo(because: "its time was over at \(expiry.text)")
    }
    let until = pod.expiry.map { " until \($0.text)" } ?? ""
    guard let owner = pod.user else {
      return .leave(because: "it runs\(until) and does not say whose it is")
    }
    // One with another journal, in another home, may.
    if owner == user { return .undoIfUnused(because: "no poddump of yours uses it") }
    return .leave(because: "\(printable(owner, limit: 80)) may use it\(until)")
  }
}
