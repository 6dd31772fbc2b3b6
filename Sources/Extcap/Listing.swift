/// What was found in one context, cut into what Wireshark lists and what is kept for look-up.
package struct Listing: Equatable, Sendable {
  /// The kubeconfig context.
  package var context: String
  /// A note about the cluster for people, such as its server's address.
  package var cluster: String
  /// When it was made, in seconds since 1970.
  package var written: Int64
  /// The kubeconfig it was made with.
  package var kubeconfig: Kubeconfig
  /// What Wireshark lists: favourites and recent ones first, at most as many as the limit says.
  package var listed: [Entry]
  /// Everything else.
  package var others: [Entry]

  /// Makes a listing of what was found.
  ///
  /// The same objects give the same list, whatever order they come in. Entries whose value is
  /// already taken are dropped.
  ///
  /// - Parameters:
  ///   - context: The kubeconfig context.
  ///   - cluster: A note about the cluster for people.
  ///   - written: The time, in seconds since 1970.
  ///   - kubeconfig: The kubeconfig it was made with.
  ///   - entries: All that was found.
  ///   - limit: The most entries that Wireshark lists; favourites and recent ones come first, and of the
  ///     rest pods have four fifths if there are so many.
  package init(
    context: String, cluster: String = "", written: Int64, kubeconfig: Kubeconfig,
    entries: [Entry], limit: Int = defaultLimit
  ) {
    self.context = context
    self.cluster = cluster
    self.written = written
    self.kubeconfig = kubeconfig
    var taken: Set<String> = []
    var kept: [Entry] = []
    kept.reserveCapacity(entries.count)
    for entry in entries where entry.kind != .portal && taken.insert(entry.value.text).inserted {
      kept.append(entry)
    }
    kept.sort(by: Self.precedes)
    (listed, others) = Self.cut(kept, limit)
  }

  /// Takes what Wireshark lists out of all entries, which are in their order.
  private static func cut(_ entries: [Entry], _ limit: Int) -> (listed: [Entry], others: [Entry]) {
    let able = entries.prefix { $0.isRunning }
    let ranked = able.prefix(max(0, limit)).prefix { $0.rank != nil }
    let free = max(0, limit) - ranked.count
    // Pods come before everything else, ranked ones apart.
    let rest = able[ranked.endIndex...]
    let pods = rest.prefix { $0.kind == .pod }
    let groups = rest[pods.endIndex...]
    let listedPods = pods.prefix(free - min(groups.count, free / sharedByOthers))
    let listedGroups = groups.prefix(free - listedPods.count)
    return (
      Array(ranked + listedPods + listedGroups),
      Array(
        pods[listedPods.endIndex...] + groups[listedGroups.endIndex...]
          + entries[able.endIndex...])
    )
  }

  /// The part of the limit that workloads, services and nodes have where there are more pods than fit:
  /// one fifth.
  private static let sharedByOthers = 5

  init(head: ListingHead, listed: [Entry], others: [Entry]) {
    context = head.context
    cluster = head.cluster
    written = head.written
    kubeconfig = head.kubeconfig
    self.listed = listed
    self.others = others
  }

  /// How long an object that is gone is remembered, in seconds: a day.
  package static let rememberedFor: Int64 = 24 * 3600
  /// The most objects remembered.
  private static let mostRemembered = 2000

  /// The same listing, with what has gone since an earlier one: its values still mean this context,
  /// also when another cluster has an object of that name.
  package func remembering(_ earlier: Listing) -> Listing {
    guard earlier.context == context else { return self }
    var taken: Set<String> = []
    for entry in listed { taken.insert(entry.value.text) }
    for entry in others { taken.insert(entry.value.text) }
    var gone: [Entry] = []
    for var entry in earlier.entries where !taken.contains(entry.value.text) {
      let seen = entry.lastSeen ?? earlier.written
      guard seen <= written, written - seen < Self.rememberedFor else { continue }
      entry.lastSeen = seen
      entry.isRunning = false
      gone.append(entry)
    }
    gone.sort { ($1.lastSeen ?? 0, $0.value.text) < ($0.lastSeen ?? 0, $1.value.text) }
    var result = self
    result.others += gone.prefix(Self.mostRemembered)
    return result
  }

  /// The most interfaces listed unless the configuration says otherwise.
  package static let defaultLimit = 250

  /// The same entries under another limit.
  package func limited(to limit: Int) -> Listing {
    var result = self
    (result.listed, result.others) = Self.cut(entries.sorted(by: Self.precedes), limit)
    return result
  }

  /// Several listings under one limit: favourites and recent ones of all of them first, then as much of
  /// each as of the others, and what one does not need the others have.
  package static func share(_ limit: Int, among listings: [Listing]) -> [Listing] {
    let able = listings.map { listing in listing.entries.filter(\.isRunning) }
    let ranked = shares(limit, of: able.map { $0.count { $0.rank != nil } })
    let free = limit - ranked.reduce(0, +)
    let others = shares(free, of: able.map { $0.count { $0.rank == nil } })
    return zip(listings, zip(ranked, others)).map { $0.limited(to: $1.0 + $1.1) }
  }

  /// Divides a number among those who want so much each, as evenly as can be.
  static func shares(_ total: Int, of wanted: [Int]) -> [Int] {
    var left = max(0, total)
    var given = wanted
    let modest = wanted.indices.sorted { (wanted[$0], $0) < (wanted[$1], $1) }
    for (place, index) in modest.enumerated() {
      given[index] = min(wanted[index], left / (modest.count - place))
      left -= given[index]
    }
    return given
  }

  /// The namespaces that have entries, sorted.
  package var namespaces: [String] {
    var names: Set<String> = []
    for entry in listed { names.insert(entry.namespace) }
    for entry in others { names.insert(entry.namespace) }
    return names.subtracting([""]).sorted()
  }

  /// All entries.
  package var entries: [Entry] { listed + others }

  /// What can be captured first, then favourites, then pods before workloads before nodes, then by
  /// name.
  private static func precedes(_ a: Entry, _ b: Entry) -> Bool {
    if a.isRunning != b.isRunning { return a.isRunning }
    let ranks = (a.rank ?? Int.max, b.rank ?? Int.max)
    if ranks.0 != ranks.1 { return ranks.0 < ranks.1 }
    if a.kind != b.kind { return place(a.kind) < place(b.kind) }
    return a.value.text < b.value.text
  }

  private static func place(_ kind: InterfaceValue.Kind) -> Int {
    switch kind {
    case .portal: 0
    case .pod: 1
    case .deployment: 2
    case .statefulSet: 3
    case .daemonSet: 4
    case .service: 5
    case .node: 6
    }
  }
}

/// What poddump-extcap needs of a listing, with the sentences ready to be printed.
package struct ListingHead: Equatable, Sendable {
  /// The kubeconfig context.
  package var context: String
  /// A note about the cluster for people.
  package var cluster: String
  /// When it was made, in seconds since 1970.
  package var written: Int64
  /// The kubeconfig it was made with.
  package var kubeconfig: Kubeconfig
  /// A line for each interface that is listed.
  package var interfaces: [UInt8] = []
  /// A line for each namespace and each listed pod, for the portal's dialog.
  package var choices: [UInt8] = []
  /// The numbers of the arguments that `choices` is for.
  var portalArguments: [Int] = []

  init(context: String, cluster: String, written: Int64, kubeconfig: Kubeconfig) {
    self.context = context
    self.cluster = cluster
    self.written = written
    self.kubeconfig = kubeconfig
  }

  /// Makes the head of a listing.
  package init(_ listing: Listing) {
    self.init(
      context: listing.context, cluster: listing.cluster, written: listing.written,
      kubeconfig: listing.kubeconfig)
    interfaces = Sentence.lines(
      listing.listed.map { .interface($0.value, display: $0.display) })
    portalArguments = Reply.portalArguments
    choices = Reply.values(
      .namespace, listing.namespaces.prefix(Self.mostNamespaces).map { Choice($0) })
    choices += Reply.values(.pod, Reply.pods(listing.listed))
  }

  private static let mostNamespaces = 500
}
