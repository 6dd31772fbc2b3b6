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

  /// Reads a target as kubectl people write it: `web`, `shop/web`, `pod/web`, `deploy/api`, `node/n1`; or with
  /// both, `shop/deploy/api`.
  ///
  /// The word before the only slash is a kind if kubectl knows it as one, else a namespace. Nothing is asked
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
        try Self.check(namespace: words[0], of: text, option: namespace)
        try self.init(kind: .pod, namespace: words[0], checked: words[1], text)
      }
    case 3:
      guard let kind = try Self.kind(words[1], of: text) else {
        throw Self.malformed(
          text,
          "\"\(printable(words[1], limit: 80))\", between the slashes, is no kind that poddump knows.",
          fix: Self.howTo)
      }
      guard kind != .node else {
        throw Self.malformed(
          text, "A node is in no namespace.", fix: "Write node/\(printable(words[2], limit: 100)).")
      }
      try Self.check(namespace: words[0], of: text, option: namespace)
      try self.init(kind: kind, namespace: words[0], checked: words[2], text)
    default:
      throw Self.malformed(text, "It has too many slashes.", fix: Self.howTo)
    }
  }

  /// Reads the targets of a command line.
  ///
  /// - Parameters:
  ///   - texts: The targets' texts.
  ///   - namespace: What `-n` says; nil without it.
  /// - Returns: A target for each.
  /// - Throws: `Failure` of kind `usage`, also for kubectl's other way to write a kind, `pod web`, which would
  ///   name two pods here.
  package static func all(
    _ texts: [String], namespace: String? = nil
  ) throws(Failure) -> [Target] {
    for (word, next) in zip(texts, texts.dropFirst()) where !next.contains("/") {
      guard case .target = KindWord(word) else { continue }
      throw malformed(
        "\(word) \(next)", "It would be two pods, and \"\(word)\" is a kind.",
        fix: "Write \(word)/\(printable(next, limit: 100)); or pod/\(word) for a pod of that name.")
    }
    var targets: [Target] = []
    for text in texts { targets.append(try Target(text, namespace: namespace)) }
    return targets
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

  /// Checks a namespace within a target against the rules for names, and against `-n`.
  private static func check(
    namespace: String, of text: String, option: String?
  ) throws(Failure) {
    guard ResourceName.isLabel(namespace) else {
      throw malformed(
        text,
        "\"\(printable(namespace, limit: 80))\" is neither a kind that poddump knows nor a namespace.",
        fix: howTo)
    }
    guard option == nil || option == namespace else {
      throw malformed(
        text, "It names the namespace \(namespace), and -n names \(option ?? "").",
        fix: "Name the namespace once.")
    }
  }

  private static let howTo =
    "Write a pod (web, shop/web, pod/web), a workload (deploy/api, sts/db, ds/agent, rs/…, job/x, svc/api, shop/deploy/api) or a node (node/n1)."

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
