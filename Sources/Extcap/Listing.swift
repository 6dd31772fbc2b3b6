/// One object that a listing found.
package struct Entry: Equatable, Sendable {
  /// The interface value it has in Wireshark.
  package var value: InterfaceValue
  /// The full name, also where the value is shortened.
  package var name: String
  /// The node it runs on; empty if it has none.
  package var node: String
  /// What Wireshark shows beside the packets: `shop/web-0 · n1 · staging`.
  package var display: String
  /// The pod's phase as the API names it (`Running`, `Pending`, …); empty for other objects.
  package var phase: String
  /// Whether a capture can start now: a running pod; true for other objects.
  package var isRunning: Bool
  /// The place among favourites and recently used ones, 0 first; nil for all others.
  package var rank: Int?
  /// The container that kubectl takes if none is named; nil for other objects.
  package var defaultContainer: String?
  /// The names of the containers, in the pod's order.
  package var containers: [String]

  /// What the entry is.
  package var kind: InterfaceValue.Kind { value.kind }
  /// The namespace; empty for nodes.
  package var namespace: String { value.namespace }

  /// Creates an entry; the display is made of the other values if none is given.
  ///
  /// - Parameters:
  ///   - value: The interface value.
  ///   - name: The full name.
  ///   - node: The node it runs on.
  ///   - context: The context it was listed from, for the display.
  ///   - phase: The pod's phase.
  ///   - isRunning: Whether a capture can start now.
  ///   - rank: The place among favourites and recent ones.
  ///   - defaultContainer: The container that is taken if none is named.
  ///   - containers: The names of the containers.
  package init(
    value: InterfaceValue, name: String, node: String = "", context: String, phase: String = "",
    isRunning: Bool = true, rank: Int? = nil, defaultContainer: String? = nil,
    containers: [String] = []
  ) {
    self.init(
      value: value, name: name, node: node,
      display: Self.display(value.kind, value.namespace, name, node: node, context: context),
      phase: phase, isRunning: isRunning, rank: rank, defaultContainer: defaultContainer,
      containers: containers)
  }

  init(
    value: InterfaceValue, name: String, node: String, display: String, phase: String,
    isRunning: Bool, rank: Int?, defaultContainer: String?, containers: [String]
  ) {
    self.value = value
    self.name = name
    self.node = node
    self.display = display
    self.phase = phase
    self.isRunning = isRunning
    self.rank = rank
    self.defaultContainer = defaultContainer
    self.containers = containers
  }

  /// The description of an interface in Wireshark's list. It always names the context, so that
  /// nobody captures in the wrong cluster, and begins with what people type after `tshark -i`.
  package static func display(
    _ kind: InterfaceValue.Kind, _ namespace: String, _ name: String, node: String,
    context: String
  ) -> String {
    switch kind {
    case .portal: Reply.portalTitle
    case .pod:
      [namespace + "/" + name, node, context].filter { !$0.isEmpty }.joined(separator: " · ")
    case .node: "node " + name + " · " + context
    case .deployment, .statefulSet, .daemonSet, .service:
      namespace + "/" + name + " · " + kind.rawValue + " · " + context
    }
  }
}

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
  /// Everything else. Empty if only the start of the file was read.
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

  init(
    context: String, cluster: String, written: Int64, kubeconfig: Kubeconfig,
    namespaces: [String], listed: [Entry], others: [Entry]
  ) {
    self.context = context
    self.cluster = cluster
    self.written = written
    self.kubeconfig = kubeconfig
    self.namespaces = namespaces
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

/// Which contexts Wireshark's list is made of, for one value of the environment's KUBECONFIG.
///
/// It is what spares poddump-extcap the reading of YAML.
package struct Shown: Equatable, Sendable {
  /// When it was written, in seconds since 1970.
  package var written: Int64
  /// The kubeconfig it was read from.
  package var kubeconfig: Kubeconfig
  /// The contexts that are listed; the first one's values have no tag. Empty if there is none.
  package var contexts: [String]
  /// All contexts that the kubeconfig knows, for the portal.
  package var known: [String]

  /// Creates a record of what is shown.
  package init(written: Int64, kubeconfig: Kubeconfig, contexts: [String], known: [String] = []) {
    self.written = written
    self.kubeconfig = kubeconfig
    self.contexts = contexts
    self.known = known
  }
}
