package import Base

extension Kubectl {
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
