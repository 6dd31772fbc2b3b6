/// Where poddump's other files are.
enum InstalledFiles {
  /// The folders that may hold the tap: those, and where make builds it.
  static var tapFolders: [String] {
    guard let own = ownPath(), let slash = own.lastIndex(of: "/") else { return [] }
    let folder = String(own[..<slash])
    return folders(beside: folder) + ["\(folder)/../../tap"]
  }

  /// The folders to look in for a program in `folder`.
  static func folders(beside folder: String) -> [String] {
    [folder, "\(folder)/../libexec/poddump", "\(folder)/../lib/poddump"]
  }
}
