internal import Base
internal import Broker
internal import Cluster
internal import Extcap

/// What was found in one context for Wireshark's list.
struct ListingFinds: Sendable {
  /// The context's name.
  var context: String
  /// The API server's address, a note for people.
  var server = ""
  /// The pods, with their labels.
  var pods: [Pod] = []
  /// The workloads and services of each kind; none for a kind of which nothing could be learned now.
  var workloads: [WorkloadKind: [Workload]] = [:]
  /// The nodes; nil where nothing could be learned now.
  var nodes: [Node]?

  /// What is listed beside pods.
  static let kinds: [WorkloadKind] = [.deployment, .statefulSet, .daemonSet, .service]
}

/// Asks one cluster for what Wireshark lists: one round of concurrent kubectl calls, each with a deadline.
struct ListingSource: Sendable {
  let kubectl: Kubectl
  /// The namespace that counts where not all may be listed.
  let namespace: String
  /// The only namespaces that are listed; empty for all.
  let only: [String]
  /// Whether nodes can be captured from.
  let listsNodes: Bool
  let patience: Patience

  /// All pods that may be seen: those of all namespaces, or, where that is not allowed, of the configured
  /// ones or the context's own.
  func pods() async throws(Failure) -> [Pod] {
    try await everywhere { namespace async throws(Failure) in
      try await kubectl.pods(
        PodQuery(namespace: namespace, keepsLabels: true), within: patience
      ).items
    }
  }

  /// Everything beside pods, as far as it may be seen.
  ///
  /// - Parameter finds: What was found so far.
  /// - Returns: The same with workloads, services and nodes.
  func others(_ finds: ListingFinds) async -> ListingFinds {
    var finds = finds
    async let nodes = nodes()
    // The kind rides in a value of its own; see `Kubectl.workloads(of:)`.
    finds.workloads = await withTaskGroup(of: OfKind.self) { group in
      for kind in ListingFinds.kinds {
        group.addTask {
          OfKind(kind: kind, workloads: await workloads(kind))
        }
      }
      var found: [WorkloadKind: [Workload]] = [:]
      for await one in group { found[one.kind] = one.workloads }
      return found
    }
    finds.nodes = await nodes
    return finds
  }

  private struct OfKind: Sendable {
    var kind: WorkloadKind
    var workloads: [Workload]?
  }

  private func workloads(_ kind: WorkloadKind) async -> [Workload]? {
    do throws(Failure) {
      return try await everywhere { namespace async throws(Failure) in
        try await kubectl.workloads(kind, namespace: namespace, within: patience)
      }
    } catch {
      return error.kind == .denied || error.kind == .notFound ? [] : nil
    }
  }

  private func nodes() async -> [Node]? {
    guard listsNodes else { return [] }
    do throws(Failure) {
      return try await kubectl.nodes(within: patience)
    } catch {
      return error.kind == .denied ? [] : nil
    }
  }

  /// Lists in all namespaces, or where that is not allowed in those that are left.
  private func everywhere<Item: Sendable>(
    _ list: (String?) async throws(Failure) -> [Item]
  ) async throws(Failure) -> [Item] {
    guard only.isEmpty else {
      var items: [Item] = []
      for namespace in only { items += try await list(namespace) }
      return items
    }
    do throws(Failure) {
      return try await list(nil)
    } catch  where error.kind == .denied {
      return try await list(namespace)
    }
  }
}

extension ListingFinds {
  /// Makes the entries of a listing. Pure.
  ///
  /// - Parameters:
  ///   - tag: The context to name at the end of each value; nil for the context that is shown first.
  ///   - hidden: Namespaces that are left out.
  ///   - ranks: The places of favourites and recent ones by their values.
  ///   - earlier: The listing before. What could not be asked now is taken from it, as it was.
  /// - Returns: An entry for each object that has a name as objects have it.
  func entries(
    tag: String?, hidden: Set<String> = [], ranks: [String: Int] = [:], earlier: Listing? = nil
  ) -> [Entry] {
    func value(_ kind: InterfaceValue.Kind, _ namespace: String, _ name: String) -> InterfaceValue?
    {
      guard !hidden.contains(namespace) else { return nil }
      return InterfaceValue(kind: kind, namespace: namespace, name: name, context: tag)
    }
    var entries = pods.compactMap { pod -> Entry? in
      value(.pod, pod.namespace, pod.name).map { value in
        Entry(
          value: value, name: pod.name, node: pod.node ?? "", context: context,
          phase: pod.phase, isRunning: pod.isRunning, rank: ranks[value.text],
          defaultContainer: pod.defaultContainer?.name, containers: pod.containers.map(\.name))
      }
    }
    let workloads = Self.kinds.flatMap { (self.workloads[$0] ?? []).filter { $0.selector != nil } }
    let counts = RunningPods.counts(of: workloads, among: pods)
    entries += zip(workloads, counts).compactMap { workload, count -> Entry? in
      guard let kind = InterfaceValue.Kind(rawValue: workload.kind.rawValue) else { return nil }
      return value(kind, workload.namespace, workload.name).map { value in
        Entry(
          value: value, name: workload.name, pods: count, context: context,
          isRunning: count > 0 || workload.desired > 0, rank: ranks[value.text])
      }
    }
    entries += (nodes ?? []).compactMap { node in
      value(.node, "", node.name).map { value in
        Entry(value: value, name: node.name, context: context, rank: ranks[value.text])
      }
    }
    var unknown = Set(Self.kinds.filter { self.workloads[$0] == nil }.map(\.rawValue))
    if nodes == nil { unknown.insert(InterfaceValue.Kind.node.rawValue) }
    entries += (earlier?.entries ?? []).filter {
      unknown.contains($0.kind.rawValue) && $0.lastSeen == nil && !hidden.contains($0.namespace)
    }
    return entries
  }
}
