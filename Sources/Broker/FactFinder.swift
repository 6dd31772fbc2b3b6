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
    return try await gather(
      Set(routes.map(\.facts)), Search(request), Facts(subject: subject), Shells()
    ) {
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
  ///   - pod: The pod that it means, where that was looked up already.
  ///   - tell: Tells the user what is being waited for.
  ///   - body: Tries a plan.
  /// - Returns: What `body` returned.
  /// - Throws: `Failure` when there is no such target, or no route works; or what `body` throws.
  package func attempt<R: Sendable>(
    _ request: CaptureRequest, pod: Pod? = nil,
    tell: @escaping @Sendable (String) -> Void = { _ in },
    _ body: @escaping @Sendable (Investigation) async throws(Failure) -> Attempt<R>
  ) async throws(Failure) -> R {
    let subject: Subject
    if let pod {
      subject = .pod(pod, try chooseContainer(of: pod, named: request.container))
    } else {
      subject = try await self.subject(of: request)
    }
    var search = Search(request)
    search.tell = tell
    search.left = candidates(request, subject)
    return try await visit(search, Facts(subject: subject), Shells(), body).get()
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
    _ search: Search, _ facts: Facts, _ shells: Shells,
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
        return await gather(wanted, search, facts, shells) { facts, shells async in
          await visit(next, facts, shells, body)
        }
      }
      search.left.removeFirst()
      var verdict = judge(route, search.request, facts: facts, tools: tools)
      if case .usable = verdict {
        // What another route opened is not needed meanwhile.
        if route.facts != .inside { shells.container?.dismiss() }
        if route.facts != .node { shells.node?.dismiss() }
        let opening = Opening(
          request: search.request, facts: facts, tools: tools, nodes: nodes, shells: shells,
          journal: journal,
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
    let changed = await change(of: facts.subject, search.options)
    return .failure(changed ?? Decision(options: search.options).refusal)
  }

  /// Finds several things out at the same time, and lends the result, with the shells that were opened for
  /// it.
  private func gather<R: Sendable>(
    _ groups: Set<FactGroup>, _ search: Search, _ facts: Facts, _ shells: Shells,
    _ body: @escaping @Sendable (Facts, Shells) async -> Result<R, Failure>
  ) async -> Result<R, Failure> {
    let subject = facts.subject
    // Whoever opens a shell gives it, and keeps it open until everything is done.
    let done = Promise<Void>()
    let inside = Promise<Result<(ContainerFacts, FarShell), Failure>?>()
    let node = Promise<Result<(NodeLogin, NodeFacts, FarShell), Failure>?>()
    let result = await withTaskGroup(of: Result<R, Failure>?.self) { group in
      group.addTask {
        guard groups.contains(.inside) else {
          inside.give(nil)
          return nil
        }
        inside.give(
          await withInside(subject) { facts, shell async in
            inside.give(.success((facts, shell)))
            await done.value
          }.map { .failure($0) })
        return nil
      }
      group.addTask {
        guard groups.contains(.node) else {
          node.give(nil)
          return nil
        }
        node.give(
          await withAllowedNode(subject, search.request) { login, facts, shell async in
            node.give(.success((login, facts, shell)))
            await done.value
          }.map { .failure($0) })
        return nil
      }
      group.addTask {
        var shells = shells
        var facts = await others(groups, search.request, facts)
        switch await inside.value {
        case .success(let (found, shell)):
          facts.inside = .success(found)
          shells.container = shell
        case .failure(let failure): facts.inside = .failure(failure)
        case nil: break
        }
        switch await node.value {
        case .success(let (login, found, shell)):
          facts.login = login
          facts.node = .success(found)
          shells.node = shell
        case .failure(let failure): facts.node = .failure(failure)
        case nil: break
        }
        let result = await body(facts, shells)
        done.give(())
        return result
      }
      var result: Result<R, Failure>?
      for await one in group { result = result ?? one }
      return result
    }
    return result ?? .failure(.fault("Cannot capture.", "Nothing was found out."))
  }

  /// Logs in to the node, if that may be done unasked, and lends what was found there.
  ///
  /// - Returns: Why not; nil when it was lent.
  private func withAllowedNode(
    _ subject: Subject, _ request: CaptureRequest,
    _ body: @escaping @Sendable (NodeLogin, NodeFacts, FarShell) async -> Void
  ) async -> Failure? {
    guard request.route != nil ? true : await mayKnock(at: subject) else {
      return Failure(
        .noRoute, Facts(subject: subject).refusal(by: .ssh),
        why: "ssh to nodes is not configured ([ssh] in config.toml).",
        fix: "Configure it there, or ask for it with --route ssh.")
    }
    switch await withNode(subject, body) {
    case .success: return nil
    case .failure(let failure): return failure
    }
  }

  /// What is found out without anything staying open.
  private func others(
    _ groups: Set<FactGroup>, _ request: CaptureRequest, _ facts: Facts
  ) async -> Facts {
    var facts = facts
    let subject = facts.subject
    let before = facts
    async let debug = groups.contains(.debug) ? debug(subject, request) : before.debug
    async let helper = groups.contains(.helper) ? helper(subject, request) : before.helper
    // Found out meanwhile: the change waits for it.
    async let cluster =
      journal == nil || groups.isDisjoint(with: [.debug, .helper])
      ? before.cluster : ClusterReference(kubectl)
    facts.debug = await debug
    facts.helper = await helper
    facts.cluster = await cluster
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
      try target.check(container: request.container)
      let node = try await kubectl.node(name: target.name)
      guard node.operatingSystem != "windows" else {
        throw Failure(
          .noRoute, "Cannot capture from \(target.text).",
          why: "The node runs Windows, and packets are captured on Linux only.",
          fix: "Choose a Linux node: poddump list nodes.")
      }
      return .node(node)
    }
    let pod = try await pod(of: request)
    return .pod(pod, try chooseContainer(of: pod, named: request.container))
  }

  /// Finds the pod that a request means, with one call to the API where it names the namespace.
  ///
  /// - Throws: `Failure` when there is none.
  private func pod(of request: CaptureRequest) async throws(Failure) -> Pod {
    guard let target = request.target, case .pod = target.kind else {
      throw .fault(
        "Cannot capture from \(request.target?.text ?? "nothing").",
        "It is neither a pod nor a node.")
    }
    let namespace = try await kubectl.namespace(target.namespace ?? request.namespace)
    // Its labels are what a successor is found by.
    return try await kubectl.pod(namespace: namespace, name: target.name, keepsLabels: true)
  }

  // MARK: - Inside the container

  /// Looks into the pod's container: one kubectl exec of a constant script that changes nothing; and lends what
  /// was found.
  ///
  /// - Returns: Why not; nil when it was lent.
  private func withInside(
    _ subject: Subject, _ body: @escaping @Sendable (ContainerFacts, FarShell) async -> Void
  ) async -> Failure? {
    guard case .pod(let pod, let container) = subject else {
      return Failure(
        .noRoute, "Cannot look into \(subject.text).", why: "A node is no container.",
        fix: "Use --route ssh or --route node.")
    }
    if let failure = whyNotRunning(container, of: pod) { return failure }
    do throws(Failure) {
      try await kubectl.withShell(in: container, of: pod) { facts, shell async throws(Failure) in
        await body(facts, shell)
      }
      return nil
    } catch {
      return error
    }
  }
}
