package import Base

extension Kubectl {
  /// The namespace that is meant: the one named, else the context's own.
  ///
  /// - Throws: `Failure` when the kubeconfig cannot be read.
  package func namespace(_ named: String?) async throws(Failure) -> String {
    if let named { return named }
    return try await config().context(named: context).namespace
  }

  /// The Pod Security level that a namespace enforces.
  ///
  /// - Returns: nil when the namespace has no such label, or may not be read.
  /// - Throws: `Failure` when there is no answer, or no such namespace.
  package func podSecurityLevel(
    namespace: String, within patience: Patience? = nil
  ) async throws(Failure) -> PodSecurityLevel? {
    let what = "Cannot read namespace \(printable(namespace, limit: 80))\(whereText)."
    try Target.check(namespace: namespace)
    let answer = try await raw(
      what, "get", APIPath("/api/v1/namespaces/\(namespace)"), within: patience)
    switch answer {
    case .accepted(let json):
      let labels: Result<[String: String], JSONError> = json.withUnsafeBytes { bytes in
        Result { () throws(JSONError) in try Self.labels(bytes) }
      }
      guard case .success(let found) = labels else {
        throw .unreadable(what, "The answer is no namespace.")
      }
      return found[PodSecurityLevel.label].flatMap(PodSecurityLevel.init)
    case .refused(let refusal):
      if case .forbidden = refusal.cause { return nil }
      throw refusal.failure(what)
    }
  }

  private static func labels(_ json: UnsafeRawBufferPointer) throws(JSONError) -> [String: String] {
    var labels: [String: String] = [:]
    var reader = JSONReader(json)
    try reader.object { (key, reader) throws(JSONError) in
      guard case "metadata" = key else { return }
      try reader.object { (key, reader) throws(JSONError) in
        if case "labels" = key { labels = try reader.strings() }
      }
    }
    try reader.end()
    return labels
  }

  /// How many of a pod's events are kept.
  static let eventLimit = 100

  /// What Kubernetes wrote down about a pod, the newest first; at most a hundred events.
  ///
  /// - Throws: `Failure`: `unreachable`, `denied`.
  package func events(
    of pod: PodReference, within patience: Patience? = nil
  ) async throws(Failure) -> [PodEvent] {
    let what = "Cannot read the events of pod \(pod.text)\(whereText)."
    try Self.check(pod.name, isValid: ResourceName.isSubdomain(pod.name), "pod")
    var fields = "involvedObject.kind=Pod,involvedObject.name=\(pod.name)"
    if let uid = pod.uid, ResourceName.isLabel(uid) { fields += ",involvedObject.uid=\(uid)" }
    let path = try Self.path(
      "/api/v1", "events", namespace: pod.namespace,
      query: [("fieldSelector", fields), ("limit", "500")])
    let consumer = ListConsumer(what: what, sink: Collector<PodEvent>()) {
      (json) throws(JSONError) in try PodEvent.read(json)
    }
    let events = try await get(what, raw: path, within: patience, into: consumer)
      .finished().sink.items
    // Of two in the same second the one later in the list counts as the newer.
    let newest = events.enumerated().sorted {
      ($0.element.last ?? 0, $0.offset) > ($1.element.last ?? 0, $1.offset)
    }
    return newest.prefix(Self.eventLimit).map(\.element)
  }
}
