/// A pod of the lab as the API server would describe it; the recordings of a real one are the
/// pattern, and the tests compare the two field by field.
package struct PodObject {
  package var pod: LabFile.Pod
  /// The address of the pod's node; nil while it has none.
  package var hostIP: String?
  package var created: Timestamp

  package init(_ pod: LabFile.Pod, hostIP: String?, created: Timestamp) {
    (self.pod, self.hostIP, self.created) = (pod, hostIP, created)
  }

  package var json: JSON {
    ["kind": "Pod", "apiVersion": "v1", "metadata": metadata, "spec": spec, "status": status]
  }

  /// The name of the volume with the service account's token: five characters that hardly repeat.
  private var tokenVolume: String {
    "kube-api-access-" + pod.uid.filter { $0 != "-" }.suffix(5)
  }

  // MARK: Metadata

  private var metadata: JSON {
    var meta = ObjectMeta(
      name: pod.name, namespace: pod.namespace, uid: pod.uid, generation: 1, created: created,
      labels: pod.labels ?? [:], annotations: pod.annotations ?? [:])
    let manager: String
    if let owner = pod.owner {
      manager = "kube-controller-manager"
      meta.generateName = owner.name + "-"
      meta.owner = ObjectMeta.controller(
        kind: owner.kind, apiVersion: "apps/v1", name: owner.name, uid: owner.uid)
    } else {
      manager = "kubectl-client-side-apply"
      meta.applied(apiVersion: "v1", kind: "Pod", spec: manifest)
    }
    meta.managedFields.append(
      ManagedFields.entry(
        manager: manager, time: created,
        fields: ["metadata": meta.ownedFields, "spec": ownedSpec]))
    if pod.node == nil {
      meta.managedFields.insert(
        ManagedFields.entry(
          manager: "kube-scheduler", time: created, subresource: "status",
          fields: ["status": ["conditions": status["conditions"] ?? []]]), at: 0)
    } else {
      meta.managedFields.append(
        ManagedFields.entry(
          manager: "kubelet", time: created + 3, subresource: "status",
          fields: ["status": reportedStatus], unowned: ["conditions"],
          changed: [["type": "PodScheduled"]]))
    }
    return meta.json
  }

  /// The spec as somebody would have written it into a file.
  private var manifest: JSON {
    .object(
      (
        "containers",
        .array(
          pod.containers.map { container in
            .object(
              ("command", container.command.map { .array($0.map { .string($0) }) }),
              ("image", .string(container.image)), ("imagePullPolicy", "IfNotPresent"),
              ("name", .string(container.name)),
              ("ports", container.ports.map { .array($0.map(port)) }),
              ("resources", container.memoryLimit.map { ["limits": ["memory": .string($0)]] }),
              ("securityContext", container.securityContext?.value),
              ("volumeMounts", container.volumeMounts?.value))
          })
      ), ("hostNetwork", pod.hostNetwork == true ? true : nil),
      ("securityContext", pod.securityContext?.value), ("terminationGracePeriodSeconds", 1),
      ("volumes", pod.volumes?.value))
  }

  /// The spec without what the API server's admission added after the manifest had been read.
  private var ownedSpec: JSON {
    var owned = spec
    for name in ["tolerations", "nodeName", "serviceAccount", "serviceAccountName", "priority"] {
      owned[name] = nil
    }
    owned["preemptionPolicy"] = nil
    owned["volumes"] = pod.volumes?.value
    let containers = pod.containers.map { container in
      var owned = specification(of: container)
      owned["volumeMounts"] = container.volumeMounts?.value
      return owned
    }
    owned["containers"] = .array(containers)
    return owned
  }

  /// The status without the times that the API server had already set, as the kubelet sends it.
  private var reportedStatus: JSON {
    var reported = status
    reported["qosClass"] = nil
    if pod.phase == "Pending" { reported["phase"] = nil }  // it had been set at the creation
    if let conditions = reported["conditions"]?.array {
      reported["conditions"] = .array(
        conditions.map { condition in
          condition["type"] == "PodScheduled"
            ? ["type": "PodScheduled", "observedGeneration": 1] : condition
        })
    }
    return reported
  }

  // MARK: Spec

  private var spec: JSON {
    let volumes = (pod.volumes?.value.array ?? []) + [tokenProjection]
    let toleration = { (key: String) -> JSON in
      [
        "key": .string(key), "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300,
      ]
    }
    return .object(
      ("volumes", .array(volumes)),
      ("containers", .array(pod.containers.map(specification))),
      ("restartPolicy", isFinished ? "Never" : "Always"), ("terminationGracePeriodSeconds", 1),
      ("dnsPolicy", "ClusterFirst"), ("serviceAccountName", "default"),
      ("serviceAccount", "default"), ("nodeName", pod.node.map { .string($0) }),
      ("hostname", statefulSet.map { _ in .string(pod.name) }),
      ("subdomain", statefulSet.map { .string($0) }),
      ("hostNetwork", pod.hostNetwork == true ? true : nil),
      ("securityContext", pod.securityContext?.value ?? [:]),
      ("schedulerName", "default-scheduler"),
      (
        "tolerations",
        [
          toleration("node.kubernetes.io/not-ready"), toleration("node.kubernetes.io/unreachable"),
        ]
      ), ("priority", 0), ("enableServiceLinks", true),
      ("preemptionPolicy", "PreemptLowerPriority"))
  }

  /// The StatefulSet that the pod belongs to.
  private var statefulSet: String? {
    pod.owner.flatMap { $0.kind == "StatefulSet" ? $0.name : nil }
  }

  private var tokenProjection: JSON {
    [
      "name": .string(tokenVolume),
      "projected": [
        "sources": [
          ["serviceAccountToken": ["expirationSeconds": 3607, "path": "token"]],
          [
            "configMap": [
              "name": "kube-root-ca.crt", "items": [["key": "ca.crt", "path": "ca.crt"]],
            ]
          ],
          [
            "downwardAPI": [
              "items": [
                [
                  "path": "namespace",
                  "fieldRef": ["apiVersion": "v1", "fieldPath": "metadata.namespace"],
                ]
              ]
            ]
          ],
        ], "defaultMode": 420,
      ],
    ]
  }

  private func port(_ port: LabFile.ContainerPort) -> JSON {
    .object(
      ("name", port.name.map { .string($0) }), ("containerPort", .integer(port.containerPort)),
      ("protocol", .string(port.protocol ?? "TCP")))
  }

  private func resources(of container: LabFile.Container) -> JSON {
    guard let limit = container.memoryLimit else { return [:] }
    return ["limits": ["memory": .string(limit)], "requests": ["memory": .string(limit)]]
  }

  private func specification(of container: LabFile.Container) -> JSON {
    let mounts =
      (container.volumeMounts?.value.array ?? []) + [
        [
          "name": .string(tokenVolume), "readOnly": true,
          "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount",
        ]
      ]
    return .object(
      ("name", .string(container.name)), ("image", .string(container.image)),
      ("command", container.command.map { .array($0.map { .string($0) }) }),
      ("ports", container.ports.map { .array($0.map(port)) }), ("resources", resources(of: container)),
      ("volumeMounts", .array(mounts)), ("terminationMessagePath", "/dev/termination-log"),
      ("terminationMessagePolicy", "File"), ("imagePullPolicy", "IfNotPresent"),
      ("securityContext", container.securityContext?.value))
  }

  // MARK: Status

  private var isFinished: Bool { ["Succeeded", "Failed"].contains(pod.phase) }

  private var status: JSON {
    guard pod.node != nil else {
      return .object(
        ("phase", "Pending"),
        (
          "conditions",
          [
            condition(
              "PodScheduled", false, reason: "Unschedulable",
              message: "0/2 nodes are available: 2 Insufficient memory. no new claims to "
                + "deallocate, preemption: 0/2 nodes are available: 2 No preemption victims "
                + "found for incoming pod.")
          ]
        ), ("qosClass", .string(qualityOfService)))
    }
    let address = pod.hostNetwork == true ? hostIP : pod.podIP
    return .object(
      ("observedGeneration", 1), ("phase", .string(pod.phase)), ("conditions", conditions),
      ("hostIP", hostIP.map { .string($0) }), ("hostIPs", hostIP.map { [["ip": .string($0)]] }),
      ("podIP", address.map { .string($0) }), ("podIPs", address.map { [["ip": .string($0)]] }),
      ("startTime", created.json),
      ("containerStatuses", .array(pod.containers.map(containerStatus))),
      ("qosClass", .string(qualityOfService)),
      ("allocatedResources", totalMemory.map { ["memory": $0] }),
      ("resources", podResources))
  }

  private var qualityOfService: String {
    pod.containers.contains { $0.memoryLimit != nil } ? "Burstable" : "BestEffort"
  }

  /// The memory limit when every container has the same notion of one; only then the kubelet sums.
  private var totalMemory: JSON? {
    guard pod.containers.count == 1, let limit = pod.containers[0].memoryLimit else { return nil }
    return .string(limit)
  }

  /// What the kubelet reads from the pod's cgroup; the number is cgroup v1's "no limit".
  private var podResources: JSON {
    guard pod.containers.contains(where: { $0.containerID != nil }) else { return [:] }
    guard let totalMemory else { return ["limits": ["memory": "9007199254740988Ki"]] }
    return ["limits": ["memory": totalMemory], "requests": ["memory": totalMemory]]
  }

  private var conditions: JSON {
    let unready = pod.containers.filter { $0.state != "running" }.map(\.name)
    let started = pod.containers.contains { $0.containerID != nil }
    let reason: String?
    var message: String?
    switch pod.phase {
    case "Succeeded": reason = "PodCompleted"
    case "Failed": reason = "PodFailed"
    default:
      reason = unready.isEmpty ? nil : "ContainersNotReady"
      message =
        unready.isEmpty
        ? nil : "containers with unready status: [\(unready.joined(separator: " "))]"
    }
    return [
      condition("PodReadyToStartContainers", started && !isFinished, after: 2),
      condition("Initialized", true, reason: pod.phase == "Succeeded" ? reason : nil),
      condition("Ready", unready.isEmpty, reason: reason, message: message, after: 3),
      condition("ContainersReady", unready.isEmpty, reason: reason, message: message, after: 3),
      condition("PodScheduled", true),
    ]
  }

  private func condition(
    _ type: String, _ holds: Bool, reason: String? = nil, message: String? = nil, after: Int = 0
  ) -> JSON {
    .object(
      ("type", .string(type)), ("observedGeneration", 1), ("status", holds ? "True" : "False"),
      ("lastProbeTime", .null), ("lastTransitionTime", (created + after).json),
      ("reason", reason.map { .string($0) }), ("message", message.map { .string($0) }))
  }

  private func containerStatus(of container: LabFile.Container) -> JSON {
    let mounts = specification(of: container)["volumeMounts"]?.array ?? []
    let limits = container.memoryLimit.map { JSON.string($0) }
    return .object(
      ("name", .string(container.name)), ("state", state(of: container)), ("lastState", [:]),
      ("ready", .bool(container.state == "running")), ("restartCount", 0),
      (
        "image",
        .string(container.containerID == nil ? container.image : "docker.io/" + container.image)
      ),
      ("imageID", .string(container.containerID == nil ? "" : imageID(of: container))),
      ("containerID", container.containerID.map { .string($0) }),
      ("started", .bool(container.state == "running")),
      ("allocatedResources", limits.map { ["memory": $0] }),
      ("resources", container.containerID == nil ? nil : resources(of: container)),
      ("volumeMounts", .array(mounts.map(mountStatus))))
  }

  private func mountStatus(of mount: JSON) -> JSON {
    let readOnly = mount["readOnly"]?.bool == true
    return .object(
      ("name", mount["name"]), ("mountPath", mount["mountPath"]),
      ("readOnly", readOnly ? true : nil),
      ("recursiveReadOnly", readOnly ? "Disabled" : nil))
  }

  private func state(of container: LabFile.Container) -> JSON {
    let parts = container.state.split(separator: ":", maxSplits: 1).map(String.init)
    switch (parts.first, parts.dropFirst().first) {
    case ("waiting", let reason):
      return ["waiting": ["reason": .string(reason ?? "ContainerCreating")]]
    case ("terminated", let code):
      let exitCode = code.flatMap { Int($0) } ?? 0
      return [
        "terminated": .object(
          ("exitCode", .integer(exitCode)), ("reason", exitCode == 0 ? "Completed" : "Error"),
          ("startedAt", (created + 3).json), ("finishedAt", (created + 4).json),
          ("containerID", container.containerID.map { .string($0) }))
      ]
    default: return ["running": ["startedAt": (created + 3).json]]
    }
  }

  /// A digest for an image that never had one: stable, and of the right shape.
  private func imageID(of container: LabFile.Container) -> String {
    let name = container.image.split(separator: ":").first.map(String.init) ?? container.image
    return "docker.io/\(name)@sha256:" + Digest.hexadecimal(of: container.image)
  }
}
