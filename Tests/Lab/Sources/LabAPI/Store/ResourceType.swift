/// A kind of object that the server knows, as its discovery documents describe it.
package struct ResourceType: Sendable, Hashable {
  package var group = ""
  package var version = "v1"
  /// The name in paths: `pods`.
  package var plural: String
  package var singular: String
  package var kind: String
  package var isNamespaced = true
  package var shortNames: [String] = []
  package var categories: [String] = []
  package var subresources: [Subresource] = []
  package var storageVersionHash: String?
  /// Whether objects of this kind are stored, or only created to get an answer (reviews).
  package var isStored = true

  package struct Subresource: Sendable, Hashable {
    package var name: String
    package var kind: String
    package var verbs: [String]
    package var group = ""
    package var version = ""
  }

  package var apiVersion: String { group.isEmpty ? version : "\(group)/\(version)" }

  /// The name in messages: `pods`, `deployments.apps`.
  package var qualifiedName: String { group.isEmpty ? plural : "\(plural).\(group)" }

  package var verbs: [String] {
    guard isStored else { return ["create"] }
    let verbs = [
      "create", "delete", "deletecollection", "get", "list", "patch", "update", "watch",
    ]
    return plural == "namespaces" ? verbs.filter { $0 != "deletecollection" } : verbs
  }

  /// All kinds, in the order in which discovery names them. What a real server has beyond these is
  /// left out: nothing of it exists in the lab.
  package static let all: [ResourceType] = [
    ResourceType(
      plural: "configmaps", singular: "configmap", kind: "ConfigMap", shortNames: ["cm"],
      storageVersionHash: "qFsyl6wFWjQ="),
    ResourceType(
      plural: "events", singular: "event", kind: "Event", shortNames: ["ev"],
      storageVersionHash: "r2yiGXH7wu8="),
    ResourceType(
      plural: "namespaces", singular: "namespace", kind: "Namespace", isNamespaced: false,
      shortNames: ["ns"], subresources: [.status("Namespace")], storageVersionHash: "Q3oi5N2YM8M="),
    ResourceType(
      plural: "nodes", singular: "node", kind: "Node", isNamespaced: false, shortNames: ["no"],
      subresources: [.status("Node")], storageVersionHash: "XwShjMxG9Fs="),
    ResourceType(
      plural: "pods", singular: "pod", kind: "Pod", shortNames: ["po"], categories: ["all"],
      subresources: [
        Subresource(name: "attach", kind: "PodAttachOptions", verbs: ["create", "get"]),
        Subresource(
          name: "ephemeralcontainers", kind: "Pod", verbs: ["get", "patch", "update"]),
        Subresource(name: "exec", kind: "PodExecOptions", verbs: ["create", "get"]),
        Subresource(name: "log", kind: "Pod", verbs: ["get"]),
        Subresource(
          name: "portforward", kind: "PodPortForwardOptions", verbs: ["create", "get"]),
        .status("Pod"),
      ], storageVersionHash: "xPOwRZ+Yhw8="),
    ResourceType(
      plural: "resourcequotas", singular: "resourcequota", kind: "ResourceQuota",
      shortNames: ["quota"], subresources: [.status("ResourceQuota")],
      storageVersionHash: "8uhSgffRX6w="),
    ResourceType(
      plural: "secrets", singular: "secret", kind: "Secret", storageVersionHash: "S6u1pOWzb84="),
    ResourceType(
      plural: "serviceaccounts", singular: "serviceaccount", kind: "ServiceAccount",
      shortNames: ["sa"], storageVersionHash: "pbx9ZvyFpBE="),
    ResourceType(
      plural: "services", singular: "service", kind: "Service", shortNames: ["svc"],
      categories: ["all"], subresources: [.status("Service")], storageVersionHash: "0/CO1lhkEBI="),
    ResourceType(
      group: "apps", plural: "daemonsets", singular: "daemonset", kind: "DaemonSet",
      shortNames: ["ds"], categories: ["all"], subresources: [.status("DaemonSet")],
      storageVersionHash: "dd7pWHUlMKQ="),
    ResourceType(
      group: "apps", plural: "deployments", singular: "deployment", kind: "Deployment",
      shortNames: ["deploy"], categories: ["all"], subresources: [.status("Deployment")],
      storageVersionHash: "8aSe+NMegvE="),
    ResourceType(
      group: "apps", plural: "replicasets", singular: "replicaset", kind: "ReplicaSet",
      shortNames: ["rs"], categories: ["all"], subresources: [.status("ReplicaSet")],
      storageVersionHash: "P1RzHs8/mWQ="),
    ResourceType(
      group: "apps", plural: "statefulsets", singular: "statefulset", kind: "StatefulSet",
      shortNames: ["sts"], categories: ["all"], subresources: [.status("StatefulSet")],
      storageVersionHash: "H+vl74LkKdo="),
    ResourceType(
      group: "authentication.k8s.io", plural: "selfsubjectreviews", singular: "selfsubjectreview",
      kind: "SelfSubjectReview", isNamespaced: false, isStored: false),
    ResourceType(
      group: "authorization.k8s.io", plural: "selfsubjectaccessreviews",
      singular: "selfsubjectaccessreview", kind: "SelfSubjectAccessReview", isNamespaced: false,
      isStored: false),
    ResourceType(
      group: "authorization.k8s.io", plural: "selfsubjectrulesreviews",
      singular: "selfsubjectrulesreview", kind: "SelfSubjectRulesReview", isNamespaced: false,
      isStored: false),
    ResourceType(
      group: "batch", plural: "cronjobs", singular: "cronjob", kind: "CronJob",
      shortNames: ["cj"], categories: ["all"], subresources: [.status("CronJob")],
      storageVersionHash: "sd5LIXh4Fjs="),
    ResourceType(
      group: "batch", plural: "jobs", singular: "job", kind: "Job", categories: ["all"],
      subresources: [.status("Job")], storageVersionHash: "mudhfqk/qZY="),
    ResourceType(
      group: "discovery.k8s.io", plural: "endpointslices", singular: "endpointslice",
      kind: "EndpointSlice", storageVersionHash: "qgS0xkrxYAI="),
  ]

  /// The kind with this name in this group; nil for one that does not exist here.
  package static func named(_ plural: String, group: String, version: String = "v1")
    -> ResourceType?
  {
    all.first { $0.plural == plural && $0.group == group && $0.version == version }
  }

  package static let pods = required("pods")
  package static let nodes = required("nodes")
  package static let namespaces = required("namespaces")
  package static let events = required("events")
  package static let resourceQuotas = required("resourcequotas")
  package static let services = required("services")
  package static let endpointSlices = required("endpointslices", group: "discovery.k8s.io")
  package static let replicaSets = required("replicasets", group: "apps")

  /// The kind of a workload by its name in `lab.json`, for example `Deployment`.
  package static func workload(_ kind: String) -> ResourceType? {
    all.first { $0.group == "apps" && $0.kind == kind }
  }

  private static func required(_ plural: String, group: String = "") -> ResourceType {
    named(plural, group: group) ?? ResourceType(plural: plural, singular: "", kind: "")
  }
}

extension ResourceType.Subresource {
  fileprivate static func status(_ kind: String) -> Self {
    Self(name: "status", kind: kind, verbs: ["get", "patch", "update"])
  }
}
