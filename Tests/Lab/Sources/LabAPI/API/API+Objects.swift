internal import NIOCore

/// Single objects: reading, creating, changing, deleting.
extension API {
  func object(
    _ request: Request, _ info: RequestInfo, _ type: ResourceType, _ key: ObjectKey
  ) throws(Status) -> Reply {
    switch info.verb {
    case "get":
      let representation = try Representation(request)
      return .document(representation.document(try existing(type, key)))
    case "delete" where info.subresource.isEmpty: return try delete(request, type, key)
    case "update", "patch": return try change(request, info, type, key)
    default: throw .methodNotAllowed
    }
  }

  private func body(_ request: Request, kind: String) throws(Status) -> JSON {
    do {
      return try JSON(parsing: request.body.readableBytesView)
    } catch {
      throw .badRequest(
        "the object provided is unrecognized (must be of type \(kind)): couldn't get "
          + "version/kind; json parse error: \(error)")
    }
  }

  func create(
    _ request: Request, _ type: ResourceType, namespace: String?
  ) throws(Status) -> Reply {
    guard type.kind == "Pod", let namespace else { throw .methodNotAllowed }
    guard store.object(.namespaces, ObjectKey(name: namespace)) != nil else {
      throw .notFound(.namespaces, namespace)
    }
    var json = try body(request, kind: type.kind)
    guard let name = json[path: ["metadata", "name"]]?.string, json["kind"]?.string == type.kind
    else { throw .badRequest("name or generateName is required") }
    let key = ObjectKey(namespace: namespace, name: name)
    guard store.object(type, key) == nil else { throw .alreadyExists(type, name) }
    json.update("metadata") { metadata in
      metadata["namespace"] = .string(namespace)
      metadata["uid"] = .string(Digest.uid(of: key.path + Timestamp.now.description))
      metadata["creationTimestamp"] = Timestamp.now.json
    }
    // There is no scheduler: a pod that is created here waits for a node for ever.
    json["status"] = ["phase": "Pending", "qosClass": "BestEffort"]
    if request.parameter("dryRun") != nil { return .json(json, code: 201) }
    let stored = store.put(type, key) { revision, previous in
      previous == nil ? StoredObject(json, type: type, revision: revision) : nil
    }
    guard let stored else { throw .alreadyExists(type, name) }
    return .document(stored.whole, code: 201)
  }

  private func change(
    _ request: Request, _ info: RequestInfo, _ type: ResourceType, _ key: ObjectKey
  ) throws(Status) -> Reply {
    _ = try existing(type, key)
    let body = try body(request, kind: type.kind)
    let contentType = request.header("content-type") ?? ""
    var failure: Status?
    let stored = store.put(type, key) { revision, previous in
      guard let previous else {
        failure = .notFound(type, key.name)
        return nil
      }
      do throws(Status) {
        let old = previous.json
        var new = try changed(old, by: body, verb: info.verb, contentType: contentType)
        if let expected = new[path: ["metadata", "resourceVersion"]]?.string, !expected.isEmpty,
          expected != String(previous.revision)
        {
          throw .conflict(type, key.name)
        }
        // The status changes through its subresource, everything else does not.
        if info.subresource == "status" {
          var withStatus = old
          withStatus["status"] = new["status"]
          new = withStatus
        } else {
          new["status"] = old["status"]
        }
        for member in ["name", "namespace", "uid", "creationTimestamp"] {
          new.update("metadata") { $0[member] = old[path: ["metadata", member]] }
        }
        if new == old {
          return nil
        }
        return StoredObject(new, type: type, revision: revision)
      } catch {
        failure = error
        return nil
      }
    }
    if let failure { throw failure }
    var result = stored
    if result == nil { result = try existing(type, key) }
    guard let result else { throw .notFound(type, key.name) }
    return .document(try Representation(request).document(result))
  }

  private func changed(
    _ old: JSON, by body: JSON, verb: String, contentType: String
  ) throws(Status) -> JSON {
    guard verb == "patch" else { return body }
    switch contentType.prefix(while: { $0 != ";" }) {
    case "application/json-patch+json": return try Patch.apply(body, to: old)
    case "application/merge-patch+json", "application/strategic-merge-patch+json":
      return Patch.merge(body, into: old)
    default: throw .unsupportedMediaType(contentType)
    }
  }

  private func delete(
    _ request: Request, _ type: ResourceType, _ key: ObjectKey
  ) throws(Status) -> Reply {
    guard type.kind == "Pod" else { throw .methodNotAllowed }
    let pod = try existing(type, key)
    let options =
      request.body.readableBytes > 0
      ? (try? JSON(parsing: request.body.readableBytesView)) ?? [:] : [:]
    if let uid = options[path: ["preconditions", "uid"]]?.string,
      uid != pod.json[path: ["metadata", "uid"]]?.string
    {
      throw .conflict(type, key.name)
    }
    if request.parameter("dryRun") != nil || options["dryRun"] != nil {
      return .document(pod.whole)
    }
    let grace =
      options["gracePeriodSeconds"]?.integer
      ?? request.parameter("gracePeriodSeconds").flatMap { Int($0) }
    guard let marked = cluster.deletePod(key, grace: grace) else {
      throw .notFound(type, key.name)
    }
    return .document(marked.whole)
  }
}
