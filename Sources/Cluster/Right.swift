internal import Base

/// Something that a user may do or not: a verb on a resource of the core group.
package struct Right: Sendable, Hashable {
  /// "get", "create", "update", …
  package var verb: String
  /// "pods", or with its subresource "pods/exec".
  package var resource: String
  /// nil asks for the whole cluster.
  package var namespace: String?

  package init(_ verb: String, _ resource: String, namespace: String?) {
    self.verb = verb
    self.resource = resource
    self.namespace = namespace
  }

  /// "update pods/ephemeralcontainers in namespace shop".
  package var text: String {
    "\(verb) \(resource) \(namespace.map { "in namespace \($0)" } ?? "in the whole cluster")"
  }

  /// The question as the API takes it (authorization.k8s.io/v1, SelfSubjectAccessReview).
  ///
  /// Posted as it is: `kubectl auth can-i` asks the same, but reads the lists of resources first, and
  /// takes the word behind a slash for the name of an object.
  var review: JSONText {
    let words = resource.split(separator: "/", maxSplits: 1).map(String.init)
    var attributes: [(String, JSONText)] = [
      ("verb", .string(verb)), ("group", .string("")), ("resource", .string(words.first ?? "")),
    ]
    if words.count > 1 { attributes.append(("subresource", .string(words[1]))) }
    if let namespace { attributes.append(("namespace", .string(namespace))) }
    return .object([
      ("apiVersion", .string("authorization.k8s.io/v1")),
      ("kind", .string("SelfSubjectAccessReview")),
      ("spec", .object([("resourceAttributes", .object(attributes))])),
    ])
  }

  /// Reads `status.allowed` of the answer.
  ///
  /// - Returns: nil when the answer has none.
  static func isAllowed(_ json: UnsafeRawBufferPointer) throws(JSONError) -> Bool? {
    var result: Bool?
    var reader = JSONReader(json)
    try reader.object { (key, reader) throws(JSONError) in
      guard case "status" = key else { return }
      try reader.object { (key, reader) throws(JSONError) in
        if case "allowed" = key { result = try reader.bool() }
      }
    }
    try reader.end()
    return result
  }
}
