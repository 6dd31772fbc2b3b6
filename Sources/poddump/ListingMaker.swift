internal import Base
internal import Broker
internal import Cluster
internal import Extcap

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// Makes the listing that Wireshark is shown, and puts it into the cache. The only place that asks
/// clusters for it.
struct ListingMaker: Sendable {
  let configuration: Configuration
  let cache: ListingCache
  private let writing = Locked(())

  init(configuration: Configuration, cache: ListingCache) {
    self.configuration = configuration
    self.cache = cache
  }

  /// The value of KUBECONFIG that the listing is for.
  private var variable: String { environmentValue("KUBECONFIG") ?? "" }

  /// How many contexts are asked at the same time: each call of kubectl costs its start.
  private static let mostAtOnce = 2
  /// How long the pods of a first listing wait for workloads and nodes: Wireshark waits for it.
  private static let firstPatience = Duration.milliseconds(600)
  /// How long a listing that only replaces an older one waits, so that Wireshark, which has just been
  /// given the older one, has the processors while it asks for each interface.
  private static let courtesy = Duration.seconds(1)
  /// How long it may take when a command line waits for it.
  private static let aside = Patience(silence: .seconds(2), total: .seconds(5))

  /// Asks the clusters and writes the cache anew, for the current context and those of the configuration.
  ///
  /// A cluster that does not answer leaves an older listing in place. Only one process at a time does
  /// this, and not one after the other.
  func refresh() async {
    guard let lock = RefreshLock(cache) else { return }
    let patience = Patience(silence: .seconds(8), total: .seconds(30))
    // Where there is a list already nobody waits, and Wireshark is starting beside us: it goes first.
    if cache.view(kubeconfigVariable: variable) != nil {
      yieldToOthers()
      try? await Task.sleep(for: Self.courtesy)
    }
    if await !refresh(within: patience), await askLoginShell() {
      _ = await refresh(within: patience)
    }
    _ = consume lock
  }

  /// Asks the user's login shell for its PATH, once a day at the most, and remembers it.
  ///
  /// - Returns: Whether there are now directories to look in that there were not.
  private func askLoginShell() async -> Bool {
    let now = Int64(time(nil))
    let before = cache.searchPath()
    guard before?.isOld(at: now) ?? true else { return false }
    let path = SearchPath(directories: await LoginShell.directories(), asked: now)
    try? cache.note(path)
    return SearchPath.join(path.directories)
  }

  /// - Returns: Whether something was learned of the first context, or there is none.
  private func refresh(within patience: Patience) async -> Bool {
    let began = ContinuousClock.now
    let learned = Locked(false)
    var shown = Shown(written: Int64(time(nil)), kubeconfig: observed(), contexts: [])
    do throws(Failure) {
      let kubectl = try Kubectl.find(isInteractive: false)
      let config = try await kubectl.config(within: patience)
      let contexts = contexts(of: config)
      shown.known = config.contexts.map(\.name)
      shown.contexts = contexts.map(\.name)
      await eachContext(contexts) { [shown] context, isFirst in
        do throws(Failure) {
          try await list(
            source(kubectl, context, within: patience), blank(context, of: config), shown,
            isFirst: isFirst, patientUntil: began + Self.firstPatience)
          if isFirst { learned.value = true }
        } catch {
          // Nothing is said, as below.
        }
      }
      if contexts.isEmpty { learned.value = true }
    } catch {
      // Nothing is said: Wireshark shows what there was, and poddump doctor says why.
    }
    share(shown)
    shown.written = Int64(time(nil))
    try? cache.write(shown, kubeconfigVariable: variable)
    return learned.value
  }

  /// Writes a listing with all pods of the current context, which were just listed for another reason.
  ///
  /// - Parameter pods: The pods of all namespaces, with their labels.
  func store(_ pods: [Pod]) async {
    var shown = Shown(written: Int64(time(nil)), kubeconfig: observed(), contexts: [])
    guard let kubectl = try? Kubectl.find(), let config = try? await kubectl.config(),
      let context = try? config.context()
    else { return }
    shown.known = config.contexts.map(\.name)
    shown.contexts = contexts(of: config).map(\.name)
    var finds = blank(context, of: config)
    let only = configuration.listingNamespaces
    finds.pods = only.isEmpty ? pods : pods.filter { only.contains($0.namespace) }
    finds = await source(kubectl, context, within: Self.aside).others(finds)
    write(finds, shown, isFirst: true)
    share(shown)
    try? cache.write(shown, kubeconfigVariable: variable)
  }

  // MARK: - Contexts

  /// The contexts that are listed: the current one, then those of the configuration.
  private func contexts(of config: KubeConfig) -> [KubeConfig.Context] {
    var contexts: [KubeConfig.Context] = []
    if let current = try? config.context() { contexts.append(current) }
    for name in configuration.listingContexts {
      guard let context = try? config.context(named: name),
        !contexts.contains(where: { $0.name == context.name })
      else { continue }
      contexts.append(context)
    }
    return contexts
  }

  /// Does something for each context, for a few at the same time.
  private func eachContext(
    _ contexts: [KubeConfig.Context],
    _ work: @escaping @Sendable (KubeConfig.Context, _ isFirst: Bool) async -> Void
  ) async {
    await withTaskGroup(of: Void.self) { group in
      for (index, context) in contexts.enumerated() {
        if index >= Self.mostAtOnce { await group.next() }
        group.addTask { await work(context, index == 0) }
      }
    }
  }

  private func source(
    _ kubectl: Kubectl, _ context: KubeConfig.Context, within patience: Patience
  ) -> ListingSource {
    ListingSource(
      kubectl: kubectl.bound(to: context), namespace: context.namespace,
      only: configuration.listingNamespaces,
      // Nodes are listed where somebody has said that they may be captured from.
      listsNodes: configuration.nodes.isConfigured || configuration.routes.allowed.contains(.node),
      patience: patience)
  }

  /// What is known of a context before its cluster was asked.
  private func blank(_ context: KubeConfig.Context, of config: KubeConfig) -> ListingFinds {
    ListingFinds(context: context.name, server: config.servers[context.cluster] ?? "")
  }

  // MARK: - Asking and writing

  /// Asks for everything at once. Where nothing was known of the context, pods do not wait for the rest
  /// longer than Wireshark does.
  private func list(
    _ source: ListingSource, _ blank: ListingFinds, _ shown: Shown, isFirst: Bool,
    patientUntil: ContinuousClock.Instant
  ) async throws(Failure) {
    async let others = source.others(blank)
    var early = blank
    early.pods = try await source.pods()
    var finds: ListingFinds
    do {
      // Cancelled, and waited for, as soon as the rest is there.
      async let _ = writeEarly(early, shown, isFirst: isFirst, at: patientUntil)
      finds = await others
    }
    finds.pods = early.pods
    write(finds, shown, isFirst: isFirst)
  }

  private func writeEarly(
    _ finds: ListingFinds, _ shown: Shown, isFirst: Bool, at time: ContinuousClock.Instant
  ) async {
    guard cache.listing(context: finds.context, kubeconfig: shown.kubeconfig) == nil,
      (try? await Task.sleep(until: time, clock: .continuous)) != nil
    else { return }
    write(finds, shown, isFirst: isFirst)
    try? cache.write(shown, kubeconfigVariable: variable)
  }

  private func write(_ finds: ListingFinds, _ shown: Shown, isFirst: Bool) {
    // One after the other, since what one may have depends on the others.
    writing.withLock { _ in
      let earlier = cache.listing(context: finds.context, kubeconfig: shown.kubeconfig)
      let listing = Listing(
        context: finds.context, cluster: finds.server, written: Int64(time(nil)),
        kubeconfig: shown.kubeconfig,
        entries: finds.entries(
          tag: isFirst ? nil : finds.context, hidden: Set(configuration.hiddenNamespaces),
          ranks: ranks(of: finds.context), earlier: earlier),
        limit: room(for: finds.context, of: shown, earlier))
      try? cache.write(listing)
    }
  }

  /// How many of a context may be listed, before all have answered and the limit is divided anew: Wireshark may ask
  /// meanwhile.
  private func room(for context: String, of shown: Shown, _ earlier: Listing?) -> Int {
    let limit = configuration.listingLimit
    guard shown.contexts.count > 1 else { return limit }
    if let earlier { return min(limit, earlier.listed.count) }
    let others = shown.contexts.filter { $0 != context }.compactMap {
      cache.listing(context: $0, kubeconfig: shown.kubeconfig)?.listed.count
    }
    return max(0, limit - others.reduce(0, +))
  }

  /// Divides the one limit among the listings of all contexts.
  private func share(_ shown: Shown) {
    guard shown.contexts.count > 1 else { return }
    let listings = shown.contexts.compactMap {
      cache.listing(context: $0, kubeconfig: shown.kubeconfig)
    }
    let shares = Listing.share(configuration.listingLimit, among: listings)
    let changes = zip(listings, shares).map { ($1, growth: $1.listed.count - $0.listed.count) }
    // Those that shrink go first, so that there are never too many.
    for (listing, growth) in changes.sorted(by: { $0.growth < $1.growth }) where growth != 0 {
      try? cache.write(listing)
    }
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

  private func observed() -> Kubeconfig {
    Kubeconfig(observing: KubeConfigFiles.paths(kubeconfig: nil).map(absolutePath))
  }
}

extension SearchPath {
  /// Puts directories behind those of our own PATH, for us and for what we start. Call it before anything
  /// runs beside.
  ///
  /// - Returns: Whether any of them is new.
  @discardableResult
  static func join(_ directories: [String]) -> Bool {
    let own = (environmentValue("PATH") ?? "").split(separator: ":").map(String.init)
    let known = Set(KubectlFinder.directories(environmentValue))
    let new = directories.filter { !known.contains($0) }
    guard !new.isEmpty else { return false }
    setenv("PATH", (own + new).joined(separator: ":"), 1)
    return true
  }
}
