/// The metadata of an object, without its `resourceVersion`, which the store fills in.
package struct ObjectMeta {
  package var name: String
  package var generateName: String?
  package var namespace: String?
  package var uid: String
  package var generation: Int?
  package var created: Timestamp
  package var labels: [String: String] = [:]
  package var annotations: [String: String] = [:]
  package var owner: JSON?
  package var managedFields: [JSON] = []

  /// The members in the order in which the API server writes them.
  package var json: JSON {
    .object(
      ("name", .string(name)), ("generateName", generateName.map { .string($0) }),
      ("namespace", namespace.map { .string($0) }), ("uid", .string(uid)),
      ("resourceVersion", ""), ("generation", generation.map { .integer($0) }),
      ("creationTimestamp", created.json),
      ("labels", labels.isEmpty ? nil : .map(labels)),
      ("annotations", annotations.isEmpty ? nil : .map(annotations)),
      ("ownerReferences", owner.map { [$0] }),
      ("managedFields", managedFields.isEmpty ? nil : .array(managedFields)))
  }

  /// The parts of the metadata that whoever wrote the manifest owns.
  package var ownedFields: JSON {
    .object(
      ("annotations", annotations.isEmpty ? nil : .map(annotations)),
      ("generateName", generateName.map { .string($0) }),
      ("labels", labels.isEmpty ? nil : .map(labels)),
      ("ownerReferences", owner.map { [$0] }))
  }

  /// The reference of an object to the controller that made it.
  package static func controller(
    kind: String, apiVersion: String, name: String, uid: String
  ) -> JSON {
    [
      "apiVersion": .string(apiVersion), "kind": .string(kind), "name": .string(name),
      "uid": .string(uid), "controller": true, "blockOwnerDeletion": true,
    ]
  }

  package static let lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

  /// What `kubectl apply` leaves in an annotation: the manifest on one line.
  package mutating func applied(apiVersion: String, kind: String, spec: JSON?) {
    let metadata: JSON = .object(
      ("annotations", .map(annotations)), ("labels", .map(labels)), ("name", .string(name)),
      ("namespace", namespace.map { .string($0) }))
    let manifest: JSON = .object(
      ("apiVersion", .string(apiVersion)), ("kind", .string(kind)), ("metadata", metadata),
      ("spec", spec))
    annotations[Self.lastApplied] = manifest.text + "\n"
  }
}
