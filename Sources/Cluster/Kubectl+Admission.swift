package import Base

/// What a request to the API gave.
enum RawAnswer {
  case accepted([UInt8])
  case refused(AdmissionRefusal)
}

extension Kubectl {
  /// How often an ephemeral container is tried against a pod that others change at the same time.
  private static let attempts = 5

  /// Adds a container to a running pod: its JSON is read, the entry put into it, and the pod put back to
  /// the subresource `ephemeralcontainers`. Needs the right to update it.
  ///
  /// Reading and putting go by `--raw`, which does no discovery. When somebody else has changed the pod in
  /// between, both are done again, five times in all.
  ///
  /// - Parameters:
  ///   - container: What is added.
  ///   - pod: Where; with a UID, a pod of the same name but another UID is refused as replaced.
  ///   - dryRun: Whether the API server only says what it would do.
  ///   - patience: How long each of the calls may take.
  /// - Returns: Whether the API server takes it, and why not.
  /// - Throws: `Failure` when there is no answer, or the pod cannot be read.
  package func put(
    _ container: EphemeralContainer, into pod: PodReference, dryRun: Bool,
    within patience: Patience? = nil
  ) async throws(Failure) -> AdmissionAnswer {
    let what = "Cannot add a container to pod \(pod.text)\(whereText)."
    try Self.check(container.name, isValid: ResourceName.isLabel(container.name), "container")
    let source = try pod.path()
    let target = try pod.path("ephemeralcontainers", query: [("dryRun", dryRun ? "All" : nil)])
    let entry = container.manifest.line
    for _ in 0..<Self.attempts {
      let json: [UInt8]
      switch try await raw(what, "get", source, within: patience) {
      case .accepted(let answer): json = answer
      case .refused(let refusal): return .refused(refusal)
      }
      let patch: Result<(found: PodPatch, text: [UInt8]), JSONError> = json.withUnsafeBytes {
        bytes in
        Result { () throws(JSONError) in
          let patch = try PodPatch(bytes)
          return (patch, patch.adding(entry, to: bytes))
        }
      }
      guard case .success(let (found, text)) = patch else {
        throw .unreadable(what, "The pod's JSON has an unexpected form.")
      }
      if let uid = pod.uid, found.uid != uid { return .refused(AdmissionRefusal(.replaced)) }
      guard !found.names.contains(container.name) else {
        return .refused(AdmissionRefusal(.exists))
      }
      switch try await raw(what, "replace", target, sending: text, within: patience) {
      case .accepted: return .accepted
      case .refused(let refusal) where refusal.cause == .conflict: continue
      case .refused(let refusal): return .refused(refusal)
      }
    }
    return .refused(AdmissionRefusal(.conflict))
  }

  /// Adds a container to a running pod by `kubectl debug`, for users who may patch the subresource
  /// `ephemeralcontainers` but not update it. There is no dry run, and no guard against a pod that was
  /// replaced.
  ///
  /// The profile `baseline` adds nothing of its own, so that the custom specification on stdin is all there
  /// is; it needs kubectl 1.31 or newer. Without `-i` kubectl does not attach.
  package func debug(
    _ pod: PodReference, container: EphemeralContainer, within patience: Patience? = nil
  ) async throws(Failure) -> AdmissionAnswer {
    let what = "Cannot add a container to pod \(pod.text)\(whereText)."
    let custom = JSONText.object([("securityContext", container.security.manifest)])
    let end = try await run(
      what, try Self.debugArguments(pod, container), input: Array(custom.line.utf8),
      within: patience,
      into: CollectedOutput(what: what, limit: 64 << 10))
    switch try Self.answer(what, end.status, end.errors) {
    case nil: return .accepted
    case .some(let refusal): return .refused(refusal)
    }
  }

  /// What `debug` runs; it gets the container's securityContext on standard input.
  ///
  /// - Throws: `Failure` of kind `usage` when a name is none.
  package func debugCommand(
    _ pod: PodReference, container: EphemeralContainer
  ) throws(Failure) -> Command {
    command(try Self.debugArguments(pod, container))
  }

  private static func debugArguments(
    _ pod: PodReference, _ container: EphemeralContainer
  ) throws(Failure) -> [String] {
    try check(container.name, isValid: ResourceName.isLabel(container.name), "container")
    try Target.check(namespace: pod.namespace)
    try check(pod.name, isValid: ResourceName.isSubdomain(pod.name), "pod")
    return [
      "debug", "-q", "-n", pod.namespace, pod.name, "--container=\(container.name)",
      "--image=\(container.image)", "--image-pull-policy=IfNotPresent", "--profile=baseline",
      "--custom=/dev/stdin", "--",
    ] + container.command
  }

  /// Creates a pod by `kubectl create --raw`, which does no discovery.
  ///
  /// - Parameters:
  ///   - pod: The manifest.
  ///   - namespace: Where.
  ///   - dryRun: Whether the API server only says what it would do.
  ///   - patience: How long it may take.
  /// - Returns: Whether the API server takes it, and why not.
  /// - Throws: `Failure` when there is no answer.
  package func create(
    pod: JSONText, namespace: String, dryRun: Bool, within patience: Patience? = nil
  ) async throws(Failure) -> AdmissionAnswer {
    let what = "Cannot create a pod in namespace \(printable(namespace, limit: 80))\(whereText)."
    let path = try Self.path(
      "/api/v1", "pods", namespace: namespace, query: [("dryRun", dryRun ? "All" : nil)])
    let sent = try await raw(
      what, "create", path, sending: Array(pod.line.utf8), within: patience)
    switch sent {
    case .accepted: return .accepted
    case .refused(let refusal): return .refused(refusal)
    }
  }

  /// What `put` runs last; it gets the whole pod on standard input.
  ///
  /// - Throws: `Failure` of kind `usage` when a name is none.
  package func putCommand(into pod: PodReference) throws(Failure) -> Command {
    command(["replace", "--raw", try pod.path("ephemeralcontainers").text, "-f", "-"])
  }

  /// What `create` runs; it gets the manifest on standard input.
  ///
  /// - Throws: `Failure` of kind `usage` when the name is none.
  package func createCommand(namespace: String) throws(Failure) -> Command {
    command([
      "create", "--raw", try Self.path("/api/v1", "pods", namespace: namespace).text, "-f", "-",
    ])
  }

  /// Deletes a pod at once, without the time that it would have to end by itself. A pod that is not there,
  /// or another one of the same name, is as good as deleted.
  ///
  /// - Throws: `Failure` when the API server refuses, or does not answer.
  package func delete(_ pod: PodReference, within patience: Patience? = nil) async throws(Failure) {
    let what = "Cannot delete pod \(pod.text)\(whereText)."
    var options: [(String, JSONText)] = [
      ("apiVersion", .string("v1")), ("kind", .string("DeleteOptions")),
      ("gracePeriodSeconds", .number(0)),
    ]
    if let uid = pod.uid { options.append(("preconditions", .object([("uid", .string(uid))]))) }
    let sent = try await raw(
      what, "delete", try pod.path(), sending: Array(JSONText.object(options).line.utf8),
      within: patience)
    guard case .refused(let refusal) = sent else { return }
    switch refusal.cause {
    case .notFound, .replaced: return
    case .conflict where pod.uid != nil: return
    default: throw refusal.failure(what)
    }
  }

  /// Sends one request to one path of the API, by `kubectl VERB --raw`.
  ///
  /// - Parameters:
  ///   - what: What the caller tries, for the failure's first sentence.
  ///   - verb: kubectl's word for the request: get, create, replace, delete.
  ///   - path: Path and query, already encoded.
  ///   - body: What is sent; nil for a request without a body.
  ///   - patience: How long it may take.
  /// - Returns: The answer, or why the API server refused.
  /// - Throws: `Failure` when there is no answer.
  func raw(
    _ what: String, _ verb: String, _ path: APIPath, sending body: [UInt8]? = nil,
    within patience: Patience?
  ) async throws(Failure) -> RawAnswer {
    // kubectl's own limit is a second net, for the case that we are killed while it waits.
    let seconds = max(1, (patience ?? self.patience).total.components.seconds)
    var arguments = [verb, "--request-timeout=\(seconds)s", "--raw", path.text]
    if body != nil { arguments += ["-f", "-"] }
    let end = try await run(
      what, arguments, input: body ?? [], within: patience,
      into: CollectedOutput(what: what, limit: ListReader.itemLimit))
    if let refusal = try Self.answer(what, end.status, end.errors) { return .refused(refusal) }
    return .accepted(end.consumer.bytes)
  }

  /// Why the API server refused; nil when it did not.
  private static func answer(
    _ what: String, _ status: ChildStatus, _ errors: String
  ) throws(Failure) -> AdmissionRefusal? {
    guard let failure = KubectlCause.failure(what, status: status, errors: errors) else {
      return nil
    }
    guard case .exited = status, let refusal = AdmissionRefusal(errors: errors) else {
      throw failure
    }
    return refusal
  }
}
