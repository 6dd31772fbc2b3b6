/// A level of Kubernetes' Pod Security Standards.
package enum PodSecurityLevel: String, Sendable, CaseIterable {
  case privileged, baseline, restricted

  /// The label of a namespace that says what is refused there.
  static let label = "pod-security.kubernetes.io/enforce"
}
