package import Base
package import Cluster

/// Finds out what a plan needs to know. The only part before opening that does I/O.
package struct FactFinder: Sendable {
  private let kubectl: Kubectl

  package init(kubectl: Kubectl) {
    self.kubectl = kubectl
  }

  /// Finds the target's pod and looks into it.
  ///
  /// - Throws: `Failure` when there is no such pod, or its container is not there or not running.
  package func gather(_ request: CaptureRequest) async throws(Failure) -> Facts {
    try await facts(of: pod(of: request), container: request.container)
  }

  /// Finds the pod that a request means, with one call to the API where it names the pod.
  ///
  /// - Throws: `Failure` when there is none, or more than one and no way to choose.
  package func pod(of request: CaptureRequest) async throws(Failure) -> Pod {
    let target = request.target
    if case .node = target?.kind {
      throw Failure(
        .noRoute, "Cannot capture from \(target?.text ?? "a node").",
        why: "This version reaches pods, by exec, and no nodes.",
        fix: "Choose a pod with host networking on that node: poddump list -A -o wide.")
    }
    let namespace: String
    if let named = target?.namespace ?? request.namespace {
      namespace = named
    } else {
      namespace = try await kubectl.config().context(named: kubectl.context).namespace
    }
    if let selector = request.selector {
      let listed = try await kubectl.pods(PodQuery(namespace: namespace, labels: selector))
      return try onlyRunning(listed.items, of: "selector \(selector.text)", in: namespace)
    }
    guard let target else { throw Failure(.usage, "Nothing to capture was named.") }
    guard case .workload(let kind) = target.kind else {
      return try await kubectl.pod(namespace: namespace, name: target.name)
    }
    let (_, pods) = try await kubectl.workloadPods(kind, namespace: namespace, name: target.name)
    return try onlyRunning(pods, of: target.text, in: namespace)
  }

  /// The one pod that runs. Several in one stream are not captured, and one of several is not chosen
  /// unasked: its packets would be taken for all.
  private func onlyRunning(
    _ pods: [Pod], of name: String, in namespace: String
  ) throws(Failure) -> Pod {
    let what = "Cannot capture from \(printable(name, limit: 100)) in namespace \(namespace)."
    let running = pods.filter(\.isRunning)
    guard let first = running.first else {
      throw Failure(
        .notFound, what, why: "It has no running pod.",
        fix: "See poddump list -n \(namespace).")
    }
    guard running.count == 1 else {
      let names = running.prefix(10).map { "\($0.namespace)/\($0.name)" }.joined(separator: ", ")
      throw Failure(
        .usage, what, why: "It has \(running.count) running pods, and one is captured at a time.",
        fix: "Name one of them: \(names).")
    }
    return first
  }

  /// Looks into the pod's container: one kubectl exec of a constant script that changes nothing.
  ///
  /// - Parameters:
  ///   - pod: The pod.
  ///   - name: The container asked for; nil for the one that kubectl would choose.
  /// - Returns: The facts; that the container could not be looked into is one of them.
  /// - Throws: `Failure` when the container is not there or not running.
  package func facts(of pod: Pod, container name: String?) async throws(Failure) -> Facts {
    let container = try chooseContainer(of: pod, named: name)
    let inside: Result<ContainerFacts, Failure>
    do throws(Failure) {
      inside = .success(try await look(into: pod, container))
    } catch {
      inside = .failure(error)
    }
    return Facts(pod: pod, container: container, inside: inside)
  }

  private func look(into pod: Pod, _ container: Container) async throws(Failure) -> ContainerFacts {
    let what =
      "Cannot look into \(pod.namespace)/\(pod.name) (container \(container.name)) by exec."
    let answer = try await kubectl.exec(
      what, namespace: pod.namespace, pod: pod.name, container: container.name,
      argv: ["sh", "-c", ContainerFacts.script])
    guard let facts = ContainerFacts(answer: answer) else {
      throw Failure(
        .other, what, why: "The container's shell did not answer as a POSIX shell does.",
        fix: "Choose another container with -c.", detail: printable(answer))
    }
    return facts
  }
}
