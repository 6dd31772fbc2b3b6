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
  /// The namespaces that have entries, sorted.
  package var namespaces: [String]
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
  ///   - limit: The most entries that Wireshark lists.
  package init(
    context: String, cluster: String = "", written: Int64, kubeconfig: Kubeconfig,
    entries: [Entry], limit: Int = defaultLimit
  ) {
    self.context = context
    self.cluster = cluster
    self.written = written
    self.kubeconfig = kubeconfig
    var namespaces: Set<String> = []
    var taken: Set<String> = []
    var kept: [Entry] = []
    kept.reserveCapacity(entries.count)
    for entry in entries where entry.kind != .portal && taken.insert(entry.value.text).inserted {
      kept.append(entry)
      if !entry.namespace.isEmpty { namespaces.insert(entry.namespace) }
    }
    kept.sort(by: Self.precedes)
    self.namespaces = namespaces.sorted()
    let end = kept.prefix(max(0, limit)).prefix { $0.isRunning }.count
    listed = Array(kept[..<end])
    others = Array(kept[end...])
  }

  init(head: ListingHead, listed: [Entry], others: [Entry]) {
    context = head.context
    cluster = head.cluster
    written = head.written
    kubeconfig = head.kubeconfig
    namespaces = head.namespaces
    self.listed = listed
    self.others = others
  }

  /// The most interfaces listed unless the configuration says otherwise.
  package static let defaultLimit = 250

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
  /// The namespaces that have entries, sorted.
  package var namespaces: [String] = []
  /// A line for each interface that is listed.
  package var interfaces: [UInt8] = []
  /// A line for each pod that is listed, for the portal's dialog.
  package var pods: [UInt8] = []
  /// The number of the argument that `pods` is for.
  var podArgument: Int?

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
    namespaces = listing.namespaces
    podArgument = Reply.podArgument
    interfaces = Sentence.lines(
      listing.listed.map { .interface($0.value, display: $0.display) })
    pods = Sentence.lines(
      Reply.pods(listing.listed).dropFirst()
        .compactMap { .value(argument: Reply.podArgument, $0) })
  }
}
