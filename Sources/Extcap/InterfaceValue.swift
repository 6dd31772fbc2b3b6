/// What Wireshark lists and hands back as the name of one of our interfaces.
///
/// `poddump` is the portal; the others name an object of a cluster: `pod:shop/web-0`,
/// `deploy:shop/api`, `node:n1`. A value of a further context ends in `@` and the context's tag. All
/// are lower case, so that they are distinct without regard to case, and at most 200 bytes: Wireshark
/// makes a FIFO's file name of them. A longer one is cut and ends in `~` and ten digits of a
/// hash of the full value; `~` occurs in no Kubernetes name.
package struct InterfaceValue: Hashable, Sendable, CustomStringConvertible {
  /// The sort of thing an interface stands for; raw values are the words before the colon.
  package enum Kind: String, Sendable, CaseIterable {
    /// The interface whose dialog chooses a pod.
    case portal = "poddump"
    case pod
    case deployment = "deploy"
    case statefulSet = "sts"
    case daemonSet = "ds"
    case service = "svc"
    case node
  }

  /// The most bytes a value has.
  package static let longest = 200
  /// The portal's value.
  package static let portal = InterfaceValue(
    kind: .portal, text: Kind.portal.rawValue, contextTag: nil, isShortened: false)

  /// What the value stands for.
  package let kind: Kind
  /// The value as Wireshark sees it.
  package let text: String
  /// The tag after `@`, nil for the context that is shown first. A shortened value has none.
  package let contextTag: String?
  /// Whether name and context are cut, so that only a listing knows them in full.
  package let isShortened: Bool

  /// The value as Wireshark sees it.
  package var description: String { text }

  package static func == (a: InterfaceValue, b: InterfaceValue) -> Bool { a.text == b.text }

  package func hash(into hasher: inout Hasher) { hasher.combine(text) }

  /// Makes the value of an object.
  ///
  /// Returns nil for names that no cluster should have (RFC 1123 labels and subdomains,
  /// <https://kubernetes.io/docs/concepts/overview/working-with-objects/names/>): such an object is
  /// not listed, rather than listed under a name that means something else.
  ///
  /// - Parameters:
  ///   - kind: What the object is; for `.portal` use `InterfaceValue.portal`.
  ///   - namespace: The object's namespace; empty for nodes.
  ///   - name: The object's full name.
  ///   - context: The kubeconfig context to name at the end, nil for the context shown first.
  package init?(kind: Kind, namespace: String, name: String, context: String? = nil) {
    guard kind != .portal, Self.isSubdomain(name.utf8), name.utf8.count <= 253 else { return nil }
    guard kind == .node ? namespace.isEmpty : Self.isLabel(namespace.utf8) else { return nil }
    let tag = context.map(Self.tag(ofContext:))
    let object = kind.rawValue + ":" + (kind == .node ? "" : namespace + "/") + name
    let full = tag.map { object + "@" + $0 } ?? object
    guard full.utf8.count > Self.longest else {
      self.init(kind: kind, text: full, contextTag: tag, isShortened: false)
      return
    }
    // Only ASCII got here, so that bytes and characters are the same.
    let end = "~" + StableHash(full).tenDigits
    self.init(
      kind: kind, text: object.prefix(Self.longest - end.utf8.count) + end, contextTag: nil,
      isShortened: true)
  }

  /// Reads a value as Wireshark hands it back; nil if it is none of ours.
  package init?(_ text: String) {
    guard text != Self.portal.text else {
      self = .portal
      return
    }
    guard text.utf8.count <= Self.longest, let colon = text.utf8.firstIndex(of: 0x3a),
      let kind = Kind(rawValue: String(text[..<colon])), kind != .portal
    else { return nil }
    var rest = text[text.utf8.index(after: colon)...].utf8
    if kind != .node {
      guard let slash = rest.firstIndex(of: 0x2f), Self.isLabel(rest[..<slash])
      else { return nil }
      rest = rest[rest.index(after: slash)...]
    }
    var tag: String?
    var isShortened = false
    if let mark = rest.firstIndex(where: { $0 == 0x40 || $0 == 0x7e }) {
      let found = rest[rest.index(after: mark)...]
      isShortened = rest[mark] == 0x7e
      guard isShortened ? Self.isHash(found) : Self.isTag(found) else { return nil }
      tag = isShortened ? nil : String(Substring(found))
      rest = rest[..<mark]
    }
    guard Self.isSubdomain(rest) else { return nil }
    self.init(kind: kind, text: text, contextTag: tag, isShortened: isShortened)
  }

  private init(kind: Kind, text: String, contextTag: String?, isShortened: Bool) {
    self.kind = kind
    self.text = text
    self.contextTag = contextTag
    self.isShortened = isShortened
  }

  /// The object's namespace; empty for the portal and for nodes.
  package var namespace: String {
    guard kind != .portal, kind != .node else { return "" }
    return String(
      Substring(text.utf8.prefix { $0 != 0x2f }.dropFirst(kind.rawValue.utf8.count + 1)))
  }

  /// The object's name, cut short if `isShortened`; empty for the portal.
  package var name: String {
    guard kind != .portal else { return "" }
    let start: UInt8 = kind == .node ? 0x3a : 0x2f
    let rest = text.utf8.drop { $0 != start }.dropFirst()
    return String(Substring(rest.prefix { $0 != 0x40 && $0 != 0x7e }))
  }
}

extension InterfaceValue {
  /// How a context is written after `@`: its own name if that is short, lower case and plain, else
  /// `~` and a hash of it. Cloud providers put colons, slashes and capitals into these names.
  package static func tag(ofContext context: String) -> String {
    context.utf8.count <= 63 && isSubdomain(context.utf8)
      ? context : "~" + StableHash(context).tenDigits
  }

  private typealias Bytes = Collection<UInt8>

  private static func isTag(_ text: some Bytes) -> Bool {
    text.first == 0x7e ? isHash(text.dropFirst()) : text.count <= 63 && isSubdomain(text)
  }

  private static func isHash(_ text: some Bytes) -> Bool {
    text.count == 10 && text.allSatisfy { isDigit($0) || (0x61...0x66).contains($0) }
  }

  /// Whether `text` may be a namespace: `[a-z0-9][a-z0-9-]{0,62}`.
  private static func isLabel(_ text: some Bytes) -> Bool {
    isSubdomain(text) && text.count <= 63 && !text.contains(0x2e)
  }

  /// Whether `text` may be the start of an object's name: `[a-z0-9][a-z0-9.-]*`.
  private static func isSubdomain(_ text: some Bytes) -> Bool {
    guard let first = text.first, isAlphanumeric(first) else { return false }
    return text.allSatisfy { isAlphanumeric($0) || $0 == 0x2d || $0 == 0x2e }
  }

  private static func isAlphanumeric(_ byte: UInt8) -> Bool {
    (0x61...0x7a).contains(byte) || isDigit(byte)
  }

  private static func isDigit(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte)
  }
}
