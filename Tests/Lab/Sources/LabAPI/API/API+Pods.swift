internal import NIOCore

/// What changes pods: creating them, and giving them ephemeral containers.
extension API {
  func create(
    _ request: Request, _ type: ResourceType, namespace: String?
  ) throws(Status) -> Reply {
    guard type.kind == "Pod", let namespace else { throw .methodNotAllowed }
    guard store.object(.namespaces, ObjectKey(name: namespace)) != nil else {
      throw .notFound(.namespaces, namespace)
    }
    let sent = try body(request, kind: type.kind)
    try checkKind(sent)
    if request.parameter("fieldValidation") == "Strict" {
      let unknown = FieldOrder.unknown(in: sent).map { "unknown field \"\($0)\"" }
      guard unknown.isEmpty else {
        throw .badRequest(
          "Pod in version \"v1\" cannot be handled as a Pod: strict decoding error: "
            + unknown.joined(separator: ", "))
      }
    }
    if let other = sent[path: ["metadata", "namespace"]]?.string, other != namespace {
      throw .badRequest(
        "the namespace of the provided object does not match the namespace sent on the request")
    }
    let pod = newPod(sent, namespace: namespace, manager: request)
    let name = pod[path: ["metadata", "name"]]?.string ?? ""
    let complaints = PodValidation.complaints(about: pod)
    guard complaints.isEmpty else { throw .invalid(name, complaints) }
    let warnings = try cluster.admission(namespace).admit(pod, .create)
    let key = ObjectKey(namespace: namespace, name: name)
    guard store.object(type, key) == nil else { throw .alreadyExists(type, name) }
    guard request.parameter("dryRun") == nil else {
      return .json(pod, code: 201).warning(warnings)
    }
    let stored = store.put(type, key) { revision, previous in
      previous == nil ? StoredObject(pod, type: type, revision: revision) : nil
    }
    guard let stored else { throw .alreadyExists(type, name) }
    cluster.changed(key)
    return .document(try Representation(request).document(stored), code: 201).warning(warnings)
  }

  private func checkKind(_ object: JSON) throws(Status) {
    let kind = object["kind"]?.string ?? ""
    guard kind != "Pod" else { return }
    guard !kind.isEmpty else {
      throw .badRequest(
        "the object provided is unrecognized (must be of type Pod): Object 'Kind' is missing")
    }
    throw .badRequest(
      "\(kind) in version \"v1\" cannot be handled as a Pod: no kind \"\(kind)\" is registered for "
        + "version \"v1\" in scheme \"pkg/api/legacyscheme/scheme.go:30\"")
  }

  /// The pod that is made of what somebody has sent.
  private func newPod(_ sent: JSON, namespace: String, manager request: Request) -> JSON {
    let metadata = sent["metadata"]
    let prefix = metadata?["generateName"]?.string
    let alphabet = Array("bcdfghjklmnpqrstvwxz2456789")
    let suffix = String((0..<5).map { _ in alphabet.randomElement() ?? "x" })
    let name = metadata?["name"]?.string ?? prefix.map { $0 + suffix } ?? ""
    let uid = Digest.uid(of: "\(namespace)/\(name) \(UInt64.random(in: 0...UInt64.max))")
    var meta = ObjectMeta(
      name: name, namespace: namespace, uid: uid, generation: 1, created: .now)
    meta.generateName = prefix
    meta.labels = metadata?["labels"]?.stringMap ?? [:]
    meta.annotations = metadata?["annotations"]?.stringMap ?? [:]
    let spec = PodDefaults.spec(sent["spec"] ?? [:], uid: uid)
    meta.managedFields = [
      ManagedFields.entry(
        manager: request.parameter("fieldManager") ?? "kubectl", time: .now,
        fields: ["metadata": meta.ownedFields, "spec": sent["spec"] ?? [:]])
    ]
    return [
      "kind": "Pod", "apiVersion": "v1", "metadata": meta.json, "spec": spec,
      "status": [
        "phase": "Pending", "qosClass": .string(PodDefaults.qualityOfService(spec)),
      ],
    ]
  }

  /// PUT or PATCH of a pod's ephemeral containers; whatever else the change says is ignored.
  func changeEphemeralContainers(
    _ request: Request, _ info: RequestInfo, _ key: ObjectKey
  ) throws(Status) -> Reply {
    let body = try body(request, kind: "Pod")
    if info.verb == "update" { try checkKind(body) }
    let contentType = request.header("content-type") ?? ""
    let admission = cluster.admission(key.namespace ?? "")
    // Admission reads the store, too; so the change is worked out first, and made if it still fits.
    while true {
      let previous = try existing(.pods, key)
      let old = previous.json
      let new = try changed(old, by: body, verb: info.verb, contentType: contentType)
      try checkPreconditions(new, against: previous, old, key)
      let containers = (new[path: ["spec", "ephemeralContainers"]]?.array ?? [])
        .map(PodDefaults.ephemeralContainer)
      let complaints = PodValidation.complaints(aboutEphemeralContainers: containers, of: old)
      guard complaints.isEmpty else { throw .invalid(key.name, complaints) }
      var pod = old
      if containers != old[path: ["spec", "ephemeralContainers"]]?.array ?? [] {
        pod.update("spec") {
          $0.set("ephemeralContainers", .array(containers), after: "containers")
        }
        pod.update("metadata") {
          $0["generation"] = .integer(($0["generation"]?.integer ?? 1) + 1)
        }
      }
      let warnings = try admission.admit(pod, .ephemeralContainers)
      guard request.parameter("dryRun") == nil, pod != old else {
        return .json(pod).warning(warnings)
      }
      let stored = store.put(.pods, key) { revision, present in
        present?.revision == previous.revision
          ? StoredObject(pod, type: .pods, revision: revision) : nil
      }
      guard let stored else { continue }
      cluster.changed(key)
      return .document(try Representation(request).document(stored)).warning(warnings)
    }
  }

  private func checkPreconditions(
    _ new: JSON, against previous: StoredObject, _ old: JSON, _ key: ObjectKey
  ) throws(Status) {
    if let expected = new[path: ["metadata", "resourceVersion"]]?.string, !expected.isEmpty,
      expected != String(previous.revision)
    {
      throw .conflict(.pods, key.name)
    }
    let present = old[path: ["metadata", "uid"]]?.string ?? ""
    if let uid = new[path: ["metadata", "uid"]]?.string, !uid.isEmpty, uid != present {
      throw Status(
        code: 409, reason: "Conflict",
        message: "Operation cannot be fulfilled on pods \"\(key.name)\": StorageError: invalid "
          + "object, Code: 4, Key: /registry/pods/\(key.path), ResourceVersion: 0, "
          + "AdditionalErrorMsg: Precondition failed: UID in precondition: \(uid), UID in object "
          + "meta: \(present)", details: ["name": .string(key.name), "kind": "pods"])
    }
  }
}
