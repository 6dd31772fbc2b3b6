internal import NIOCore

/// The answers to "who am I" and "may I": SelfSubjectReview, SelfSubjectAccessReview and
/// SelfSubjectRulesReview. kubectl posts them as protobuf; the answers are JSON, which it takes.
package enum Reviews {
  /// - Throws: ``Status`` for a body that cannot be read.
  package static func answer(
    _ type: ResourceType, request: Request, user: User
  ) throws(Status) -> JSON {
    let spec = try spec(type, request: request)
    let status: JSON
    switch type.kind {
    case "SelfSubjectAccessReview":
      guard let info = RequestInfo(review: spec) else {
        throw .badRequest("exactly one of nonResourceAttributes or resourceAttributes must be set")
      }
      let allowed = user.may(info)
      status = .object(
        ("allowed", .bool(allowed)),
        ("reason", allowed ? user.grant.map { .string($0) } : nil))
    case "SelfSubjectRulesReview":
      status = [
        "resourceRules": .array(user.rules.filter(\.paths.isEmpty).map(resourceRule)),
        "nonResourceRules": .array(user.rules.filter { !$0.paths.isEmpty }.map(pathRule)),
        "incomplete": false,
      ]
    default:
      return [
        "kind": .string(type.kind), "apiVersion": .string(type.apiVersion), "metadata": [:],
        "status": ["userInfo": ["username": .string(user.name), "groups": strings(user.groups)]],
      ]
    }
    return [
      "kind": .string(type.kind), "apiVersion": .string(type.apiVersion), "metadata": [:],
      "spec": type.kind == "SelfSubjectRulesReview" ? [:] : spec, "status": status,
    ]
  }

  /// The spec of the review in the request's body.
  private static func spec(_ type: ResourceType, request: Request) throws(Status) -> JSON {
    let bytes = request.body.readableBytesView
    guard request.header("content-type")?.hasPrefix("application/vnd.kubernetes.protobuf") == true
    else {
      do {
        return try JSON(parsing: bytes)["spec"] ?? [:]
      } catch {
        throw .badRequest("the object provided is unrecognized: json parse error: \(error)")
      }
    }
    guard type.kind == "SelfSubjectAccessReview" else { return [:] }
    do {
      // SelfSubjectAccessReview: 2 spec; its spec: 1 resourceAttributes, 2 nonResourceAttributes
      // (k8s.io/api/authorization/v1/generated.proto).
      let spec = try Protobuf(envelope: bytes).message(2)
      func text(_ value: String?) -> JSON? { value.map { .string($0) } }
      if spec.has(1) {
        let resource = try spec.message(1)
        return [
          "resourceAttributes": .object(
            ("namespace", text(resource.string(1))), ("verb", text(resource.string(2))),
            ("group", text(resource.string(3))), ("version", text(resource.string(4))),
            ("resource", text(resource.string(5))), ("subresource", text(resource.string(6))),
            ("name", text(resource.string(7))))
        ]
      }
      let other = try spec.message(2)
      return [
        "nonResourceAttributes": .object(
          ("path", text(other.string(1))), ("verb", text(other.string(2))))
      ]
    } catch {
      throw .badRequest("the object provided is unrecognized: it is not protobuf")
    }
  }

  private static func strings(_ strings: [String]) -> JSON { .array(strings.map { .string($0) }) }

  private static func resourceRule(_ rule: Rule) -> JSON {
    [
      "verbs": strings(rule.verbs), "apiGroups": strings(rule.groups),
      "resources": strings(rule.resources),
    ]
  }

  private static func pathRule(_ rule: Rule) -> JSON {
    ["verbs": strings(rule.verbs), "nonResourceURLs": strings(rule.paths)]
  }
}

extension RequestInfo {
  /// What an access review asks about; nil if it asks about nothing.
  fileprivate init?(review spec: JSON) {
    self.init(Request(method: "GET", uri: "/"))
    if let resource = spec["resourceAttributes"] {
      isResource = true
      verb = resource["verb"]?.string ?? ""
      group = resource["group"]?.string ?? ""
      self.resource = resource["resource"]?.string ?? ""
      subresource = resource["subresource"]?.string ?? ""
      namespace = resource["namespace"]?.string
      name = resource["name"]?.string
    } else if let other = spec["nonResourceAttributes"] {
      verb = other["verb"]?.string ?? ""
      path = other["path"]?.string ?? ""
    } else {
      return nil
    }
  }
}
