internal import Base
internal import Packets

/// The sink of a group, opened by whoever needs it first.
final class SharedSink: Sendable {
  private let open: @Sendable () throws(Failure) -> Sink
  private let opened = Locked<Result<Sink, Failure>?>(nil)

  init(_ open: @escaping @Sendable () throws(Failure) -> Sink) { self.open = open }

  /// The sink; nil where it was not opened.
  var sink: Sink? { try? opened.value?.get() }

  /// Why it cannot be opened, or written.
  var failure: Failure? {
    switch opened.value {
    case .failure(let failure): failure
    case .success(let sink): sink.failure
    case nil: nil
    }
  }

  /// Opens it the first time.
  ///
  /// - Returns: The sink, and whether this was the first time.
  func use() throws(Failure) -> (Sink, isNew: Bool) {
    let (result, isNew) = opened.withLock { opened -> (Result<Sink, Failure>, Bool) in
      if let opened { return (opened, false) }
      let result = Result { () throws(Failure) in try open() }
      opened = result
      return (result, true)
    }
    return (try result.get(), isNew)
  }
}
