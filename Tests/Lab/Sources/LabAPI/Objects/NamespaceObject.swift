/// A namespace as the API server would describe it.
package struct NamespaceObject {
  package var namespace: LabFile.Namespace
  package var created: Timestamp

  package init(_ namespace: LabFile.Namespace, created: Timestamp) {
    (self.namespace, self.created) = (namespace, created)
  }

  package var json: JSON {
    var meta = ObjectMeta(
      name: namespace.name, uid: namespace.uid, created: created, labels: namespace.labels ?? [:])
    meta.applied(apiVersion: "v1", kind: "Namespace", spec: nil)
    meta.labels["kubernetes.io/metadata.name"] = namespace.name
    meta.managedFields = [
      ManagedFields.entry(
        manager: "kubectl-client-side-apply", time: created,
        fields: ["metadata": meta.ownedFields])
    ]
    return [
      "kind": "Namespace", "apiVersion": "v1", "metadata": meta.json,
      "spec": ["finalizers": ["kubernetes"]], "status": ["phase": "Active"],
    ]
  }
}
