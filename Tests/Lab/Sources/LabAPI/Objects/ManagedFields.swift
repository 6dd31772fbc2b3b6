/// Entries of `metadata.managedFields`: who set which fields, in the form FieldsV1
/// (Kubernetes documentation, "Server-Side Apply", and sigs.k8s.io/structured-merge-diff).
///
/// Nobody in the lab reads them, but they are a third of a real pod's bytes, and a client that
/// reads lists has to get past them.
package struct ManagedFields {
  /// Lists whose items are told apart by these members; all others are one value.
  private static let keys: [String: [String]] = [
    "containers": ["name"], "volumes": ["name"], "volumeMounts": ["mountPath"],
    "conditions": ["type"], "podIPs": ["ip"], "ownerReferences": ["uid"],
    "ports": ["containerPort", "protocol", "port"],
  ]

  /// Objects that are one value.
  private static let atomic: Set<String> = [
    "selector", "nodeSelector", "containerStatuses", "hostIPs", "tolerations",
  ]

  /// Parts that exist anyway, so that nobody owns the part itself (the entry `.`).
  private static let unowned: Set<String> = [
    "", "metadata", "spec", "status", "template", "containers", "strategy", "updateStrategy",
  ]

  /// One entry.
  /// - Parameters:
  ///   - fields: an object with the fields that the manager set.
  ///   - unowned: further parts that the manager did not create.
  package static func entry(
    manager: String, apiVersion: String = "v1", time: Timestamp, subresource: String? = nil,
    fields: JSON, unowned: Set<String> = []
  ) -> JSON {
    .object(
      ("manager", .string(manager)), ("operation", "Update"), ("apiVersion", .string(apiVersion)),
      ("time", time.json), ("fieldsType", "FieldsV1"),
      ("fieldsV1", self.fields(fields, named: "", unowned: Self.unowned.union(unowned))),
      ("subresource", subresource.map { .string($0) }))
  }

  private static func fields(_ value: JSON, named name: String, unowned: Set<String>) -> JSON {
    guard !atomic.contains(name) else { return [:] }
    var owned = JSONObject()
    if !unowned.contains(name) { owned.append(".", [:]) }
    switch value {
    case .object(let object) where !object.members.isEmpty:
      for member in object.members.sorted(by: { $0.name < $1.name }) {
        let part = fields(member.value, named: member.name, unowned: unowned)
        owned.append("f:" + member.name, part)
      }
    case .array(let items) where keys[name] != nil && !items.isEmpty:
      for item in items {
        let key = JSONObject.picking(keys[name] ?? [], from: item)
        let part: JSON =
          name == "ownerReferences" ? [:] : fields(item, named: "item", unowned: unowned)
        owned.append("k:" + JSON.object(key).text, part)
      }
    default: return [:]
    }
    return .object(owned)
  }
}

extension JSONObject {
  /// The members with these names, as far as there are such.
  fileprivate static func picking(_ names: [String], from value: JSON) -> JSONObject {
    var picked = JSONObject()
    for name in names.sorted() {
      if let member = value[name] { picked.append(name, member) }
    }
    return picked
  }
}
