internal import Base
internal import Cluster

/// What an order means in the cluster, as it was found.
struct Sought: Sendable {
  /// A target that stands for pods that come and go.
  struct Followed: Sendable {
    /// "deploy/api".
    var text: String
    var query: PodQuery
    /// Whether its pods run to an end, after which no further ones come.
    var isJob = false
    /// The pods as they were when they were listed.
    var pods: Listed<Pod>
  }

  /// One for each pod or node that was named.
  var named: [CaptureRequest] = []
  /// The pods among them: "shop/web".
  var namedPods: Set<String> = []
  var followed: [Followed] = []
}

extension CaptureOrder {
  /// Looks up what is followed; pods and nodes that were named are looked up when they are captured.
  ///
  /// - Throws: `Failure` where something is not there, or nothing of it runs.
  func seek(_ kubectl: Kubectl) async throws(Failure) -> Sought {
    var sought = Sought()
    if isSingle {
      sought.named = [single(targets[0])]
      return sought
    }
    let fallback = try await kubectl.namespace(request.namespace)
    if let selector {
      sought.followed.append(
        try await followed("selector \(selector.text)", selector, in: fallback, kubectl))
    }
    var seen: Set<Target> = []
    for var target in targets {
      if target.kind != .node { target.namespace = target.namespace ?? fallback }
      guard seen.insert(target).inserted else { continue }
      switch target.kind {
      case .node: sought.named.append(single(target))
      case .pod:
        sought.named.append(single(target))
        sought.namedPods.insert("\(target.namespace ?? fallback)/\(target.name)")
      case .workload(let kind):
        let namespace = target.namespace ?? fallback
        let workload = try await kubectl.workload(kind, namespace: namespace, name: target.name)
        guard let labels = workload.selector else {
          throw Failure(
            .noRoute, "Cannot capture from \(target.text).",
            why: "The \(kind.title) has no selector, so no pods belong to it.",
            fix: "Name the pods themselves.")
        }
        var followed = try await followed(target.text, labels, in: namespace, kubectl)
        followed.isJob = kind == .job
        sought.followed.append(followed)
      }
    }
    return sought
  }

  private func followed(
    _ text: String, _ selector: LabelSelector, in namespace: String, _ kubectl: Kubectl
  ) async throws(Failure) -> Sought.Followed {
    let query = PodQuery(namespace: namespace, labels: selector, limit: Roster.limit)
    let pods = try await kubectl.pods(query)
    guard pods.items.contains(where: \.isRunning) else {
      throw Failure(
        .notFound,
        "Cannot capture from \(printable(text, limit: 100)) in namespace \(namespace).",
        why: "It has no running pod.", fix: "See poddump list -n \(namespace).")
    }
    return Sought.Followed(text: text, query: query, pods: pods)
  }

  /// What is asked for of one of them.
  func single(_ target: Target) -> CaptureRequest {
    var request = request
    request.target = target
    request.namespace = target.namespace ?? request.namespace
    // What a capture leaves somewhere has its name.
    request.session = CaptureRequest.newSession()
    return request
  }
}
