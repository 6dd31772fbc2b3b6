internal import Base

/// What a watch of pods says.
enum PodChange: Sendable {
  case pod(Pod)
  /// As it was last, where that can be read.
  case deleted(Pod?)
  /// The API server will say no more.
  case over

  /// Reads one line of a watch: `{"type":"MODIFIED","object":{…}}`.
  ///
  /// - Returns: nil for a line that says nothing of a pod.
  static func read(_ json: UnsafeRawBufferPointer) throws(JSONError) -> PodChange? {
    let line = try WatchLine(json)
    let pod = { () throws(JSONError) -> Pod? in
      guard let object = line.object else { return nil }
      return try PodReader().pod(object)
    }
    switch line.type {
    case "ADDED", "MODIFIED": return try pod().map(PodChange.pod)
    case "DELETED": return .deleted(try pod())
    case "ERROR": return .over
    default: return nil
    }
  }
}

/// A watch of pods.
typealias PodWatch = WatchReader<PodChange>

extension WatchReader<PodChange> {
  /// Reads a watch; `each` takes a change and says whether more is wanted.
  init(what: String, each: @escaping @Sendable (PodChange) -> Bool) {
    self.init(what: what, read: PodChange.read) { (change) throws(Failure) in
      change.map(each) ?? true
    }
  }
}
