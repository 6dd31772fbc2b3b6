/// The validating admission plugins that can stand in the way of a capture, in the server's order:
/// PodSecurity, ValidatingAdmissionWebhook, ResourceQuota (k8s.io/kubernetes/pkg/kubeapiserver/
/// options/plugins.go). RBAC and validation have been passed before.
package struct Admission {
  package enum Operation: String, Sendable {
    case create
    case ephemeralContainers = "ephemeralcontainers"
    case exec
  }

  let store: Store
  let namespace: String
  /// What a webhook denies in the namespace.
  let webhook: [String]

  private static let denial =
    "admission webhook \"denier.example.com\" denied the request: capturing traffic is against "
    + "policy NET-7; ask the platform team"

  /// Lets an operation on a pod pass or not.
  /// - Returns: warnings, as the header `Warning` has them.
  /// - Throws: ``Status``, the refusal.
  package func admit(_ pod: JSON, _ operation: Operation) throws(Status) -> [String] {
    var warnings: [String] = []
    if operation != .exec { warnings = try admitSecurity(pod) }
    if webhook.contains(operation.rawValue) {
      throw Status(code: 403, reason: nil, message: Self.denial)
    }
    if operation == .create { try admitQuota(pod) }
    return warnings
  }

  private func admitSecurity(_ pod: JSON) throws(Status) -> [String] {
    let labels = store.object(.namespaces, ObjectKey(name: namespace))?.labels ?? [:]
    let security = PodSecurity(spec: pod["spec"] ?? [:])
    func complaint(_ mode: String) -> String? {
      let label = "pod-security.kubernetes.io/" + mode
      guard let level = labels[label].flatMap(PodSecurity.Level.init),
        let violations = security.violations(of: level)
      else { return nil }
      return "violate PodSecurity \"\(level.rawValue):\(labels[label + "-version"] ?? "latest")\": "
        + violations
    }
    if let enforced = complaint("enforce") {
      let words = enforced.replacing("violate ", with: "violates ", maxReplacements: 1)
      throw .refused(pod[path: ["metadata", "name"]]?.string ?? "", words)
    }
    return complaint("warn").map { ["would " + $0] } ?? []
  }

  private func admitQuota(_ pod: JSON) throws(Status) {
    let name = pod[path: ["metadata", "name"]]?.string ?? ""
    let quotas = store.list(Selection(type: .resourceQuotas, namespace: namespace)).objects
    for quota in quotas.map(\.json) {
      let usage = QuotaUsage(quota)
      if let complaint = usage.complaint(about: pod) { throw .refused(name, complaint) }
    }
  }
}
