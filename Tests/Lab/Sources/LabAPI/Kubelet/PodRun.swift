/// What a kubelet knows about a pod: how its containers are.
struct PodRun: Sendable {
  var key: ObjectKey
  var uid: String
  /// The node by name, and the real one on which its containers run.
  var node: String
  var realNode: String
  /// Created through the API; false for a pod of the lab, of which only ephemeral containers are run
  /// here.
  var isOwn: Bool
  var hostIP: String?
  var spec: JSON
  var sandbox: String
  var startTime = Timestamp.now
  var containers: [String: ContainerStatus] = [:]
  /// For exec: the real containers, by name.
  var real: [String: LabFile.Container] = [:]
  /// How many threads run containers of it.
  var active = 0
  /// Ends, whatever its restart policy says.
  var isEnding = false
  var hasSandbox = false
  var deadlineExceeded = false

  var netns: String { "cni-\(uid)" }

  private var own: [ContainerStatus] {
    (spec["containers"]?.array ?? []).compactMap { container in
      container["name"]?.string.flatMap { containers[$0] }
    }
  }

  var restarts: Bool { spec["restartPolicy"]?.string != "Never" }

  private var phase: String {
    if deadlineExceeded { return "Failed" }
    if !own.isEmpty, own.allSatisfy(\.isTerminated), isEnding || !restarts {
      return own.allSatisfy { $0.exitCode == 0 } ? "Succeeded" : "Failed"
    }
    return own.contains { $0.containerID != nil } ? "Running" : "Pending"
  }

  var hasEnded: Bool { ["Succeeded", "Failed"].contains(phase) }

  /// The statuses of ephemeral containers, in the order of their names as the kubelet sorts them.
  var ephemeralStatuses: JSON? {
    let all = containers.values.filter(\.isEphemeral).sorted { $0.name < $1.name }
    return all.isEmpty ? nil : .array(all.map(\.json))
  }

  /// The status of a pod that was created through the API, after an older one.
  func status(after previous: JSON, generation: Int, now: Timestamp = .now) -> JSON {
    let phase = phase
    let address = spec["hostNetwork"]?.bool == true ? hostIP : nil
    let reported: JSON = .object(
      ("observedGeneration", .integer(generation)), ("phase", .string(phase)),
      ("conditions", conditions(phase, after: previous, generation: generation, now: now)),
      (
        "message",
        deadlineExceeded
          ? "Pod was active on the node longer than the specified deadline" : nil
      ), ("reason", deadlineExceeded ? "DeadlineExceeded" : nil),
      ("hostIP", hostIP.map { .string($0) }), ("hostIPs", hostIP.map { [["ip": .string($0)]] }),
      ("podIP", address.map { .string($0) }), ("podIPs", address.map { [["ip": .string($0)]] }),
      ("startTime", startTime.json), ("containerStatuses", .array(own.map(\.json))),
      ("qosClass", previous["qosClass"]), ("ephemeralContainerStatuses", ephemeralStatuses),
      ("resources", [:]))
    return reported
  }

  private func conditions(
    _ phase: String, after previous: JSON, generation: Int, now: Timestamp
  ) -> JSON {
    let unready = own.filter { !$0.isRunning }.map(\.name)
    let isReady = unready.isEmpty && phase == "Running"
    var reason: String?
    var message: String?
    switch phase {
    case "Succeeded": reason = "PodCompleted"
    case "Failed": reason = "PodFailed"
    default:
      reason = isReady ? nil : "ContainersNotReady"
      message =
        isReady ? nil : "containers with unready status: [\(unready.joined(separator: " "))]"
    }
    func condition(
      _ type: String, _ holds: Bool, _ reason: String? = nil, _ message: String? = nil
    ) -> JSON {
      let old = (previous["conditions"]?.array ?? []).first { $0["type"]?.string == type }
      let status: JSON = holds ? "True" : "False"
      let since = old?["status"] == status ? old?["lastTransitionTime"] : nil
      return .object(
        ("type", .string(type)), ("observedGeneration", .integer(generation)), ("status", status),
        ("lastProbeTime", .null), ("lastTransitionTime", since ?? now.json),
        ("reason", reason.map { .string($0) }), ("message", message.map { .string($0) }))
    }
    return [
      condition("PodReadyToStartContainers", hasSandbox && phase == "Running"),
      condition("Initialized", true, phase == "Succeeded" ? reason : nil),
      condition("Ready", isReady, reason, message),
      condition("ContainersReady", isReady, reason, message),
      condition("PodScheduled", true),
    ]
  }
}
