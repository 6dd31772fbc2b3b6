internal import Base

/// Takes the items of a list one by one.
protocol ItemSink: Sendable {
  associatedtype Item: Sendable
  mutating func take(_ item: Item) throws(Failure)
  /// What the list's head said, once it has ended.
  var head: ListHead? { get set }
}

extension ItemSink {
  /// Whether the server has no more than it sent.
  var isComplete: Bool { head?.continueToken == nil }
}

/// Keeps the items.
struct Collector<Item: Sendable>: ItemSink {
  var items: [Item] = []
  var head: ListHead?

  mutating func take(_ item: Item) {
    items.append(item)
  }

  var listed: Listed<Item> {
    Listed(items: items, isComplete: isComplete, version: head?.resourceVersion)
  }
}

/// Hands the items on.
struct Caller<Item: Sendable>: ItemSink {
  let each: @Sendable (Item) throws(Failure) -> Void
  var head: ListHead?

  func take(_ item: Item) throws(Failure) {
    try each(item)
  }
}

/// Parses a list while kubectl prints it.
struct ListConsumer<S: ItemSink>: OutputConsumer {
  let what: String
  var sink: S
  /// Reads one item; nil for one that is left out.
  let read: @Sendable (UnsafeRawBufferPointer) throws(JSONError) -> S.Item?
  private var reader = ListReader()
  /// The cluster's state that the list shows, once it is whole.
  var version: String? { sink.head?.resourceVersion }

  init(
    what: String, sink: S,
    read: @escaping @Sendable (UnsafeRawBufferPointer) throws(JSONError) -> S.Item?
  ) {
    self.what = what
    self.sink = sink
    self.read = read
  }

  mutating func consume(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
    // What the sink says is kept apart: the reader only knows errors of JSON.
    var refusal: Failure?
    // Taken out of self for the call, since its closure needs the rest of self.
    var reader = exchange(&self.reader, with: ListReader())
    defer { self.reader = reader }
    do {
      try reader.feed(bytes) { (json) throws(JSONError) in
        guard refusal == nil, let item = try read(json) else { return }
        do throws(Failure) {
          try sink.take(item)
        } catch {
          refusal = error
        }
      }
    } catch {
      throw .unreadable(what, error.sentence)
    }
    if let refusal { throw refusal }
  }

  /// The consumer after the whole list.
  ///
  /// - Throws: `Failure` when the list was cut or a Status came in its place.
  func finished() throws(Failure) -> Self {
    let head: ListHead
    do {
      head = try reader.finish()
    } catch {
      throw .unreadable(what, error.sentence)
    }
    if head.kind == "Status" { throw KubectlCause.failure(what, status: head) }
    guard head.kind?.hasSuffix("List") == true else {
      throw .unreadable(what, "The answer is no list.")
    }
    var result = self
    result.sink.head = head
    return result
  }
}

extension Failure {
  /// What the API server answered makes no sense.
  static func unreadable(_ what: String, _ why: String) -> Failure {
    Failure(
      .other, what, why: why,
      fix: "Check that the server in the kubeconfig is a Kubernetes API server.")
  }
}
