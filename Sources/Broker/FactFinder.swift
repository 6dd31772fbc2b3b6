package import Base
package import Cluster
internal import SSH

/// What was found out about a request, and what the routes say to it.
package struct Investigation: Sendable {
  package let facts: Facts
  package let decision: Decision
  /// What the chosen plan opens with.
  let opening: Opening
}

/// What came of a plan that was tried.
package enum Attempt<R: Sendable>: Sendable {
  case done(R)
  /// It could not be opened: the next route may work.
  case failed(Failure)
}

/// What a route wants to know before it can decide.
enum FactGroup: Sendable, CaseIterable {
  /// What there is inside the container.
  case inside
  /// What there is on the node, by ssh.
  case node
  /// Whether an ephemeral container is allowed.
  case debug
  /// Whether a helper pod is allowed.
  case helper
}

extension RouteName {
  /// What it has to know.
  var facts: FactGroup {
    switch self {
    case .exec, .upload: .inside
    case .ssh: .node
    case .debug: .debug
    case .node: .helper
    }
  }
}

/// Finds out what a plan needs to know. The only part before opening that does I/O.
package struct FactFinder: Sendable {
  let tools: RouteTools
  let nodes: NodeAccess
  private let journal: Journal?

  var kubectl: Kubectl { tools.kubectl }

  /// Creates a finder.
  ///
  /// - Parameters:
  ///   - tools: The cluster, the engines, and what is set about routes.
  ///   - nodes: How nodes are reached by ssh.
  ///   - journal: Where changes are written down; nil where nothing will be changed.
  package init(
    tools: RouteTools, nodes: NodeAccess = NodeAccess(), journal: Journal? = nil
  ) {
    self.tools = tools
    self.nodes = nodes
    self.journal = journal
  }

  /// Finds the target, gathers everything that any route wants to know, at the same time, and decides.
  /// Nothing stays open.
  ///
  /// - Parameter request: What is asked for.
  /// - Returns: Facts and every route's verdict.
  /// - Throws: `Failure` when there is no such target, or its container is not there.
  package func survey(_ request: CaptureRequest) async throws(Failure) -> (Facts, Decision) {
    let subject = try await subject(of: request)
    let routes = candidates(request, subject)
    return try await gather(Set(routes.map(\.facts)), Search(request), Facts(subject: subject), nil)
    {
      facts, _ async in
      .success((facts, decide(request, facts: facts, routes: routes, tools: tools)))
    }.get()
  }

  /// Finds the target and tries the routes in their order, until one works.
  ///
  /// First only what the first route wants to know is found out; where that is not enough, everything else
  /// at the same time. What a route has open stays open while `body` works with it.
  ///
  /// - Parameters:
  ///   - request: What is asked for.
  ///   - tell: Tells the user what is being waited for.
  ///   - body: Tries a plan.
  /// - Returns: What `body` returned.
  /// - Throws: `Failure` when there is no such target, or no route works; or what `body` throws.
  package func attempt<R: Sendable>(
    _ request: CaptureRequest, tell: @escaping @Sendable (String) -> Void = { _ in },
    _ body: @escaping @Sendable (Investigation) async throws(Failure) -> Attempt<R>
  ) async throws(Failure) -> R {
    let subject = try await subject(of: request)
    var search = Search(request)
    search.tell = tell
    search.left = candidates(request, subject)
    return try await visit(search, Facts(subject: subject), nil, body).get()
  }

  /// How far the search for a route has come.
  private struct Search: Sendable {
    var request: CaptureRequest
    var tell: @Sendable (String) -> Void = { _ in }
    /// The routes that were not judged yet.
    var left: [RouteName] = []
    /// What was asked already.
    var known: Set<FactGroup> = []
    /// What the routes before said.
    var options: [Decision.Option] = []

    init(_ request: CaptureRequest) { self.request = request }
  }

  /// Judges and tries one route after the other, and finds out more where that needs it.
  private func visit<R: Sendable>(
    _ search: Search, _ facts: Facts, _ shell: NodeShell?,
    _ body: @escaping @Sendable (Investigation) async throws(Failure) -> Attempt<R>
  ) async -> Result<R, Failure> {
    var search = search
    while let route = search.left.first {
      guard search.known.contains(route.facts) else {
        let wanted =
          search.known.isEmpty
          ? [route.facts] : Set(search.left.map(\.facts)).subtracting(search.known)
        search.known.formUnion(wanted)
        let next = search
        return await gather(wanted, search, facts, shell) { facts, shell async in
          await visit(next, facts, shell, body)
        }
      }
      search.left.removeFirst()
      var verdict = judge(route, search.request, facts: facts, tools: tools)
      if case .usable = verdict {
        let opening = Opening(
          request: search.request, facts: facts, tools: tools, shell: shell, journal: journal,
          tell: search.tell)
        let option = Decision.Option(route: route, verdict: verdict)
        do throws(Failure) {
          let investigation = Investigation(
            facts: facts, decision: Decision(options: search.options + [option]), opening: opening)
          switch try await body(investigation) {
          case .done(let result): return .success(result)
          case .failed(let failure): verdict = .refused(failure)
          }
        } catch {
          return .failure(error)
        }
      }
      search.options.append(Decision.Option(route: route, verdict: verdict))
    }
    return .failure(Decision(options: search.options).refusal)
  }

  /// Finds several things out at the same time, and lends the result, with what was opened for it.
  private func gather<R: Sendable>(
    _ groups: Set<FactGroup>, _ search: Search, _ facts: Facts, _ shell: NodeShell?,
    _ body: @escaping @Sendable (Facts, NodeShell?) async -> Result<R, Failure>
  ) async -> Result<R, Failure> {
    guard groups.contains(.node) else {
      return await body(await others(groups, search.request, facts), shell)
    }
    guard search.request.route != nil ? true : await mayKnock(at: facts.subject) else {
      var facts = facts
      facts.node = .failure(
        Failure(
          .noRoute, facts.refusal(by: .ssh),
          why: "ssh to nodes is not configured, and nobody's nodes are knocked at unasked.",
          fix: "Configure it in [ssh], or ask for it with --route ssh."))
      return await body(await others(groups, search.request, facts), shell)
    }
    let found = Promise<Facts>()
    return await withTaskGroup(of: Result<R, Failure>?.self) { group in
      group.addTask {
        found.give(await others(groups, search.request, facts))
        return nil
      }
      group.addTask {
        let visit = await withNode(facts.subject) { (login, node, shell) async in
          var facts = await found.value
          facts.login = login
          facts.node = .success(node)
          return await body(facts, shell)
        }
        switch visit {
        case .success(let result): return result
        case .failure(let failure):
          var facts = await found.value
          facts.node = .failure(failure)
          return await body(facts, shell)
        }
      }
      var result: Result<R, Failure>?
      for await one in group { result = result ?? one }
      return result ?? .failure(Failure(.other, facts.refusal(by: .ssh)))
    }
  }

  /// What is found out without anything staying open.
  private func others(
    _ groups: Set<FactGroup>, _ request: CaptureRequest, _ facts: Facts
  ) async -> Facts {
    var facts = facts
    let subject = facts.subject
    let before = facts
    async let inside = groups.contains(.inside) ? inside(subject) : before.inside
    async let debug = groups.contains(.debug) ? debug(subject, request) : before.debug
    async let helper = groups.contains(.helper) ? helper(subject, request) : before.helper
    facts.inside = await inside
    facts.debug = await debug
    facts.helper = await helper
    return facts
  }

  /// The routes that are for such a target: the one asked for, or those of the order.
  private func candidates(_ request: CaptureRequest, _ subject: Subject) -> [RouteName] {
    if let route = request.route { return [route] }
    // Nothing can be run in a node but by these.
    if case .node = subject { return tools.settings.order.filter { $0 == .ssh || $0 == .node } }
    return tools.settings.order
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
      return .success(try await kubectl.look(into: pod, container))
    } catch {
      return .failure(error)
    }
  }
}

extension Kubectl {
  /// Looks into a container: one kubectl exec of a constant script that changes nothing.
  ///
  /// - Throws: `Failure` when the container has no shell, or cannot be looked into.
  func look(into pod: Pod, _ container: Container) async throws(Failure) -> ContainerFacts {
    let what =
      "Cannot look into \(pod.namespace)/\(pod.name) (container \(container.name)) by exec."
    let answer = try await exec(
      what, namespace: pod.namespace, pod: pod.name, container: container.name,
      argv: ["sh", "-c", ContainerFacts.script, "poddump"]
        + ContainerFacts.directories(of: container))
    guard let facts = ContainerFacts(answer: answer) else {
      throw Failure(
        .other, what, why: "The container's shell did not answer as a POSIX shell does.",
        fix: "Choose another container with -c.", detail: printable(answer))
    }
    return facts
  }
}

extension ContainerFacts {
  /// Where an engine could be put: what the pod's author meant to be written to, then what Linux has.
  fileprivate static func directories(of container: Container) -> [String] {
    var directories: [String] = []
    for path in container.writableMounts + ["/tmp", "/var/tmp", "/run", "/dev/shm", "/"]
    where !directories.contains(path) { directories.append(path) }
    return directories
  }
}
