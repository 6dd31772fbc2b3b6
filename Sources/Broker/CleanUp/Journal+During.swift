package import Base

/// What became of a change that was to be undone.
package enum Undone: Sendable, Equatable {
  /// Removed or ended just now.
  case done
  /// There was nothing left to undo.
  case gone
  /// Another capture uses it, and undoes it when it ends.
  case inUse
  /// It is still there, and why: a sentence.
  case left(String)

  /// Whether the journal may forget the change.
  package var isSettled: Bool {
    if case .left = self { false } else { true }
  }
}

extension Journal {
  /// How long an undo may take while a capture ends.
  package static let undoPatience = Duration.seconds(10)

  /// Makes changes for the time that `body` runs: they are written down, and undone when it ends, also when
  /// it throws or the task is cancelled. What could not be undone stays in the journal.
  ///
  /// - Parameters:
  ///   - changes: What `body` will make.
  ///   - cluster: Where.
  ///   - patience: How long each undo may take; it is cancelled then, but never with us.
  ///   - undo: Undoes one of them; called in reverse order.
  ///   - left: Told what could not be undone, and why.
  ///   - body: Makes the changes and uses them.
  /// - Returns: What `body` returns.
  /// - Throws: `Failure` when the changes cannot be written down, or what `body` throws.
  package func during<R: Sendable>(
    _ changes: [FarChange], cluster: ClusterReference, patience: Duration = undoPatience,
    undo: @escaping @Sendable (FarChange) async throws(Failure) -> Undone,
    left: @escaping @Sendable (FarChange, Failure) -> Void = { _, _ in },
    _ body: () async throws(Failure) -> R
  ) async throws(Failure) -> R {
    var entries: [JournalEntry] = []
    do throws(Failure) {
      for change in changes { entries.append(try record(change, cluster: cluster)) }
    } catch {
      // Nothing was made yet.
      for entry in entries { strike(entry) }
      throw error
    }
    let result: Result<R, Failure>
    do throws(Failure) {
      result = .success(try await body())
    } catch {
      result = .failure(error)
    }
    let written = entries
    // A task of its own is not cancelled with us.
    await Task { await settle(written.reversed(), patience, undo: undo, left: left) }.value
    return try result.get()
  }

  /// Undoes changes one after the other, each within its time, and strikes those that are.
  private func settle(
    _ entries: [JournalEntry], _ patience: Duration,
    undo: @escaping @Sendable (FarChange) async throws(Failure) -> Undone,
    left: @Sendable (FarChange, Failure) -> Void
  ) async {
    for entry in entries {
      let what = "Cannot undo \(printable(entry.change.text, limit: 300))\(entry.cluster.text)."
      do throws(Failure) {
        let undone = try await within(patience, what) { () async throws(Failure) in
          try await undo(entry.change)
        }
        if case .left(let why) = undone {
          left(entry.change, Failure(.other, what, why: why, fix: Self.later))
        } else {
          strike(entry)
        }
      } catch {
        left(entry.change, Failure(error.kind, what, why: error.why, fix: Self.later))
      }
    }
  }

  private static let later = "poddump clean tries again."
}

/// Runs work that is cancelled when its time is over.
///
/// - Throws: What the work throws; `Failure` when it took too long.
func within<R: Sendable>(
  _ patience: Duration, _ what: String,
  _ work: @escaping @Sendable () async throws(Failure) -> R
) async throws(Failure) -> R {
  let result: Result<R, Failure> = await withTaskGroup(of: Result<R, Failure>?.self) { group in
    group.addTask {
      do throws(Failure) {
        return .success(try await work())
      } catch {
        return .failure(error)
      }
    }
    group.addTask {
      try? await Task.sleep(for: patience)
      return nil
    }
    let first = await group.next() ?? nil
    group.cancelAll()
    await group.waitForAll()
    return first
      ?? .failure(
        Failure(
          .unreachable, what,
          why: "It took longer than \(patience.components.seconds) s."))
  }
  return try result.get()
}
