/// The listing cache's files as text, version 1.
///
/// ```
/// poddump-listing TAB 1 TAB <end of A> TAB <end of B> TAB <end of C> TAB <end of D> TAB <checksum>
/// context TAB <name>
/// cluster TAB <note>
/// written TAB <seconds since 1970>
/// kubeconfig TAB <path> TAB <nanoseconds since 1970> TAB <bytes>      (one line per file)
/// portal TAB <n> TAB <m>       (the numbers of the portal's arguments that B is for: namespace and pod)
/// (empty line)
/// A: interface {value=<value>}{display=<display>}                     (ready to be printed)
/// B: value {arg=<n>}{value=<namespace>}{display=<namespace>}           (likewise)
///    value {arg=<m>}{value=<namespace>/<name>}{display=<display>}
/// C: <value> TAB <name> TAB <node> TAB <phase> TAB <running> TAB <rank> TAB <display> TAB <last seen> TAB <default container> TAB <container> …
/// D: rows as in C
/// ```
///
/// A, B and C hold what Wireshark lists, D all the rest. Making sentences of 250 entries costs more
/// instructions than all else that poddump-extcap does, so they are made when the file is written.
/// The ends are offsets in the file; the checksum is over everything from the second line to the end of B.
enum ListingFormat {
  private static let magic = "poddump-listing"
  private static let version = "1"
  private static let digits = 10
  /// The length of the first line, in bytes.
  private static let firstLine =
    magic.utf8.count + 1 + version.utf8.count + 4 * (1 + digits) + 1 + 16 + 1

  /// Where a file's parts end, from its first line.
  struct Parts: Equatable {
    var interfaces: Int
    var choices: Int
    var listed: Int
    var all: Int
    fileprivate var checksum: String
  }

  static func encode(_ listing: Listing) -> [UInt8] {
    var text = TabWriter()
    text.line("context", listing.context)
    text.line("cluster", listing.cluster)
    text.line("written", String(listing.written))
    for file in listing.kubeconfig.files { text.line(file.fields) }
    text.line(["portal"] + Reply.portalArguments.map(String.init))
    text.line("")
    let head = ListingHead(listing)
    text.append(head.interfaces)
    let interfaces = firstLine + text.bytes.count
    text.append(head.choices)
    let choices = firstLine + text.bytes.count
    let checksum = checksum(text.bytes[...])
    for entry in listing.listed { text.line(row(entry)) }
    let listed = firstLine + text.bytes.count
    for entry in listing.others { text.line(row(entry)) }
    let all = firstLine + text.bytes.count
    var first = TabWriter()
    first.line([magic, version] + [interfaces, choices, listed, all].map(padded) + [checksum])
    return first.bytes + text.bytes
  }

  /// Reads the first line; nil if it is not that of a listing of this version.
  static func parts(_ bytes: [UInt8]) -> Parts? {
    var reader = TabReader(bytes)
    guard let fields = reader.nextFields(), fields.count == 7, fields[0] == magic,
      fields[1] == version, reader.place == firstLine, let interfaces = Int(fields[2]),
      let choices = Int(fields[3]), let listed = Int(fields[4]), let all = Int(fields[5]),
      firstLine < interfaces, interfaces <= choices, choices <= listed, listed <= all
    else { return nil }
    return Parts(
      interfaces: interfaces, choices: choices, listed: listed, all: all, checksum: fields[6])
  }

  /// Reads what the dialogs and the list of interfaces need.
  ///
  /// - Parameter bytes: The file's bytes, at least up to the end of part B.
  /// - Returns: The head; nil if the bytes are not those of a listing.
  static func head(_ bytes: [UInt8]) -> ListingHead? {
    guard let parts = parts(bytes), bytes.count >= parts.choices,
      checksum(bytes[firstLine..<parts.choices]) == parts.checksum
    else { return nil }
    var reader = TabReader(bytes, from: firstLine, to: parts.interfaces)
    guard var head = ListingHead(&reader) else { return nil }
    head.interfaces = Array(bytes[reader.place..<parts.interfaces])
    // Another version of poddump may have numbered the arguments otherwise.
    if head.portalArguments == Reply.portalArguments {
      head.choices = Array(bytes[parts.interfaces..<parts.choices])
    }
    return head
  }

  /// Reads a whole listing.
  ///
  /// - Parameter bytes: The file's bytes.
  /// - Returns: The listing; nil if the bytes are not one.
  static func decode(_ bytes: [UInt8]) -> Listing? {
    guard let parts = parts(bytes), bytes.count == parts.all, let head = head(bytes),
      let listed = rows(bytes, from: parts.choices, to: parts.listed),
      let others = rows(bytes, from: parts.listed, to: parts.all)
    else { return nil }
    return Listing(head: head, listed: listed, others: others)
  }

  /// Finds one entry, without taking the others apart.
  ///
  /// - Parameters:
  ///   - value: The interface value, whole.
  ///   - bytes: The file's bytes, at least up to the end of part C.
  /// - Returns: The entry, and a head without sentences; nil if it is not there.
  static func find(_ value: String, in bytes: [UInt8]) -> (entry: Entry, head: ListingHead)? {
    guard let parts = parts(bytes), bytes.count >= parts.listed else { return nil }
    var rows = TabReader(bytes, from: parts.choices)
    guard let line = rows.nextLine(startingWith: value), let entry = entry(rows.fields(of: line))
    else { return nil }
    var reader = TabReader(bytes, from: firstLine, to: parts.interfaces)
    guard let head = ListingHead(&reader) else { return nil }
    return (entry, head)
  }

  private static func rows(_ bytes: [UInt8], from start: Int, to end: Int) -> [Entry]? {
    var entries: [Entry] = []
    var reader = TabReader(bytes, from: start, to: end)
    while let fields = reader.nextFields() {
      guard let entry = entry(fields) else { return nil }
      entries.append(entry)
    }
    return reader.place == end ? entries : nil
  }

  private static func row(_ entry: Entry) -> [String] {
    [
      entry.value.text, entry.name, entry.node, entry.phase, entry.isRunning ? "1" : "0",
      entry.rank.map(String.init) ?? "", entry.display, entry.lastSeen.map(String.init) ?? "",
      entry.defaultContainer ?? "",
    ] + entry.containers
  }

  private static func entry(_ fields: [String]) -> Entry? {
    guard fields.count >= 9, let value = InterfaceValue(fields[0]), value.kind != .portal
    else { return nil }
    return Entry(
      value: value, name: fields[1], node: fields[2], display: fields[6], phase: fields[3],
      isRunning: fields[4] == "1", rank: Int(fields[5]),
      defaultContainer: fields[8].isEmpty ? nil : fields[8], containers: Array(fields[9...]),
      lastSeen: Int64(fields[7]))
  }

  private static func checksum(_ bytes: ArraySlice<UInt8>) -> String {
    var hash = StableHash()
    for byte in bytes { hash.add(byte) }
    return hash.sixteenDigits
  }

  private static func padded(_ number: Int) -> String {
    let text = String(number)
    return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
  }
}

extension ListingHead {
  /// Reads the lines up to the empty one, which is taken too.
  fileprivate init?(_ reader: inout TabReader) {
    self.init(context: "", cluster: "", written: 0, kubeconfig: Kubeconfig(files: []))
    var hasContext = false
    while let line = reader.nextLine() {
      guard !line.isEmpty else {
        guard hasContext else { return nil }
        return
      }
      let fields = reader.fields(of: line)
      switch (fields[0], fields.count) {
      case ("context", 2):
        context = fields[1]
        hasContext = true
      case ("cluster", 2): cluster = fields[1]
      case ("written", 2):
        guard let seconds = Int64(fields[1]) else { return nil }
        written = seconds
      case ("kubeconfig", 4):
        guard let file = Kubeconfig.File(fields) else { return nil }
        kubeconfig.files.append(file)
      case ("portal", _): portalArguments = fields.dropFirst().compactMap { Int($0) }
      default: return nil
      }
    }
    return nil
  }
}

extension Kubeconfig.File {
  /// The file as a line of the cache.
  var fields: [String] { ["kubeconfig", path, String(modified), String(size)] }

  /// Reads a line of the cache.
  init?(_ fields: [String]) {
    guard fields.count == 4, let modified = Int64(fields[2]), let size = Int64(fields[3])
    else { return nil }
    self.init(path: fields[1], modified: modified, size: size)
  }
}
