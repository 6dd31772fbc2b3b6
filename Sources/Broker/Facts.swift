package import Base
package import Cluster

/// What was found out about the target and about what the user may do there.
package struct Facts: Sendable, Equatable {
  /// The pod as the API server had it.
  package var pod: Pod
  /// The container that will be used.
  package var container: Container
  /// What was found inside the container, or why nothing was.
  package var inside: Result<ContainerFacts, Failure>

  /// Collects what was found out.
  package init(pod: Pod, container: Container, inside: Result<ContainerFacts, Failure>) {
    self.pod = pod
    self.container = container
    self.inside = inside
  }
}

/// Chooses the container as kubectl does: the one named, else the one that the annotation
/// `kubectl.kubernetes.io/default-container` names, else the first.
///
/// - Parameters:
///   - pod: The pod.
///   - name: The container asked for; nil for none.
/// - Returns: A container that runs, as far as is known.
/// - Throws: `Failure` when there is no such container, or it is not running, naming the cause.
package func chooseContainer(of pod: Pod, named name: String?) throws(Failure) -> Container {
  let target = "\(pod.namespace)/\(pod.name)"
  let what = "Cannot capture from \(target)."
  if pod.isFinished {
    throw Failure(
      .noRoute, what, why: "The pod has completed (\(pod.status)); nothing runs in it any more.",
      fix: "Choose a running pod: poddump list -n \(pod.namespace).")
  }
  guard let container = name.map(pod.container(named:)) ?? pod.defaultContainer else {
    let names = pod.allContainers.map(\.name).joined(separator: ", ")
    throw Failure(
      .notFound, what,
      why: "The pod has no container \(printable(name ?? "at all", limit: 100)).",
      fix: names.isEmpty ? nil : "Choose one of \(names) with -c.")
  }
  if pod.node == nil {
    throw Failure(
      .noRoute, what, why: "The pod is \(pod.status) and has no node yet.",
      fix: "See kubectl describe pod \(pod.name) -n \(pod.namespace), and try again when it runs.")
  }
  switch container.state {
  case .running, .unknown:
    return container
  case .waiting(let reason, _):
    throw Failure(
      .noRoute, what,
      why: "Its container \(container.name) is not running: it waits"
        + (reason.map { " (\(printable($0, limit: 100)))." } ?? "."),
      fix: "See kubectl describe pod \(pod.name) -n \(pod.namespace), and try again when it runs.")
  case .terminated(let reason, let exitCode):
    let ended = reason.map { "\(printable($0, limit: 100)), " } ?? ""
    throw Failure(
      .noRoute, what,
      why:
        "Its container \(container.name) is not running: it ended (\(ended)exit status \(exitCode)).",
      fix: "Choose another container with -c, or try again when it runs.")
  }
}
