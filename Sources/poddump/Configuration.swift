internal import Base
internal import Broker
internal import Cluster
internal import SSH
internal import TOMLKit

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// The settings that outlive a pod, from `~/.config/poddump/config.toml` or the file that
/// `PODDUMP_CONFIG` names. The only reader of the file; flag beats environment beats file beats default.
struct Configuration: Sendable, Equatable {
  /// The most pods listed in Wireshark.
  var listingLimit = 250
  /// Contexts listed in Wireshark beside the current one.
  var listingContexts: [String] = []
  /// The only namespaces listed in Wireshark; empty for all.
  var listingNamespaces: [String] = []
  /// Namespaces not listed in Wireshark.
  var hiddenNamespaces: [String] = []
  /// Interface values listed first.
  var favourites: [String] = []
  /// The most bytes kept of a packet; nil for the engine's default.
  var snapLength: Int?
  /// The time limit of a capture in seconds; nil for the default.
  var ttl: Int?

  /// The engine that captures; nil chooses.
  var engine: EngineName?

  /// The routes that may be chosen, their images and namespaces.
  var routes = RouteSettings()
  /// How nodes are reached by ssh.
  var nodes = NodeAccess()

  /// The keys that are known, each with its table; the empty table is the top level.
  private static let known: [String: [String]] = [
    "": ["capture", "favourites", "image", "listing", "node", "route", "ssh"],
    "capture": ["engine", "snaplen", "ttl"],
    "image": ["debug", "node"],
    "node": ["namespace"],
    "listing": ["contexts", "hidden", "limit", "namespaces"],
    "route": ["allow", "order"],
    "ssh": [
      "engine", "host", "jump", "key", "known_hosts", "port", "strict_host_key_checking", "sudo",
      "user",
    ],
  ]

  /// The file's path, whether it exists or not; nil without a home.
  static var path: String? {
    if let path = environmentValue("PODDUMP_CONFIG") { return path }
    return BaseDirectories.configuration().map { $0 + "/poddump/config.toml" }
  }

  /// Reads the file; without one everything has its default.
  ///
  /// - Throws: `Failure` when the file cannot be read, is not TOML, or has an unknown key or a value of
  ///   the wrong kind.
  static func load() throws(Failure) -> Configuration {
    guard let path else { return Configuration() }
    guard let text = try readText(path) else {
      guard environmentValue("PODDUMP_CONFIG") == nil else {
        throw Failure(
          .other, "Cannot read the configuration.", why: "There is no file \(path).",
          fix: "Create it, or unset PODDUMP_CONFIG.")
      }
      return Configuration()
    }
    return try Configuration(text: text, path: path)
  }

  init() {}

  /// Reads a configuration from its text.
  init(text: String, path: String) throws(Failure) {
    let what = "Cannot use the configuration \(path)."
    let root: TOMLTable
    do {
      root = try TOMLTable(string: text)
    } catch let error as TOMLParseError {
      throw Failure(
        .usage, what,
        why: "Line \(error.source.begin.line), column \(error.source.begin.column): "
          + "\(printable(error.description, limit: 200)).",
        fix: "Correct it; the format is TOML.")
    } catch {
      throw Failure(.usage, what, why: printable("\(error)", limit: 200))
    }
    try Self.check(root, table: "", what: what)
    favourites = try Self.strings(root, "favourites", what) ?? []
    if let listing = try Self.table(root, "listing", what) {
      listingLimit = try Self.number(listing, "limit", 0...10_000, what) ?? listingLimit
      listingContexts = try Self.strings(listing, "contexts", what) ?? []
      listingNamespaces = try Self.strings(listing, "namespaces", what) ?? []
      hiddenNamespaces = try Self.strings(listing, "hidden", what) ?? []
    }
    if let route = try Self.table(root, "route", what) {
      if let names = try Self.strings(route, "order", what) {
        routes.order = try Self.routes(names, "order", what)
        // Whoever names ssh there wants it.
        nodes.isConfigured = routes.order.contains(.ssh)
      }
      if let names = try Self.strings(route, "allow", what) {
        routes.allowed = Set(try Self.routes(names, "allow", what))
      }
    }
    if let image = try Self.table(root, "image", what) {
      routes.debugImage = try Self.image(image, "debug", what) ?? routes.debugImage
      routes.nodeImage = try Self.image(image, "node", what) ?? routes.nodeImage
    }
    if let node = try Self.table(root, "node", what),
      let namespace = try Self.text(node, "namespace", what)
    {
      try Target.check(namespace: namespace)
      routes.nodeNamespace = namespace
    }
    if let ssh = try Self.table(root, "ssh", what) {
      nodes.isConfigured = true
      nodes.host = try Self.text(ssh, "host", what)
      nodes.options = try Self.ssh(ssh, what)
    }
    if let capture = try Self.table(root, "capture", what) {
      snapLength = try Self.number(capture, "snaplen", 1...262_144, what)
      switch try Self.text(capture, "engine", what) {
      case nil, "auto": break
      case .some(let name):
        guard let named = EngineName(rawValue: name) else {
          throw Failure(
            .usage, what, why: "capture.engine is \(printable(name, limit: 60)).",
            fix: "Write auto, tcpdump or tap.")
        }
        engine = named
      }
      if let value = capture["ttl"] {
        guard let text = value.string, let milliseconds = Quantities.milliseconds(text) else {
          throw Failure(
            .usage, what, why: "capture.ttl is not a duration.", fix: "Write ttl = \"24h\".")
        }
        // Rounded up, as --ttl is: 0 would mean no limit at all.
        ttl = (milliseconds + 999) / 1000
      }
    }
  }

  /// Who looks at targets, by these settings.
  ///
  /// - Parameters:
  ///   - kubectl: The cluster.
  ///   - isInteractive: Whether somebody is there to answer a question.
  ///   - allowed: Further routes that are allowed.
  ///   - binary: A tcpdump to bring along; nil for none.
  /// - Returns: A finder, which has done nothing yet.
  /// - Throws: `Failure` when the binary cannot be used.
  func finder(
    _ kubectl: Kubectl, isInteractive: Bool, allowed: [RouteName] = [], binary: String? = nil
  ) throws(Failure) -> FactFinder {
    var nodes = nodes
    nodes.isInteractive = isInteractive
    var tools = RouteTools(kubectl: kubectl)
    tools.settings = routes
    tools.settings.allowed.formUnion(allowed)
    tools.engines = Engines.find(in: InstalledFiles.tapFolders)
    if let binary { tools.engines.given = try EngineFile(path: binary, isTap: false) }
    // Where there is no home, nothing can be written down, and routes that change something say so.
    return FactFinder(tools: tools, nodes: nodes, journal: try? Journal.ofUser())
  }

  /// Whether it may be the name of an image: no more than that it has no blanks is checked here.
  static func isImage(_ name: String) -> Bool {
    !name.isEmpty && name.unicodeScalars.allSatisfy { $0.value > 0x20 && $0.value < 0x7f }
  }

  /// The name of an image, as the API takes it.
  private static func image(
    _ table: TOMLTable, _ key: String, _ what: String
  ) throws(Failure) -> String? {
    guard let name = try text(table, key, what) else { return nil }
    guard isImage(name) else {
      throw Failure(
        .usage, what, why: "image.\(key) is no name of an image.",
        fix: "Write \(key) = \"registry/name:tag\".")
    }
    return name
  }

  private static func routes(
    _ names: [String], _ key: String, _ what: String
  ) throws(Failure) -> [RouteName] {
    var routes: [RouteName] = []
    for name in names {
      guard let route = RouteName(rawValue: name) else {
        let nearest = RouteName.allCases.min {
          editDistance($0.rawValue, name) < editDistance($1.rawValue, name)
        }
        throw Failure(
          .usage, what, why: "There is no route \(printable(name, limit: 60)) for route.\(key).",
          fix: "Did you mean \(nearest?.rawValue ?? "exec")?")
      }
      if !routes.contains(route) { routes.append(route) }
    }
    guard !routes.isEmpty else {
      throw Failure(
        .usage, what, why: "route.\(key) names no route.",
        fix: "Write \(key) = [\"exec\", \"ssh\"].")
    }
    return routes
  }

  private static func ssh(_ table: TOMLTable, _ what: String) throws(Failure) -> SSHOptions {
    var options = SSHOptions()
    options.user = try text(table, "user", what)
    options.port = try number(table, "port", 1...65_535, what)
    options.key = try text(table, "key", what).map(expandingHome)
    options.jump = try text(table, "jump", what)
    options.knownHosts = try text(table, "known_hosts", what).map(expandingHome)
    if let value = table["sudo"] {
      guard let sudo = value.bool else {
        throw Failure(
          .usage, what, why: "ssh.sudo is neither true nor false.", fix: "Write sudo = true.")
      }
      options.sudo = sudo
    }
    switch try text(table, "engine", what) {
    case nil, "auto": break
    case "libssh2": options.engine = .libssh2
    case "openssh": options.engine = .openssh
    case .some(let other):
      throw Failure(
        .usage, what, why: "ssh.engine is \(printable(other, limit: 60)).",
        fix: "Write auto, libssh2 or openssh.")
    }
    if let policy = try text(table, "strict_host_key_checking", what) {
      guard let policy = HostKeyPolicy(rawValue: policy) else {
        throw Failure(
          .usage, what,
          why: "ssh.strict_host_key_checking is \(printable(policy, limit: 60)).",
          fix: "Write yes or accept-new.")
      }
      options.hostKeys = policy
    }
    return options
  }

  // MARK: - Values

  private static func text(
    _ table: TOMLTable, _ key: String, _ what: String
  ) throws(Failure) -> String? {
    guard let value = table[key] else { return nil }
    guard let text = value.string, !text.isEmpty else {
      throw Failure(.usage, what, why: "\(key) is not a text.", fix: "Write \(key) = \"…\".")
    }
    return text
  }

  private static func table(
    _ parent: TOMLTable, _ key: String, _ what: String
  ) throws(Failure) -> TOMLTable? {
    guard let value = parent[key] else { return nil }
    guard let table = value.table else {
      throw Failure(
        .usage, what, why: "\(key) is not a table.", fix: "Write [\(key)] above its keys.")
    }
    try check(table, table: key, what: what)
    return table
  }

  private static func strings(
    _ table: TOMLTable, _ key: String, _ what: String
  ) throws(Failure) -> [String]? {
    guard let value = table[key] else { return nil }
    let texts = value.array.map { $0.map(\.string) }
    guard let texts, !texts.contains(nil) else {
      throw Failure(
        .usage, what, why: "\(key) is not a list of texts.", fix: "Write \(key) = [\"…\"].")
    }
    return texts.compactMap(\.self)
  }

  private static func number(
    _ table: TOMLTable, _ key: String, _ range: ClosedRange<Int>, _ what: String
  ) throws(Failure) -> Int? {
    guard let value = table[key] else { return nil }
    guard let number = value.int, range.contains(number) else {
      throw Failure(
        .usage, what,
        why: "\(key) is not a number from \(range.lowerBound) to \(range.upperBound).",
        fix: "Correct it.")
    }
    return number
  }

  /// An unknown key is an error that names the nearest known one: a typo must not be a silent default.
  private static func check(_ table: TOMLTable, table name: String, what: String) throws(Failure) {
    let known = known[name] ?? []
    for key in table.keys.sorted() where !known.contains(key) {
      let place = name.isEmpty ? "" : " in [\(name)]"
      let nearest = known.min { editDistance($0, key) < editDistance($1, key) } ?? ""
      throw Failure(
        .usage, what, why: "There is no setting \(printable(key, limit: 60))\(place).",
        fix: "Did you mean \(nearest)?")
    }
  }
}

/// The Levenshtein distance of two words.
func editDistance(_ left: String, _ right: String) -> Int {
  let right = Array(right)
  var row = Array(0...right.count)
  for (i, character) in left.enumerated() {
    var diagonal = row[0]
    row[0] = i + 1
    for (j, other) in right.enumerated() {
      let substituted = diagonal + (character == other ? 0 : 1)
      diagonal = row[j + 1]
      row[j + 1] = min(substituted, row[j + 1] + 1, row[j] + 1)
    }
  }
  return row[right.count]
}

/// A path with the home directory in place of a leading `~/`.
func expandingHome(_ path: String) -> String {
  guard path.hasPrefix("~/"), let home = environmentValue("HOME") else { return path }
  return home + path.dropFirst()
}

/// Reads a text file of at most 1 MiB; nil when there is none.
private func readText(_ path: String) throws(Failure) -> String? {
  let descriptor = OwnedFD(open(path, O_RDONLY | O_CLOEXEC))
  guard descriptor.raw >= 0 else {
    guard errno != ENOENT else { return nil }
    throw .system("Cannot read \(path).", errno: errno)
  }
  var bytes: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 64 * 1024)
  while bytes.count < 1 << 20 {
    let count = read(descriptor.raw, &buffer, buffer.count)
    guard count >= 0 else { throw .system("Cannot read \(path).", errno: errno) }
    if count == 0 { break }
    bytes += buffer[..<count]
  }
  return String(decoding: bytes, as: UTF8.self)
}
