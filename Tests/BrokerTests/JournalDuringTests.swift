import Base
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Broker

@Suite struct JournalDuringTests {
  private let scratch: Scratch
  private let journal: Journal
  private let undone = Undos()

  private final class Undos: Sendable {
    private let changes = Mutex<[FarChange]>([])
    var all: [FarChange] { changes.withLock { $0 } }
    func add(_ change: FarChange) { changes.withLock { $0.append(change) } }
  }

  init() throws {
    scratch = try Scratch()
    journal = Journal(folder: scratch.path + "/journal")
  }

  private let lab = ClusterReference(context: "lab")

  @Test func changesAreWrittenDownForTheTimeOfTheBody() async throws {
    let result = try await journal.during(
      [changes[0], changes[3]], cluster: lab,
      undo: { (change) throws(Failure) in
        // Struck only once it is undone.
        #expect(journal.entries().entries.contains { $0.change == change })
        undone.add(change)
        return change == changes[0] ? .done : .gone
      }
    ) { () throws(Failure) in
      #expect(Set(journal.entries().entries.map(\.change.text)).count == 2)
      #expect(journal.entries().entries.allSatisfy { $0.cluster == lab })
      return 7
    }
    #expect(result == 7)
    #expect(undone.all == [changes[3], changes[0]])  // in reverse
    #expect(journal.entries().entries == [])
  }

  @Test func aBodyThatThrowsIsUndoneToo() async throws {
    let failure = await #expect(throws: Failure.self) {
      try await journal.during(
        [changes[0]], cluster: lab,
        undo: { (change) throws(Failure) in
          undone.add(change)
          return .inUse
        }
      ) { () throws(Failure) in throw Failure(.noRoute, "It did not work.") }
    }
    #expect(failure?.what == "It did not work.")
    #expect(undone.all == [changes[0]])
    #expect(journal.entries().entries == [])
  }

  /// The undo runs in a task that is not cancelled although ours is.
  @Test func aCancelledBodyIsUndoneToo() async throws {
    let task = Task {
      try await journal.during(
        [changes[0]], cluster: lab,
        undo: { (change) throws(Failure) in
          #expect(!Task.isCancelled)
          undone.add(change)
          return .done
        }
      ) { () throws(Failure) in
        while !Task.isCancelled { try? await Task.sleep(for: .seconds(60)) }
      }
    }
    #expect(try await eventually { !journal.entries().entries.isEmpty })
    task.cancel()
    try await task.value
    #expect(undone.all == [changes[0]])
    #expect(journal.entries().entries == [])
  }

  @Test func whatCannotBeUndoneStaysAndIsTold() async throws {
    let told = Mutex<[Failure]>([])
    try await journal.during(
      [changes[0], changes[1], changes[2]], cluster: lab, patience: .milliseconds(50),
      undo: { (change) throws(Failure) in
        switch change {
        case .pod: throw Failure(.denied, "x", why: "Not allowed.")
        case .file: return .left("There is no rm.")
        default:
          try? await Task.sleep(for: .seconds(60))
          return .gone
        }
      }, left: { _, failure in told.withLock { $0.append(failure) } }
    ) { () throws(Failure) in }
    // The slow one was cancelled, and what it then returned counts for nothing.
    #expect(journal.entries().entries.count == 3)
    let failures = told.withLock { $0 }
    #expect(failures.map(\.kind) == [.unreachable, .other, .denied])
    #expect(
      failures.map(\.sentence).last
        == "Cannot undo pod poddump/poddump-7f3a in context lab. Not allowed. "
        + "poddump clean tries again.")
  }

  @Test func withoutAJournalTheBodyIsNotRun() async throws {
    try scratch.file("file")
    let blocked = Journal(folder: scratch.path + "/file/journal")
    await #expect(throws: Failure.self) {
      try await blocked.during(
        [changes[0]], cluster: lab,
        undo: { (change) throws(Failure) in
          undone.add(change)
          return .done
        }
      ) { () throws(Failure) in Issue.record("It ran.") }
    }
    #expect(undone.all == [])
  }
}

@Suite struct JanitorTests {
  private let scratch: Scratch
  private let journal: Journal
  private let gone = ProcessIdentity(host: ProcessIdentity.thisHost, pid: 4_000_000, start: "1.2")

  init() throws {
    scratch = try Scratch()
    journal = Journal(folder: scratch.path + "/journal")
  }

  /// Puts an entry of another process into the journal.
  private func add(_ change: FarChange, owner: ProcessIdentity) throws -> JournalEntry {
    let written = try journal.record(change, cluster: ClusterReference())
    let entry = JournalEntry(
      name: written.name, change: change, cluster: written.cluster, owner: owner,
      time: written.time)
    try Data(entry.text.utf8).write(to: URL(fileURLWithPath: "\(journal.folder)/\(entry.name)"))
    return entry
  }

  @Test func undoesWhatItsOwnerLeftAndNothingElse() async throws {
    let left = try add(changes[0], owner: gone)
    let running = try add(changes[2], owner: .current)
    var another = gone
    another.pid -= 1
    let others = try add(changes[3], owner: another)
    let undone = Mutex<[String]>([])
    let janitor = Janitor(journal: journal, owner: gone) { (entry) throws(Failure) in
      undone.withLock { $0.append(entry.name) }
      return .done
    }
    #expect(await janitor.run() == [:])
    #expect(undone.withLock { $0 } == [left.name])
    #expect(Set(journal.entries().entries.map(\.name)) == [running.name, others.name])
  }

  /// Killed while it wrote an entry down: the change was not made, and the file goes too.
  @Test func whatItsOwnerWasWritingIsRemoved() async throws {
    _ = try add(changes[0], owner: gone)
    let unfinished = [
      "4000000-1.2-a1.entry.tmp", "4000000-1.3-a1.entry.tmp", "400000-1.2-a1.entry.tmp",
    ]
    for name in unfinished {
      _ = FileManager.default.createFile(
        atPath: "\(journal.folder)/\(name)", contents: Data("poddump".utf8))
    }
    let janitor = Janitor(journal: journal, owner: gone) { (_) throws(Failure) in .done }
    #expect(await janitor.run() == [:])
    let left = try FileManager.default.contentsOfDirectory(atPath: journal.folder)
    #expect(left.sorted() == unfinished[1...].sorted())
  }

  @Test func withNothingLeftItEndsAtOnce() async throws {
    let janitor = Janitor(journal: journal, owner: gone) { (_) throws(Failure) in
      Issue.record("There was nothing.")
      return .done
    }
    #expect(await janitor.run() == [:])
    // Also where the owner lives on: it has done its own work.
    let early = Janitor(journal: journal, owner: .current) { (_) throws(Failure) in .done }
    #expect(await early.run() == [:])
  }

  @Test func aClusterThatIsNotReachedIsTriedAgain() async throws {
    _ = try add(changes[0], owner: gone)
    let tries = Mutex(0)
    var janitor = Janitor(journal: journal, owner: gone) { (_) throws(Failure) in
      let number = tries.withLock { count in
        count += 1
        return count
      }
      switch number {
      case 1: throw Failure(.unreachable, "No network.")
      case 2: return .left("It has not been started yet.")
      default: return .done
      }
    }
    janitor.pause = .milliseconds(1)
    #expect(await janitor.run() == [:])
    #expect(tries.withLock { $0 } == 3)
    #expect(journal.entries().entries == [])
  }

  /// The kubectl of a poddump that was killed may still be making the change.
  @Test func whatIsNotThereYetIsLookedForAgain() async throws {
    _ = try add(changes[0], owner: gone)
    let tries = Mutex(0)
    var janitor = Janitor(journal: journal, owner: gone) { (_) throws(Failure) in
      tries.withLock { count in
        count += 1
        return count < 3 ? .gone : .done
      }
    }
    janitor.pause = .milliseconds(1)
    #expect(await janitor.run() == [:])
    #expect(tries.withLock { $0 } == 3)
    // Later, what is not there is gone.
    _ = try add(changes[0], owner: gone)
    janitor.onItsWay = 0
    tries.withLock { $0 = 0 }
    #expect(await janitor.run() == [:])
    #expect(tries.withLock { $0 } == 1)
    #expect(journal.entries().entries == [])
  }

  /// A shell at the far end was there before it was written down.
  @Test func aProcessThatIsNotThereIsGoneAtOnce() async throws {
    _ = try add(.nodeProcess(node: "n1", pid: 4711, start: 815), owner: gone)
    let tries = Mutex(0)
    let janitor = Janitor(journal: journal, owner: gone) { (_) throws(Failure) in
      tries.withLock { $0 += 1 }
      return .gone
    }
    #expect(await janitor.run() == [:])
    #expect(tries.withLock { $0 } == 1 && journal.entries().entries == [])
  }

  @Test func itsPatienceEnds() async throws {
    let entry = try add(changes[0], owner: gone)
    var janitor = Janitor(journal: journal, owner: gone) { (_) throws(Failure) in
      throw Failure(.unreachable, "No network.")
    }
    janitor.pause = .milliseconds(1)
    janitor.patience = .milliseconds(50)
    #expect(await janitor.run() == [entry.name: Failure(.unreachable, "No network.")])
    #expect(journal.entries().entries == [entry])
  }

  @Test func whatIsForbiddenIsNotTriedAgain() async throws {
    let entry = try add(changes[0], owner: gone)
    let tries = Mutex(0)
    let janitor = Janitor(journal: journal, owner: gone) { (_) throws(Failure) in
      tries.withLock { $0 += 1 }
      throw Failure(.denied, "Not allowed.")
    }
    #expect(await janitor.run().keys.sorted() == [entry.name])
    #expect(tries.withLock { $0 } == 1)
    #expect(journal.entries().entries == [entry])
  }

  /// The pipe is closed before the process has ended; what it undoes by itself is not undone twice.
  @Test func waitsForAnOwnerThatIsStillThere() async throws {
    let process = try Spawned([Programs.path("sleep"), "60"])
    let owner = ProcessIdentity(
      host: ProcessIdentity.thisHost, pid: process.pid,
      start: try #require(processStart(process.pid)))
    _ = try add(changes[0], owner: owner)
    let undone = Mutex(0)
    let janitor = Janitor(journal: journal, owner: owner) { (_) throws(Failure) in
      #expect(owner.isRunning == false)
      undone.withLock { $0 += 1 }
      return .done
    }
    async let end = janitor.run()
    try await Task.sleep(for: .milliseconds(300))
    #expect(undone.withLock { $0 } == 0)
    kill(process.pid, SIGKILL)
    #expect(await end == [:])
    #expect(undone.withLock { $0 } == 1)
    _ = process.wait()
  }
}
