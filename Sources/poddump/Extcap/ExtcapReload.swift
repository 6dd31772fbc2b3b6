internal import Base
internal import Broker
internal import Cluster
internal import Extcap

/// The dialog's reload button: asks the cluster for one argument's choices, in bounded time.
struct ExtcapReload: Sendable {
  let value: InterfaceValue
  let reload: Reload

  /// Wireshark's dialog is blocked meanwhile, so that an answer of any sort must come soon.
  private static let patience = Patience(silence: .milliseconds(2500), total: .milliseconds(2500))

  /// The reply; what went wrong becomes a choice that says so.
  func reply() async -> [UInt8] {
    do throws(Failure) {
      return Reply.reload(reload, of: value, choices: try await choices())
    } catch {
      return Reply.reload(reload, of: value, choices: [], problem: error.sentence)
    }
  }

  private func choices() async throws(Failure) -> [Choice] {
    let context = reload.options[Argument.context.name]
    let kubectl = try Kubectl.find(context: context, isInteractive: false)
    switch reload.argument {
    case Argument.context.name:
      let config = try await kubectl.config(within: Self.patience)
      let current = config.currentContext.map { "current (\($0))" } ?? "current"
      return [Choice("", display: current, isDefault: true)]
        + config.contexts.map { Choice($0.name) }
    case Argument.namespace.name:
      return Reply.namespaces(try await kubectl.namespaces(within: Self.patience))
    case Argument.pod.name:
      let namespace = reload.options[Argument.namespace.name]
      let pods = try await kubectl.pods(PodQuery(namespace: namespace), within: Self.patience).items
      return pods.filter(\.isRunning).map { pod in
        let name = namespace == nil ? "\(pod.namespace)/\(pod.name)" : pod.name
        return Choice(name, display: pod.node.map { "\(name) · \($0)" } ?? "")
      }
    case Argument.container.name:
      let pod = try await pod(kubectl)
      let title = pod.defaultContainer.map { "default (\($0.name))" } ?? "default"
      return [Choice("", display: title, isDefault: true)]
        + pod.containers.map { Choice($0.name) }
    default:
      return []
    }
  }

  /// The pod whose containers are asked for: the dialog's choice, or the interface's own.
  private func pod(_ kubectl: Kubectl) async throws(Failure) -> Pod {
    let (request, kubectl) = try ExtcapTarget.resolve(value, options: reload.options, kubectl)
    guard let target = request.target else {
      throw Failure(.usage, "Choose a pod first.")
    }
    var namespace = target.namespace ?? request.namespace
    if namespace == nil {
      namespace = try await kubectl.config(within: Self.patience)
        .context(named: kubectl.context).namespace
    }
    return try await kubectl.pod(
      namespace: namespace ?? "default", name: target.name, within: Self.patience)
  }
}
