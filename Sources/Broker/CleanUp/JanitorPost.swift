package import Base
internal import Synchronization

/// The place of the process that undoes what we leave when we are killed: filled once, before the first
/// change, and given up when we end, however we end.
package final class JanitorPost: Sendable {
  private let line = Mutex<OwnedFD?>(nil)
  private let start: @Sendable (_ folder: String, _ input: OwnedFD) throws(Failure) -> Void

  /// Creates an empty post.
  ///
  /// - Parameter start: Starts the janitor for a journal's folder; `input` becomes its standard input, whose
  ///   end tells it that we are gone.
  package init(
    start: @escaping @Sendable (_ folder: String, _ input: OwnedFD) throws(Failure) -> Void
  ) {
    self.start = start
  }

  /// Starts the janitor unless it has been started.
  ///
  /// - Throws: `Failure` when it cannot be started.
  func occupy(_ folder: String) throws(Failure) {
    let result: Result<Void, Failure> = line.withLock { line in
      guard line == nil else { return .success(()) }
      do throws(Failure) {
        // Nobody but us holds the writing end, and nothing we start inherits it.
        let pipe = try Pipe()
        try start(folder, pipe.reader)
        line = pipe.writer
        return .success(())
      } catch {
        return .failure(error)
      }
    }
    try result.get()
  }
}
