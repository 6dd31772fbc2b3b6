/// A node of the lab as the API server would describe it.
package struct NodeObject {
  package var node: LabFile.Node
  /// The images of the pods that run there.
  package var images: [String]
  package var created: Timestamp

  package init(_ node: LabFile.Node, images: [String], created: Timestamp) {
    (self.node, self.images, self.created) = (node, images, created)
  }

  package var json: JSON {
    ["kind": "Node", "apiVersion": "v1", "metadata": metadata, "spec": spec, "status": status]
  }

  private var metadata: JSON {
    var meta = ObjectMeta(name: node.name, uid: node.uid, created: created)
    meta.labels = [
      "beta.kubernetes.io/arch": architecture, "beta.kubernetes.io/os": operatingSystem,
      "kubernetes.io/arch": architecture, "kubernetes.io/hostname": node.name,
      "kubernetes.io/os": operatingSystem,
    ]
    let ownedByKubelet = ["volumes.kubernetes.io/controller-managed-attach-detach": "true"]
    let ownedByController = ["node.alpha.kubernetes.io/ttl": "0"]
    meta.annotations = ownedByKubelet.merging(ownedByController) { $1 }
    meta.managedFields = [
      ManagedFields.entry(
        manager: "kubelet", time: created,
        fields: ["metadata": ["annotations": .map(ownedByKubelet), "labels": .map(meta.labels)]]),
      ManagedFields.entry(
        manager: "kube-controller-manager", time: created + 5,
        fields: ["metadata": ["annotations": .map(ownedByController)], "spec": spec],
        unowned: ["annotations"]),
      ManagedFields.entry(
        manager: "kubelet", time: created + 10, subresource: "status",
        fields: ["status": ["conditions": .array(heartbeats), "images": []]],
        unowned: ["conditions"], changed: heartbeats.map { .object(("type", $0["type"])) }),
    ]
    return meta.json
  }

  /// What the kubelet keeps changing in the node's conditions.
  private var heartbeats: [JSON] {
    (status["conditions"]?.array ?? []).map { condition in
      condition["type"] == "Ready"
        ? .object(
          ("type", "Ready"), ("lastHeartbeatTime", condition["lastHeartbeatTime"]),
          ("message", condition["message"]), ("reason", condition["reason"]),
          ("status", condition["status"]))
        : .object(
          ("type", condition["type"]), ("lastHeartbeatTime", condition["lastHeartbeatTime"]))
    }
  }

  private var spec: JSON {
    guard let podCIDR = node.podCIDR else {
      return isWindows ? ["taints": [Self.windowsTaint]] : [:]
    }
    return ["podCIDR": .string(podCIDR), "podCIDRs": [.string(podCIDR)]]
  }

  #if arch(arm64)
  private static let ownArchitecture = "arm64"
  #else
  private static let ownArchitecture = "amd64"
  #endif

  private var architecture: String { node.architecture ?? Self.ownArchitecture }
  /// As documented for clusters of both systems (Kubernetes documentation, "Windows containers in
  /// Kubernetes", on taints).
  private static let windowsTaint: JSON = ["key": "os", "value": "windows", "effect": "NoSchedule"]

  private var isWindows: Bool { operatingSystem == "windows" }
  private var operatingSystem: String { node.operatingSystem ?? "linux" }

  private var status: JSON {
    func condition(_ type: String, _ status: String, _ reason: String, _ message: String) -> JSON {
      [
        "type": .string(type), "status": .string(status), "lastHeartbeatTime": created.json,
        "lastTransitionTime": created.json, "reason": .string(reason), "message": .string(message),
      ]
    }
    func resources(storage: String, memory: String) -> JSON {
      [
        "cpu": "2", "ephemeral-storage": .string(storage), "hugepages-1Gi": "0",
        "hugepages-2Mi": "0", "memory": .string(memory), "pods": "50",
      ]
    }
    return [
      "capacity": resources(storage: "264212084Ki", memory: "24684092Ki"),
      "allocatable": resources(storage: "267847642337", memory: "24581692Ki"),
      "conditions": [
        condition(
          "MemoryPressure", "False", "KubeletHasSufficientMemory",
          "kubelet has sufficient memory available"),
        condition(
          "DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
        condition(
          "PIDPressure", "False", "KubeletHasSufficientPID",
          "kubelet has sufficient PID available"),
        condition("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
      ],
      "addresses": [
        ["type": "InternalIP", "address": .string(node.internalIP)],
        ["type": "Hostname", "address": .string(node.name)],
      ],
      "daemonEndpoints": ["kubeletEndpoint": ["Port": 10250]],
      "nodeInfo": [
        "machineID": .string(String(Digest.hexadecimal(of: node.name).prefix(32))),
        "systemUUID": .string(Digest.uid(of: node.name)),
        "bootID": .string(Digest.uid(of: node.uid)),
        "kernelVersion": .string(isWindows ? "10.0.20348.2762" : "6.1.0-37-cloud-\(architecture)"),
        "osImage": .string(
          isWindows ? "Windows Server 2022 Datacenter" : "Debian GNU/Linux 12 (bookworm)"),
        "containerRuntimeVersion": "containerd://1.6.20", "kubeletVersion": "v1.36.2",
        "kubeProxyVersion": "", "operatingSystem": .string(operatingSystem),
        "architecture": .string(architecture),
      ],
      "images": .array(
        images.map { image in
          let name = image.split(separator: ":").first.map(String.init) ?? image
          let digest = Digest.hexadecimal(of: image)
          return [
            "names": [
              .string("docker.io/\(name)@sha256:\(digest)"), .string("docker.io/\(image)"),
            ],
            "sizeBytes": 1_037_067,
          ]
        }),
      "declaredFeatures": ["ExtendWebSocketsToKubelet"],
    ]
  }
}
