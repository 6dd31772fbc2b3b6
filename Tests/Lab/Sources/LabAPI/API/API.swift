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

  var store: Store { cluster.store }

  /// The answer to a request from whoever its credentials, or the client's verified certificate
  /// (DER bytes), say.
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
      return .json([
        "paths": ["/api", "/api/v1", "/apis", "/healthz", "/livez", "/readyz", "/version"]
      ])
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
    case "openapi" where parts == ["openapi", "v3"]: return .json(OpenAPI.index)
    case "openapi" where parts == ["openapi", "v3", "api", "v1"]: return .json(OpenAPI.core)
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
    case "ephemeralcontainers" where type.kind == "Pod" && info.verb == "get":
      return try object(request, info, type, key)
    case "ephemeralcontainers" where type.kind == "Pod" && ["update", "patch"].contains(info.verb):
      return try changeEphemeralContainers(request, info, key)
    case "exec" where type.kind == "Pod": return try exec(request, info, user, key)
    default:
      guard type.subresources.contains(where: { $0.name == info.subresource }) else {
        return .text("404 page not found\n", code: 404)
      }
      throw .methodNotAllowed
    }
  }

  func existing(_ type: ResourceType, _ key: ObjectKey) throws(Status) -> StoredObject {
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
}
