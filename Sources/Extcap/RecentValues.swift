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
    /// What its packets began with; nil as long as none has come.
    package var linkType: LinkType?

    /// A link type that was seen.
    package struct LinkType: Equatable, Sendable {
      /// The DLT_ number of pcap-linktype(7).
      package var number: Int32
      /// Whether it is that of the interface that is captured where none is named: a named one, such as
      /// any, is perhaps not named the next time.
      package var ofDefault: Bool

      /// Notes a link type.
      package init(number: Int32, ofDefault: Bool) {
        self.number = number
        self.ofDefault = ofDefault
      }
    }

    /// Creates an item.
    package init(
      value: InterfaceValue, name: String, context: String, kubeconfig: [String], used: Int64,
      linkType: LinkType? = nil
    ) {
      self.linkType = linkType
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

  /// Puts an item first, and forgets the oldest. A link type is kept until another one is seen.
  package mutating func note(_ item: Item) {
    var item = item
    item.linkType =
      item.linkType
      ?? items.first { $0.value == item.value && $0.context == item.context }?.linkType
    items.removeAll { $0.value == item.value && $0.context == item.context }
    items.insert(item, at: 0)
    items.removeLast(max(0, items.count - Self.most))
  }

  init?(_ bytes: [UInt8]) {
    var reader = TabReader(bytes)
    guard reader.nextFields() == ["poddump-recent", "2"] else { return nil }
    while items.count < Self.most, let fields = reader.nextFields() {
      guard fields.count >= 6, let value = InterfaceValue(fields[0]), let used = Int64(fields[3])
      else { continue }
      items.append(
        Item(
          value: value, name: fields[1], context: fields[2], kubeconfig: Array(fields[6...]),
          used: used,
          linkType: Int32(fields[4]).map { .init(number: $0, ofDefault: fields[5] == "1") }))
    }
  }

  var bytes: [UInt8] {
    var text = TabWriter()
    text.line("poddump-recent", "2")
    for item in items {
      text.line(
        [
          item.value.text, item.name, item.context, String(item.used),
          item.linkType.map { String($0.number) } ?? "",
          item.linkType?.ofDefault == true ? "1" : "",
        ] + item.kubeconfig)
    }
    return text.bytes
  }
}

extension ListingCache {
  /// What a value's packets began with when they were captured last; nil if that is not known.
  package func linkType(
    of value: InterfaceValue, kubeconfigVariable: String
  ) -> RecentValues.Item.LinkType? {
    let items = recent().items.filter { $0.value == value }
    guard items.count > 1 else { return items.first?.linkType }
    let context = find(value, kubeconfigVariable: kubeconfigVariable).first?.context
    return (items.first { $0.context == context } ?? items.first)?.linkType
  }

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
