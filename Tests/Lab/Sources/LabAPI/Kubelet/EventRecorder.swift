/// Writes the events of pods, as kubelet and scheduler do.
struct EventRecorder: Sendable {
  let store: Store

  /// Records that something happened to a pod; what has happened before is counted.
  /// - Parameters:
  ///   - pod: the pod.
  ///   - type: `Normal` or `Warning`.
  ///   - reason: the event's reason, one word.
  ///   - message: the event's message.
  ///   - container: the path of the container in the spec, for example `spec.containers{web}`.
  ///   - node: whose kubelet says so; nil for the scheduler.
  func record(
    _ pod: JSON, type: String = "Normal", reason: String, message: String,
    container: String? = nil, node: String?
  ) {
    let name = pod[path: ["metadata", "name"]]?.string ?? ""
    let namespace = pod[path: ["metadata", "namespace"]]?.string ?? ""
    let uid = pod[path: ["metadata", "uid"]]?.string ?? ""
    let hash = Digest.hexadecimal(of: "\(uid)\(type)\(reason)\(message)\(container ?? "")")
    let key = ObjectKey(namespace: namespace, name: "\(name).\(hash.prefix(16))")
    store.put(.events, key) { revision, previous in
      let now = Timestamp.now
      if var json = previous?.json {
        json["count"] = .integer((json["count"]?.integer ?? 1) + 1)
        json["lastTimestamp"] = now.json
        return StoredObject(json, type: .events, revision: revision)
      }
      let meta = ObjectMeta(
        name: key.name, namespace: namespace, uid: Digest.uid(of: key.path), created: now)
      let isScheduler = node == nil
      let json: JSON = .object(
        ("kind", "Event"), ("apiVersion", "v1"), ("metadata", meta.json),
        (
          "involvedObject",
          .object(
            ("kind", "Pod"), ("namespace", .string(namespace)), ("name", .string(name)),
            ("uid", .string(uid)), ("apiVersion", "v1"),
            ("resourceVersion", pod[path: ["metadata", "resourceVersion"]]),
            ("fieldPath", container.map { .string($0) }))
        ), ("reason", .string(reason)), ("message", .string(message)),
        (
          "source",
          node.map { ["component": "kubelet", "host": .string($0)] } ?? [:]
        ), ("firstTimestamp", isScheduler ? .null : now.json),
        ("lastTimestamp", isScheduler ? .null : now.json), ("count", isScheduler ? nil : 1),
        ("type", .string(type)), ("eventTime", isScheduler ? now.json : .null),
        ("action", isScheduler ? "Binding" : nil),
        (
          "reportingComponent",
          isScheduler ? "default-scheduler" : "kubelet"
        ),
        (
          "reportingInstance",
          .string(node ?? "default-scheduler-lab")
        ))
      return StoredObject(json, type: .events, revision: revision)
    }
  }
}
