/// Adds an ephemeral container to a pod's JSON and leaves every other byte as it is: what the API sent
/// and this program does not know must go back unchanged.
struct PodPatch {
  /// The pod's `metadata.uid`.
  let uid: String?
  /// The names of the ephemeral containers that the pod has.
  var names: [String] { place.names }
  private let place: Place

  /// Finds the place. Of a member that stands twice the last one counts, as for Go's decoder.
  ///
  /// - Throws: `JSONError` when the bytes are no JSON object, or there is no place for the entry.
  init(_ json: UnsafeRawBufferPointer) throws(JSONError) {
    var reader = JSONReader(json)
    var uid: String?
    var place: Place?
    let isObject = try reader.object { (key, reader) throws(JSONError) in
      switch key {
      case "metadata":
        try reader.object { (key, reader) throws(JSONError) in
          if case "uid" = key { uid = try reader.string() }
        }
      case "spec": place = try Self.place(&reader, json)
      default: break
      }
    }
    guard isObject, let place else { throw .malformed(at: 0) }
    try reader.end()
    self.uid = uid
    self.place = place
  }

  /// The pod with the entry in it.
  ///
  /// - Parameters:
  ///   - entry: The entry as JSON text.
  ///   - json: The bytes that the place was found in.
  /// - Returns: The pod's JSON, for the API.
  func adding(_ entry: String, to json: UnsafeRawBufferPointer) -> [UInt8] {
    Array(json[..<place.start]) + Array("\(place.head)\(entry)\(place.tail)".utf8)
      + Array(json[place.end...])
  }

  /// Where the text goes, and what stands around the new entry there.
  private struct Place {
    /// What lies between start and end is replaced: nothing, or a null.
    var start: Int
    var end: Int
    var head: String
    var tail: String
    var names: [String] = []
  }

  /// The place in a spec: behind the last entry of the list, or where a list can be.
  private static func place(
    _ reader: inout JSONReader, _ json: UnsafeRawBufferPointer
  ) throws(JSONError) -> Place? {
    var list: Place?
    var isEmpty = true
    let isObject = try reader.object { (key, reader) throws(JSONError) in
      isEmpty = false
      guard case "ephemeralContainers" = key else { return }
      list = try entries(&reader, json)
    }
    guard isObject else { return nil }
    // The reader stands behind the spec's closing bracket.
    let close = reader.position - 1
    return list
      ?? Place(
        start: close, end: close, head: (isEmpty ? "" : ",") + "\"ephemeralContainers\":[",
        tail: "]")
  }

  private static func entries(
    _ reader: inout JSONReader, _ json: UnsafeRawBufferPointer
  ) throws(JSONError) -> Place? {
    let start = reader.position
    var names: [String] = []
    var isEmpty = true
    let isArray = try reader.array { (reader) throws(JSONError) in
      isEmpty = false
      try reader.object { (key, reader) throws(JSONError) in
        if case "name" = key, let name = try reader.string() { names.append(name) }
      }
    }
    let end = reader.position
    guard isArray else {
      // null stands for no list.
      guard json[start] == UInt8(ascii: "n") else { throw .malformed(at: start) }
      return Place(start: start, end: end, head: "[", tail: "]")
    }
    return Place(
      start: end - 1, end: end - 1, head: isEmpty ? "" : ",", tail: "", names: names)
  }
}
