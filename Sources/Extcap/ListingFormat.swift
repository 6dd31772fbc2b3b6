/// The listing cache's files as text, version 1.
///
/// ```
/// poddump-listing TAB 1 TAB <bytes to the end of the listed rows> TAB <bytes of the file>
/// context TAB <name>
/// cluster TAB <note>
/// written TAB <seconds since 1970>
/// kubeconfig TAB <path> TAB <nanoseconds since 1970> TAB <bytes>      (one line per file)
/// namespaces TAB <name> …
/// (empty line)
/// <value> TAB <name> TAB <node> TAB <phase> TAB <running> TAB <rank> TAB <display> TAB <default container> TAB <container> …
/// ```
///
/// The rows that Wireshark lists come first, so that nothing beyond them need be read for a listing.
/// The two sizes in the first line have a fixed width and tell a whole file from a torn one.
enum ListingFormat {
  private static let magic = "poddump-listing"
  private static let version = "1"
  /// The length of the first line, in bytes.
  static let firstLine = magic.utf8.count + 1 + version.utf8.count + 2 * (1 + digits) + 1
  private static let digits = 10

  /// The sizes that a file's first line tells.
  struct Sizes {
    /// The bytes to the end of the listed rows.
    var head: Int
    /// The bytes of the whole file.
    var total: Int
  }

  static func encode(_ listing: Listing) -> [UInt8] {
    var head = TabWriter()
    head.line("context", listing.context)
    head.line("cluster", listing.cluster)
    head.line("written", String(listing.written))
    for file in listing.kubeconfig.files {
      head.line("kubeconfig", file.path, String(file.modified), String(file.size))
    }
    head.line(["namespaces"] + listing.namespaces)
    head.line("")
    for entry in listing.listed { head.line(row(entry)) }
    var rest = TabWriter()
    for entry in listing.others { rest.line(row(entry)) }
    let headEnd = firstLine + head.bytes.count
    var first = TabWriter()
    first.line(magic, version, padded(headEnd), padded(headEnd + rest.bytes.count))
    return first.bytes + head.bytes + rest.bytes
  }

  /// Reads the first line; nil if it is not that of a listing of this version.
  static func sizes(_ bytes: [UInt8]) -> Sizes? {
    var reader = TabReader(bytes)
    guard let fields = reader.nextFields(), fields.count == 4, fields[0] == magic,
      fields[1] == version, reader.place == firstLine, let head = Int(fields[2]),
      let total = Int(fields[3]), head >= firstLine, total >= head
    else { return nil }
    return Sizes(head: head, total: total)
  }

  /// Reads a listing, the whole file or its start.
  ///
  /// - Parameter bytes: The file's bytes, at least up to the end of the listed rows.
  /// - Returns: The listing; nil if the bytes are not one.
  static func decode(_ bytes: [UInt8]) -> Listing? {
    guard let sizes = sizes(bytes), bytes.count == sizes.head || bytes.count == sizes.total,
      var listing = header(bytes, sizes)
    else { return nil }
    var rows = TabReader(bytes, from: listing.rows, to: sizes.head)
    while let line = rows.nextLine() {
      guard let entry = entry(rows.fields(of: line)) else { return nil }
      listing.value.listed.append(entry)
    }
    guard rows.place == sizes.head else { return nil }
    var rest = TabReader(bytes, from: sizes.head)
    while let line = rest.nextLine() {
      guard let entry = entry(rest.fields(of: line)) else { return nil }
      listing.value.others.append(entry)
    }
    guard rest.place == bytes.count else { return nil }
    return listing.value
  }

  /// Finds one entry, without taking the others apart.
  ///
  /// - Parameters:
  ///   - value: The interface value, whole.
  ///   - bytes: The file's bytes, the whole file or its start.
  /// - Returns: The entry, in a listing that has no other; nil if it is not there.
  static func find(_ value: String, in bytes: [UInt8]) -> Listing? {
    guard let sizes = sizes(bytes), bytes.count == sizes.head || bytes.count == sizes.total,
      var listing = header(bytes, sizes)
    else { return nil }
    var rows = TabReader(bytes, from: listing.rows)
    guard let line = rows.nextLine(startingWith: value), let entry = entry(rows.fields(of: line))
    else { return nil }
    listing.value.listed = [entry]
    return listing.value
  }

  private static func header(
    _ bytes: [UInt8], _ sizes: Sizes
  ) -> (value: Listing, rows: Int)? {
    var listing = Listing(
      context: "", cluster: "", written: 0, kubeconfig: Kubeconfig(files: []), namespaces: [],
      listed: [], others: [])
    var reader = TabReader(bytes, from: firstLine, to: sizes.head)
    var hasContext = false
    while let line = reader.nextLine() {
      guard !line.isEmpty else { return hasContext ? (listing, reader.place) : nil }
      let fields = reader.fields(of: line)
      switch (fields[0], fields.count) {
      case ("context", 2):
        listing.context = fields[1]
        hasContext = true
      case ("cluster", 2): listing.cluster = fields[1]
      case ("written", 2):
        guard let written = Int64(fields[1]) else { return nil }
        listing.written = written
      case ("kubeconfig", 4):
        guard let file = file(fields) else { return nil }
        listing.kubeconfig.files.append(file)
      case ("namespaces", _): listing.namespaces = Array(fields.dropFirst())
      default: return nil
      }
    }
    return nil
  }

  static func file(_ fields: [String]) -> Kubeconfig.File? {
    guard fields.count == 4, let modified = Int64(fields[2]), let size = Int64(fields[3])
    else { return nil }
    return Kubeconfig.File(path: fields[1], modified: modified, size: size)
  }

  private static func row(_ entry: Entry) -> [String] {
    [
      entry.value.text, entry.name, entry.node, entry.phase, entry.isRunning ? "1" : "0",
      entry.rank.map(String.init) ?? "", entry.display, entry.defaultContainer ?? "",
    ] + entry.containers
  }

  private static func entry(_ fields: [String]) -> Entry? {
    guard fields.count >= 8, let value = InterfaceValue(fields[0]), value.kind != .portal
    else { return nil }
    return Entry(
      value: value, name: fields[1], node: fields[2], display: fields[6], phase: fields[3],
      isRunning: fields[4] == "1", rank: Int(fields[5]),
      defaultContainer: fields[7].isEmpty ? nil : fields[7], containers: Array(fields[8...]))
  }

  private static func padded(_ number: Int) -> String {
    let text = String(number)
    return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
  }
}

/// The pointer files as text, version 1: which contexts are shown for one value of KUBECONFIG.
enum ShownFormat {
  static func encode(_ shown: Shown) -> [UInt8] {
    var text = TabWriter()
    text.line("poddump-shown", "1")
    text.line("written", String(shown.written))
    for file in shown.kubeconfig.files {
      text.line("kubeconfig", file.path, String(file.modified), String(file.size))
    }
    text.line(["contexts"] + shown.contexts)
    text.line(["known"] + shown.known)
    text.line("end")
    return text.bytes
  }

  static func decode(_ bytes: [UInt8]) -> Shown? {
    var reader = TabReader(bytes)
    guard reader.nextFields() == ["poddump-shown", "1"] else { return nil }
    var shown = Shown(written: 0, kubeconfig: Kubeconfig(files: []), contexts: [])
    while let fields = reader.nextFields() {
      switch (fields[0], fields.count) {
      case ("written", 2):
        guard let written = Int64(fields[1]) else { return nil }
        shown.written = written
      case ("kubeconfig", 4):
        guard let file = ListingFormat.file(fields) else { return nil }
        shown.kubeconfig.files.append(file)
      case ("contexts", _): shown.contexts = Array(fields.dropFirst())
      case ("known", _): shown.known = Array(fields.dropFirst())
      case ("end", 1): return reader.place == bytes.count ? shown : nil
      default: return nil
      }
    }
    return nil
  }
}
