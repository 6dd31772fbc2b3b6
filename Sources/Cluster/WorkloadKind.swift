/// The kinds whose pods can be captured together. Raw values are the short names that kubectl has for
/// them, and those of interface values.
package enum WorkloadKind: String, Sendable, CaseIterable {
  case deployment = "deploy"
  case statefulSet = "sts"
  case daemonSet = "ds"
  case replicaSet = "rs"
  case job = "job"
  case service = "svc"
  case replicationController = "rc"

  /// The API group's path and the resource's name in it.
  package var resource: (group: String, name: String) {
    switch self {
    case .deployment: ("/apis/apps/v1", "deployments")
    case .statefulSet: ("/apis/apps/v1", "statefulsets")
    case .daemonSet: ("/apis/apps/v1", "daemonsets")
    case .replicaSet: ("/apis/apps/v1", "replicasets")
    case .job: ("/apis/batch/v1", "jobs")
    case .service: ("/api/v1", "services")
    case .replicationController: ("/api/v1", "replicationcontrollers")
    }
  }

  /// As it is written in objects and in prose.
  package var title: String {
    switch self {
    case .deployment: "Deployment"
    case .statefulSet: "StatefulSet"
    case .daemonSet: "DaemonSet"
    case .replicaSet: "ReplicaSet"
    case .job: "Job"
    case .service: "Service"
    case .replicationController: "ReplicationController"
    }
  }

  /// Whether `spec.selector` is a plain map of labels, as in the older kinds.
  var hasPlainSelector: Bool { self == .service || self == .replicationController }
}
