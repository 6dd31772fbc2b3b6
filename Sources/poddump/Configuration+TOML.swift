internal import Base
internal import Broker
internal import Cluster
internal import SSH
internal import TOMLKit

/// How the settings stand in the file.
extension Configuration {
  /// The keys that are known, each with its table; the empty table is the top level.
  static let known: [String: [String]] = [
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

  /// Reads a configuration from its text.
  init(text: String, path: String) throws(Failure) {
    self.init()
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
