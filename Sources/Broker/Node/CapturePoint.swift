internal import Base
internal import Cluster

/// Where on a node a target's packets are taken.
package enum PointChoice: String, Sendable, CaseIterable {
  /// The host-side interface where it is confirmed, else the best of the others.
  case auto
  /// The host-side interface or nothing.
  case host
  /// The pod's own network namespace or nothing.
  case pod
}

/// The place on a node where tcpdump will listen, and why there.
package struct CapturePoint: Sendable, Equatable {
  /// The interface, as it is called where tcpdump runs.
  package var interface: String
  /// The interface as the target knows it: "eth0" for a pod's `cali…` too.
  package var targetInterface: String
  /// What comes before tcpdump's own words: nsenter(1), or sudo(8).
  package var prefix: [String] = []
  /// What must hold of a packet, beside the user's filter; in the syntax of pcap-filter(7).
  package var conditions: [String] = []
  /// Whether it is the node's own interface, on which other traffic passes too.
  package var isNodes = false
  /// In words: "calib64434ee793 on node n1, the other end of the pod's eth0: …".
  package var reason: String
  package var notes: [String] = []
}

/// Finds the place to capture a pod's packets on its node. Pure; every name in it was checked when the
/// facts were read.
struct PodPoint {
  let pod: Pod
  let node: NodeFacts
  /// The interface asked for, as the pod calls it.
  let asked: String?
  let choice: PointChoice
  /// How the node was reached.
  var route = RouteName.ssh

  private var what: String {
    "Cannot capture from \(pod.namespace)/\(pod.name) by \(route.rawValue)."
  }
  private var nodeName: String { pod.node ?? "the node" }
  private var name: String { asked ?? "eth0" }

  /// The place.
  ///
  /// - Throws: `Failure` when there is none, or not the one that was forced.
  func find() throws(Failure) -> CapturePoint {
    guard node.pid != nil || node.hidesProcesses else { throw absent }
    guard node.pid == nil || node.isConfirmed || pod.podIPs.isEmpty else {
      throw Failure(
        .noRoute, what, why: "The process found for it on \(nodeName) does not have its address.",
        fix: "Try again; if it stays so, use another route.")
    }
    if pod.isHostNetwork || node.sharesNetwork { return try ofHostNetwork() }
    let host = hostSide()
    let inside = podSide()
    switch choice {
    case .host:
      return try host.get()
    case .pod:
      return try inside.get()
    case .auto:
      switch (host, inside) {
      case (.success(let point), _): return point
      case (.failure(let why), .success(var point)):
        point.reason += " (\(lowercased(why.why)))"
        return point
      case (.failure(let why), .failure(let other)):
        return try onNode(why, other)
      }
    }
  }

  // MARK: - The host side

  /// The interface on the node that is the other end of the pod's.
  private func hostSide() -> Result<CapturePoint, Failure> {
    func no(_ why: String) -> Result<CapturePoint, Failure> {
      .failure(
        Failure(
          .noRoute, what, why: why,
          fix: node.isRoot
            ? "Capture in the pod's own network with --at pod."
            : "Allow sudo without a password there, so that the pod's own network can be entered."))
    }
    guard name != "any", name != "lo" else {
      return no("\(name) has no other end on the node.")
    }
    let confirmed: (Link, String)
    if node.podLinks.isEmpty {
      guard asked == nil, let found = byRoute() else {
        return no("The other end of the pod's \(name) could not be found on \(nodeName).")
      }
      confirmed = found
    } else {
      guard let own = node.podLinks.first(where: { $0.name == name }) else {
        return no("The pod has no interface \(name).")
      }
      guard let peer = own.peer else {
        return no("The pod's \(name) has no other end on the node.")
      }
      guard let link = node.nodeLinks.first(where: { $0.index == peer }), link.peer == own.index,
        link.name != uplink
      else {
        return no("The pod's \(name) is not one of a pair whose other end is on \(nodeName).")
      }
      guard let proof = proof(of: link, own) else {
        return no(
          "\(link.name) on \(nodeName) has the right number, and nothing else confirms that it is the "
            + "other end of the pod's \(name).")
      }
      confirmed = (link, proof)
    }
    let (link, proof) = confirmed
    guard !Self.hidesTraffic(link.name) || choice == .host else {
      return no("Cilium's \(link.name) does not see all of the pod's packets.")
    }
    let known = node.hash.map { hash in Self.prefixes.contains { link.name == $0 + hash } } ?? false
    return .success(
      CapturePoint(
        interface: link.name, targetInterface: name,
        reason: "\(link.name) on node \(nodeName), the other end of the pod's \(name)"
          + ": \(proof)\(known ? ", and so it is named" : "")"))
  }

  /// Numbers repeat in every namespace, so that a pair of them proves little; one of these must come with it.
  private func proof(of link: Link, _ own: Link) -> String? {
    let isThere =
      node.namespaceNumber.map { $0 == link.peerNamespace } ?? false
      || node.namespaceName.map { $0 == link.peerNamespaceName } ?? false
    if isThere {
      return "the numbers agree both ways, and its other end is in the pod's network namespace"
    }
    if node.routes.contains(link.name) {
      return "the numbers agree both ways, and the node's route to the pod leads there"
    }
    if let address = own.address, node.bridgePorts[address] == link.name {
      return "the numbers agree both ways, and the bridge has the pod behind it"
    }
    return nil
  }

  /// Without a look into the pod, which takes root: the route to its address, or the port of the bridge that
  /// it leads to.
  private func byRoute() -> (Link, String)? {
    for device in node.routes {
      guard let link = node.nodeLinks.first(where: { $0.name == device }) else { continue }
      // What stands on an interface of the node (a VLAN, a macvlan) leads to more than one pod.
      if link.peer != nil, !link.hasNamedPeer, link.name != uplink {
        return (link, "the node's route to the pod leads there")
      }
      if let address = node.neighbour, let port = node.bridgePorts[address],
        let behind = node.nodeLinks.first(where: { $0.name == port }), behind.peer != nil
      {
        return (behind, "the bridge \(device) has the pod behind it")
      }
    }
    return nil
  }

  /// The interface with the node's own address, which is nobody's other end.
  private var uplink: String? {
    node.addresses.first { $0.address.text == pod.hostIP }?.interface
  }

  /// Plugins whose names for an interface are this and eleven digits of sha1("namespace.pod"): Calico, the
  /// AWS VPC CNI, Azure.
  private static let prefixes = ["cali", "eni", "azv"]

  /// Cilium's host routing goes past its `lxc…` interfaces (cilium#16280).
  private static func hidesTraffic(_ name: String) -> Bool {
    name.hasPrefix("lxc") || name.hasPrefix("cilium")
  }

  // MARK: - Inside

  /// The pod's own network namespace.
  private func podSide() -> Result<CapturePoint, Failure> {
    func no(_ kind: Failure.Kind, _ why: String, _ fix: String) -> Result<CapturePoint, Failure> {
      .failure(Failure(kind, what, why: why, fix: fix))
    }
    guard let pid = node.pid else { return .failure(absent) }
    guard node.isRoot else {
      return no(
        .denied, "Only root may enter the pod's network on \(nodeName).",
        "Allow sudo without a password there, or capture on the node's side with --at host.")
    }
    guard let nsenter = node.nsenter else {
      return no(
        .noRoute, "\(nodeName) has no nsenter.",
        "Install util-linux there, or capture on the node's side with --at host.")
    }
    let interfaces = node.podLinks.map(\.name)
    let interface: String
    if let asked {
      guard asked == "any" || interfaces.isEmpty || interfaces.contains(asked) else {
        return no(
          .notFound, "The pod has no interface \(asked).",
          "Choose one of \((interfaces + ["any"]).joined(separator: ", ")) with -i.")
      }
      interface = asked
    } else {
      interface = interfaces.isEmpty || interfaces.contains("eth0") ? "eth0" : "any"
    }
    return .success(
      CapturePoint(
        interface: interface, targetInterface: interface,
        prefix: nsenter + ["-t", String(pid), "-n"],
        reason: "\(interface) in the pod's network namespace on node \(nodeName)"))
  }

  private var absent: Failure {
    if node.hidesProcesses {
      return Failure(
        .denied, what, why: "\(nodeName) hides other users' processes from this one (hidepid).",
        fix: "Allow sudo without a password there, or log in as root.")
    }
    return Failure(
      .notFound, what, why: "No process of it was found on \(nodeName).",
      fix:
        "See whether it still runs there: kubectl get pod \(pod.name) -n \(pod.namespace) -o wide.")
  }

  // MARK: - The node's own interface

  private func ofHostNetwork() throws(Failure) -> CapturePoint {
    guard choice != .host || asked == nil || asked != "lo" else {
      throw Failure(
        .usage, what, why: "lo is no interface between node and pod.",
        fix: "Leave --at host out, or name another interface with -i.")
    }
    let names = node.nodeLinks.map(\.name)
    if let asked, asked != "any", !names.isEmpty, !names.contains(asked) {
      throw Failure(
        .notFound, what, why: "\(nodeName), whose network it shares, has no interface \(asked).",
        fix: "Choose one of \((names.prefix(40) + ["any"]).joined(separator: ", ")) with -i.")
    }
    var point = CapturePoint(
      interface: asked ?? uplink ?? "any", targetInterface: asked ?? uplink ?? "any",
      reason: "\(asked ?? uplink ?? "any") of node \(nodeName), whose network the pod shares")
    point.isNodes = true
    let ports = pod.ports
    if ports.isEmpty {
      point.notes.append(
        "\(pod.namespace)/\(pod.name) shares its node's network and declares no ports: this shows the "
          + "traffic of the whole node \(nodeName). Narrow it with -f.")
    } else {
      point.conditions.append(
        ports.map { "\($0.protocolName) port \($0.number)" }.joined(separator: " or "))
      point.notes.append(
        "\(pod.namespace)/\(pod.name) shares its node's network: this shows the ports that it declares ("
          + ports.map { "\($0.protocolName) \($0.number)" }.joined(separator: ", ")
          + "). For the whole node capture from node/\(nodeName).")
    }
    return point
  }

  /// The last resort: the node's own interface, and only what has the pod's address.
  private func onNode(_ why: Failure, _ other: Failure) throws(Failure) -> CapturePoint {
    let addresses = pod.podIPs.compactMap { IPAddress($0) }
    // Without root, a pod that is there or a look at it, a filter by address would only hide the reason; and
    // an interface that the pod does not have is on neither side.
    guard node.isRoot, node.pid != nil, asked == nil, !addresses.isEmpty, let uplink else {
      if node.pid == nil || other.kind == .notFound { throw other }
      guard node.isRoot, node.nsenter == nil else { throw why }
      // To enter the pod's network would be no way out.
      throw Failure(
        .noRoute, what, why: [why.why, other.why].compactMap(\.self).joined(separator: " "),
        fix: "Install iproute2 and util-linux there, or use another route.")
    }
    var point = CapturePoint(
      interface: uplink, targetInterface: uplink,
      reason: "\(uplink) of node \(nodeName), by the pod's address (\(lowercased(why.why)); "
        + "\(lowercased(other.why)))")
    point.isNodes = true
    point.conditions = [addresses.map { "host \($0.text)" }.joined(separator: " or ")]
    point.notes.append(
      "This shows what passes \(uplink) of \(nodeName) from or to the pod's address; what it exchanges with "
        + "its own node is not seen there.")
    return point
  }

  private func lowercased(_ sentence: String?) -> String {
    guard let sentence, let first = sentence.first else { return "" }
    return first.lowercased() + sentence.dropFirst().trimmingSuffix(".")
  }
}

extension Substring {
  fileprivate func trimmingSuffix(_ suffix: String) -> Substring {
    hasSuffix(suffix) ? dropLast(suffix.count) : self
  }
}

/// Finds the interface of a node that is captured by itself: the one asked for, or the one with its address.
func nodePoint(
  _ name: String, _ node: NodeFacts, addresses: [String], asked: String?
) throws(Failure) -> CapturePoint {
  let names = node.nodeLinks.map(\.name)
  let own = node.addresses.first { addresses.contains($0.address.text) }?.interface
  let used = node.connection.flatMap { connection in
    node.addresses.first { $0.address == connection.server }?.interface
  }
  let interface = asked ?? own ?? used ?? "any"
  guard interface == "any" || names.isEmpty || names.contains(interface) else {
    throw Failure(
      .notFound, "Cannot capture from node \(name).", why: "It has no interface \(interface).",
      fix: "Choose one of \((names.prefix(40) + ["any"]).joined(separator: ", ")) with -i.")
  }
  return CapturePoint(
    interface: interface, targetInterface: interface, isNodes: true,
    reason: interface == "any"
      ? "all interfaces of node \(name)"
      : "\(interface) of node \(name)"
        + (asked == nil ? ", the one with \(own == nil ? "the connection's" : "its") address" : ""))
}

/// The filter that leaves the capture's own connection out, by its real addresses and ports.
func withoutOwnTraffic(_ connection: NodeFacts.Connection) -> String {
  "not (host \(connection.client.text) and host \(connection.server.text) and tcp port "
    + "\(connection.clientPort) and tcp port \(connection.serverPort))"
}
