package import Cluster
package import Packets

/// Who has which address in a cluster, as far as it is known, and what that is called in a capture. Pure.
package struct ClusterNames: Sendable {
  /// What is captured, whose names come first.
  private var subjects: [Subject] = []
  private var pods: [Key: AddressOwner] = [:]
  private var services: [Key: AddressOwner] = [:]
  private var nodes: [Key: AddressOwner] = [:]

  private struct Key: Hashable, Comparable {
    var namespace: String
    var name: String

    init(_ owner: AddressOwner) { (namespace, name) = (owner.namespace, owner.name) }

    static func < (one: Key, other: Key) -> Bool {
      (one.namespace, one.name) < (other.namespace, other.name)
    }
  }

  /// Nothing known yet.
  package init() {}

  /// Takes note of something that is captured: its own addresses need no listing.
  package mutating func add(_ subject: Subject) {
    subjects.removeAll { $0.text == subject.text }
    subjects.append(subject)
    // Whoever restarts pods all day keeps the last ones.
    if subjects.count > Self.subjectLimit { subjects.removeFirst() }
  }

  private static let subjectLimit = 64

  /// The namespaces of what is captured.
  package var namespaces: [String] {
    var seen: [String] = []
    for case .pod(let pod, _) in subjects where !seen.contains(pod.namespace) {
      seen.append(pod.namespace)
    }
    return seen
  }

  /// Takes a whole listing in the place of what was known of its kind.
  package mutating func set(_ kind: AddressOwner.Kind, _ owners: [AddressOwner]) {
    let listed = Dictionary(owners.map { (Key($0), $0) }) { _, last in last }
    switch kind {
    case .pod: pods = listed
    case .service: services = listed
    case .node: nodes = listed
    }
  }

  /// Takes what a watch of pods says.
  package mutating func take(_ change: OwnerChange) {
    switch change {
    case .there(let pod):
      let key = Key(pod)
      if pod.addresses.isEmpty {
        pods[key] = nil
      } else if pods.count < Kubectl.ownerLimit || pods[key] != nil {
        pods[key] = pod
      }
    case .gone(let pod): pods[Key(pod)] = nil
    case .version: break
    }
  }

  /// The names, the nearest first: what is captured, its nodes, its namespaces, then everything else.
  package func table() -> NameTable {
    var names: [AddressName] = []
    func add(_ addresses: [String], _ name: String) {
      for address in addresses { if let one = AddressName(address, name) { names.append(one) } }
    }
    // Nodes by their pods' word first: it is all there is where nodes may not be listed.
    var nodeNames: [String: String] = [:]
    for pod in pods.values {
      if let node = pod.node, let address = pod.hostIP { nodeNames[address] = node }
    }
    for node in nodes.values { for address in node.addresses { nodeNames[address] = node.name } }
    for subject in subjects {
      switch subject {
      case .pod(let pod, _):
        let addresses = pod.podIPs + pod.networks.flatMap(\.ips)
        let own = pod.isHostNetwork ? [] : addresses.filter { nodeNames[$0] == nil }
        add(own, Self.podName(pod.name, pod.namespace))
        if let node = pod.node {
          add(([pod.hostIP].compactMap(\.self)) + (pod.isHostNetwork ? pod.podIPs : []), node)
        }
      case .node(let node): add(node.addresses.map(\.address), node.name)
      }
    }
    let near = Set(namespaces)
    let sorted = pods.sorted { $0.key < $1.key }.map(\.value).filter {
      !$0.isFinished && !$0.isHostNetwork
    }
    let sortedServices = services.sorted { $0.key < $1.key }.map(\.value)
    func addAll(_ isNear: Bool) {
      for pod in sorted where near.contains(pod.namespace) == isNear {
        add(pod.addresses.filter { nodeNames[$0] == nil }, Self.podName(pod.name, pod.namespace))
      }
      for service in sortedServices where near.contains(service.namespace) == isNear {
        add(service.addresses, "\(service.name).\(service.namespace).svc")
      }
    }
    let nearNodes = Set(subjects.compactMap(\.node))
    let addresses = nodeNames.sorted { ($0.value, $0.key) < ($1.value, $1.key) }
    for (address, node) in addresses where nearNodes.contains(node) { add([address], node) }
    addAll(true)
    for (address, node) in addresses where !nearNodes.contains(node) { add([address], node) }
    addAll(false)
    return NameTable(names)
  }

  /// As the cluster's DNS would say it without its last parts: short, and told from a service.
  private static func podName(_ name: String, _ namespace: String) -> String {
    "\(name).\(namespace)"
  }
}
