/// What scheduler and kubelet would report about a pod.
extension PodObject {
  var isFinished: Bool { ["Succeeded", "Failed"].contains(pod.phase) }

  var status: JSON {
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
      ("name", .string(container.name)), ("state", state(of: container)),
      ("lastState", lastState(of: container)), ("ready", .bool(container.state == "running")),
      ("restartCount", .integer(container.restartCount ?? 0)),
      (
        "image",
        .string(container.containerID == nil ? container.image : "docker.io/" + container.image)
      ),
      ("imageID", .string(container.containerID == nil ? "" : imageID(of: container))),
      ("containerID", container.containerID.map { .string($0) }),
      ("started", .bool(container.state == "running")),
      ("allocatedResources", limits.map { ["memory": $0] }),
      ("resources", container.containerID == nil ? nil : resources(of: container)),
      ("volumeMounts", mounts.isEmpty ? nil : .array(mounts.map(mountStatus))))
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
    default:
      let started = container.startedAt.flatMap { Timestamp($0) } ?? created + 3
      return ["running": ["startedAt": started.json]]
    }
  }

  private func lastState(of container: LabFile.Container) -> JSON {
    guard let last = container.lastState else { return [:] }
    return [
      "terminated": [
        "exitCode": .integer(last.exitCode), "reason": last.exitCode == 0 ? "Completed" : "Error",
        "startedAt": .string(last.startedAt), "finishedAt": .string(last.finishedAt),
        "containerID": .string(last.containerID),
      ]
    ]
  }

  /// A digest for an image that never had one: stable, and of the right shape.
  private func imageID(of container: LabFile.Container) -> String {
    let name = container.image.split(separator: ":").first.map(String.init) ?? container.image
    return "docker.io/\(name)@sha256:" + Digest.hexadecimal(of: container.image)
  }
}
