package import Base

/// What one of several concurrent calls gave, and which call it was.
private struct Answer: Sendable {
  let index: Int
  var result: Result<[Workload], Failure>
}

extension Kubectl {
  /// Lists pods with one call, parsing while they arrive.
  ///
  /// - Throws: `Failure`: `unreachable`, `denied`, `usage` for a selector that is none.
  package func pods(
    _ query: PodQuery = PodQuery(), within patience: Patience? = nil
  ) async throws(Failure) -> Listed<Pod> {
    try await pods(query, within: patience, into: Collector<Pod>()).listed
  }

  /// Lists pods with one call and hands each to `each` as it arrives, on the thread that reads.
  ///
  /// - Returns: Whether the list was complete (see `PodQuery.limit`).
  @discardableResult
  package func pods(
    _ query: PodQuery = PodQuery(), within patience: Patience? = nil,
    each: @escaping @Sendable (Pod) throws(Failure) -> Void
  ) async throws(Failure) -> Bool {
    try await pods(query, within: patience, into: Caller(each: each)).isComplete
  }

  /// Lists the nodes.
  package func nodes(within patience: Patience? = nil) async throws(Failure) -> [Node] {
    let what = "Cannot list nodes\(whereText)."
    let consumer = ListConsumer(what: what, sink: Collector<Node>()) {
      (json) throws(JSONError) in try Node.read(json)
    }
    return try await get(what, raw: APIPath("/api/v1/nodes"), within: patience, into: consumer)
      .finished().sink.items
  }

  /// Lists the names of the namespaces.
  package func namespaces(
    within patience: Patience? = nil
  ) async throws(Failure) -> [String] {
    let what = "Cannot list namespaces\(whereText)."
    let consumer = ListConsumer(what: what, sink: Collector<String>()) {
      (json) throws(JSONError) in try Self.name(json)
    }
    return try await get(
      what, raw: APIPath("/api/v1/namespaces"), within: patience, into: consumer
    ).finished().sink.items
  }

  /// Lists the workloads of one kind.
  ///
  /// - Parameters:
  ///   - kind: Which kind.
  ///   - namespace: nil means all namespaces.
  ///   - labels: nil means all.
  ///   - patience: How long it may take.
  /// - Returns: The workloads in the API's order.
  /// - Throws: `Failure`: `unreachable`, `denied`, `usage` for a selector that is none.
  package func workloads(
    _ kind: WorkloadKind, namespace: String? = nil, labels: LabelSelector? = nil,
    within patience: Patience? = nil
  ) async throws(Failure) -> [Workload] {
    let what = "Cannot list \(kind.resource.name)\(whereText)."
    let path = try Self.path(
      kind.resource.group, kind.resource.name, namespace: namespace,
      query: [("labelSelector", labels?.text)])
    let consumer = ListConsumer(what: what, sink: Collector<Workload>()) {
      (json) throws(JSONError) in try Workload.read(json, kind)
    }
    return try await get(what, raw: path, within: patience, into: consumer)
      .finished().sink.items
  }

  /// Lists the workloads of several kinds, with one call for each, all at once.
  ///
  /// - Parameters:
  ///   - kinds: Which kinds.
  ///   - namespace: nil means all namespaces.
  ///   - labels: nil means all.
  ///   - patience: How long it may take.
  /// - Returns: The workloads by kind, in the order asked for.
  /// - Throws: The first `Failure`; what could be listed of the other kinds is lost.
  package func workloads(
    of kinds: [WorkloadKind], namespace: String? = nil, labels: LabelSelector? = nil,
    within patience: Patience? = nil
  ) async throws(Failure) -> [Workload] {
    // The index rides in a value of its own: as part of a tuple made around the call, release builds of
    // Swift 6.3.1 lost it, and with it the other kinds.
    let results = await withTaskGroup(of: Answer.self) { group in
      for (index, kind) in kinds.enumerated() {
        group.addTask {
          var answer = Answer(index: index, result: .success([]))
          do throws(Failure) {
            let listed = try await workloads(
              kind, namespace: namespace, labels: labels, within: patience)
            answer.result = .success(listed)
          } catch {
            answer.result = .failure(error)
          }
          return answer
        }
      }
      var results = [Result<[Workload], Failure>](repeating: .success([]), count: kinds.count)
      for await answer in group { results[answer.index] = answer.result }
      return results
    }
    var all: [Workload] = []
    for result in results { all += try result.get() }
    return all
  }

  /// Finds one pod, with one call.
  ///
  /// - Throws: `Failure`: `notFound` when there is no such pod or namespace.
  package func pod(
    namespace: String, name: String, keepsLabels: Bool = false,
    within patience: Patience? = nil
  ) async throws(Failure) -> Pod {
    let what = "Cannot find pod \(namespace)/\(name)\(whereText)."
    try Self.check(name, isValid: ResourceName.isSubdomain(name), "pod")
    let path = try Self.path("/api/v1", "pods", namespace: namespace, name: name)
    let reader = PodReader(keepsLabels: keepsLabels)
    return try await object(what, path, within: patience) { (json) throws(JSONError) in
      try reader.pod(json)
    }
  }

  /// Finds one node, with one call.
  package func node(
    name: String, within patience: Patience? = nil
  ) async throws(Failure) -> Node {
    try Self.check(name, isValid: ResourceName.isSubdomain(name), "node")
    let path = try Self.path("/api/v1", "nodes", namespace: nil, name: name)
    return try await object("Cannot find node \(name)\(whereText).", path, within: patience) {
      (json) throws(JSONError) in try Node.read(json)
    }
  }

  /// Finds one workload, with one call.
  package func workload(
    _ kind: WorkloadKind, namespace: String, name: String,
    within patience: Patience? = nil
  ) async throws(Failure) -> Workload {
    let what = "Cannot find \(kind.rawValue)/\(name) in namespace \(namespace)\(whereText)."
    try Self.check(name, isValid: ResourceName.isSubdomain(name), kind.title)
    let path = try Self.path(
      kind.resource.group, kind.resource.name, namespace: namespace, name: name)
    return try await object(what, path, within: patience) { (json) throws(JSONError) in
      try Workload.read(json, kind)
    }
  }

  /// Finds one workload and its pods, with two calls.
  ///
  /// - Throws: `Failure`: `noRoute` for a Service that has no selector; its addresses are no pods.
  package func workloadPods(
    _ kind: WorkloadKind, namespace: String, name: String,
    within patience: Patience? = nil
  ) async throws(Failure) -> (workload: Workload, pods: [Pod]) {
    let workload = try await workload(kind, namespace: namespace, name: name, within: patience)
    guard let selector = workload.selector else {
      throw Failure(
        .noRoute, "Cannot capture from \(kind.rawValue)/\(name).",
        why: "The \(kind.title) has no selector, so no pods belong to it.",
        fix: "Name the pods themselves.")
    }
    let query = PodQuery(namespace: namespace, labels: selector)
    let items = try await pods(query, within: patience).items
    return (workload, items)
  }
}

extension Kubectl {
  private func pods<S: ItemSink>(
    _ query: PodQuery, within patience: Patience?, into sink: S
  ) async throws(Failure) -> S where S.Item == Pod {
    let place = query.namespace.map { " in namespace \(printable($0, limit: 80))" } ?? ""
    let what = "Cannot list pods\(place)\(whereText)."
    if let node = query.node {
      try Self.check(node, isValid: ResourceName.isSubdomain(node), "node")
    }
    let path = try Self.path(
      "/api/v1", "pods", namespace: query.namespace,
      query: [
        ("labelSelector", query.labels?.text),
        ("fieldSelector", query.node.map { "spec.nodeName=\($0)" }),
        ("limit", query.limit.map { String(max(1, $0)) }),
      ])
    let reader = PodReader(keepsLabels: query.keepsLabels)
    let consumer = ListConsumer(what: what, sink: sink) { (json) throws(JSONError) in
      try reader.pod(json)
    }
    return try await get(what, raw: path, within: patience, into: consumer).finished().sink
  }

  /// Reads one object.
  private func object<T: Sendable>(
    _ what: String, _ path: APIPath, within patience: Patience?,
    _ read: (UnsafeRawBufferPointer) throws(JSONError) -> T?
  ) async throws(Failure) -> T {
    let bytes = try await get(
      what, raw: path, within: patience,
      into: CollectedOutput(what: what, limit: ListReader.itemLimit)
    ).bytes
    let result: Result<T?, JSONError> = bytes.withUnsafeBytes { json in
      Result { () throws(JSONError) in try read(json) }
    }
    switch result {
    case .success(let item?): return item
    case .success(nil): throw .unreadable(what, "The answer holds no object.")
    case .failure(let error): throw .unreadable(what, error.sentence)
    }
  }

  /// Reads an object's name only.
  private static func name(_ json: UnsafeRawBufferPointer) throws(JSONError) -> String? {
    var name: String?
    var reader = JSONReader(json)
    try reader.object { (key, reader) throws(JSONError) in
      guard case "metadata" = key else { return }
      try reader.object { (key, reader) throws(JSONError) in
        if case "name" = key { name = try reader.string() }
      }
    }
    try reader.end()
    return name
  }

  /// The path of a resource, or of one object of it.
  static func path(
    _ group: String, _ resource: String, namespace: String?, name: String? = nil,
    query: [(String, String?)] = []
  ) throws(Failure) -> APIPath {
    var path = group
    if let namespace {
      try Target.check(namespace: namespace)
      path += "/namespaces/\(namespace)"
    }
    path += "/\(resource)"
    if let name { path += "/\(name)" }
    return APIPath(path, query)
  }
}
