package import NIOCore

/// A request, read as far as authentication, authorization and dispatch need it.
package struct Request: Sendable {
  package var method: String
  /// The path, decoded, without the query.
  package var path: String
  package var query: [(name: String, value: String)]
  package var headers: [(name: String, value: String)]
  package var body: ByteBuffer

  /// Takes path and query (`uri`) as they were sent.
  package init(
    method: String, uri: String, headers: [(name: String, value: String)] = [],
    body: ByteBuffer = ByteBuffer()
  ) {
    self.method = method
    (self.headers, self.body) = (headers, body)
    let parts = uri.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    path = Self.decoded(parts[0], plusIsBlank: false)
    query = (parts.count > 1 ? parts[1] : "").split(separator: "&").map { pair in
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      return (
        Self.decoded(parts[0], plusIsBlank: true),
        parts.count > 1 ? Self.decoded(parts[1], plusIsBlank: true) : ""
      )
    }
  }

  package func header(_ name: String) -> String? {
    headers.first { $0.name.lowercased() == name.lowercased() }?.value
  }

  package func parameter(_ name: String) -> String? {
    query.first { $0.name == name }?.value
  }

  package func isTrue(_ name: String) -> Bool {
    parameter(name).map { ["true", "1"].contains($0) } ?? false
  }

  /// Undoes percent encoding; in a query a `+` is a blank.
  private static func decoded(_ text: Substring, plusIsBlank: Bool) -> String {
    var bytes: [UInt8] = []
    var rest = text.utf8[...]
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "%"),
        let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
      {
        bytes.append(value)
        rest = rest.dropFirst(2)
      } else {
        bytes.append(plusIsBlank && byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}

/// What a request asks for: a resource or some other path.
package struct RequestInfo: Sendable, Equatable {
  /// As RBAC names it: get, list, watch, create, update, patch, delete, deletecollection; the
  /// method in small letters for paths that are no resources.
  package var verb: String
  package var isResource = false
  package var path: String
  package var group = ""
  package var version = ""
  package var resource = ""
  package var subresource = ""
  package var namespace: String?
  package var name: String?

  /// Reads the path as Kubernetes' RequestInfoFactory does.
  package init(_ request: Request) {
    path = request.path
    verb = request.method.lowercased()
    var parts = request.path.split(separator: "/").map(String.init)
    switch parts.first {
    case "api" where parts.count >= 3:
      version = parts[1]
      parts.removeFirst(2)
    case "apis" where parts.count >= 4:
      (group, version) = (parts[1], parts[2])
      parts.removeFirst(3)
    default: return
    }
    isResource = true
    if parts[0] == "namespaces", parts.count >= 3, !["status", "finalize"].contains(parts[2]) {
      namespace = parts[1]
      parts.removeFirst(2)
    } else if parts[0] == "namespaces", parts.count >= 2 {
      namespace = parts[1]  // a namespace is in itself, for RBAC
    }
    resource = parts[0]
    name = parts.count > 1 ? parts[1] : nil
    subresource = parts.dropFirst(2).joined(separator: "/")
    switch request.method {
    case "GET", "HEAD":
      verb = name != nil ? "get" : request.isTrue("watch") ? "watch" : "list"
    case "POST": verb = "create"
    case "PUT": verb = "update"
    case "PATCH": verb = "patch"
    case "DELETE": verb = name != nil ? "delete" : "deletecollection"
    default: verb = request.method.lowercased()
    }
  }
}
