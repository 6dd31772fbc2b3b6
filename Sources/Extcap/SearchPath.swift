/// The directories in which the user's login shell looks for programs, as it said when it was asked.
///
/// Whoever starts Wireshark from a desktop gives us a PATH without them.
package struct SearchPath: Equatable, Sendable {
  /// Absolute paths; none if the shell did not say.
  package var directories: [String]
  /// When it was asked, in seconds since 1970.
  package var asked: Int64

  /// Notes an answer.
  package init(directories: [String], asked: Int64) {
    self.directories = directories
    self.asked = asked
  }

  /// The shell is not asked again for so long, in seconds: a day.
  private static let keptFor: Int64 = 24 * 3600

  /// Whether the shell may be asked again.
  package func isOld(at now: Int64) -> Bool { asked > now || now - asked >= Self.keptFor }
}

extension ListingCache {
  private var searchPathFile: String { folder + "/path" }

  /// What the login shell said; nil if it was never asked.
  package func searchPath() -> SearchPath? {
    guard PrivateFile.isPrivateFolder(folder), let bytes = PrivateFile.read(searchPathFile)
    else { return nil }
    var reader = TabReader(bytes)
    guard let fields = reader.nextFields(), fields.count >= 3, fields[0] == "poddump-path",
      fields[1] == "1", let asked = Int64(fields[2])
    else { return nil }
    return SearchPath(
      directories: fields.dropFirst(3).filter { $0.utf8.first == 0x2f }, asked: asked)
  }

  /// Remembers what the login shell said.
  package func note(_ path: SearchPath) throws(CacheError) {
    var text = TabWriter()
    text.line(["poddump-path", "1", String(path.asked)] + path.directories)
    try PrivateFile.makeFolder(folder)
    try PrivateFile.write(text.bytes, to: searchPathFile)
  }
}
