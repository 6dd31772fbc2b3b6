/// Where poddump's other files are.
enum InstalledFiles {
  /// The folders to look in: the program's own, as it is built, and where packages put them.
  static var folders: [String] {
    guard let own = ownPath(), let slash = own.lastIndex(of: "/") else { return [] }
    return folders(beside: String(own[..<slash]))
  }

  /// The folders to look in for a program in `folder`.
  static func folders(beside folder: String) -> [String] {
    [folder, "\(folder)/../libexec/poddump", "\(folder)/../lib/poddump"]
  }
}
