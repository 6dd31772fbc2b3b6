internal import Base
internal import Broker
internal import Extcap

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// What `poddump install` made, in order, so that `uninstall` undoes that and nothing else.
struct InstallRecord: Sendable, Equatable {
  /// One thing that was made.
  enum Item: Sendable, Equatable, Hashable {
    case folder(String)
    case link(String, target: String)
    /// A file, with a hash of what was written: one that was changed since is somebody's work.
    case file(String, hash: String)
    /// The desktop's choice of us for our links, in that file.
    case choice(String)

    var path: String {
      switch self {
      case .folder(let path), .link(let path, _), .file(let path, _), .choice(let path): path
      }
    }
  }

  /// The oldest first, each once.
  private(set) var items: [Item] = []

  init() {}

  mutating func add(_ item: Item) {
    items.removeAll { $0 == item }
    items.append(item)
  }

  mutating func remove(_ item: Item) { items.removeAll { $0 == item } }

  // MARK: - As text

  private static let title = "poddump-installed 1"

  /// A line for each: a word, a path and perhaps a value, with a blank between them.
  var text: String {
    let lines = items.map { item in
      switch item {
      case .folder(let path): ["folder", path]
      case .link(let path, let target): ["link", path, target]
      case .file(let path, let hash): ["file", path, hash]
      case .choice(let path): ["choice", path]
      }
    }
    return ([Self.title] + lines.map { $0.map(Self.escaped).joined(separator: " ") })
      .map { $0 + "\n" }.joined()
  }

  /// Reads it; what is no line of ours is passed over.
  init(text: String) {
    let lines = text.split(separator: "\n")
    guard lines.first == Self.title[...] else { return }
    for line in lines.dropFirst() {
      let words = line.split(separator: " ", omittingEmptySubsequences: false)
        .map { PercentCoding.decoded($0) }
      guard words.count >= 2, words.count <= 3, let path = words[1], path.hasPrefix("/") else {
        continue
      }
      switch (words[0], words.count == 3 ? words[2] : nil) {
      case ("folder", nil): add(.folder(path))
      case ("link", let target?): add(.link(path, target: target))
      case ("file", let hash?): add(.file(path, hash: hash))
      case ("choice", nil): add(.choice(path))
      default: break
      }
    }
  }

  private static func escaped(_ text: String) -> String {
    PercentCoding.encoded(text) { $0 > 0x20 && $0 < 0x7F }
  }
}

extension InstallRecord {
  /// Where it is kept: beside the journal.
  private static func file() throws(Failure) -> String {
    let journal = try Journal.folderOfUser()
    return String(journal[..<(journal.lastIndex(of: "/") ?? journal.startIndex)]) + "/installed"
  }

  /// What was made before; nothing if nobody wrote it down.
  static func load() throws(Failure) -> InstallRecord {
    InstallRecord(text: SmallFile.read(try file()) ?? "")
  }

  /// Writes it down; an empty one leaves no file.
  func save() throws(Failure) {
    let file = try Self.file()
    guard !items.isEmpty else {
      if unlink(file) == 0 { _ = rmdir(String(file.dropLast("/installed".count))) }
      return
    }
    try makeFolders(String(file.dropLast("/installed".count)), mode: 0o700)
    try SmallFile.write(text, to: file, mode: 0o600)
  }

  // MARK: - Undoing

  /// What became of a thing that was to be undone.
  enum Undone: Sendable, Equatable {
    case removed
    /// Somebody was faster, or has put something in.
    case gone
    /// It is not what was made any more, in a sentence.
    case kept(String)
  }

  /// Undoes one item.
  ///
  /// - Returns: What became of it.
  /// - Throws: `Failure` when the system refuses.
  static func undo(_ item: Item) throws(Failure) -> Undone {
    switch item {
    case .folder(let path): return rmdir(path) == 0 ? .removed : .gone
    case .link(let path, let target):
      guard let leads = linkTarget(path) else {
        return exists(path) ? .kept("It is no link any more.") : .gone
      }
      guard leads == target else {
        return .kept("It leads to \(printable(leads, limit: 300)) now.")
      }
    case .file(let path, let hash):
      guard exists(path) else { return .gone }
      guard SmallFile.read(path).map({ StableHash($0).sixteenDigits }) == hash else {
        return .kept("It was changed.")
      }
    case .choice(let path):
      guard let text = SmallFile.read(path) else { return .gone }
      guard let without = LinkChoice.removed(from: text) else { return .gone }
      guard !without.isEmpty else { break }
      try SmallFile.write(without, to: path, mode: nil)
      return .removed
    }
    guard unlink(item.path) == 0 else {
      throw .system("Cannot remove \(item.path).", errno: errno)
    }
    return .removed
  }

  private static func exists(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0
  }
}

/// Where a link leads, as it is written there; nil if it is no link.
func linkTarget(_ path: String) -> String? {
  var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
  let count = readlink(path, &buffer, buffer.count)
  return count < 0 ? nil : String(decoding: buffer[..<count], as: UTF8.self)
}
