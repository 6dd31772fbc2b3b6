internal import Foundation

/// The token by which a client asks for the next part of a list: base64url without padding of
/// `{"v":"meta.k8s.io/v1","rv":24748,"start":"/agent-zddlg\u0000"}`.
package struct ContinueToken: Sendable, Equatable {
  package var revision: Int
  /// The last key of the part before, relative to what is listed, with the byte 0 at its end.
  package var start: String

  /// The token after an object, in a list of one namespace or (nil) of all.
  package init(revision: Int, last: ObjectKey, namespace: String?) {
    self.revision = revision
    start = (namespace == nil ? last.path : "/" + last.name) + "\0"
  }

  /// Reads a token.
  /// - Throws: ``JSONError`` with the words of the API server.
  package init(_ text: String) throws(JSONError) {
    let padded =
      text.replacing("-", with: "+").replacing("_", with: "/")
      + String(repeating: "=", count: (4 - text.utf8.count % 4) % 4)
    guard let data = Data(base64Encoded: padded) else {
      throw JSONError(description: "illegal base64 data at input byte 0")
    }
    let json = try JSON(parsing: data)
    guard json["v"]?.string == "meta.k8s.io/v1" else {
      throw JSONError(
        description: "server does not recognize this encoded version \"\(json["v"]?.string ?? "")\""
      )
    }
    guard let revision = json["rv"]?.integer, let start = json["start"]?.string, !start.isEmpty
    else { throw JSONError(description: "continue key is not valid") }
    (self.revision, self.start) = (revision, start)
  }

  /// The last object of the part before, in a list of one namespace or (nil) of all.
  package func last(namespace: String?) -> ObjectKey {
    let path = start.drop { $0 == "/" }.prefix { $0 != "\0" }
    let parts = path.split(separator: "/", maxSplits: 1).map(String.init)
    return namespace == nil && parts.count == 2
      ? ObjectKey(namespace: parts[0], name: parts[1])
      : ObjectKey(namespace: namespace, name: String(path))
  }

  /// The token's text.
  package var text: String {
    let json: JSON = ["v": "meta.k8s.io/v1", "rv": .integer(revision), "start": .string(start)]
    return Data(json.bytes).base64EncodedString().replacing("+", with: "-")
      .replacing("/", with: "_").replacing("=", with: "")
  }
}
