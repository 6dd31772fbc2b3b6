internal import Base
internal import Extcap

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// Makes what `poddump install` makes, each written down before, and undoes it.
struct Installer {
  private var record: InstallRecord

  /// Reads what was made before.
  ///
  /// - Throws: `Failure` when there is no place to write down what is made.
  init() throws(Failure) { record = try .load() }

  private mutating func note(_ item: InstallRecord.Item) throws(Failure) {
    record.add(item)
    try record.save()
  }

  private mutating func makeFolders(above path: String) throws(Failure) {
    let folder = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
    var made: [String] = []
    try poddump.makeFolders(folder) { made.append($0) }
    for folder in made { try note(.folder(folder)) }
  }

  /// Puts a link there; whatever was there is replaced.
  ///
  /// - Throws: `Failure` when the system refuses.
  mutating func link(_ path: String, to target: String) throws(Failure) {
    try makeFolders(above: path)
    guard unlink(path) == 0 || errno == ENOENT else {
      throw .system("Cannot remove \(path).", errno: errno)
    }
    try note(.link(path, target: target))
    guard symlink(target, path) == 0 else { throw .system("Cannot link \(path).", errno: errno) }
  }

  /// Puts a file there.
  ///
  /// - Throws: `Failure` when the system refuses.
  mutating func file(_ path: String, _ text: String) throws(Failure) {
    try makeFolders(above: path)
    try note(.file(path, hash: StableHash(text).sixteenDigits))
    try SmallFile.write(text, to: path, mode: 0o644)
  }

  /// Makes us the desktop's choice for our links, unless there is one.
  ///
  /// - Throws: `Failure` when the file cannot be written.
  mutating func choice(in path: String) throws(Failure) {
    guard let text = LinkChoice.added(to: SmallFile.read(path) ?? "") else { return }
    try makeFolders(above: path)
    try note(.choice(path))
    try SmallFile.write(text, to: path, mode: nil)
  }

  /// Undoes everything, the last first.
  ///
  /// - Parameter tell: Told of each item and what became of it.
  /// - Throws: `Failure` when the system refuses.
  mutating func undoAll(
    _ tell: (InstallRecord.Item, InstallRecord.Undone) -> Void
  ) throws(Failure) {
    for item in record.items.reversed() {
      tell(item, try InstallRecord.undo(item))
      record.remove(item)
      try record.save()
    }
  }

  /// What was made.
  var items: [InstallRecord.Item] { record.items }
}
