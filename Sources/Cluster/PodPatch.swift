/// Adds an ephemeral container to a pod's JSON and leaves every other byte as it is: what the API sent
/// and this program does not know must go back unchanged.
struct PodPatch {
  /// The pod's `metadata.uid`.
  private(set) var uid: String?
  /// The names of the ephemeral containers that the pod has.
  private(set) var names: [String] = []
  /// Where the text goes, and what stands around the new entry there.
  private var offset: Int?
  private var head = ""
  private var tail = ""

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
    names = place.names
    offset = place.offset
    head = place.head
    tail = place.tail
    end = place.end
  }

  /// Where what is replaced ends; only a null is ever replaced.
  private var end = 0

  /// The pod with the entry in it.
  ///
  /// - Parameters:
  ///   - entry: The entry as JSON text.
  ///   - json: The bytes that the place was found in.
  func adding(_ entry: String, to json: UnsafeRawBufferPointer) -> [UInt8] {
    guard let offset else { return Array(json) }
    return Array(json[..<offset]) + Array("\(head)\(entry)\(tail)".utf8) + Array(json[end...])
  }

  private struct Place {
    var offset: Int
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
        offset: close, end: close, head: (isEmpty ? "" : ",") + "\"ephemeralContainers\":[",
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
      return Place(offset: start, end: end, head: "[", tail: "]")
    }
    return Place(
      offset: end - 1, end: end - 1, head: isEmpty ? "" : ",", tail: "", names: names)
  }
}
