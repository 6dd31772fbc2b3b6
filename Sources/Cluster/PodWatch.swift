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
    var type = ""
    var object: Range<Int>?
    var reader = JSONReader(json)
    try reader.object { (key, reader) throws(JSONError) in
      switch key {
      case "type": type = try reader.string() ?? ""
      case "object":
        let start = reader.position
        try reader.skip()
        object = start..<reader.position
      default: break
      }
    }
    try reader.end()
    let pod = { () throws(JSONError) -> Pod? in
      guard let object else { return nil }
      return try PodReader().pod(UnsafeRawBufferPointer(rebasing: json[object]))
    }
    switch type {
    case "ADDED", "MODIFIED": return try pod().map(PodChange.pod)
    case "DELETED": return .deleted(try pod())
    case "ERROR": return .over
    default: return nil
    }
  }
}

/// Takes a watch apart while kubectl prints it, and hands each change on.
struct PodWatch: OutputConsumer {
  let what: String
  /// Takes a change and says whether more is wanted.
  let each: @Sendable (PodChange) -> Bool
  private var line: [UInt8] = []
  private(set) var wantsMore = true

  init(what: String, each: @escaping @Sendable (PodChange) -> Bool) {
    self.what = what
    self.each = each
  }

  mutating func consume(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
    for part in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
      .enumerated()
    {
      // A piece has one line end less than parts.
      if part.offset > 0 { try finishLine() }
      guard wantsMore else { return }
      line.append(contentsOf: part.element)
      guard line.count <= ListReader.itemLimit else {
        throw .unreadable(what, JSONError.tooLarge(limit: ListReader.itemLimit).sentence)
      }
    }
  }

  private mutating func finishLine() throws(Failure) {
    defer { line.removeAll(keepingCapacity: true) }
    guard !line.isEmpty else { return }
    let change: Result<PodChange?, JSONError> = line.withUnsafeBytes { bytes in
      Result { () throws(JSONError) in try PodChange.read(bytes) }
    }
    switch change {
    case .success(nil): break
    case .success(let change?): wantsMore = each(change)
    case .failure(let error): throw .unreadable(what, error.sentence)
    }
  }
}
