internal import ArgumentParser
internal import Base
internal import Cluster

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// `poddump list`: what can be captured.
struct ListCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List pods, nodes or workloads.")

  /// What to list: one of three words, or one of kubectl's for a kind.
  enum Resource: ExpressibleByArgument, Equatable {
    case pods, nodes
    case workloads([WorkloadKind])

    static let allValueStrings = ["pods", "nodes", "workloads"]

    init?(argument: String) {
      switch KindWord(argument) {
      case .target(.pod): self = .pods
      case .target(.node): self = .nodes
      case .target(.workload(let kind)): self = .workloads([kind])
      case nil where argument == "workloads":
        self = .workloads([.deployment, .statefulSet, .daemonSet, .service])
      case .other, nil: return nil
      }
    }

    /// "pods", "deployments".
    var defaultValueDescription: String {
      switch self {
      case .pods: "pods"
      case .nodes: "nodes"
      case .workloads(let kinds): kinds.count == 1 ? kinds[0].resource.name : "workloads"
      }
    }
  }

  /// `-o`.
  enum Format: String, ExpressibleByArgument, CaseIterable {
    case table, wide, json, name
  }

  @Argument(help: "pods, nodes or workloads; or a kind, as kubectl writes it: svc, deploy.")
  var resource: Resource = .pods

  @OptionGroup var kubernetes: KubernetesOptions

  @Flag(name: [.customShort("A"), .long], help: "List across all namespaces.")
  var allNamespaces = false

  @Option(name: [.customShort("l"), .long], help: "Select by label, as kubectl does.")
  var selector: String?

  @Option(name: [.short, .long], help: "How to print.")
  var output: Format = .table

  func run() async throws {
    let kubectl = try kubernetes.kubectl()
    switch resource {
    case .pods: try await listPods(kubectl)
    case .nodes: try await listNodes(kubectl)
    case .workloads(let kinds): try await listWorkloads(kinds, kubectl)
    }
  }

  /// The namespace to list; nil for all.
  private func namespace(_ kubectl: Kubectl) async throws(Failure) -> String? {
    guard !allNamespaces else { return nil }
    if let namespace = kubernetes.namespace {
      try Target.check(namespace: namespace)
      return namespace
    }
    return try await kubectl.config().context(named: kubectl.context).namespace
  }

  private var labels: LabelSelector? { selector.flatMap { LabelSelector($0) } }

  // MARK: - Pods

  private func listPods(_ kubectl: Kubectl) async throws {
    var query = PodQuery(namespace: try await namespace(kubectl), labels: labels)
    query.keepsLabels = isWhatWiresharkLists(query)
    let pods = try await kubectl.pods(query).items
    let rows = PodRows(pods: pods, showsNamespace: allNamespaces, now: Int(time(nil)))
    switch output {
    case .name: Terminal.answer(rows.names)
    case .json: Terminal.answer(rows.json.text() + "\n")
    case .table, .wide:
      guard !pods.isEmpty else { return sayNothingFound(query.namespace) }
      Terminal.answer(rows.table(wide: output == .wide))
    }
    // Wireshark's list may as well be that new.
    if query.keepsLabels { await ExtcapCommand.listingMaker()?.store(pods) }
  }

  /// Whether it is all pods of the current context that are asked for.
  private func isWhatWiresharkLists(_ query: PodQuery) -> Bool {
    query.namespace == nil && query.labels == nil && kubernetes.context == nil
      && kubernetes.kubeconfig == nil && output != .name
  }

  // MARK: - Nodes and workloads

  private func listNodes(_ kubectl: Kubectl) async throws {
    let nodes = try await kubectl.nodes()
    let rows = NodeRows(nodes: nodes, now: Int(time(nil)))
    switch output {
    case .name: Terminal.answer(nodes.map { "node/\($0.name)\n" }.joined())
    case .json: Terminal.answer(rows.json.text() + "\n")
    case .table, .wide:
      guard !nodes.isEmpty else { return Terminal(level: .normal).say("No nodes found.") }
      Terminal.answer(rows.table(wide: output == .wide))
    }
  }

  private func listWorkloads(_ kinds: [WorkloadKind], _ kubectl: Kubectl) async throws {
    let namespace = try await namespace(kubectl)
    let workloads = try await kubectl.workloads(of: kinds, namespace: namespace, labels: labels)
    let rows = WorkloadRows(
      workloads: workloads, showsNamespace: allNamespaces, now: Int(time(nil)))
    switch output {
    case .name: Terminal.answer(rows.names)
    case .json: Terminal.answer(rows.json.text() + "\n")
    case .table, .wide:
      guard !workloads.isEmpty else { return sayNothingFound(namespace) }
      Terminal.answer(rows.table)
    }
  }

  /// As kubectl says it, on standard error.
  private func sayNothingFound(_ namespace: String?) {
    let place = namespace.map { " in namespace \(printable($0, limit: 80))" } ?? ""
    Terminal(level: .normal).say("No \(resource.defaultValueDescription) found\(place).")
  }
}
