internal import Base

/// One line of a watch: `{"type":"MODIFIED","object":{…}}` (WatchEvent of the Kubernetes API).
struct WatchLine {
  /// ADDED, MODIFIED, DELETED, BOOKMARK or ERROR.
  private(set) var type = ""
  /// The object's bytes; borrowed from the line.
  private(set) var object: UnsafeRawBufferPointer?

  init(_ json: UnsafeRawBufferPointer) throws(JSONError) {
    var reader = JSONReader(json)
    var type = ""
    var object: Range<Int>?
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
    self.type = type
    self.object = object.map { UnsafeRawBufferPointer(rebasing: json[$0]) }
  }
}

/// Takes a watch apart while kubectl prints it, a line for each change, and hands each change on.
struct WatchReader<Change: Sendable>: OutputConsumer {
  let what: String
  /// Reads a line; nil for one that says nothing.
  private let read: @Sendable (UnsafeRawBufferPointer) throws(JSONError) -> Change?
  /// Takes what was read and says whether more is wanted.
  private let each: @Sendable (Change?) throws(Failure) -> Bool
  private var line: [UInt8] = []
  private(set) var wantsMore = true

  init(
    what: String, read: @escaping @Sendable (UnsafeRawBufferPointer) throws(JSONError) -> Change?,
    each: @escaping @Sendable (Change?) throws(Failure) -> Bool
  ) {
    self.what = what
    self.read = read
    self.each = each
  }

  mutating func consume(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
    var rest = bytes[...]
    while wantsMore, let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
      line.append(contentsOf: rest[..<end])
      rest = rest[rest.index(after: end)...]
      try finishLine()
    }
    guard wantsMore else { return }
    line.append(contentsOf: rest)
    guard line.count <= ListReader.itemLimit else {
      throw .unreadable(what, JSONError.tooLarge(limit: ListReader.itemLimit).sentence)
    }
  }

  private mutating func finishLine() throws(Failure) {
    defer { line.removeAll(keepingCapacity: true) }
    guard !line.isEmpty else { return }
    let read = read
    let change: Result<Change?, JSONError> = line.withUnsafeBytes { bytes in
      Result { () throws(JSONError) in try read(bytes) }
    }
    switch change {
    case .success(let change): wantsMore = try each(change)
    case .failure(let error): throw .unreadable(what, error.sentence)
    }
  }
}
