import Base
import TestSupport
import Testing

@testable import Broker

/// Which leftovers are undone, and which are left alone.
@Suite struct CleanRulesTests {
  private static let now = 1_795_392_000  // 2026-11-23T00:00:00Z
  private static let me = "ann@desk"

  private static func rules(_ entries: [JournalEntry] = []) -> CleanRules {
    CleanRules(user: me, entries: entries, now: now)
  }

  private static func entry(_ change: FarChange, _ owner: ProcessIdentity) -> JournalEntry {
    JournalEntry(
      name: "1.entry", change: change, cluster: ClusterReference(), owner: owner, time: now)
  }

  private static func pod(_ change: (inout HelperPod) -> Void = { _ in }) -> HelperPod {
    var pod = HelperPod(namespace: "ops", name: "poddump-7f3a")
    pod.user = me
    pod.expires = "2026-11-23T01:00:00Z"
    change(&pod)
    return pod
  }

  struct Case: Sendable, CustomTestStringConvertible {
    let pod: HelperPod
    let decision: CleanDecision
    var testDescription: String { "\(decision)" }
  }

  static let pods: [Case] = [
    Case(pod: pod(), decision: .undoIfUnused(because: "no poddump of yours uses it")),
    Case(
      pod: pod { $0.user = "bob@desk" },
      decision: .leave(because: "bob@desk may use it until 2026-11-23T01:00:00Z")),
    Case(
      pod: pod {
        $0.user = "bob@desk\u{1b}[2J\n"
        $0.expires = "\u{1b}]0;"
      }, decision: .leave(because: "bob@desk�[2J\n may use it")),
    Case(
      pod: pod { $0.user = nil },
      decision: .leave(because: "it runs until 2026-11-23T01:00:00Z and does not say whose it is")),
    Case(
      pod: pod {
        $0.user = "bob@desk"
        $0.expires = "2026-11-23T00:00:00Z"
      }, decision: .undo(because: "its time was over at 2026-11-23T00:00:00Z")),
    Case(
      pod: pod {
        $0.user = "bob@desk"
        $0.isFinished = true
      }, decision: .undo(because: "it has finished")),
    Case(
      pod: pod {
        $0.isFinished = true
        $0.isBeingDeleted = true
      }, decision: .leave(because: "it is being deleted already")),
    Case(
      pod: pod { $0.name = "api-0" }, decision: .leave(because: "poddump gives no such names")),
  ]

  @Test(arguments: pods) func ofPods(_ one: Case) {
    #expect(Self.rules().decision(.pod(one.pod)) == one.decision)
  }

  private static let uid = "0fb4c1d2-3333-4444-5555-666677778888"

  @Test func ofContainers() {
    func container(_ name: String, isRunning: Bool) -> Leftover {
      .container(namespace: "shop", pod: "web", uid: Self.uid, name: name, isRunning: isRunning)
    }
    let rules = Self.rules()
    #expect(
      rules.decision(container("poddump-1a2b", isRunning: true))
        == .undoIfUnused(because: "no poddump of yours uses it"))
    #expect(
      rules.decision(container("poddump-1a2b", isRunning: false))
        == .leave(because: "it has not been started yet, so that it cannot be ended"))
    #expect(
      rules.decision(container("Poddump", isRunning: true))
        == .leave(because: "poddump gives no such names"))
  }

  @Test func whatARunningPoddumpUsesIsLeft() {
    let mine = ProcessIdentity.current
    var earlier = mine
    earlier.start = "1.1"
    let found = Leftover.pod(Self.pod { $0.isFinished = true })
    let text = "poddump uses it (process \(mine.pid))"
    #expect(
      Self.rules([Self.entry(found.change, mine)]).decision(found) == .leave(because: text))
    // An entry of another change, or of one that is gone, protects nothing.
    #expect(
      Self.rules([Self.entry(changes[0], mine)]).decision(found)
        == .undo(because: "it has finished"))
    #expect(
      Self.rules([Self.entry(found.change, earlier)]).decision(found)
        == .undo(because: "it has finished"))
  }

  @Test func ofTheJournal() {
    let mine = ProcessIdentity.current
    var earlier = mine
    earlier.start = "1.1"
    var other = mine
    other.host = "desk2"
    other.machine = "another"
    let rules = Self.rules()
    #expect(
      rules.decision(Self.entry(changes[0], mine))
        == .leave(because: "poddump uses it (process \(mine.pid))"))
    #expect(
      rules.decision(Self.entry(changes[0], earlier)) == .undo(because: "its poddump is gone"))
    #expect(
      rules.decision(Self.entry(changes[0], other)) == .leave(because: "it was made on desk2"))
  }
}
