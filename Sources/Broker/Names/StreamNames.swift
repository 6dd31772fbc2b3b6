package import Base
package import Cluster
package import Packets
internal import Synchronization

/// The names of one stream: found out in the cluster, kept fresh while it is captured, and given to its sink.
///
/// They belong to the stream, however many captures write into it: each says what it captures, and the
/// listing is one. What may not be listed is left out; nothing of this ever fails a capture, asks anybody
/// for a password, or holds packets up for longer than a moment.
package final class StreamNames: Sendable {
  private struct State {
    var names = ClusterNames()
    var isChanged = false
    var sink: Sink?
    var firstLists = 0
  }

  private let kubectl: Kubectl
  private let state = Mutex(State())
  /// Held while the sink is given names.
  private let publishing = Mutex(())
  /// Rings when the first listing has come, or will not.
  private let found: Bell
  private let hasSubject = Promise<Void>()

  /// How long a listing may take, how often one is made where watching is not possible, and how often
  /// services and nodes are listed, which change seldom.
  private static let patience = Patience(silence: .milliseconds(4500), total: .seconds(20))
  private static let listingPause = Duration.seconds(60)
  private static let seldom = Duration.seconds(600)
  /// The longest time of one watch, in seconds.
  private static let watchTime = 60
  private static let shortWatch = Duration.seconds(5)
  /// How often what has changed is put into the stream.
  private static let publishPause = Duration.seconds(1)

  /// Prepares; nothing is asked yet.
  ///
  /// - Throws: `Failure` when the process has no descriptor left.
  package init(_ kubectl: Kubectl) throws(Failure) {
    var quiet = kubectl
    quiet.isInteractive = false
    self.kubectl = quiet
    found = try Bell()
  }

  /// Says what is captured: its own names are in the stream at once, and those of its namespace come first.
  package func add(_ subject: Subject) {
    change { $0.add(subject) }
    hasSubject.give(())
    publish()
  }

  /// Gives a sink the names, now and whenever they change. Its first packets wait a moment for them.
  package func give(to sink: Sink) {
    let isNew = state.withLock { state in
      defer { state.sink = sink }
      state.isChanged = true
      return state.sink !== sink
    }
    publish()
    if isNew { sink.expectNames(found) }
  }

  /// Finds names out, and keeps them fresh, for as long as `body` runs.
  ///
  /// - Parameters:
  ///   - names: The names; nil where nobody wants any, as in classic pcap.
  ///   - body: The capture, or captures.
  /// - Returns: What `body` returns.
  /// - Throws: What `body` throws.
  package static func keptFresh<R: Sendable>(
    _ names: StreamNames?, during body: () async throws(Failure) -> R
  ) async throws(Failure) -> R {
    guard let names else { return try await body() }
    let keeping = Task { await names.keep() }
    // It is waited for: no kubectl outlives the capture.
    let result: Result<R, Failure>
    do {
      result = .success(try await body())
    } catch {
      result = .failure(error)
    }
    keeping.cancel()
    names.hasSubject.give(())
    await keeping.value
    return try result.get()
  }

  // MARK: - Finding out

  private func keep() async {
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await self.keepPods() }
      group.addTask { await self.keepOthers() }
      group.addTask { await self.keepPublishing() }
    }
  }

  /// Lists pods, then watches them; where that cannot be, lists them again and again.
  private func keepPods() async {
    var mayWatch = true
    var isFirst = true
    while !Task.isCancelled {
      let begin = ContinuousClock.now
      let (version, namespace) = await listPods()
      // A large cluster is not listed without pause; a watch that ends after that is.
      let cost = ContinuousClock.now - begin
      let earliest = begin + min(max(Self.listingPause, cost * 10), Self.seldom)
      if isFirst { noteFirst() }
      isFirst = false
      var next = version
      while mayWatch, let since = next, !Task.isCancelled {
        let begin = ContinuousClock.now
        (next, mayWatch) = await watchPods(namespace, since: since)
        // A server that ends watches at once is not asked without pause.
        if next != nil, ContinuousClock.now - begin < Self.shortWatch {
          try? await Task.sleep(for: Self.shortWatch)
        }
      }
      if Task.isCancelled { return }
      try? await Task.sleep(until: earliest, clock: .continuous)
    }
  }

  /// Lists the pods of all namespaces, or of those that are captured.
  ///
  /// - Returns: What a watch goes on from, and in which namespace; nil for all.
  private func listPods() async -> (version: String?, namespace: String?) {
    do throws(Failure) {
      let listed = try await kubectl.owners(.pod, within: Self.patience)
      change { $0.set(.pod, listed.owners) }
      return (listed.version, nil)
    } catch {
      guard error.kind == .denied else { return (nil, nil) }
    }
    let listed = await inNamespaces(.pod)
    change { $0.set(.pod, listed.flatMap(\.owners)) }
    let only = state.withLock { $0.names.namespaces }
    return only.count == 1 ? (listed.first?.version, only.first) : (nil, nil)
  }

  /// Lists in the namespaces of what is captured, as soon as that is known.
  private func inNamespaces(_ kind: AddressOwner.Kind) async -> [ListedOwners] {
    await hasSubject.value
    var listed: [ListedOwners] = []
    for namespace in state.withLock({ $0.names.namespaces }) where !Task.isCancelled {
      if let one = try? await kubectl.owners(kind, namespace: namespace, within: Self.patience) {
        listed.append(one)
      }
    }
    return listed
  }

  /// Watches pods for a while.
  ///
  /// - Returns: Where to go on, nil for a list; and whether watching is possible.
  private func watchPods(
    _ namespace: String?, since version: String
  ) async -> (next: String?, isPossible: Bool) {
    let latest = Locked(version)
    do throws(Failure) {
      try await kubectl.watchOwners(namespace: namespace, since: version, for: Self.watchTime) {
        news in
        switch news {
        case .version(let version): latest.value = version
        case .there(let pod), .gone(let pod):
          if let version = pod.version { latest.value = version }
          self.change { $0.take(news) }
        }
      }
      return (latest.value, true)
    } catch {
      return (nil, error.kind != .denied)
    }
  }

  /// Lists services and nodes, now and seldom later.
  private func keepOthers() async {
    var isFirst = true
    while !Task.isCancelled {
      async let services: Void = listOthers(.service)
      async let nodes: Void = listOthers(.node)
      _ = await (services, nodes)
      if isFirst { noteFirst() }
      isFirst = false
      try? await Task.sleep(for: Self.seldom)
    }
  }

  /// Takes note that pods, or everything else, were listed for the first time.
  private func noteFirst() {
    let isAll = state.withLock { state in
      state.firstLists += 1
      return state.firstLists == 2
    }
    guard isAll else { return }
    publish()
    found.ring()
  }

  private func listOthers(_ kind: AddressOwner.Kind) async {
    do throws(Failure) {
      let listed = try await kubectl.owners(kind, within: Self.patience)
      change { $0.set(kind, listed.owners) }
    } catch {
      guard error.kind == .denied, kind == .service else { return }
      let listed = await inNamespaces(kind)
      change { $0.set(kind, listed.flatMap(\.owners)) }
    }
  }

  // MARK: - Giving

  private func change(_ change: (inout ClusterNames) -> Void) {
    state.withLock { state in
      change(&state.names)
      state.isChanged = true
    }
  }

  private func keepPublishing() async {
    while !Task.isCancelled {
      try? await Task.sleep(for: Self.publishPause)
      publish()
    }
  }

  /// Gives the sink what has changed; one after the other, so that the newest names are the last.
  private func publish() {
    publishing.withLock { _ in
      let (sink, names) = state.withLock { state -> (Sink?, ClusterNames) in
        guard state.isChanged, let sink = state.sink else { return (nil, state.names) }
        state.isChanged = false
        return (sink, state.names)
      }
      sink?.setNames(names.table())
    }
  }
}
