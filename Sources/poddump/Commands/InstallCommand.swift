internal import ArgumentParser
internal import Base

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// `poddump install`: pods in Wireshark's interface list.
struct InstallCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "install", abstract: "Put poddump into Wireshark's personal extcap folders.")

  @Flag(name: .long, help: "Replace another poddump-extcap that is there.")
  var force = false

  func run() async throws {
    let source = try ExtcapFolders.source()
    let places = try ExtcapFolders.all().map { folder in
      (
        folder, "\(folder)/\(ExtcapFolders.program)",
        ExtcapFolders.state(of: folder, target: source)
      )
    }
    // All or nothing: what is in the way is found before anything is changed.
    for case (_, let path, .other(let why)) in places where !force {
      throw Failure(
        .other, "Cannot link \(path).", why: why, fix: "Remove it, or use --force.")
    }
    for (folder, path, state) in places {
      switch state {
      case .installed:
        Terminal.answer("\(path) is there already.\n")
        continue
      case .other:
        guard unlink(path) == 0 else {
          throw Failure.system("Cannot remove \(path).", errno: errno)
        }
      case .missing: break
      }
      try makeFolders(folder)
      guard symlink(source, path) == 0 else {
        throw Failure.system("Cannot link \(path).", errno: errno)
      }
      Terminal.answer("\(path) -> \(source)\n")
    }
    try await verify()
  }

  /// Asks the Wireshark that is here whether it sees us.
  private func verify() async throws(Failure) {
    guard let tshark = Wireshark.program("tshark") else {
      Terminal.answer(
        "No tshark here to check with; Wireshark shows the pods after its next start.\n")
      return
    }
    let listed = try await Wireshark.interfaces(tshark)
    guard listed.contains(where: { $0.contains("poddump") }) else {
      throw Failure(
        .other, "\(tshark) does not show poddump.",
        why: "It lists \(listed.count) interfaces, and none of them is ours.",
        fix: "See the folder \"Personal Extcap path\" in: tshark -G folders.")
    }
    let pods = listed.filter { $0.contains("pod:") }.count
    Terminal.answer("tshark -D shows poddump and \(pods) pods.\n")
  }
}

/// `poddump uninstall`: undoes `install`.
struct UninstallCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "uninstall", abstract: "Remove poddump from Wireshark's personal extcap folders.")

  func run() throws {
    var removed = 0
    for folder in try ExtcapFolders.all() {
      let path = "\(folder)/\(ExtcapFolders.program)"
      var status = stat()
      guard lstat(path, &status) == 0 else { continue }
      guard status.st_mode & S_IFMT == S_IFLNK else {
        throw Failure(
          .other, "Cannot remove \(path).", why: "It is no link, so poddump did not put it there.",
          fix: "Remove it by hand.")
      }
      guard unlink(path) == 0 else { throw Failure.system("Cannot remove \(path).", errno: errno) }
      Terminal.answer("removed \(path)\n")
      // The folders that install may have made, where nothing else is in them.
      _ = rmdir(folder) == 0 && rmdir(String(folder.dropLast("/extcap".count))) == 0
      removed += 1
    }
    if removed == 0 { Terminal.answer("poddump is not in Wireshark's personal folders.\n") }
  }
}
