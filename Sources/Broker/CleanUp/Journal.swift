package import Base

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// The record of what is to be undone: a small file for each change, written before the change is made and
/// removed when it has been undone. It outlives us, however we end.
package struct Journal: Sendable {
  /// The folder, readable by its owner only.
  package let folder: String
  private let janitor: JanitorPost?

  /// The most entries that are read.
  package static let entryLimit = 10_000

  /// Creates a journal; nothing is read or written yet.
  ///
  /// - Parameters:
  ///   - folder: Where its files are.
  ///   - janitor: Who undoes what we leave when we are killed; nil for nobody.
  package init(folder: String, janitor: JanitorPost? = nil) {
    self.folder = folder
    self.janitor = janitor
  }

  /// The user's journal, in `$XDG_STATE_HOME/poddump/journal` or `~/.local/state/poddump/journal`; nil where
  /// there is no home.
  package static var standardFolder: String? { folder(environmentValue) }

  /// The same for an environment.
  static func folder(_ variable: (String) -> String?) -> String? {
    BaseDirectories.state(variable).map { $0 + "/poddump/journal" }
  }

  // MARK: - Writing

  /// Writes a change down. Call it before the change is made.
  ///
  /// - Throws: `Failure` when it cannot be kept (a full disk, a home that may not be written), or the
  ///   janitor cannot be started; the change must then not be made.
  package func record(
    _ change: FarChange, cluster: ClusterReference
  ) throws(Failure) -> JournalEntry {
    guard change.isValid else {
      throw Failure(.other, Self.cannot, why: "It names no \(printable(change.text, limit: 200)).")
    }
    // First the one who reads it: a kill between the two leaves nobody without a janitor.
    try janitor?.occupy(folder)
    let id = UInt64.random(in: 0...UInt64.max)
    let entry = JournalEntry(
      name: Self.prefix(of: .current) + "\(String(id, radix: 16)).entry", change: change,
      cluster: cluster, owner: .current, time: Int(time(nil)))
    let bytes = Array(entry.text.utf8)
    // What could not be read back would never be undone.
    guard JournalEntry(name: entry.name, bytes: bytes) == entry else {
      throw Failure(
        .other, Self.cannot, why: "Its context or kubeconfig has a name that cannot be kept.")
    }
    try makeFolder(folder)
    try write(bytes, entry.name)
    return entry
  }

  /// Removes an entry whose change has been undone, or was never made.
  package func strike(_ entry: JournalEntry) {
    unlink("\(folder)/\(entry.name)")
  }

  // MARK: - Reading

  /// All entries, the oldest first. What cannot be read or is no entry is left out and named.
  package func entries() -> JournalContents {
    var contents = JournalContents()
    for name in names().sorted() {
      guard name.hasSuffix(".entry") else { continue }
      guard contents.entries.count < Self.entryLimit else { break }
      if let bytes = SmallFile.bytes(
        "\(folder)/\(name)", limit: JournalEntry.sizeLimit, isOwn: true),
        let entry = JournalEntry(name: name, bytes: bytes)
      {
        contents.entries.append(entry)
      } else if access("\(folder)/\(name)", F_OK) == 0 {  // else it was struck meanwhile
        contents.unreadable.append("\(folder)/\(name)")
      }
    }
    contents.entries.sort { ($0.time, $0.name) < ($1.time, $1.name) }
    return contents
  }

  /// What an owner was writing when it ended: names of files that are no entries yet, whose changes were not made.
  func unfinished(of owner: ProcessIdentity) -> [String] {
    names().filter { $0.hasPrefix(Self.prefix(of: owner)) && $0.hasSuffix(".tmp") }
  }

  /// Removes what an owner that has ended left unfinished.
  func removeUnfinished(of owner: ProcessIdentity) {
    for name in unfinished(of: owner) { unlink("\(folder)/\(name)") }
  }

  /// How the names of an owner's files begin.
  private static func prefix(of owner: ProcessIdentity) -> String {
    "\(owner.pid)-\(owner.start)-"
  }

  /// Removes what is left of entries that were never finished: their changes were not made.
  package func sweep() {
    for name in names() where name.hasSuffix(".tmp") {
      var status = stat()
      guard lstat("\(folder)/\(name)", &status) == 0 else { continue }
      // One that is being written now is finished in a moment.
      if time(nil) - modified(status) > 60 { unlink("\(folder)/\(name)") }
    }
  }

  private func names() -> [String] {
    guard let directory = opendir(folder) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while names.count < 2 * Self.entryLimit, let item = readdir(directory) {
      let name = withUnsafeBytes(of: &item.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if !name.hasPrefix(".") { names.append(name) }
    }
    return names
  }

  private static let cannot = "Cannot write down what is to be undone later."
  private static let remedy =
    "Make room, or name another folder with XDG_STATE_HOME; nothing was changed in the cluster."

  /// Puts a file in place as a whole, on the disk before it has its name.
  private func write(_ bytes: [UInt8], _ name: String) throws(Failure) {
    let temporary = "\(folder)/\(name).tmp"
    let file = OwnedFD(
      open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode_t(0o600)))
    guard file.raw >= 0 else { throw failure(errno) }
    var code: Int32 = file.writeAll(bytes) ? 0 : errno
    if code == 0, fsync(file.raw) != 0 { code = errno }
    file.close()
    if code == 0, rename(temporary, "\(folder)/\(name)") != 0 { code = errno }
    guard code == 0 else {
      unlink(temporary)
      throw failure(code)
    }
    // The name too; some file systems do not sync folders.
    let directory = OwnedFD(open(folder, O_RDONLY | O_CLOEXEC))
    if directory.raw >= 0 { _ = fsync(directory.raw) }
  }

  /// Makes sure that the folder exists and is ours alone.
  private func makeFolder(_ path: String) throws(Failure) {
    var status = stat()
    if lstat(path, &status) != 0 {
      let parent = String(path.prefix(upTo: path.lastIndex(of: "/") ?? path.startIndex))
      if !parent.isEmpty, access(parent, F_OK) != 0 { try makeFolder(parent) }
      guard mkdir(path, mode_t(0o700)) == 0 || errno == EEXIST else { throw failure(errno) }
      guard lstat(path, &status) == 0 else { throw failure(errno) }
    }
    guard path == folder else { return }
    guard status.st_mode & S_IFMT == S_IFDIR, status.st_uid == geteuid(),
      status.st_mode & 0o022 == 0
    else {
      throw Failure(
        .other, Self.cannot, why: "\(folder) is not a folder of yours alone.",
        fix: "Remove it, or name another with XDG_STATE_HOME; nothing was changed in the cluster.")
    }
  }

  private func failure(_ code: Int32) -> Failure {
    Failure(
      .other, Self.cannot, why: "The system says for \(folder): \(errorText(code)).",
      fix: Self.remedy)
  }
}

/// What a journal holds.
package struct JournalContents: Sendable, Equatable {
  package var entries: [JournalEntry] = []
  /// Paths of files that are no entries.
  package var unreadable: [String] = []

  package init() {}
}
