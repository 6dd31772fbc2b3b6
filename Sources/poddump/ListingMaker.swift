internal import Base
internal import Broker
internal import Cluster
internal import Extcap

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// Makes the listing that Wireshark is shown, and puts it into the cache. The only place that asks the
/// cluster for it.
struct ListingMaker: Sendable {
  let configuration: Configuration
  let cache: ListingCache

  /// The value of KUBECONFIG that the listing is for.
  private var variable: String { environmentValue("KUBECONFIG") ?? "" }

  /// Asks the cluster and writes the cache anew, for the current context.
  ///
  /// A cluster that does not answer leaves an older listing in place. Only one process at a time does
  /// this, and not one after the other.
  func refresh() async {
    guard let lock = RefreshLock(cache) else { return }
    await refresh(within: Patience(silence: .seconds(8), total: .seconds(30)))
    _ = consume lock
  }

  private func refresh(within patience: Patience) async {
    let paths = KubeConfigFiles.paths(kubeconfig: nil).map(absolute)
    let kubeconfig = Kubeconfig(observing: paths)
    var shown = Shown(written: Int64(time(nil)), kubeconfig: kubeconfig, contexts: [])
    do throws(Failure) {
      let kubectl = try Kubectl.find(isInteractive: false)
      let config = try await kubectl.config(within: patience)
      shown.known = config.contexts.map(\.name)
      let context = try config.context()
      shown.contexts = [context.name]
      let pods = try await pods(kubectl.bound(to: context), context, within: patience)
      let nodes = await nodes(kubectl.bound(to: context), within: patience)
      store(
        pods, nodes, context: context, server: config.servers[context.cluster] ?? "", kubeconfig)
    } catch {
      // Nothing is said: Wireshark shows what there was, and poddump doctor says why.
    }
    shown.written = Int64(time(nil))
    try? cache.write(shown, kubeconfigVariable: variable)
  }

  /// All pods that may be seen: those of all namespaces, or, where that is not allowed, of the configured
  /// ones or the context's own.
  private func pods(
    _ kubectl: Kubectl, _ context: KubeConfig.Context, within patience: Patience
  ) async throws(Failure) -> [Pod] {
    guard configuration.listingNamespaces.isEmpty else {
      var pods: [Pod] = []
      for namespace in configuration.listingNamespaces {
        pods += try await kubectl.pods(PodQuery(namespace: namespace), within: patience).items
      }
      return pods
    }
    do throws(Failure) {
      return try await kubectl.pods(within: patience).items
    } catch  where error.kind == .denied {
      return try await kubectl.pods(PodQuery(namespace: context.namespace), within: patience).items
    }
  }

  /// The nodes, where they can be captured from and may be listed.
  private func nodes(_ kubectl: Kubectl, within patience: Patience) async -> [Node] {
    guard configuration.nodes.isConfigured else { return [] }
    return (try? await kubectl.nodes(within: patience)) ?? []
  }

  /// Writes a listing of all pods of the current context, which were just listed for another reason.
  func store(_ pods: [Pod]) async {
    let paths = KubeConfigFiles.paths(kubeconfig: nil).map(absolute)
    let kubeconfig = Kubeconfig(observing: paths)
    guard let kubectl = try? Kubectl.find(), let config = try? await kubectl.config(),
      let context = try? config.context()
    else { return }
    let nodes = await nodes(kubectl.bound(to: context), within: .standard)
    store(
      pods, nodes, context: context, server: config.servers[context.cluster] ?? "", kubeconfig)
    let shown = Shown(
      written: Int64(time(nil)), kubeconfig: kubeconfig, contexts: [context.name],
      known: config.contexts.map(\.name))
    try? cache.write(shown, kubeconfigVariable: variable)
  }

  private func store(
    _ pods: [Pod], _ nodes: [Node], context: KubeConfig.Context, server: String,
    _ kubeconfig: Kubeconfig
  ) {
    let ranks = ranks(of: context.name)
    let hidden = Set(configuration.hiddenNamespaces)
    let nodeEntries = nodes.compactMap { node -> Entry? in
      guard let value = InterfaceValue(kind: .node, namespace: "", name: node.name) else {
        return nil
      }
      return Entry(
        value: value, name: node.name, context: context.name, rank: ranks[value.text])
    }
    let podEntries = pods.compactMap { pod -> Entry? in
      guard !hidden.contains(pod.namespace),
        let value = InterfaceValue(kind: .pod, namespace: pod.namespace, name: pod.name)
      else { return nil }
      return Entry(
        value: value, name: pod.name, node: pod.node ?? "", context: context.name,
        phase: pod.phase, isRunning: pod.isRunning, rank: ranks[value.text],
        defaultContainer: pod.defaultContainer?.name, containers: pod.containers.map(\.name))
    }
    let listing = Listing(
      context: context.name, cluster: server, written: Int64(time(nil)), kubeconfig: kubeconfig,
      entries: podEntries + nodeEntries, limit: configuration.listingLimit)
    try? cache.write(listing)
  }

  /// Favourites first, in their own order, then what was captured last.
  private func ranks(of context: String) -> [String: Int] {
    let recent = cache.recent().items.filter { $0.context == context }.map(\.value.text)
    var ranks: [String: Int] = [:]
    for value in configuration.favourites + recent where ranks[value] == nil {
      ranks[value] = ranks.count
    }
    return ranks
  }
}

/// An absolute path: Wireshark starts us in a folder of its own.
func absolute(_ path: String) -> String {
  guard !path.hasPrefix("/"), let folder = getcwd(nil, 0) else { return path }
  defer { free(folder) }
  return String(cString: folder) + "/" + path
}
