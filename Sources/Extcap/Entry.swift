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
  /// When it was seen last, in seconds since 1970, if it is gone; nil if it was there.
  package var lastSeen: Int64?

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
  ///   - pods: How many running pods are behind it; for workloads and services.
  ///   - context: The context it was listed from, for the display.
  ///   - phase: The pod's phase.
  ///   - isRunning: Whether a capture can start now.
  ///   - rank: The place among favourites and recent ones.
  ///   - defaultContainer: The container that is taken if none is named.
  ///   - containers: The names of the containers.
  package init(
    value: InterfaceValue, name: String, node: String = "", pods: Int = 0, context: String,
    phase: String = "", isRunning: Bool = true, rank: Int? = nil, defaultContainer: String? = nil,
    containers: [String] = []
  ) {
    self.init(
      value: value, name: name, node: node,
      display: Self.display(
        value.kind, value.namespace, name, node: node, pods: pods, context: context),
      phase: phase, isRunning: isRunning, rank: rank, defaultContainer: defaultContainer,
      containers: containers)
  }

  init(
    value: InterfaceValue, name: String, node: String, display: String, phase: String,
    isRunning: Bool, rank: Int?, defaultContainer: String?, containers: [String],
    lastSeen: Int64? = nil
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
    self.lastSeen = lastSeen
  }

  /// The description of an interface in Wireshark's list. It always names the context, so that
  /// nobody captures in the wrong cluster, and begins with what people type after `tshark -i`.
  package static func display(
    _ kind: InterfaceValue.Kind, _ namespace: String, _ name: String, node: String = "",
    pods: Int = 0, context: String
  ) -> String {
    switch kind {
    case .portal: Reply.portalTitle
    case .pod:
      [namespace + "/" + name, node, context].filter { !$0.isEmpty }.joined(separator: " · ")
    case .node: "node " + name + " · " + context
    case .deployment, .statefulSet, .daemonSet, .service:
      namespace + "/" + name + " · " + word(kind) + ", " + count(pods) + " · " + context
    }
  }

  private static func word(_ kind: InterfaceValue.Kind) -> String {
    switch kind {
    case .portal: "portal"
    case .pod: "pod"
    case .deployment: "deployment"
    case .statefulSet: "stateful set"
    case .daemonSet: "daemon set"
    case .service: "service"
    case .node: "node"
    }
  }

  private static func count(_ pods: Int) -> String {
    switch pods {
    case 0: "no pod yet"
    case 1: "1 pod"
    default: String(pods) + " pods"
    }
  }
}
