internal import Extcap

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// The command line, poddump, which does what the cache cannot answer.
enum Sibling {
  /// Its path; nil if it is not installed.
  ///
  /// Wireshark starts us through a link in its folder, in a working directory of its own and perhaps
  /// with a short PATH. So we look beside our own file, then where packages put programs
  /// relative to it, then on the PATH, of which relative parts are not trusted.
  static func path() -> String? {
    var folders: [String] = []
    if let own = ownPath(), let slash = own.utf8.lastIndex(of: 0x2f) {
      let folder = String(own[..<slash])
      folders = [folder, folder + "/../bin", folder + "/../../bin", folder + "/../libexec/poddump"]
    }
    let search = environmentVariable("PATH") ?? "/usr/local/bin:/usr/bin:/bin"
    folders += search.split(separator: ":").map(String.init).filter { $0.utf8.first == 0x2f }
    return folders.lazy.map { $0 + "/poddump" }.first(where: isProgram)
  }

  /// Replaces this program by `poddump extcap` with our own arguments, so that process, parent and
  /// signals stay as Wireshark expects. Returns only if that is impossible.
  static func become() {
    guard let path = path() else { return }
    var arguments: [UnsafeMutablePointer<CChar>?] = [strdup(path), strdup("extcap")]
    // The bytes as they came: a path need not be UTF-8.
    for index in 1..<max(1, Int(CommandLine.argc)) {
      arguments.append(CommandLine.unsafeArgv[index])
    }
    arguments.append(nil)
    execv(path, arguments)
  }

  private static func isProgram(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
      && access(path, X_OK) == 0
  }
}
