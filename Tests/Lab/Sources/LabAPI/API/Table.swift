/// A cell of a table's row; an age is only known when the row is sent.
package enum TableCell: Sendable, Equatable {
  case value(JSON)
  case age(Timestamp?)

  package func json(at now: Timestamp) -> JSON {
    switch self {
    case .value(let value): value
    case .age(let time): .string(time?.age(at: now) ?? "<unknown>")
    }
  }
}

/// The server's part of `kubectl get`: objects as rows (Kubernetes documentation, "Receiving
/// resources as Tables"; the columns are those of pkg/printers/internalversion).
package enum Table {
  package struct Column: Sendable {
    package var name: String
    package var type = "string"
    package var format = ""
    package var description: String
    /// 0 always, 1 only for `-o wide`.
    package var priority = 0

    package var json: JSON {
      [
        "name": .string(name), "type": .string(type), "format": .string(format),
        "description": .string(description), "priority": .integer(priority),
      ]
    }
  }

  private static let name = Column(name: "Name", format: "name", description: "The object's name.")
  private static let age = Column(
    name: "Age", description: "The time since the object was created.")

  package static func columns(of type: ResourceType) -> [Column] {
    func column(_ name: String, _ description: String, integer: Bool = false, wide: Bool = false)
      -> Column
    {
      Column(
        name: name, type: integer ? "integer" : "string", description: description,
        priority: wide ? 1 : 0)
    }
    switch type.kind {
    case "Pod":
      return [
        name, column("Ready", "Containers that are ready, of all."),
        column("Status", "The state of the pod's containers in one word."),
        column("Restarts", "How often containers were restarted."), age,
        column("IP", "The pod's address.", wide: true),
        column("Node", "The node on which the pod runs.", wide: true),
        column("Nominated Node", "The node that is being made free for the pod.", wide: true),
        column("Readiness Gates", "Further conditions of readiness.", wide: true),
      ]
    case "Node":
      return [
        name, column("Status", "Whether the node is ready."), column("Roles", "The node's roles."),
        age, column("Version", "The kubelet's version."),
        column("Internal-IP", "The address inside the cluster.", wide: true),
        column("External-IP", "The address from outside.", wide: true),
        column("OS-Image", "The operating system.", wide: true),
        column("Kernel-Version", "The kernel.", wide: true),
        column("Container-Runtime", "The container runtime.", wide: true),
      ]
    case "Namespace": return [name, column("Status", "Whether the namespace is active."), age]
    case "Service":
      return [
        name, column("Type", "How the service is reached."),
        column("Cluster-IP", "The address inside the cluster."),
        column("External-IP", "The address from outside."), column("Port(s)", "The ports."), age,
        column("Selector", "The labels of the service's pods.", wide: true),
      ]
    case "Deployment":
      return [
        name, column("Ready", "Ready pods, of those wanted."),
        column("Up-to-date", "Pods of the newest template."),
        column("Available", "Pods that can be used."), age,
        column("Containers", "The containers' names.", wide: true),
        column("Images", "The containers' images.", wide: true),
        column("Selector", "The labels of the pods.", wide: true),
      ]
    case "ReplicaSet":
      return [
        name, column("Desired", "Pods wanted.", integer: true),
        column("Current", "Pods that exist.", integer: true),
        column("Ready", "Pods that are ready.", integer: true), age,
        column("Containers", "The containers' names.", wide: true),
        column("Images", "The containers' images.", wide: true),
        column("Selector", "The labels of the pods.", wide: true),
      ]
    case "StatefulSet":
      return [
        name, column("Ready", "Ready pods, of those wanted."), age,
        column("Containers", "The containers' names.", wide: true),
        column("Images", "The containers' images.", wide: true),
      ]
    case "DaemonSet":
      return [
        name, column("Desired", "Pods wanted.", integer: true),
        column("Current", "Pods that exist.", integer: true),
        column("Ready", "Pods that are ready.", integer: true),
        column("Up-to-date", "Pods of the newest template.", integer: true),
        column("Available", "Pods that can be used.", integer: true),
        column("Node Selector", "The labels of the nodes."), age,
        column("Containers", "The containers' names.", wide: true),
        column("Images", "The containers' images.", wide: true),
        column("Selector", "The labels of the pods.", wide: true),
      ]
    case "EndpointSlice":
      return [
        name, column("AddressType", "The kind of the addresses."), column("Ports", "The ports."),
        column("Endpoints", "The addresses."), age,
      ]
    case "Event":
      return [
        column("Last Seen", "When it happened last."), column("Type", "Normal or Warning."),
        column("Reason", "What happened, in a word."), column("Object", "To what."),
        column("Message", "What happened."),
      ]
    default: return [name, age]
    }
  }

  /// The row of one object.
  package static func cells(of object: JSON, type: ResourceType) -> [TableCell] {
    let name = TableCell.value(object[path: ["metadata", "name"]] ?? "")
    let age = TableCell.age(
      object[path: ["metadata", "creationTimestamp"]]?.string.flatMap { Timestamp($0) })
    func at(_ path: String...) -> JSON? { object[path: path] }
    func text(_ path: String...) -> TableCell { .value(object[path: path] ?? "<none>") }
    func number(_ path: String...) -> TableCell { .value(object[path: path] ?? 0) }
    let containers = at("spec", "template", "spec", "containers")?.array ?? []
    func ofContainers(_ member: String) -> TableCell {
      .value(.string(containers.compactMap { $0[member]?.string }.joined(separator: ",")))
    }
    func selector(_ path: String...) -> TableCell {
      let labels = (object[path: path]?.stringMap ?? [:]).sorted { $0.key < $1.key }
      let text = labels.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
      return .value(.string(text.isEmpty ? "<none>" : text))
    }
    func outOf(_ part: JSON?, _ whole: JSON?) -> TableCell {
      .value(.string("\(part?.integer ?? 0)/\(whole?.integer ?? 0)"))
    }
    switch type.kind {
    case "Pod":
      let pod = PodSummary(object)
      return [
        name, .value(.string(pod.ready)), .value(.string(pod.status)),
        .value(.string(String(pod.restarts))), age, text("status", "podIP"),
        text("spec", "nodeName"), text("status", "nominatedNodeName"), .value("<none>"),
      ]
    case "Node":
      let ready = (at("status", "conditions")?.array ?? []).first { $0["type"] == "Ready" }
      let addresses = at("status", "addresses")?.array ?? []
      func address(_ type: JSON) -> TableCell {
        .value(addresses.first { $0["type"] == type }?["address"] ?? "<none>")
      }
      return [
        name, .value(ready?["status"] == "True" ? "Ready" : "NotReady"), .value("<none>"), age,
        text("status", "nodeInfo", "kubeletVersion"), address("InternalIP"),
        address("ExternalIP"), text("status", "nodeInfo", "osImage"),
        text("status", "nodeInfo", "kernelVersion"),
        text("status", "nodeInfo", "containerRuntimeVersion"),
      ]
    case "Namespace": return [name, text("status", "phase"), age]
    case "Service":
      let ports = (at("spec", "ports")?.array ?? []).map { port in
        "\(port["port"]?.integer ?? 0)/\(port["protocol"]?.string ?? "TCP")"
      }
      return [
        name, text("spec", "type"), text("spec", "clusterIP"), .value("<none>"),
        .value(.string(ports.isEmpty ? "<none>" : ports.joined(separator: ","))), age,
        selector("spec", "selector"),
      ]
    case "Deployment":
      return [
        name, outOf(at("status", "readyReplicas"), at("spec", "replicas")),
        number("status", "updatedReplicas"), number("status", "availableReplicas"), age,
        ofContainers("name"), ofContainers("image"), selector("spec", "selector", "matchLabels"),
      ]
    case "ReplicaSet":
      return [
        name, number("spec", "replicas"), number("status", "replicas"),
        number("status", "readyReplicas"), age, ofContainers("name"), ofContainers("image"),
        selector("spec", "selector", "matchLabels"),
      ]
    case "StatefulSet":
      return [
        name, outOf(at("status", "readyReplicas"), at("spec", "replicas")), age,
        ofContainers("name"), ofContainers("image"),
      ]
    case "DaemonSet":
      return [
        name, number("status", "desiredNumberScheduled"),
        number("status", "currentNumberScheduled"), number("status", "numberReady"),
        number("status", "updatedNumberScheduled"), number("status", "numberAvailable"),
        .value("<none>"), age, ofContainers("name"), ofContainers("image"),
        selector("spec", "selector", "matchLabels"),
      ]
    case "EndpointSlice":
      let ports = (at("ports")?.array ?? []).compactMap { $0["port"]?.integer.map(String.init) }
      let addresses = (at("endpoints")?.array ?? []).compactMap {
        $0["addresses"]?.array?.first?.string
      }
      return [
        name, text("addressType"), .value(.string(ports.joined(separator: ","))),
        .value(.string(addresses.isEmpty ? "<unset>" : addresses.joined(separator: ","))), age,
      ]
    case "Event":
      let seen = at("lastTimestamp")?.string ?? at("eventTime")?.string
      let kind = at("involvedObject", "kind")?.string?.lowercased() ?? ""
      let object = "\(kind)/\(at("involvedObject", "name")?.string ?? "")"
      return [
        .age(seen.flatMap { Timestamp($0) }), text("type"), text("reason"),
        .value(.string(object)), text("message"),
      ]
    default: return [name, age]
    }
  }
}

/// What a table says about a pod.
package struct PodSummary: Equatable {
  package var ready: String
  package var status: String
  package var restarts: Int

  package init(_ pod: JSON) {
    let containers = pod[path: ["spec", "containers"]]?.array ?? []
    let statuses = pod[path: ["status", "containerStatuses"]]?.array ?? []
    status = pod[path: ["status", "phase"]]?.string ?? ""
    if let reason = pod[path: ["status", "reason"]]?.string, !reason.isEmpty { status = reason }
    var readyContainers = 0
    restarts = 0
    for container in statuses.reversed() {
      restarts += container["restartCount"]?.integer ?? 0
      let state = container["state"]
      if let reason = state?[path: ["waiting", "reason"]]?.string, !reason.isEmpty {
        status = reason
      } else if let terminated = state?["terminated"] {
        let code = terminated["exitCode"]?.integer ?? 0
        status = terminated["reason"]?.string ?? "ExitCode:\(code)"
      } else if container["ready"]?.bool == true, state?["running"] != nil {
        readyContainers += 1
      }
    }
    if status == "Completed", readyContainers > 0 { status = "Running" }
    if pod[path: ["metadata", "deletionTimestamp"]] != nil { status = "Terminating" }
    ready = "\(readyContainers)/\(containers.count)"
  }
}
