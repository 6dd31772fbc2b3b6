internal import ArgumentParser
internal import Base

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// `poddump install`: pods in the interface list of every Wireshark here, and links that open it.
struct InstallCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "install", abstract: "Put poddump into Wireshark's personal extcap folders.")

  @Flag(name: .long, help: "Replace another poddump-extcap that is there.")
  var force = false

  @Flag(
    name: .long, inversion: .prefixedNo,
    help: "Open poddump:// links. (default: where there is a desktop)")
  var links: Bool?

  func run() async throws {
    let source = try ExtcapFolders.source()
    let wiresharks = await WiresharkFinder.all()
    let places = try ExtcapFolders.all(of: wiresharks).map { folder in
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
    var installer = try Installer()
    for (_, path, state) in places {
      if state == .installed {
        Terminal.answer("\(path) is there already.\n")
      } else {
        try installer.link(path, to: source)
        Terminal.answer("\(path) -> \(source)\n")
      }
    }
    try LinkInstallation.install(links, with: &installer)
    try await verify(wiresharks, folders: places.map(\.0))
  }

  /// Asks every Wireshark that is here whether it sees us.
  private func verify(_ wiresharks: [FoundWireshark], folders: [String]) async throws(Failure) {
    var blind: [String] = []
    for wireshark in wiresharks {
      let verdict = await wireshark.verdict()
      Terminal.answer(InstallText.line(wireshark, verdict))
      if verdict.isBad { blind.append(wireshark.program) }
    }
    if wiresharks.isEmpty {
      Terminal.answer("There is no Wireshark here yet; it shows the pods when it is.\n")
    }
    let notes = InstallText.notes(
      wiresharks, folders: folders, others: ExtcapFolders.others,
      exists: { access($0, F_OK) == 0 })
    for note in notes { Terminal.answer("Note: \(note)\n") }
    guard blind.isEmpty else {
      throw Failure(
        .other, "\(blind.joined(separator: ", ")) does not show poddump.",
        why: notes.isEmpty ? nil : "The notes above may say why.",
        fix: "See what it says itself: \(blind[0]) -D")
    }
  }
}

/// `poddump uninstall`: undoes `install`.
struct UninstallCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "uninstall", abstract: "Undo what poddump install did.")

  func run() throws {
    var installer = try Installer()
    var removed = 0
    var kept: [(path: String, why: String)] = []
    try installer.undoAll { item, undone in
      switch undone {
      case .removed:
        removed += 1
        // Folders are no news.
        if case .folder = item { break }
        Terminal.answer("removed \(item.path)\n")
      case .gone: break
      case .kept(let why): kept.append((item.path, why))
      }
    }
    // What an earlier poddump linked without writing it down.
    let source = try? ExtcapFolders.source()
    for folder in try ExtcapFolders.all() {
      let path = "\(folder)/\(ExtcapFolders.program)"
      guard !kept.contains(where: { $0.path == path }) else { continue }
      switch ExtcapFolders.state(of: folder, target: source ?? "") {
      case .missing: continue
      case .other(let why): kept.append((path, why))
      case .installed:
        guard unlink(path) == 0 else {
          throw Failure.system("Cannot remove \(path).", errno: errno)
        }
        Terminal.answer("removed \(path)\n")
        _ = rmdir(folder) == 0 && rmdir(String(folder.dropLast("/extcap".count))) == 0
        removed += 1
      }
    }
    if removed == 0, kept.isEmpty {
      Terminal.answer("poddump is not in Wireshark's personal folders.\n")
    }
    guard let first = kept.first else { return }
    throw Failure(
      .other, "\(kept.map(\.path).joined(separator: ", ")) stays.", why: first.why,
      fix: "Remove it by hand if it is not needed.")
  }
}
