internal import Base
internal import Cluster

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// Wireshark's personal extcap folders. Every program in them is run at every start of Wireshark, so
/// poddump-extcap is linked there alone.
enum ExtcapFolders {
  /// The name of the link, and of the program that it leads to.
  static let program = "poddump-extcap"

  /// The folders: of Wireshark 4.0 and older (under its configuration), and of 4.2 and newer.
  static func all() throws(Failure) -> [String] {
    guard let home = environmentValue("HOME"), let configuration = BaseDirectories.configuration()
    else {
      throw Failure(
        .other, "Cannot find Wireshark's personal folder.", why: "HOME is not set.",
        fix: "Set it to your home folder.")
    }
    return ["\(configuration)/wireshark/extcap", "\(home)/.local/lib/wireshark/extcap"]
  }

  /// Those, and the ones that the Wiresharks here name.
  static func all(of wiresharks: [FoundWireshark]) throws(Failure) -> [String] {
    var folders = try all()
    for case .asked(let named, _) in wiresharks.map(\.state) {
      folders += named.personal.filter { !folders.contains($0) }
    }
    return folders
  }

  /// Which other programs Wireshark would start in a folder: every file that may be run.
  static func others(in folder: String) -> [String] {
    names(in: folder).filter { $0 != program && isProgram("\(folder)/\($0)") }
  }

  /// What is at the link's place.
  enum State: Equatable {
    case missing
    /// A link that leads to this program.
    case installed
    /// A link or file of another origin, in a sentence.
    case other(String)
  }

  /// Looks at one folder's link.
  static func state(of folder: String, target: String) -> State {
    let path = "\(folder)/\(program)"
    var status = stat()
    guard lstat(path, &status) == 0 else { return .missing }
    guard status.st_mode & S_IFMT == S_IFLNK else {
      return .other("There is something that poddump did not put there.")
    }
    guard let leads = realPath(path) else { return .other("A link leads nowhere there.") }
    if leads == realPath(target) { return .installed }
    return .other("A link leads to \(printable(leads, limit: 300)) there.")
  }

  /// poddump-extcap, beside this program or where packages put it.
  static func source() throws(Failure) -> String {
    guard let own = ownPath(), let slash = own.lastIndex(of: "/") else {
      throw Failure(.other, "Cannot find the program's own path.")
    }
    let folder = String(own[..<slash])
    for candidate in InstalledFiles.folders(beside: folder) {
      let path = "\(candidate)/\(program)"
      if access(path, X_OK) == 0, let resolved = realPath(path) { return resolved }
    }
    throw Failure(
      .notFound, "\(program) was not found.", why: "It is not beside \(own).",
      fix: "Install poddump again, with both of its programs.")
  }
}

/// Makes a folder and those above it.
///
/// - Parameters:
///   - path: The folder.
///   - mode: The mode of those that are made.
///   - willMake: Told of each before it is made, from above.
/// - Throws: `Failure` when one cannot be made.
func makeFolders(
  _ path: String, mode: mode_t = 0o755, willMake: (String) throws(Failure) -> Void = { _ in }
) throws(Failure) {
  var place = ""
  for part in path.split(separator: "/") {
    place += "/" + part
    var status = stat()
    guard stat(place, &status) != 0 else { continue }
    try willMake(place)
    guard mkdir(place, mode) == 0 || errno == EEXIST else {
      throw .system("Cannot make \(path).", errno: errno)
    }
  }
}
