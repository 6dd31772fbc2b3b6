internal import Base
internal import Broker
internal import Cluster
internal import Extcap

/// What an interface value and the dialog's options mean: a request, and the cluster it is for.
enum ExtcapTarget {
  /// Resolves a value.
  ///
  /// A value means the context whose listing produced it. One that no cache knows is tried in the
  /// current context, where a pod that is not there is refused like any other.
  ///
  /// - Parameters:
  ///   - value: The interface.
  ///   - options: What the dialog holds, by the name of the argument.
  ///   - kubectl: The kubectl to bind to the context.
  /// - Returns: The request, and kubectl bound to the cluster that the value means.
  /// - Throws: `Failure` for a value or option that names nothing.
  static func resolve(
    _ value: InterfaceValue, options: [String: String], _ kubectl: Kubectl
  ) throws(Failure) -> (Broker.CaptureRequest, Kubectl) {
    var kubectl = kubectl
    var request: Broker.CaptureRequest
    if value == .portal {
      let namespace = options[Argument.namespace.name]
      guard let pod = options[Argument.pod.name] else {
        throw Failure(
          .usage, "No pod is chosen.", why: "The interface \(value.text) stands for any pod.",
          fix: "Open its options and choose one, or choose a pod in the list.")
      }
      kubectl.context = options[Argument.context.name] ?? kubectl.context
      // A pod that was chosen with its namespace keeps it, whatever the other field still holds.
      let named = pod.contains("/") ? nil : namespace
      request = Broker.CaptureRequest(target: try Target(pod, namespace: named), namespace: named)
    } else {
      let known = find(value)
      guard !value.isShortened || known != nil else {
        throw Failure(
          .notFound, "The interface \(value.text) is not known any more.",
          why: "Its name is shortened, and the list that it came from is gone.",
          fix: "Refresh the list of interfaces and choose it again.")
      }
      guard value.contextTag == nil || known != nil else {
        throw Failure(
          .notFound, "The interface \(value.text) is not known any more.",
          why: "It is of another context than the current one, and no list has it.",
          fix: "Refresh the list of interfaces and choose it again.")
      }
      if let known {
        kubectl.context = known.context
        kubectl.environment["KUBECONFIG"] = known.kubeconfig.joined(separator: ":")
      }
      request = Broker.CaptureRequest(
        target: try target(value, name: known?.name ?? value.name), namespace: value.namespace)
    }
    try apply(options, to: &request)
    return (request, kubectl)
  }

  /// Where a value was listed, or was captured before.
  private static func find(
    _ value: InterfaceValue
  ) -> (name: String, context: String, kubeconfig: [String])? {
    guard let cache = ListingCache() else { return nil }
    let variable = environmentValue("KUBECONFIG") ?? ""
    if let found = cache.find(value, kubeconfigVariable: variable).first {
      return (found.entry.name, found.context, found.kubeconfig.files.map(\.path))
    }
    // No list has it: then its tag still names a context that the kubeconfig has.
    guard let tag = value.contextTag, let shown = cache.shown(kubeconfigVariable: variable),
      let context = shown.known.first(where: { InterfaceValue.tag(ofContext: $0) == tag })
    else { return nil }
    return (value.name, context, shown.kubeconfig.files.map(\.path))
  }

  private static func target(_ value: InterfaceValue, name: String) throws(Failure) -> Target {
    let text =
      switch value.kind {
      case .pod, .portal: "pod/\(name)"
      default: "\(value.kind.rawValue)/\(name)"
      }
    return try Target(text, namespace: value.namespace.isEmpty ? nil : value.namespace)
  }

  private static func apply(
    _ options: [String: String], to request: inout Broker.CaptureRequest
  ) throws(Failure) {
    request.container = options[Argument.container.name]
    request.interface = options[Argument.interface.name]
    if let name = request.interface, name != "any", !isInterfaceName(name) {
      throw Failure(
        .usage, "\"\(printable(name, limit: 60))\" is no name of an interface.",
        fix: "Write one such as eth0, or any.")
    }
    request.snapLength = options[Argument.snaplen.name].flatMap { Int($0) }
    request.throughput = options[Argument.throughput.name] == "true"
    request.count = options[Argument.count.name].flatMap { Int($0) }
    request.route = options[Argument.route.name].flatMap { RouteName(rawValue: $0) }
    request.point =
      options[Argument.at.name].flatMap { PointChoice(rawValue: $0) } ?? .auto
    request.engine = options[Argument.engine.name].flatMap { EngineName(rawValue: $0) }
    request.includesOwnTraffic = options[Argument.includeOwnTraffic.name] == "true"
    if let ttl = try duration(options, Argument.ttl.name) { request.ttl = (ttl + 999) / 1000 }
  }

  /// The settings that the options have otherwise than the configuration. What was wrong with their form
  /// was refused when they were read.
  static func overrides(_ options: [String: String]) -> SettingOverrides {
    var words: [String] = []
    for argument in Argument.settings {
      if let value = options[argument.name] { words.append("--\(argument.name)=\(value)") }
    }
    return SettingOverrides.read(words) ?? SettingOverrides()
  }

  /// A size among the options, in bytes.
  static func size(_ options: [String: String], _ name: String) throws(Failure) -> Int? {
    guard let text = options[name] else { return nil }
    guard let bytes = Bytes(argument: text) else {
      throw Failure(
        .usage, "\"\(printable(text, limit: 60))\" is no size for --\(name).",
        fix: "Write one such as 500kB or 100MB.")
    }
    return bytes.value
  }

  /// The routes that the options allow, besides those of the configuration.
  static func allowed(_ options: [String: String]) -> [RouteName] {
    options[Argument.allow.name].flatMap { RouteList(argument: $0)?.routes } ?? []
  }

  /// A duration among the options, in milliseconds.
  static func duration(_ options: [String: String], _ name: String) throws(Failure) -> Int? {
    guard let text = options[name] else { return nil }
    guard let milliseconds = Quantities.milliseconds(text) else {
      throw Failure(
        .usage, "\"\(printable(text, limit: 60))\" is no duration for --\(name).",
        fix: "Write one such as 30s, 5m or 24h.")
    }
    return milliseconds
  }
}
