internal import Base
internal import Cluster

/// Finds the pod that took another one's place.
enum Successor {
  /// Labels that a controller gives to each pod anew, or to each version of its template.
  private static let volatile: Set<String> = [
    "apps.kubernetes.io/pod-index", "batch.kubernetes.io/job-completion-index",
    "controller-revision-hash",
    "pod-template-generation", "pod-template-hash", "statefulset.kubernetes.io/pod-name",
  ]

  /// The labels that a successor has as well, as a selector; nil where there are none.
  static func selector(of pod: Pod) -> LabelSelector? {
    let lasting = pod.labels.filter { !volatile.contains($0.key) }
    return LabelSelector(lasting.map { "\($0.key)=\($0.value)" }.sorted().joined(separator: ","))
  }

  /// Chooses among the pods of the namespace with those labels.
  ///
  /// The pod itself, if it runs again or still; else one of the same name, as a StatefulSet makes it; else the
  /// newest that has the same controller; else, where a ReplicaSet made it, the newest of another ReplicaSet: a
  /// new version of the same Deployment.
  static func choose(after gone: Pod, among pods: [Pod]) -> Pod? {
    let running = pods.filter { $0.isRunning && $0.deletion == nil }
    if let same = running.first(where: { $0.name == gone.name }) { return same }
    guard let kind = gone.ownerKind else { return nil }
    let newest = running.filter { $0.ownerKind == kind }
      .sorted { ($0.created ?? 0, $0.name) > ($1.created ?? 0, $1.name) }
    return newest.first { $0.ownerName == gone.ownerName }
      ?? (kind == "ReplicaSet" && !gone.labels.isEmpty ? newest.first : nil)
  }

  /// How long a successor is waited for.
  static let patience = Duration.seconds(60)

  /// Looks for the successor until one runs.
  ///
  /// - Throws: `Failure` when there is none for a minute.
  static func find(after gone: Pod, _ kubectl: Kubectl) async throws(Failure) -> Pod {
    let deadline = ContinuousClock.now + patience
    let query = PodQuery(
      namespace: gone.namespace, labels: selector(of: gone), limit: Roster.limit, keepsLabels: true)
    while true {
      let pods = try await kubectl.pods(query).items
      if let pod = choose(after: gone, among: pods) { return pod }
      guard ContinuousClock.now < deadline, !Task.isCancelled else { break }
      try? await Task.sleep(for: .seconds(1))
    }
    throw Failure(
      .notFound, "No pod took the place of \(gone.namespace)/\(gone.name).",
      why: gone.ownerKind == nil
        ? "It had no controller that would make another one, and none of its name runs."
        : "Nothing of its \(printable(gone.ownerKind ?? "", limit: 60)) has run for a minute.",
      fix: "Choose another pod: poddump list -n \(gone.namespace).")
  }
}
