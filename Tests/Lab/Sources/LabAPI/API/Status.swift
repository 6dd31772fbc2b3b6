/// A `Status` object: how the API server says that something went wrong (or, to a deletion, well).
package struct Status: Error, Sendable, Equatable {
  package var code: Int
  package var reason: String?
  package var message: String
  package var details: JSON?
  /// Only a list whose continue token is too old has metadata.
  package var metadata: JSON = [:]

  package init(code: Int, reason: String?, message: String, details: JSON? = nil) {
    (self.code, self.reason, self.message, self.details) = (code, reason, message, details)
  }

  package var json: JSON {
    .object(
      ("kind", "Status"), ("apiVersion", "v1"), ("metadata", metadata), ("status", "Failure"),
      ("message", .string(message)), ("reason", reason.map { .string($0) }), ("details", details),
      ("code", .integer(code)))
  }

  // MARK: The kinds that occur

  package static let unauthorized = Status(
    code: 401, reason: "Unauthorized", message: "Unauthorized")

  package static func badRequest(_ message: String) -> Status {
    Status(code: 400, reason: "BadRequest", message: message)
  }

  package static func notFound(_ type: ResourceType, _ name: String) -> Status {
    Status(
      code: 404, reason: "NotFound", message: "\(type.qualifiedName) \"\(name)\" not found",
      details: details(type, name))
  }

  package static func alreadyExists(_ type: ResourceType, _ name: String) -> Status {
    Status(
      code: 409, reason: "AlreadyExists",
      message: "\(type.qualifiedName) \"\(name)\" already exists", details: details(type, name))
  }

  package static func conflict(_ type: ResourceType, _ name: String) -> Status {
    Status(
      code: 409, reason: "Conflict",
      message: "Operation cannot be fulfilled on \(type.qualifiedName) \"\(name)\": the object "
        + "has been modified; please apply your changes to the latest version and try again",
      details: details(type, name))
  }

  /// A pod that does not pass validation.
  package static func invalid(_ name: String, _ causes: [FieldError]) -> Status {
    let all = causes.map { "\($0.field): \($0.message)" }
    return Status(
      code: 422, reason: "Invalid",
      message: "Pod \"\(name)\" is invalid: "
        + (all.count == 1 ? all[0] : "[\(all.joined(separator: ", "))]"),
      details: .object(
        ("name", name.isEmpty ? nil : .string(name)), ("kind", "Pod"),
        ("causes", .array(causes.map(\.json)))))
  }

  /// Something that admission does not let pass.
  package static func refused(_ name: String, _ why: String) -> Status {
    Status(
      code: 403, reason: "Forbidden", message: "pods \"\(name)\" is forbidden: \(why)",
      details: ["name": .string(name), "kind": "pods"])
  }

  package static let methodNotAllowed = Status(
    code: 405, reason: "MethodNotAllowed",
    message: "the server does not allow this method on the requested resource", details: [:])

  package static func unsupportedMediaType(_ contentType: String) -> Status {
    Status(
      code: 415, reason: "UnsupportedMediaType",
      message: "the body of the request was in an unknown format - accepted media types include: "
        + "application/json-patch+json, application/merge-patch+json, "
        + "application/strategic-merge-patch+json (got \(contentType))", details: [:])
  }

  package static func expired(requested: Int, oldest: Int) -> Status {
    Status(
      code: 410, reason: "Expired", message: "too old resource version: \(requested) (\(oldest))")
  }

  package static func expiredToken(_ replacement: String) -> Status {
    var status = Status(
      code: 410, reason: "Expired",
      message: "The provided continue parameter is too old to display a consistent list result. "
        + "You can start a new list without the continue parameter, or use the continue token in "
        + "this response to retrieve the remainder of the results. Continuing with the provided "
        + "token results in an inconsistent list - objects that were created, modified, or "
        + "deleted between the time the first chunk was returned and now may show up in the list.")
    status.metadata = ["continue": .string(replacement)]
    return status
  }

  package static func revisionTooLarge(requested: Int, current: Int) -> Status {
    Status(
      code: 504, reason: "Timeout",
      message: "Timeout: Too large resource version: \(requested), current: \(current)",
      details: [
        "causes": [
          ["reason": "ResourceVersionTooLarge", "message": "Too large resource version"]
        ], "retryAfterSeconds": 1,
      ])
  }

  private static func details(_ type: ResourceType, _ name: String) -> JSON {
    .object(
      ("name", .string(name)), ("group", type.group.isEmpty ? nil : .string(type.group)),
      ("kind", .string(type.plural)))
  }
}
