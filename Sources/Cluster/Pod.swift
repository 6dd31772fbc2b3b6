/// What poddump wants to know of a pod; a fraction of what the API says, so that ten thousand fit.
package struct Pod: Sendable, Equatable {
  package var namespace: String
  package var name: String
  package var uid = ""
  /// The node it runs on; nil until it is scheduled.
  package var node: String?
  /// "Pending", "Running", "Succeeded", "Failed" or "Unknown".
  package var phase = ""
  /// Why the pod as a whole is in its phase: "Evicted", "NodeLost".
  package var reason: String?
  package var podIPs: [String] = []
  package var hostIP: String?
  package var isHostNetwork = false
  /// "linux" or "windows", where the pod says so; nil leaves it to the node.
  package var operatingSystem: String?
  /// Whether the kubelet made it known to the API for a static pod (`kubernetes.io/config.mirror`).
  package var isMirror = false
  /// Seconds since 1970.
  package var created: Int?
  /// When it is to be gone, in seconds since 1970; set as soon as it is being deleted.
  package var deletion: Int?
  /// The controller: "ReplicaSet", "DaemonSet", "Node" for a static pod.
  package var ownerKind: String?
  package var ownerName: String?
  /// Filled where asked for.
  package var labels: [String: String] = [:]
  /// The annotations that begin with `poddump/`, which poddump's own pods have; at most sixteen.
  package var ownAnnotations: [String: String] = [:]
  /// The annotation `kubectl.kubernetes.io/default-container`.
  package var defaultContainerName: String?
  /// A static pod's UID on its node, the annotation `kubernetes.io/config.hash`; the API has another.
  package var configHash: String?
  /// The pod's networks as a meta CNI plugin wrote them down; empty where there is none.
  package var networks: [PodNetwork] = []
  package var containers: [Container] = []
  package var initContainers: [Container] = []
  package var ephemeralContainers: [Container] = []

  /// kubectl's STATUS column: "Running", "CrashLoopBackOff", "Init:0/1", "Terminating", …
  package var status = ""
  /// The READY column's two numbers.
  package var readyContainers = 0
  package var totalContainers = 0
  /// The RESTARTS column.
  package var restarts = 0

  package init(namespace: String, name: String) {
    self.namespace = namespace
    self.name = name
  }

  /// kubectl's READY column, "1/2".
  package var ready: String { "\(readyContainers)/\(totalContainers)" }

  /// A static pod's mirror: its spec cannot be changed through the API.
  package var isStatic: Bool { ownerKind == "Node" || isMirror }

  /// Whether no container of it will run again.
  package var isFinished: Bool { phase == "Succeeded" || phase == "Failed" }

  /// Whether a container of it runs right now.
  package var isRunning: Bool {
    !isFinished && allContainers.contains { $0.state.isRunning }
  }

  /// Main containers first, then init containers and sidecars, then ephemeral ones.
  package var allContainers: [Container] { containers + initContainers + ephemeralContainers }

  /// The ports that its containers declare, each once.
  package var ports: [ContainerPort] {
    var seen: Set<ContainerPort> = []
    return allContainers.flatMap(\.ports).filter { seen.insert($0).inserted }
  }

  /// The most memory that its containers may use together, in bytes, those too that are added later: a kubelet sets
  /// one where each has a limit (pkg/kubelet/cm, ResourceConfigForPod). Nil for none.
  package var memoryLimit: Int? {
    var sum = 0
    for container in containers + initContainers {
      guard let limit = container.memoryLimit else { return nil }
      if container.role != .initial { sum += limit }
    }
    return sum > 0 ? sum : nil
  }

  /// The container of this name, in any of the three lists.
  package func container(named name: String) -> Container? {
    allContainers.first { $0.name == name }
  }

  /// The container that kubectl takes when none is named: the annotated one, else the first.
  package var defaultContainer: Container? {
    if let name = defaultContainerName, let annotated = container(named: name) { return annotated }
    return containers.first
  }
}

/// One entry of the annotation `k8s.v1.cni.cncf.io/network-status` (Network Plumbing Working Group,
/// de-facto standard 1.3, section 4.1).
package struct PodNetwork: Sendable, Equatable {
  /// The network: "cbr0", or namespace/name of a NetworkAttachmentDefinition.
  package var name: String
  /// The interface in the pod: "eth0", "net1".
  package var interface: String?
  package var ips: [String] = []
}
