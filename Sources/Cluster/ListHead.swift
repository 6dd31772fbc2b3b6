/// A list without its items, or the Status that came in a list's place.
package struct ListHead: Sendable, Equatable {
  /// "PodList", or "Status" in an answer that is none.
  package var kind: String?
  /// Where the next chunk begins; nil when the list is complete.
  package var continueToken: String?
  package var resourceVersion: String?
  /// A Status's reason and message.
  package var reason: String?
  package var message: String?

  /// Reads the head of a list whose items have been taken out.
  init(json: UnsafeRawBufferPointer) throws(JSONError) {
    var reader = JSONReader(json)
    var isObject = false
    isObject = try reader.object { (key, reader) throws(JSONError) in
      switch key {
      case "kind": kind = try reader.string()
      case "reason": reason = try reader.string()
      case "message": message = try reader.string()
      case "metadata":
        try reader.object { (key, reader) throws(JSONError) in
          switch key {
          case "continue":
            let token = try reader.string()
            continueToken = token == "" ? nil : token
          case "resourceVersion": resourceVersion = try reader.string()
          default: break
          }
        }
      default: break
      }
    }
    guard isObject else { throw .malformed(at: 0) }
    try reader.end()
  }
}
