internal import Base
internal import Broker
internal import Cluster
internal import Extcap
internal import Packets

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// A capture into Wireshark's FIFO.
///
/// The FIFO is opened first, whatever comes then, and the section header written at once: Wireshark 4.0
/// waits for ever for a FIFO that nobody opened, and cannot be stopped before it has seen a header.
/// Nothing is written to standard error unless the capture failed: any text pops up a dialog.
struct ExtcapCapture: Sendable {
  private let wanted: Extcap.CaptureRequest

  init(_ wanted: Extcap.CaptureRequest) {
    self.wanted = wanted
  }

  /// Captures until something ends it.
  ///
  /// - Returns: The exit status.
  func run() async -> Int32 {
    let stops = StopSource()
    // First of all: Wireshark's window is frozen until the toolbar's pipe is open.
    return await Toolbar.with(wanted, hurries: { stops.reason != nil }) { toolbar in
      let signals = Signals(stops, watchesParent: true)
      defer { withExtendedLifetime(signals) {} }
      return await run(stops, toolbar)
    }
  }

  private func run(_ stops: StopSource, _ toolbar: Toolbar) async -> Int32 {
    var log = ExtcapLog()
    do throws(Failure) {
      guard let fifo = wanted.fifo else { throw Failure(.usage, "--fifo is missing.") }
      let opened = try await stops.interrupting { () async throws(Failure) in
        try await openFifo(fifo, stop: Bell())
      }
      guard let descriptor = opened ?? nil else { return 0 }
      let sink = Sink(descriptor, name: fifo)
      // What is wrong with the request itself is found before a byte is written: a tshark that was
      // given a header ends with status 0, whatever is said afterwards.
      try log.open(wanted.options)
      let order = try order(Configuration.load(), Kubectl.find(isInteractive: false))
      try await order.request.checkFilter(within: ExtcapCommand.filterPatience)
      let section = PcapngSection.here(application: "poddump \(Version.number)")
      guard try sink.begin(section, stop: Bell()) == .written else { return 0 }
      do throws(Failure) {
        let names = try StreamNames(order.kubectl)
        try await StreamNames.keptFresh(names) { () async throws(Failure) in
          try await capture(order, into: sink, names, stops, toolbar, log)
        }
      } catch {
        try? sink.finish()
        throw error
      }
      return 0
    } catch {
      log.terminal.note(error)
      toolbar.log(error.sentence)
      toolbar.show(.over(error.sentence))
      return ExtcapCommand.fail(error.sentence, error.kind.rawValue)
    }
  }

  /// What is to be captured, as far as it can be known without asking the cluster.
  struct Order {
    var value: InterfaceValue
    var request: Broker.CaptureRequest
    var kubectl: Kubectl
    var configuration: Configuration
    /// In milliseconds.
    var duration: Int?
    /// The most bytes to capture; nil for no limit.
    var size: Int?
  }

  /// Reads and checks what Wireshark passed, with the configuration; asks nobody.
  func order(_ configuration: Configuration, _ found: Kubectl) throws(Failure) -> Order {
    if let problem = wanted.problems.first { throw Failure(.usage, problem) }
    guard let name = wanted.interface, let value = InterfaceValue(name) else {
      throw Failure(
        .notFound, "There is no interface \(printable(wanted.interface ?? "", limit: 200)).",
        fix: "Choose one of the list.")
    }
    let configuration = try configuration.overridden(by: ExtcapTarget.overrides(wanted.options))
    var (request, kubectl) = try ExtcapTarget.resolve(value, options: wanted.options, found)
    request.filter = wanted.filter
    request.snapLength = request.snapLength ?? configuration.snapLength
    request.engine = request.engine ?? configuration.engine
    if wanted.options[Argument.ttl.name] == nil, let ttl = configuration.ttl { request.ttl = ttl }
    return Order(
      value: value, request: request, kubectl: kubectl, configuration: configuration,
      duration: try ExtcapTarget.duration(wanted.options, Argument.duration.name),
      size: try ExtcapTarget.size(wanted.options, Argument.maxSize.name))
  }

  private func capture(
    _ order: Order, into sink: Sink, _ names: StreamNames, _ stops: StopSource,
    _ toolbar: Toolbar, _ log: ExtcapLog
  ) async throws(Failure) {
    let (request, kubectl) = (order.request, order.kubectl)
    let place = request.target?.text ?? order.value.text
    toolbar.show(.waiting("Connecting to \(place)…"))
    let finder = try order.configuration.finder(
      kubectl, isInteractive: false, allowed: ExtcapTarget.allowed(wanted.options))
    var wanted = CaptureOrder(targets: request.target.map { [$0] } ?? [], request: request)
    wanted.limits = PumpLimits(packets: request.count, bytes: order.size)
    wanted.duration = order.duration.map { .milliseconds($0) }
    // Whoever sees no toolbar is not asked for anything.
    let group = CaptureGroup(
      wanted, finder: finder, stops: stops, names: names, waitsForRestart: toolbar.isThere)
    let remembered = Locked(false)
    let seen = Locked(false)
    let messages = CaptureMessages(terminal: log.terminal, isSingle: wanted.isSingle)
    let report = try await group.run(into: { () throws(Failure) in sink }, asPcapng: true) {
      event in
      if case .opening = event, !remembered.exchange(true) {
        remember(order)
      }
      if case .capturing(_, let header) = event, !seen.exchange(true) {
        remember(order, linkType: header.linkType)
      }
      messages.tell(event)
      toolbar.tell(event, of: group)
    }
    toolbar.show(.over(Progress.summary(report)))
    log.terminal.say(Progress.summary(report))
    if report.drops > 0 { log.terminal.warn("packets were lost at the far end.") }
    // A reader that left, or a Wireshark that is gone, has nobody to tell.
    if let failure = report.failure, stops.reason == nil || stops.reason == .ttl { throw failure }
  }

  /// Keeps what was captured in the list, and its meaning, and what its packets began with.
  private func remember(_ order: Order, linkType: LinkType? = nil) {
    guard let cache = ListingCache() else { return }
    if let pod = chosenPod(order, in: cache) { try? cache.note(pod) }
    guard let context = order.kubectl.context ?? portalContext(order) else { return }
    let kubeconfig = order.kubectl.environment["KUBECONFIG"].flatMap(\.self) ?? ""
    try? cache.note(
      RecentValues.Item(
        value: order.value, name: order.request.target?.name ?? order.value.name, context: context,
        kubeconfig: kubeconfig.split(separator: ":").map(String.init), used: Int64(time(nil)),
        linkType: linkType.map {
          .init(number: $0.rawValue, ofDefault: order.request.interface == nil)
        }))
  }

  /// The interface of the pod that was chosen in the portal's dialog, as the list calls it: whoever has looked for
  /// it there finds it in the list the next time. Nil where it is in none of the listed contexts.
  private func chosenPod(_ order: Order, in cache: ListingCache) -> RecentValues.Item? {
    guard order.value == .portal, let target = order.request.target, target.kind == .pod,
      let namespace = target.namespace ?? order.request.namespace,
      let shown = cache.shown(kubeconfigVariable: environmentValue("KUBECONFIG") ?? ""),
      let context = order.kubectl.context ?? shown.contexts.first,
      let place = shown.contexts.firstIndex(of: context),
      let value = InterfaceValue(
        kind: .pod, namespace: namespace, name: target.name, context: place == 0 ? nil : context)
    else { return nil }
    return RecentValues.Item(
      value: value, name: target.name, context: context,
      kubeconfig: shown.kubeconfig.files.map(\.path), used: Int64(time(nil)))
  }

  /// The portal means whatever is chosen; only its link type is worth remembering.
  private func portalContext(_ order: Order) -> String? { order.value == .portal ? "" : nil }
}
