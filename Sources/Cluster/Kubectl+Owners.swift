package import Base

/// Owners of addresses as they were listed.
package struct ListedOwners: Sendable, Equatable {
  package var owners: [AddressOwner]
  /// What a watch goes on from; nil where the server did not say.
  package var version: String?
}

/// What a watch of pods says about names.
package enum OwnerChange: Sendable, Equatable {
  /// It is there, as it is now.
  case there(AddressOwner)
  case gone(AddressOwner)
  /// Nothing but the version that the watch has come to.
  case version(String)
}

extension Kubectl {
  /// The most owners that are kept of a kind: the names of more would be a burden to Wireshark, and
  /// whatever a server sends, memory is bounded.
  package static let ownerLimit = 20_000

  /// Lists who has addresses, with one call, keeping little of each.
  ///
  /// - Parameters:
  ///   - kind: What to list.
  ///   - namespace: Of pods and services; nil means all namespaces.
  ///   - patience: How long it may take.
  /// - Returns: The first of them, where they are very many.
  /// - Throws: `Failure`: `unreachable`, `denied`.
  package func owners(
    _ kind: AddressOwner.Kind, namespace: String? = nil, within patience: Patience
  ) async throws(Failure) -> ListedOwners {
    let what = "Cannot list \(kind.resource)\(whereText)."
    let path = try Self.path(
      "/api/v1", kind.resource, namespace: kind == .node ? nil : namespace,
      query: [("limit", String(Self.ownerLimit))])
    let consumer = ListConsumer(what: what, sink: OwnerCollector()) { (json) throws(JSONError) in
      try AddressOwner.read(json, kind)
    }
    let read = try await get(what, raw: path, within: patience, into: consumer).finished()
    return ListedOwners(owners: read.sink.items, version: read.version)
  }

  /// Watches pods until the server ends the watch, or the task is cancelled.
  ///
  /// - Parameters:
  ///   - namespace: nil means all namespaces.
  ///   - version: Where the list or the watch before came to.
  ///   - seconds: How long it goes on at most: a connection that is black-holed is silent for ever.
  ///   - each: Takes what changes, from another thread.
  /// - Throws: `Failure`, also where the version is too old: then the pods are to be listed anew.
  package func watchOwners(
    namespace: String?, since version: String, for seconds: Int,
    each: @escaping @Sendable (OwnerChange) -> Void
  ) async throws(Failure) {
    let what = "Cannot watch pods\(whereText)."
    let path = try Self.path(
      "/api/v1", "pods", namespace: namespace,
      query: [
        ("watch", "true"), ("allowWatchBookmarks", "true"), ("resourceVersion", version),
        ("timeoutSeconds", String(seconds)),
      ])
    _ = try await stream(
      what, ["get", "--raw", path.text], within: Patience(.seconds(seconds + 5)), isTied: true,
      into: OwnerWatch(what: what, each: each))
  }
}

extension AddressOwner.Kind {
  /// The resource's name in the API.
  fileprivate var resource: String {
    switch self {
    case .pod: "pods"
    case .service: "services"
    case .node: "nodes"
    }
  }
}

/// Keeps owners that have an address, up to the limit.
private struct OwnerCollector: ItemSink {
  var items: [AddressOwner] = []
  var head: ListHead?

  mutating func take(_ item: AddressOwner) {
    guard items.count < Kubectl.ownerLimit, !item.addresses.isEmpty else { return }
    items.append(item)
  }
}

/// A watch of who has addresses.
typealias OwnerWatch = WatchReader<OwnerChange>

extension WatchReader<OwnerChange> {
  init(what: String, each: @escaping @Sendable (OwnerChange) -> Void) {
    self.init(what: what, read: OwnerChange.read) { (change) throws(Failure) in
      // An error, such as a version that is too old.
      guard let change else { throw Failure(.other, what, why: "The API server ended the watch.") }
      each(change)
      return true
    }
  }
}

extension OwnerChange {
  /// Reads one line of a watch: `{"type":"MODIFIED","object":{…}}`.
  ///
  /// - Returns: nil for a line that ends the watch.
  static func read(_ json: UnsafeRawBufferPointer) throws(JSONError) -> OwnerChange? {
    let line = try WatchLine(json)
    guard let part = line.object else { return nil }
    if line.type == "BOOKMARK" { return .version(try version(part)) }
    guard let owner = try AddressOwner.read(part, .pod) else { return nil }
    switch line.type {
    case "ADDED", "MODIFIED": return .there(owner)
    case "DELETED": return .gone(owner)
    default: return nil
    }
  }

  private static func version(_ json: UnsafeRawBufferPointer) throws(JSONError) -> String {
    var version = ""
    var reader = JSONReader(json)
    try reader.object { (key, reader) throws(JSONError) in
      guard case "metadata" = key else { return }
      try reader.object { (key, reader) throws(JSONError) in
        if case "resourceVersion" = key { version = try reader.string() ?? "" }
      }
    }
    return version
  }
}
