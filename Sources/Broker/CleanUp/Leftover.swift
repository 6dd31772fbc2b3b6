internal import Cluster

/// Something of poddump's that was found in the cluster, whether a journal knows it or not.
package enum Leftover: Sendable, Equatable {
  /// A pod with the label `app.kubernetes.io/managed-by=poddump`.
  case pod(HelperPod)
  /// An ephemeral container named `poddump-…`; `state` as the API says.
  case container(namespace: String, pod: String, uid: String, name: String, isRunning: Bool)

  /// The change that made it.
  package var change: FarChange {
    switch self {
    case .pod(let pod): .pod(namespace: pod.namespace, name: pod.name)
    case .container(let namespace, let pod, let uid, let name, _):
      .ephemeralContainer(namespace: namespace, pod: pod, uid: uid, container: name)
    }
  }
}

/// A pod that poddump made, as far as it says whose it is.
package struct HelperPod: Sendable, Equatable {
  /// The label that every object of ours has, and its value.
  package static let label = (name: "app.kubernetes.io/managed-by", value: "poddump")
  /// The annotation that says who made it: "ann@desk".
  package static let userAnnotation = "poddump/user"
  /// The annotation that says when its time is over, in RFC 3339.
  package static let expiryAnnotation = "poddump/expires"

  package var namespace: String
  package var name: String
  package var isFinished = false
  package var isBeingDeleted = false
  package var user: String?
  /// The time of the annotation, in its own words and in seconds since 1970.
  package var expiry: (text: String, seconds: Int)? {
    guard let expires, let seconds = Timestamp.unixSeconds(expires) else { return nil }
    return (expires, seconds)
  }
  package var expires: String?

  package init(namespace: String, name: String) {
    self.namespace = namespace
    self.name = name
  }
}
