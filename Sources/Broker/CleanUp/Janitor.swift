package import Base

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// Undoes what one poddump left when it was killed: a process of its own runs this once that poddump's end
/// of a pipe is closed.
package struct Janitor: Sendable {
  private let journal: Journal
  private let owner: ProcessIdentity
  private let undo: @Sendable (JournalEntry) async throws(Failure) -> Undone

  /// How long a cluster that cannot be reached is tried again.
  package var patience = Duration.seconds(300)
  /// The first pause between two tries; it doubles up to half a minute.
  package var pause = Duration.seconds(1)
  /// How long a change may still be on its way, in seconds after it was written down: the kubectl that makes
  /// it outlives a poddump that is killed. What is not there by then never comes.
  package var onItsWay = 20
  /// How long one undo may take.
  private static let once = Duration.seconds(60)

  /// - Parameters:
  ///   - journal: Where the changes are written down.
  ///   - owner: Whose changes are undone.
  ///   - undo: Undoes one.
  package init(
    journal: Journal, owner: ProcessIdentity,
    undo: @escaping @Sendable (JournalEntry) async throws(Failure) -> Undone
  ) {
    self.journal = journal
    self.owner = owner
    self.undo = undo
  }

  /// Undoes all that the owner left; at once when it left nothing. What cannot be undone stays in the
  /// journal.
  ///
  /// - Returns: Why the last tries failed, by the entries' names; empty when all is undone.
  @discardableResult
  package func run() async -> [String: Failure] {
    let clock = ContinuousClock()
    // The pipe is closed a moment before the process is gone. One that closed it and lives on undoes its
    // changes itself.
    while owner.isRunning == true {
      guard !left([:]).isEmpty || !journal.unfinished(of: owner).isEmpty else { return [:] }
      try? await Task.sleep(for: .milliseconds(100))
    }
    journal.removeUnfinished(of: owner)
    let end = clock.now + patience
    var pause = pause
    var hopeless: [String: Failure] = [:]
    while true {
      var failures = hopeless
      var wait = pause
      for entry in left(hopeless) {
        do throws(Failure) {
          let undone = try await within(Self.once, "Cannot undo \(entry.change.text).") {
            () async throws(Failure) in try await undo(entry)
          }
          switch undone {
          case .left(let why):
            failures[entry.name] = Failure(.other, "Cannot undo \(entry.change.text).", why: why)
          case .gone where isOnItsWay(entry):
            // At the latest when it can come no more.
            wait = min(wait, .seconds(entry.time + onItsWay - Int(time(nil)) + 1))
          case .done, .gone, .inUse: journal.strike(entry)
          }
        } catch  where error.kind == .denied {
          // Nobody gives us the right meanwhile; `poddump clean` tells it.
          hopeless[entry.name] = error
          failures[entry.name] = error
        } catch {
          failures[entry.name] = error
        }
      }
      guard !left(hopeless).isEmpty, clock.now < end else { return failures }
      try? await Task.sleep(for: min(wait, end - clock.now))
      pause = min(pause * 2, .seconds(30))
    }
  }

  /// Whether a change may still be made; a process was there when it was written down.
  private func isOnItsWay(_ entry: JournalEntry) -> Bool {
    if case .nodeProcess = entry.change { return false }
    return Int(time(nil)) - entry.time < onItsWay
  }

  private func left(_ hopeless: [String: Failure]) -> [JournalEntry] {
    journal.entries().entries.filter { $0.owner.isSame(as: owner) && hopeless[$0.name] == nil }
  }
}
