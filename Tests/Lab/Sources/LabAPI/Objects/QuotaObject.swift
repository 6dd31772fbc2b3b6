/// The quota of a namespace as the API server would describe it.
package struct QuotaObject {
  package var quota: LabFile.Quota
  package var namespace: String
  package var used: [String: String]
  package var created: Timestamp

  package var json: JSON {
    let meta = ObjectMeta(
      name: quota.name, namespace: namespace,
      uid: Digest.uid(of: "quota \(namespace)/\(quota.name)"), created: created)
    return [
      "kind": "ResourceQuota", "apiVersion": "v1", "metadata": meta.json,
      "spec": ["hard": .map(quota.hard)],
      "status": ["hard": .map(quota.hard), "used": .map(used)],
    ]
  }
}
