/// What Kubernetes wrote down about a pod.
package struct PodEvent: Sendable, Equatable {
  /// Whether it is more than an announcement.
  package var isWarning = false
  /// "Pulling", "Failed", "BackOff", "FailedScheduling", …
  package var reason = ""
  package var message = ""
  /// The container that it is about; nil for the pod as a whole.
  package var container: String?
  /// When it last happened, in seconds since 1970.
  package var last: Int?

  package init() {}

  /// Reads one event.
  ///
  /// - Throws: `JSONError` when the bytes are no JSON object.
  static func read(_ json: UnsafeRawBufferPointer) throws(JSONError) -> PodEvent? {
    var event = PodEvent()
    // The API has had several fields for the time; each event fills some of them.
    var times: [Int] = []
    var reader = JSONReader(json)
    let isObject = try reader.object { (key, reader) throws(JSONError) in
      switch key {
      case "type": event.isWarning = try reader.string() == "Warning"
      case "reason": event.reason = try reader.string() ?? ""
      case "message": event.message = try reader.string() ?? ""
      case "involvedObject":
        try reader.object { (key, reader) throws(JSONError) in
          if case "fieldPath" = key { event.container = container(try reader.string() ?? "") }
        }
      case "firstTimestamp", "lastTimestamp", "eventTime":
        if let time = try reader.string().flatMap(Timestamp.unixSeconds) { times.append(time) }
      case "series":
        try reader.object { (key, reader) throws(JSONError) in
          guard case "lastObservedTime" = key else { return }
          if let time = try reader.string().flatMap(Timestamp.unixSeconds) { times.append(time) }
        }
      default: break
      }
    }
    guard isObject else { throw .malformed(at: 0) }
    try reader.end()
    event.last = times.max()
    return event
  }

  /// The name in `spec.ephemeralContainers{poddump-7f3a}`.
  private static func container(_ path: String) -> String? {
    guard path.last == "}", let open = path.firstIndex(of: "{") else { return nil }
    return String(path[path.index(after: open)...].dropLast())
  }
}
