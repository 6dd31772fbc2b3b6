/// A level of Kubernetes' Pod Security Standards.
package enum PodSecurityLevel: String, Sendable, CaseIterable, Comparable {
  case privileged, baseline, restricted

  /// Whether the left level allows more.
  package static func < (left: PodSecurityLevel, right: PodSecurityLevel) -> Bool {
    left.order < right.order
  }

  private var order: Int {
    switch self {
    case .privileged: 0
    case .baseline: 1
    case .restricted: 2
    }
  }

  /// The label of a namespace that says what is refused there.
  static let label = "pod-security.kubernetes.io/enforce"
}
