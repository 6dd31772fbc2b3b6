internal import Base
internal import Broker
internal import Cluster
internal import Extcap

/// The dialog's reload button: asks the cluster for one argument's choices, in bounded time.
struct ExtcapReload: Sendable {
  let value: InterfaceValue
  let reload: Reload
  /// How long an answer of any sort may take: Wireshark's dialog is blocked meanwhile.
  private let deadline = ContinuousClock.now + .milliseconds(2500)

  init(value: InterfaceValue, reload: Reload) {
    self.value = value
    self.reload = reload
  }

  /// What is left of the time, for the next question.
  private var patience: Patience { Patience(max(.milliseconds(100), deadline - .now)) }

  /// The reply; what went wrong becomes a choice that says so.
  func reply() async -> [UInt8] {
    do throws(Failure) {
      return Reply.reload(reload, of: value, choices: try await choices())
    } catch {
      return Reply.reload(reload, of: value, choices: [], problem: error.sentence)
    }
  }

  private func choices() async throws(Failure) -> [Choice] {
    var kubectl = try Kubectl.find(
      context: reload.options[Argument.context.name], isInteractive: false)
    kubectl.patience = patience
    switch reload.argument {
    case Argument.context.name:
      let config = try await kubectl.config(within: patience)
      let current = config.currentContext.map { "current (\($0))" } ?? "current"
      return [Choice("", display: current, isDefault: true)]
        + config.contexts.map { Choice($0.name) }
    case Argument.namespace.name:
      return Reply.namespaces(try await kubectl.namespaces(within: patience))
    case Argument.pod.name:
      return Reply.pods(
        try await pods(kubectl), inNamespace: reload.options[Argument.namespace.name] != nil)
    case Argument.container.name:
      let pod = try await pod(kubectl)
      let title = pod.defaultContainer.map { "default (\($0.name))" } ?? "default"
      return [Choice("", display: title, isDefault: true)]
        + pod.containers.map { Choice($0.name) }
    case Argument.interface.name:
      return Reply.interfaces(named: try await interfaces(kubectl))
    default:
      return []
    }
  }

  /// The running pods of the namespace that is chosen, or of all; at most so many more than a list holds
  /// that it is seen that there are more.
  private func pods(_ kubectl: Kubectl) async throws(Failure) -> [Pod] {
    let namespace = reload.options[Argument.namespace.name]
    let query = PodQuery(namespace: namespace, limit: 2 * Reply.mostChoices)
    do throws(Failure) {
      return try await kubectl.pods(query, within: patience).items.filter(\.isRunning)
    } catch  where error.kind == .denied && namespace == nil {
      // Where not all may be listed, those of the context's own namespace may.
      guard
        let context = try? await kubectl.config(within: patience).context(named: kubectl.context),
        let pods = try? await kubectl.pods(
          PodQuery(namespace: context.namespace, limit: query.limit), within: patience)
      else { throw error }
      return pods.items.filter(\.isRunning)
    }
  }

  /// The pod that is meant: the dialog's choice, or the interface's own; of a workload one that runs.
  private func pod(_ kubectl: Kubectl) async throws(Failure) -> Pod {
    var (request, kubectl) = try ExtcapTarget.resolve(value, options: reload.options, kubectl)
    kubectl.patience = patience
    guard let target = request.target else {
      throw Failure(.usage, "Choose a pod first.")
    }
    var namespace = target.namespace ?? request.namespace
    if namespace == nil {
      namespace = try await kubectl.config(within: patience)
        .context(named: kubectl.context).namespace
    }
    guard case .workload(let kind) = target.kind else {
      return try await kubectl.pod(
        namespace: namespace ?? "default", name: target.name, within: patience)
    }
    let pods = try await kubectl.workloadPods(
      kind, namespace: namespace ?? "default", name: target.name, within: patience
    ).pods
    guard let pod = pods.first(where: \.isRunning) else {
      throw Failure(.notFound, "\(target.text) has no running pod.")
    }
    return pod
  }

  /// The interfaces inside the pod, by a look into it; where that is not possible in time, those that the
  /// pod's annotations name. A node's are not asked for.
  private func interfaces(_ kubectl: Kubectl) async throws(Failure) -> [String] {
    guard value.kind != .node else { return [] }
    let pod = try await pod(kubectl)
    let (_, bound) = try ExtcapTarget.resolve(value, options: reload.options, kubectl)
    let container = reload.options[Argument.container.name]
    let seen: [String]? = await withTaskGroup(of: [String]?.self) { group in
      group.addTask { try? await bound.interfaces(of: pod, container: container) }
      group.addTask {
        try? await Task.sleep(until: deadline, clock: .continuous)
        return nil
      }
      defer { group.cancelAll() }
      return await group.next() ?? nil
    }
    return seen ?? pod.networks.compactMap(\.interface).filter(isInterfaceName)
  }
}

extension Reply {
  /// The choices of the portal's pod, of pods just listed.
  fileprivate static func pods(_ pods: [Pod], inNamespace: Bool) -> [Choice] {
    pods.map { pod in
      let name = inNamespace ? pod.name : "\(pod.namespace)/\(pod.name)"
      return Choice(name, display: pod.node.map { "\(name) · \($0)" } ?? "")
    }
  }
}
