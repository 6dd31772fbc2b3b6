/// What the API server refused, read from its standard sentence: `pods is forbidden: User "dev" cannot
/// list resource "pods" in API group "" in the namespace "demo"`.
package struct AccessDenial: Sendable, Equatable {
  package var user: String?
  /// "list", "get", "create".
  package var verb: String?
  /// "pods", "pods/exec".
  package var resource: String?
  /// nil for the whole cluster.
  package var namespace: String?
  /// The server's words behind "is forbidden: ", or all of them.
  package var words: String

  init(_ text: String) {
    func between(_ start: String, _ end: Character, in text: Substring) -> (String, Substring)? {
      guard let from = text.ranges(of: start).first?.upperBound else { return nil }
      let rest = text[from...]
      guard let to = rest.firstIndex(of: end) else { return nil }
      return (String(rest[..<to]), rest[to...])
    }
    let line = text.prefix { !$0.isNewline }
    words = String(line.ranges(of: "is forbidden: ").first.map { line[$0.upperBound...] } ?? line)
      .replacing(" in API group \"\"", with: "")
    guard let (user, afterUser) = between("User \"", "\"", in: line),
      let (verb, afterVerb) = between(" cannot ", " ", in: afterUser),
      let (resource, rest) = between(" resource \"", "\"", in: afterVerb)
    else { return }
    self.user = user
    self.verb = verb
    self.resource = resource
    namespace = between("in the namespace \"", "\"", in: rest)?.0
  }
}
