package import Base
package import Cluster

/// What is captured, as it was found.
package enum Subject: Sendable, Equatable {
  /// A pod, and the container that was chosen.
  case pod(Pod, Container)
  /// A node itself.
  case node(Node)

  /// "shop/web", or "node n1".
  package var text: String {
    switch self {
    case .pod(let pod, _): "\(pod.namespace)/\(pod.name)"
    case .node(let node): "node \(node.name)"
    }
  }

  /// The object's own name.
  package var name: String {
    switch self {
    case .pod(let pod, _): pod.name
    case .node(let node): node.name
    }
  }

  /// The node that it is, or is on.
  package var node: String? {
    switch self {
    case .pod(let pod, _): pod.node
    case .node(let node): node.name
    }
  }
}

/// What was found out about the target and about what the user may do there. Nil is what no route asked.
package struct Facts: Sendable, Equatable {
  package var subject: Subject
  /// What was found inside the container, or why nothing was.
  package var inside: Result<ContainerFacts, Failure>?
  /// How the node was reached by ssh.
  package var login: NodeLogin?
  /// What was found on the node, or why nothing was.
  package var node: Result<NodeFacts, Failure>?
  /// Which ephemeral container the pod has or would be allowed, or why none.
  package var debug: Result<DebugFacts, Failure>?
  /// Which helper pod would be allowed, or why none.
  package var helper: Result<HelperFacts, Failure>?
  /// Which cluster it is, where something may be changed in it.
  package var cluster: ClusterReference?

  /// Collects what was found out.
  package init(
    subject: Subject, inside: Result<ContainerFacts, Failure>? = nil, login: NodeLogin? = nil,
    node: Result<NodeFacts, Failure>? = nil
  ) {
    self.subject = subject
    self.inside = inside
    self.login = login
    self.node = node
  }
}

/// What was found out about ephemeral containers in a pod.
package struct DebugFacts: Sendable, Equatable {
  /// One of ours that runs and can be used again.
  package var running: Container?
  /// What a new one is allowed.
  package var security: EphemeralContainer.Security
  /// Whether the user may only patch, not update: then `kubectl debug` adds it.
  package var byPatch: Bool
  /// The right that the user lacks to see what the namespace's Pod Security level allows, where that was asked.
  package var missing: Right?

  package init(
    running: Container? = nil, security: EphemeralContainer.Security = .capturing,
    byPatch: Bool = false
  ) {
    self.running = running
    self.security = security
    self.byPatch = byPatch
  }
}

/// What was found out about a helper pod.
package struct HelperFacts: Sendable, Equatable {
  /// Where it would be.
  package var namespace: String

  package init(namespace: String) { self.namespace = namespace }
}

/// Chooses the container as kubectl does: the one named, else the one that the annotation
/// `kubectl.kubernetes.io/default-container` names, else the first.
///
/// - Parameters:
///   - pod: The pod.
///   - name: The container asked for; nil for none.
/// - Returns: The container; whether it runs is another question.
/// - Throws: `Failure` when there is no such container, or nothing of the pod runs anywhere, naming the
///   cause.
package func chooseContainer(of pod: Pod, named name: String?) throws(Failure) -> Container {
  let what = "Cannot capture from \(pod.namespace)/\(pod.name)."
  if pod.isFinished {
    throw Failure(
      .noRoute, what, why: "The pod has completed (\(pod.status)); nothing runs in it any more.",
      fix: "Choose a running pod: poddump list -n \(pod.namespace).")
  }
  guard pod.operatingSystem != "windows" else {
    throw Failure(
      .noRoute, what, why: "The pod runs on Windows, and packets are captured on Linux only.",
      fix: "Choose a pod on a Linux node: poddump list -n \(pod.namespace).")
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
  // A kubelet that has taken a pod up says so by the node's address (v1.PodStatus, hostIP).
  if pod.phase == "Pending", pod.hostIP == nil, let node = pod.node {
    throw Failure(
      .noRoute, what,
      why: "The pod is \(pod.status), and the kubelet of its node, \(printable(node, limit: 100)), "
        + "has not taken it up.",
      fix: "See kubectl describe pod \(pod.name) -n \(pod.namespace), and try again when it runs.")
  }
  return container
}

/// Why nothing can be run in a container; nil when it runs, as far as is known.
package func whyNotRunning(_ container: Container, of pod: Pod) -> Failure? {
  let what = "Cannot capture from \(pod.namespace)/\(pod.name)."
  switch container.state {
  case .running, .unknown:
    return nil
  case .waiting(let reason, _):
    return Failure(
      .noRoute, what,
      why: "Its container \(container.name) is not running: it waits"
        + (reason.map { " (\(printable($0, limit: 100)))." } ?? "."),
      fix: "See kubectl describe pod \(pod.name) -n \(pod.namespace), and try again when it runs.")
  case .terminated(let reason, let exitCode):
    let ended = reason.map { "\(printable($0, limit: 100)), " } ?? ""
    return Failure(
      .noRoute, what,
      why:
        "Its container \(container.name) is not running: it ended (\(ended)exit status \(exitCode)).",
      fix: "Choose another container with -c, or try again when it runs.")
  }
}
