internal import NIOCore


/// What the API server answers to a request: authentication, authorization, dispatch, in this
/// order. No I/O happens here; what takes time is returned as a plan.
package struct API: Sendable {
  package let cluster: Cluster
  package let authenticator: Authenticator
  /// `HOST:PORT`, for the document at `/api`.
  package var serverAddress = "127.0.0.1:6443"

  package init(cluster: Cluster, authenticator: Authenticator) {
    (self.cluster, self.authenticator) = (cluster, authenticator)
  }

  private var store: Store { cluster.store }

  /// - Parameter certificate: the client's certificate, verified, as DER bytes.
  package func answer(_ request: Request, certificate: [UInt8]? = nil) -> Reply {
    do throws(Status) {
      let user = try authenticator.user(
        authorization: request.header("authorization"), certificate: certificate)
      let info = RequestInfo(request)
      guard user.may(info) else { throw Status.forbidden(user, info) }
      return info.isResource
        ? try resource(request, info, user) : try document(request)
    } catch {
      return .status(error)
    }
  }

  // MARK: Documents

  private func document(_ request: Request) throws(Status) -> Reply {
    let notFound = Reply.text("404 page not found\n", code: 404)
    guard request.method == "GET" else { throw .methodNotAllowed }
    let parts = request.path.split(separator: "/").map(String.init)
    switch parts.first {
    case nil:
      return .json(["paths": ["/api", "/api/v1", "/apis", "/healthz", "/livez", "/readyz", "/version"]])
    case "version": return .json(Discovery.version)
    case "healthz", "readyz", "livez": return .text("ok")
    case "api" where parts.count == 1:
      return discovery(
        request, core: true, plain: Discovery.coreVersions(serverAddress: serverAddress))
    case "apis" where parts.count == 1:
      return discovery(request, core: false, plain: Discovery.groupList)
    case "api" where parts.count == 2 && parts[1] == "v1":
      return Discovery.resourceList(group: "").map { .json($0) } ?? notFound
    case "apis" where parts.count == 2:
      return Discovery.groupDocument(parts[1]).map { .json($0) } ?? notFound
    case "apis" where parts.count == 3 && parts[2] == "v1":
      return Discovery.resourceList(group: parts[1]).map { .json($0) } ?? notFound
    default: return notFound
    }
  }

  /// `/api` and `/apis` have two forms; the client's Accept header says which.
  private func discovery(_ request: Request, core: Bool, plain: JSON) -> Reply {
    let accepted = request.header("accept") ?? ""
    guard accepted.contains("as=APIGroupDiscoveryList"), accepted.contains("v=v2;") else {
      return .json(plain)
    }
    var body = ByteBuffer(bytes: Discovery.aggregated(core: core).bytes)
    let tag = Digest.hexadecimal(of: String(buffer: body)).uppercased()
    if request.header("if-none-match") == "\"\(tag)\"" {
      return .bytes(
        code: 304, contentType: "", headers: [("Etag", "\"\(tag)\""), ("Vary", "Accept")],
        ByteBuffer())
    }
    body.writeString("\n")
    return .bytes(
      code: 200, contentType: Discovery.aggregatedContentType,
      headers: [
        ("Cache-Control", "public"), ("Etag", "\"\(tag)\""), ("Vary", "Accept"),
      ], body)
  }

  // MARK: Resources

  private func resource(
    _ request: Request, _ info: RequestInfo, _ user: User
  ) throws(Status) -> Reply {
    guard let type = ResourceType.named(info.resource, group: info.group, version: info.version)
    else { return .text("404 page not found\n", code: 404) }
    guard type.isStored else {
      guard info.verb == "create" else { throw .methodNotAllowed }
      return .json(try Reviews.answer(type, request: request, user: user), code: 201)
    }
    let namespace = type.isNamespaced ? info.namespace : nil
    guard let name = info.name else {
      return try collection(request, info, type, namespace: namespace)
    }
    let key = ObjectKey(namespace: namespace, name: name)
    switch info.subresource {
    case "": return try object(request, info, type, key)
    case "status": return try object(request, info, type, key)
    case "log" where type.kind == "Pod" && info.verb == "get":
      _ = try existing(type, key)
      return .text("", contentType: "text/plain")
    case "exec" where type.kind == "Pod": return try exec(request, info, user, key)
    default:
      guard type.subresources.contains(where: { $0.name == info.subresource }) else {
        return .text("404 page not found\n", code: 404)
      }
      throw .methodNotAllowed
    }
  }

  private func existing(_ type: ResourceType, _ key: ObjectKey) throws(Status) -> StoredObject {
    guard let object = store.object(type, key) else { throw .notFound(type, key.name) }
    return object
  }

  private func collection(
    _ request: Request, _ info: RequestInfo, _ type: ResourceType, namespace: String?
  ) throws(Status) -> Reply {
    switch info.verb {
    case "list", "watch":
      var selection = Selection(type: type, namespace: namespace)
      do {
        selection.labels = try LabelSelector(request.parameter("labelSelector") ?? "")
        selection.fields = try FieldSelector(
          request.parameter("fieldSelector") ?? "", fields: type.selectableFields)
      } catch {
        throw .badRequest(error.message)
      }
      return info.verb == "watch"
        ? try watch(request, selection) : try list(request, selection)
    case "create": return try create(request, type, namespace: namespace)
    default: throw .methodNotAllowed
    }
  }

  // MARK: List and watch

  private func list(_ request: Request, _ selection: Selection) throws(Status) -> Reply {
    let representation = try Representation(request)
    let limit = request.parameter("limit").flatMap { Int($0) }.flatMap { $0 > 0 ? $0 : nil }
    var token: ContinueToken?
    if let text = request.parameter("continue"), !text.isEmpty {
      if let revision = request.parameter("resourceVersion"), !["", "0"].contains(revision) {
        throw .badRequest("specifying resource version is not allowed when using continue")
      }
      token = try continueToken(text)
    } else {
      try checkRevision(request)
    }
    let page = store.list(selection, limit: limit, after: token?.last(namespace: selection.namespace))
    let revision = token?.revision ?? page.revision
    let next = page.continuation.map { continuation in
      ContinueToken(
        revision: revision, last: continuation.last, namespace: selection.namespace
      ).text
    }
    // With a selector the server does not know how many are left.
    let isFiltered = !selection.labels.requirements.isEmpty || !selection.fields.terms.isEmpty
    let remaining = isFiltered ? nil : page.continuation?.remaining
    return .list(
      ListBody(
        page.objects, type: selection.type,
        metadata: .object(
          ("resourceVersion", .string(String(revision))), ("continue", next.map { .string($0) }),
          ("remainingItemCount", remaining.map { .integer($0) })),
        representation: representation))
  }

  private func continueToken(_ text: String) throws(Status) -> ContinueToken {
    var token: ContinueToken
    do {
      token = try ContinueToken(text)
    } catch {
      throw .badRequest("invalid continue token: continue key is not valid: \(error)")
    }
    guard token.revision == -1 || token.revision >= store.compactedRevision else {
      token.revision = -1
      throw .expiredToken(token.text)
    }
    return token
  }

  private func checkRevision(_ request: Request) throws(Status) {
    guard let text = request.parameter("resourceVersion"), !text.isEmpty else { return }
    guard let revision = Int(text), revision >= 0 else {
      throw .badRequest("resourceVersion: Invalid value: \"\(text)\"")
    }
    guard revision <= store.revision else {
      throw .revisionTooLarge(requested: revision, current: store.revision)
    }
  }

  private func watch(_ request: Request, _ selection: Selection) throws(Status) -> Reply {
    let representation = try Representation(request)
    try checkRevision(request)
    let revision = request.parameter("resourceVersion").flatMap { Int($0) } ?? 0
    let sendsInitial = request.isTrue("sendInitialEvents")
    let fromNow = request.parameter("sendInitialEvents") == "false"
    let bookmarks = request.isTrue("allowWatchBookmarks")
    let start: Store.WatchStart =
      sendsInitial || (revision == 0 && !fromNow)
      ? .existing : .after(revision == 0 ? store.revision : revision)
    // Without a timeout the server takes a random one between 30 and 60 minutes.
    let timeout = request.parameter("timeoutSeconds").flatMap { Int($0) } ?? 0
    return .watch(
      WatchPlan(
        selection: selection, representation: representation, start: start, bookmarks: bookmarks,
        marksInitialEnd: sendsInitial && bookmarks,
        timeout: timeout > 0 ? timeout : Int.random(in: 1800...3600)))
  }

  // MARK: Single objects

  private func object(
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

  private func create(
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

  // MARK: Exec

  private func exec(
    _ request: Request, _ info: RequestInfo, _ user: User, _ key: ObjectKey
  ) throws(Status) -> Reply {
    guard ["get", "create"].contains(info.verb) else { throw .methodNotAllowed }
    // GET is authorized as "get"; the connection itself needs "create" as well.
    var creation = info
    creation.verb = "create"
    guard user.may(creation) else { throw .forbidden(user, creation) }
    let pod = try existing(.pods, key).json
    let names = (pod[path: ["spec", "containers"]]?.array ?? []).compactMap { $0["name"]?.string }
    var name = request.parameter("container") ?? ""
    if name.isEmpty {
      guard names.count == 1 else {
        throw .badRequest(
          "a container name must be specified for pod \(key.name), choose one of: "
            + "[\(names.joined(separator: " "))]")
      }
      name = names[0]
    }
    guard names.contains(name) else {
      throw .badRequest("container \(name) is not valid for pod \(key.name)")
    }
    guard pod[path: ["spec", "nodeName"]] != nil else {
      throw .badRequest("pod \(key.name) does not have a host assigned")
    }
    let command = request.query.filter { $0.name == "command" }.map(\.value)
    guard !command.isEmpty else {
      throw .badRequest("you must specify at least one command for the container")
    }
    // From here on it is the kubelet who answers, in plain text.
    guard let container = cluster.container(key, name), container.state == "running",
      container.exec?.isEmpty == false
    else { return .text("container not found (\"\(name)\")", code: 500) }
    guard request.header("upgrade")?.lowercased() == "websocket" else {
      throw .badRequest(
        request.header("upgrade") == nil
          ? "Upgrade request required"
          : "this server runs commands over WebSocket only, not over SPDY")
    }
    let offered = request.headers.filter { $0.name.lowercased() == "sec-websocket-protocol" }
      .flatMap { $0.value.split(separator: ",") }.map { String($0.filter { $0 != " " }) }
    guard let subprotocol = ["v5.channel.k8s.io", "v4.channel.k8s.io"].first(where: offered.contains)
    else {
      throw .badRequest("unable to upgrade: none of \(offered) is spoken here")
    }
    return .exec(
      ExecPlan(
        container: container, command: command, stdin: request.isTrue("stdin"),
        stdout: request.isTrue("stdout"), stderr: request.isTrue("stderr"),
        subprotocol: subprotocol))
  }
}
