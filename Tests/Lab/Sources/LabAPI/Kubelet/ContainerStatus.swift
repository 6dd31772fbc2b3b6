/// What a kubelet reports about one container.
struct ContainerStatus: Sendable, Equatable {
  var name: String
  /// As the spec says.
  var image: String
  var isEphemeral: Bool
  var state: JSON = ["waiting": ["reason": "ContainerCreating"]]
  var lastState: JSON = [:]
  var restartCount: Int = 0
  var containerID: String?
  var volumeMounts: [JSON] = []

  var isRunning: Bool { state["running"] != nil }
  var isTerminated: Bool { state["terminated"] != nil }

  var exitCode: Int? { state[path: ["terminated", "exitCode"]]?.integer }

  static func waiting(_ reason: String, _ message: String? = nil) -> JSON {
    ["waiting": .object(("reason", .string(reason)), ("message", message.map { .string($0) }))]
  }

  static func terminated(
    code: Int, reason: String? = nil, message: String? = nil, started: Timestamp,
    finished: Timestamp = .now, containerID: String?
  ) -> JSON {
    [
      "terminated": .object(
        ("exitCode", .integer(code)),
        ("reason", .string(reason ?? (code == 0 ? "Completed" : "Error"))),
        ("message", message.map { .string($0) }), ("startedAt", started.json),
        ("finishedAt", finished.json), ("containerID", containerID.map { .string($0) }))
    ]
  }

  /// The status as it stands in the pod; members that only containers of the pod itself have are
  /// left out for an ephemeral one.
  var json: JSON {
    let reference = containerID == nil ? nil : ImageReference(image)
    return .object(
      ("name", .string(name)), ("state", state), ("lastState", lastState),
      ("ready", .bool(isRunning && !isEphemeral)), ("restartCount", .integer(restartCount)),
      ("image", .string(reference?.canonical ?? image)),
      ("imageID", .string(reference?.digest ?? "")),
      ("containerID", containerID.map { .string($0) }),
      ("started", isEphemeral ? nil : .bool(isRunning)),
      ("resources", containerID == nil ? nil : [:]),
      ("volumeMounts", volumeMounts.isEmpty ? nil : .array(volumeMounts.map(Self.mount))))
  }

  private static func mount(_ mount: JSON) -> JSON {
    let readOnly = mount["readOnly"]?.bool == true
    return .object(
      ("name", mount["name"]), ("mountPath", mount["mountPath"]),
      ("readOnly", readOnly ? true : nil),
      ("recursiveReadOnly", readOnly ? "Disabled" : nil))
  }
}
