internal import Base
internal import Cluster

/// What `poddump install` says of a Wireshark.
enum InstallText {
  /// Whether pods will be seen there, and why not.
  enum Verdict: Sendable, Equatable {
    /// Its list was asked for.
    case shows(pods: Int)
    case doesNotShow(interfaces: Int)
    /// It was not, or could not be asked.
    case unknown
    case never

    var isBad: Bool { if case .doesNotShow = self { true } else { false } }
  }

  /// A line about it.
  static func line(_ wireshark: FoundWireshark, _ verdict: Verdict) -> String {
    let program = printable(wireshark.program, limit: 300)
    switch wireshark.state {
    case .withoutTshark:
      return
        "\(program) has no tshark beside it that could be asked; it shows the pods after its next start.\n"
    case .silent(let failure): return "\(program) cannot be asked. \(failure.sentence)\n"
    case .sandboxed(let sandbox):
      return "\(program) cannot show pods: as a \(sandbox.rawValue) it sees neither poddump nor "
        + "kubectl. Install Wireshark from the system's packages, or use: poddump capture POD -w - | \(pipe(sandbox))\n"
    case .asked(_, let version):
      let name = version.map { "\(program) (\(printable($0, limit: 40)))" } ?? program
      switch verdict {
      case .shows(let pods): return "\(name): tshark -D shows poddump and \(pods) pods.\n"
      case .doesNotShow(let interfaces):
        return "\(name): tshark -D shows \(interfaces) interfaces, and none of them is poddump's.\n"
      case .unknown, .never: return "\(name) was not asked.\n"
      }
    }
  }

  private static func pipe(_ sandbox: FoundWireshark.Sandbox) -> String {
    switch sandbox {
    case .flatpak: "flatpak run org.wireshark.Wireshark -k -i -"
    case .snap: "wireshark -k -i -"
    }
  }

  /// What is in the way, or might surprise.
  ///
  /// - Parameters:
  ///   - wiresharks: Those that were found.
  ///   - folders: The personal folders that we are linked into.
  ///   - others: The other programs in a folder.
  ///   - exists: Whether there is something at a path.
  /// - Returns: A sentence each.
  static func notes(
    _ wiresharks: [FoundWireshark], folders: [String], others: (String) -> [String],
    exists: (String) -> Bool
  ) -> [String] {
    var notes: [String] = []
    for folder in folders {
      let names = others(folder).map { printable($0, limit: 100) }
      guard !names.isEmpty else { continue }
      notes.append(
        "Wireshark starts every program in \(folder), and each makes its start longer: also "
          + names.prefix(5).joined(separator: ", ") + (names.count > 5 ? ", …" : "") + ".")
    }
    var seen: Set<String> = []
    for case .asked(let named, _) in wiresharks.map(\.state) {
      for folder in named.global where exists("\(folder)/\(ExtcapFolders.program)") {
        let path = "\(folder)/\(ExtcapFolders.program)"
        guard seen.insert(path).inserted else { continue }
        notes.append(
          "There is a \(printable(path, limit: 300)) too. Wireshark takes the one in the personal folder, and warns of the other."
        )
      }
      guard let first = named.global.first, !named.global.contains(where: exists),
        seen.insert(first).inserted
      else { continue }
      let path = printable(first, limit: 300)
      notes.append(
        "There is no folder \(path), and as long as it is missing Wireshark starts no extcap at all. "
          + "Make it: sudo mkdir -p \(path)")
    }
    return notes
  }
}
