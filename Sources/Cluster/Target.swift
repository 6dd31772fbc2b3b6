package import Base

/// What to capture from, as it is named on the command line: a pod, a workload, a node.
package struct Target: Sendable, Hashable {
  package enum Kind: Sendable, Hashable {
    case pod
    case workload(WorkloadKind)
    case node
  }

  package var kind: Kind
  /// nil where none was named (the context's own counts then), and for nodes.
  package var namespace: String?
  package var name: String

  package init(kind: Kind, namespace: String?, name: String) {
    self.kind = kind
    self.namespace = namespace
    self.name = name
  }

  /// Reads a target as kubectl people write it: `web`, `shop/web`, `pod/web`, `deploy/api`, `node/n1`.
  ///
  /// The word before the slash is a kind if kubectl knows it as one, else a namespace. Nothing is asked
  /// of the cluster.
  ///
  /// - Parameters:
  ///   - text: The target's text.
  ///   - namespace: What `-n` says; nil without it.
  /// - Throws: `Failure` of kind `usage` that says how to write it.
  package init(_ text: String, namespace: String? = nil) throws(Failure) {
    if let namespace { try Self.check(namespace: namespace) }
    let words = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    switch words.count {
    case 1:
      try self.init(kind: .pod, namespace: namespace, checked: words[0], text)
    case 2:
      if let kind = try Self.kind(words[0], of: text) {
        try self.init(kind: kind, namespace: namespace, checked: words[1], text)
      } else {
        try Self.check(namespace: words[0], of: text)
        guard namespace == nil || namespace == words[0] else {
          throw Self.malformed(
            text, "It names the namespace \(words[0]), and -n names \(namespace ?? "").",
            fix: "Name the namespace once.")
        }
        try self.init(kind: .pod, namespace: words[0], checked: words[1], text)
      }
    default:
      throw Self.malformed(
        text, "It has more than one slash.",
        fix: words.count == 3 && ResourceName.isLabel(words[0])
          ? "Name the namespace with -n: -n \(words[0]) \(printable(words[1]))/\(printable(words[2]))."
          : Self.howTo)
    }
  }

  private init(
    kind: Kind, namespace: String?, checked name: String, _ text: String
  ) throws(Failure) {
    guard ResourceName.isSubdomain(name) else {
      throw Self.malformed(
        text,
        name.isEmpty
          ? "The name is empty."
          : "Names have only lower-case letters, digits, dashes and dots, at most 253.",
        fix: Self.howTo)
    }
    self.init(kind: kind, namespace: kind == .node ? nil : namespace, name: name)
  }

  /// The target as it could be typed again: "shop/web", "deploy/api", "node/n1".
  package var text: String {
    switch kind {
    case .pod: namespace.map { "\($0)/\(name)" } ?? name
    case .workload(let kind): "\(kind.rawValue)/\(name)"
    case .node: "node/\(name)"
    }
  }

  /// Checks a namespace that the user named.
  ///
  /// - Throws: `Failure` of kind `usage`.
  package static func check(namespace: String) throws(Failure) {
    guard ResourceName.isLabel(namespace) else {
      throw Failure(
        .usage, "\"\(printable(namespace, limit: 80))\" is no name of a namespace.",
        why: "Such names have only lower-case letters, digits and dashes, at most 63.",
        fix: "kubectl get namespaces shows those there are.")
    }
  }

  private static func check(namespace: String, of text: String) throws(Failure) {
    guard ResourceName.isLabel(namespace) else {
      throw malformed(
        text,
        "\"\(printable(namespace, limit: 80))\" is neither a kind that poddump knows nor a namespace.",
        fix: howTo)
    }
  }

  private static let howTo =
    "Write a pod (web, shop/web, pod/web), a workload (deploy/api, sts/db, ds/agent, rs/…, job/x, svc/api) or a node (node/n1)."

  private static func malformed(_ text: String, _ why: String, fix: String) -> Failure {
    let line = printable(text, limit: 80).split(whereSeparator: \.isNewline).joined(separator: " ")
    return Failure(.usage, "\"\(line)\" is no target.", why: why, fix: fix)
  }

  /// The kind that a word stands for; nil when kubectl knows none by it.
  private static func kind(_ word: String, of text: String) throws(Failure) -> Kind? {
    guard let known = KindWord(word) else { return nil }
    guard case .target(let kind) = known else {
      throw malformed(
        text, "A target of the kind \"\(printable(word, limit: 80))\" has no packets.",
        fix: "\(howTo) If a namespace is meant, name it with -n.")
    }
    return kind
  }
}
