/// Something that stands for several pods: a Deployment, a Service, a Job, …
package struct Workload: Sendable, Equatable {
  package var kind: WorkloadKind
  package var namespace: String
  package var name: String
  /// Pods that are ready; for a Job those that have succeeded; 0 for a Service.
  package var ready = 0
  /// Pods that are wanted; 0 for a Service.
  package var desired = 0
  /// What its pods are found by; nil when it has none (a Service that is an alias).
  package var selector: LabelSelector?
  /// Seconds since 1970.
  package var created: Int?

  package init(kind: WorkloadKind, namespace: String, name: String) {
    self.kind = kind
    self.namespace = namespace
    self.name = name
  }

  /// Reads one object of a kind.
  ///
  /// - Parameters:
  ///   - json: The object's bytes; borrowed.
  ///   - kind: What was asked for; items of a list do not say it.
  /// - Returns: nil for an object without a name.
  /// - Throws: `JSONError` when the bytes are no JSON object.
  package static func read(
    _ json: UnsafeRawBufferPointer, _ kind: WorkloadKind
  ) throws(JSONError) -> Workload? {
    var workload = Workload(kind: kind, namespace: "", name: "")
    // An absent number of replicas means one.
    var replicas: Int?
    var reader = JSONReader(json)
    let isObject = try reader.object { (key, reader) throws(JSONError) in
      switch key {
      case "metadata": try workload.readMetadata(&reader)
      case "spec":
        try reader.object { (key, reader) throws(JSONError) in
          switch key {
          case "replicas", "completions": replicas = try reader.int()
          case "selector":
            workload.selector =
              kind.hasPlainSelector ? try .readPlain(&reader) : try .read(&reader)
          default: break
          }
        }
      case "status":
        try reader.object { (key, reader) throws(JSONError) in
          switch key {
          case "readyReplicas" where kind != .daemonSet && kind != .job,
            "numberReady" where kind == .daemonSet,
            "succeeded" where kind == .job:
            workload.ready = try reader.int() ?? 0
          case "desiredNumberScheduled" where kind == .daemonSet: replicas = try reader.int()
          default: break
          }
        }
      default: break
      }
    }
    guard isObject else { throw .malformed(at: 0) }
    try reader.end()
    workload.desired =
      switch kind {
      case .service: 0
      case .daemonSet: replicas ?? 0
      default: replicas ?? 1
      }
    return workload.name.isEmpty ? nil : workload
  }

  private mutating func readMetadata(_ reader: inout JSONReader) throws(JSONError) {
    try reader.object { (key, reader) throws(JSONError) in
      switch key {
      case "name": name = try reader.string() ?? ""
      case "namespace": namespace = try reader.string() ?? ""
      case "creationTimestamp": created = try reader.string().flatMap(Timestamp.unixSeconds)
      default: break
      }
    }
  }
}
