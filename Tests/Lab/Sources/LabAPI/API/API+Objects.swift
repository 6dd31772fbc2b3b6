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

  /// The request's body.
  /// - Parameters:
  ///   - request: the request.
  ///   - kind: what it must be; anything goes for a patch.
  /// - Returns: the body.
  /// - Throws: a Status when it is none.
  func body(_ request: Request, kind: String) throws(Status) -> JSON {
    do {
      return try JSON(parsing: request.body.readableBytesView)
    } catch {
      let sample = request.body.readableBytesView.prefix(64).map { byte in
        (byte < 16 ? "0" : "") + String(byte, radix: 16)
      }.joined()
      throw .badRequest(
        "the object provided is unrecognized (must be of type \(kind)): couldn't get "
          + "version/kind; json parse error: \(error) (\(sample))")
    }
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

  func changed(
    _ old: JSON, by body: JSON, verb: String, contentType: String
  ) throws(Status) -> JSON {
    guard verb == "patch" else { return body }
    switch contentType.prefix(while: { $0 != ";" }) {
    case "application/json-patch+json": return try Patch.apply(body, to: old)
    case "application/merge-patch+json": return Patch.merge(body, into: old)
    case "application/strategic-merge-patch+json": return Patch.strategic(body, into: old)
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
    if let grace = options["gracePeriodSeconds"]?.integer, grace < 0 {
      throw .badRequest(
        "gracePeriodSeconds: Invalid value: \(grace): must be greater than or equal to 0")
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
