package import Base
package import Cluster
internal import SSH

/// What was found out about a request, what the routes say to it, and what is open for the one that was
/// chosen.
package struct Investigation: Sendable {
  package let facts: Facts
  package let decision: Decision
  private let kubectl: Kubectl
  private let shell: NodeShell?

  init(facts: Facts, decision: Decision, kubectl: Kubectl, shell: NodeShell?) {
    self.facts = facts
    self.decision = decision
    self.kubectl = kubectl
    self.shell = shell
  }

  /// The transport of a plan's route.
  ///
  /// - Throws: `Failure` when nothing is open for it.
  func transport(of plan: Plan) throws(Failure) -> any Transport {
    switch (plan.route, facts.subject) {
    case (.exec, .pod(let pod, let container)):
      return KubectlTransport(
        kubectl: kubectl, namespace: pod.namespace, pod: pod.name, container: container.name)
    case (.ssh, _):
      if let shell, let login = facts.login { return SSHTransport(shell: shell, login: login) }
    default: break
    }
    throw Failure(.other, "Cannot capture from \(plan.target).", why: "Its connection is gone.")
  }
}

/// Finds out what a plan needs to know. The only part before opening that does I/O.
package struct FactFinder: Sendable {
  let kubectl: Kubectl
  let nodes: NodeAccess
  private let order: [RouteName]

  /// Creates a finder.
  ///
  /// - Parameters:
  ///   - kubectl: The cluster.
  ///   - nodes: How nodes are reached by ssh.
  ///   - order: The routes that may be chosen, the preferred first.
  package init(
    kubectl: Kubectl, nodes: NodeAccess = NodeAccess(), order: [RouteName] = RouteName.allCases
  ) {
    self.kubectl = kubectl
    self.nodes = nodes
    self.order = order
  }

  /// Finds the target, asks the routes one after the other, and lends the result to `body`.
  ///
  /// What the chosen route has open stays open until `body` is done, and whatever else was opened is closed
  /// before.
  ///
  /// - Parameters:
  ///   - request: What is asked for.
  ///   - all: Whether every route is asked, for a plan; else only until one can be used.
  ///   - body: Works with the result.
  /// - Returns: What `body` returns.
  /// - Throws: `Failure` when there is no such target, or its container is not there; or what `body`
  ///   throws.
  package func investigate<R: Sendable>(
    _ request: CaptureRequest, all: Bool = false,
    _ body: @escaping @Sendable (Investigation) async throws(Failure) -> R
  ) async throws(Failure) -> R {
    let subject = try await subject(of: request)
    let order = Order(request: request, all: all)
    return try await visit(candidates(request, subject), Facts(subject: subject), order, body)
  }

  private struct Order: Sendable {
    var request: CaptureRequest
    var all: Bool
  }

  /// Gathers the facts of one route after the other.
  private func visit<R: Sendable>(
    _ routes: [RouteName], _ facts: Facts, _ order: Order,
    _ body: @escaping @Sendable (Investigation) async throws(Failure) -> R
  ) async throws(Failure) -> R {
    var facts = facts
    var visited: [RouteName] = []
    for route in routes {
      // Asked only here: it starts ssh, for nothing where a route before can be used.
      let isWanted = order.request.route != nil || route != .ssh
      guard isWanted ? true : await mayKnock(at: facts.subject) else { continue }
      visited.append(route)
      switch route {
      case .exec:
        facts.inside = await inside(facts.subject)
      case .ssh:
        let asked = visited
        let before = facts
        let visit = await withNode(facts.subject) {
          (login, node, shell) async -> NodeVisit<R> in
          var facts = before
          facts.login = login
          facts.node = .success(node)
          let decision = decide(order.request, facts: facts, routes: asked, kubectl: kubectl)
          guard !order.all, decision.options.last?.isUsable == true else { return .left(facts) }
          do throws(Failure) {
            return .finished(
              .success(
                try await body(
                  Investigation(
                    facts: facts, decision: decision, kubectl: kubectl, shell: shell))))
          } catch {
            return .finished(.failure(error))
          }
        }
        switch visit {
        case .success(.finished(let result)): return try result.get()
        case .success(.left(let found)): facts = found
        case .failure(let failure): facts.node = .failure(failure)
        }
      }
      let decision = decide(order.request, facts: facts, routes: visited, kubectl: kubectl)
      if !order.all, decision.options.last?.isUsable == true { break }
    }
    let decision = decide(order.request, facts: facts, routes: visited, kubectl: kubectl)
    return try await body(
      Investigation(facts: facts, decision: decision, kubectl: kubectl, shell: nil))
  }

  /// What came of a look at a node: the whole rest of the work, or facts and nothing left open.
  private enum NodeVisit<R: Sendable>: Sendable {
    case finished(Result<R, Failure>)
    case left(Facts)
  }

  /// The routes that are for such a target: the one asked for, or those of the order.
  private func candidates(_ request: CaptureRequest, _ subject: Subject) -> [RouteName] {
    if let route = request.route { return [route] }
    // Whoever names a node has asked for it.
    if case .node = subject { return [.ssh] }
    return order
  }

  /// Whether a node may be logged in to that nobody has asked for: nobody's nodes are knocked at unasked.
  private func mayKnock(at subject: Subject) async -> Bool {
    guard case .pod(let pod, _) = subject, !nodes.isConfigured else { return true }
    return await hasOwnSettings(pod.node)
  }

  func hasOwnSettings(_ node: String?) async -> Bool {
    guard let node, let ssh = OpenSSH.find() else { return false }
    return await SSHSettings.hasOwnSettings(name: node, ssh: ssh)
  }

  // MARK: - The target

  private func subject(of request: CaptureRequest) async throws(Failure) -> Subject {
    if let target = request.target, case .node = target.kind {
      if request.container != nil {
        throw Failure(
          .usage, "Cannot capture from \(target.text).", why: "A node has no containers.",
          fix: "Leave -c out.")
      }
      return .node(try await kubectl.node(name: target.name))
    }
    let pod = try await pod(of: request)
    return .pod(pod, try chooseContainer(of: pod, named: request.container))
  }

  /// Finds the pod that a request means, with one call to the API where it names the pod.
  ///
  /// - Throws: `Failure` when there is none, or more than one and no way to choose.
  private func pod(of request: CaptureRequest) async throws(Failure) -> Pod {
    let target = request.target
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

  // MARK: - Inside the container

  /// Looks into the pod's container: one kubectl exec of a constant script that changes nothing.
  private func inside(_ subject: Subject) async -> Result<ContainerFacts, Failure>? {
    guard case .pod(let pod, let container) = subject else { return nil }
    if let failure = whyNotRunning(container, of: pod) { return .failure(failure) }
    do throws(Failure) {
      return .success(try await look(into: pod, container))
    } catch {
      return .failure(error)
    }
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
