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

  /// Lists whose items are told apart by their value.
  private static let sets: Set<String> = ["podCIDRs"]

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
  ///   - manager: who.
  ///   - apiVersion: in which version of the kind.
  ///   - time: when.
  ///   - subresource: through which subresource, if any.
  ///   - fields: an object with the fields that the manager set.
  ///   - unowned: further parts that the manager did not create.
  ///   - changed: items of lists, by their key, of which the manager only changed some members.
  /// - Returns: the entry.
  package static func entry(
    manager: String, apiVersion: String = "v1", time: Timestamp, subresource: String? = nil,
    fields: JSON, unowned: Set<String> = [], changed: [JSON] = []
  ) -> JSON {
    .object(
      ("manager", .string(manager)), ("operation", "Update"), ("apiVersion", .string(apiVersion)),
      ("time", time.json), ("fieldsType", "FieldsV1"),
      (
        "fieldsV1",
        ManagedFields(unowned: Self.unowned.union(unowned), changed: changed)
          .fields(fields, named: "")
      ),
      ("subresource", subresource.map { .string($0) }))
  }

  private var unowned: Set<String>
  private var changed: [JSON]

  private func fields(_ value: JSON, named name: String) -> JSON {
    guard !Self.atomic.contains(name) else { return [:] }
    var owned = JSONObject()
    if !unowned.contains(name) { owned.append(".", [:]) }
    switch value {
    case .object(let object) where !object.members.isEmpty: append(object, to: &owned)
    case .array(let items) where Self.sets.contains(name):
      for item in items { owned.append("v:" + item.text, [:]) }
    case .array(let items) where Self.keys[name] != nil && !items.isEmpty:
      for item in items {
        let key = JSONObject.picking(Self.keys[name] ?? [], from: item)
        let part: JSON =
          if name == "ownerReferences" {
            [:]
          } else if changed.contains(.object(key)) {
            changes(of: item, but: key)
          } else {
            fields(item, named: "item")
          }
        owned.append("k:" + JSON.object(key).text, part)
      }
    default: return [:]
    }
    return .object(owned)
  }

  private func changes(of item: JSON, but key: JSONObject) -> JSON {
    var changes = JSONObject()
    for member in item.object?.members ?? [] where key[member.name] == nil {
      changes.append(member.name, member.value)
    }
    var owned = JSONObject()
    append(changes, to: &owned)
    return .object(owned)
  }

  private func append(_ object: JSONObject, to owned: inout JSONObject) {
    for member in object.members.sorted(by: { $0.name < $1.name }) {
      owned.append("f:" + member.name, fields(member.value, named: member.name))
    }
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
