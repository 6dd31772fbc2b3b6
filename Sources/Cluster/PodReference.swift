internal import Base

/// One pod, by name and, where it is known, by UID: a successor may have the same name.
package struct PodReference: Sendable, Hashable {
  package var namespace: String
  package var name: String
  /// nil where any pod of this name is meant.
  package var uid: String?

  package init(namespace: String, name: String, uid: String? = nil) {
    self.namespace = namespace
    self.name = name
    self.uid = uid
  }

  /// "shop/web".
  package var text: String { "\(namespace)/\(name)" }

  /// The pod's path in the API, or that of a subresource of it.
  ///
  /// - Throws: `Failure` of kind `usage` when a name is none.
  func path(
    _ subresource: String? = nil, query: [(String, String?)] = []
  ) throws(Failure) -> APIPath {
    try Kubectl.check(name, isValid: ResourceName.isSubdomain(name), "pod")
    let last = subresource.map { "\(name)/\($0)" } ?? name
    return try Kubectl.path("/api/v1", "pods", namespace: namespace, name: last, query: query)
  }
}

extension Pod {
  /// This very pod.
  package var reference: PodReference {
    PodReference(namespace: namespace, name: name, uid: uid.isEmpty ? nil : uid)
  }
}
