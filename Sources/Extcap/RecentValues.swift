/// What was captured last, so that it stays listed under the limit and keeps its meaning after it has
/// left the listing.
package struct RecentValues: Equatable, Sendable {
  /// One capture.
  package struct Item: Equatable, Sendable {
    /// The interface value.
    package var value: InterfaceValue
    /// The full name of the object.
    package var name: String
    /// The context it was captured in.
    package var context: String
    /// The kubeconfig paths that define the context.
    package var kubeconfig: [String]
    /// When, in seconds since 1970.
    package var used: Int64

    /// Creates an item.
    package init(
      value: InterfaceValue, name: String, context: String, kubeconfig: [String], used: Int64
    ) {
      self.value = value
      self.name = name
      self.context = context
      self.kubeconfig = kubeconfig
      self.used = used
    }
  }

  /// The items, the last one used first.
  package private(set) var items: [Item] = []

  /// The most that is remembered.
  package static let most = 100

  /// Creates an empty memory.
  package init() {}

  /// Puts an item first, and forgets the oldest.
  package mutating func note(_ item: Item) {
    items.removeAll { $0.value == item.value && $0.context == item.context }
    items.insert(item, at: 0)
    items.removeLast(max(0, items.count - Self.most))
  }

  init?(_ bytes: [UInt8]) {
    var reader = TabReader(bytes)
    guard reader.nextFields() == ["poddump-recent", "1"] else { return nil }
    while items.count < Self.most, let fields = reader.nextFields() {
      guard fields.count >= 4, let value = InterfaceValue(fields[0]), let used = Int64(fields[3])
      else { continue }
      items.append(
        Item(
          value: value, name: fields[1], context: fields[2], kubeconfig: Array(fields[4...]),
          used: used))
    }
  }

  var bytes: [UInt8] {
    var text = TabWriter()
    text.line("poddump-recent", "1")
    for item in items {
      text.line([item.value.text, item.name, item.context, String(item.used)] + item.kubeconfig)
    }
    return text.bytes
  }
}

extension ListingCache {
  /// What was captured last.
  package func recent() -> RecentValues {
    guard PrivateFile.isPrivateFolder(folder) else { return RecentValues() }
    return PrivateFile.read(folder + "/recent").flatMap(RecentValues.init) ?? RecentValues()
  }

  /// Remembers a capture. Of two at the same moment one may be forgotten; nothing depends on it.
  package func note(_ item: RecentValues.Item) throws(CacheError) {
    var recent = recent()
    recent.note(item)
    try PrivateFile.makeFolder(folder)
    try PrivateFile.write(recent.bytes, to: folder + "/recent")
  }
}
