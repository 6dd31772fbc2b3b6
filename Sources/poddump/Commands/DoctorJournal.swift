internal import Base
internal import Broker

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

extension Examination {
  /// Which engines can be brought along.
  func engines() -> Finding {
    Self.engines(Engines.find(in: InstalledFiles.tapFolders).taps.map(\.machine))
  }

  /// The same for the machines that there is a tap for.
  static func engines(_ machines: [String]) -> Finding {
    guard !machines.isEmpty else {
      return .problem(
        "engines",
        Failure(
          .notFound, "There is no engine to bring along.",
          why: "The tap is not installed beside poddump.",
          fix: "Install all of poddump (make tap builds it), or use --binary with a static tcpdump."
        ))
    }
    return .fine("engines", "tap for \(machines.joined(separator: ", "))")
  }

  /// Whether changes can be written down, and what interrupted captures have left.
  func journal() -> [Finding] {
    do throws(Failure) {
      let folder = try Journal.folderOfUser()
      return Self.journal(
        folder, isWritable: isWritable(folder), Journal(folder: folder).entries())
    } catch {
      return [.problem("journal", error)]
    }
  }

  /// The same from what was found.
  static func journal(
    _ folder: String, isWritable: Bool, _ contents: JournalContents
  ) -> [Finding] {
    let place = printable(folder, limit: 300)
    guard isWritable else {
      return [
        .problem(
          "journal",
          Failure(
            .other, "Nothing can be written into \(place).",
            why: "What cannot be written down is not changed, so that upload, debug and node fail.",
            fix: "Make it yours, or name another folder with XDG_STATE_HOME."))
      ]
    }
    let used = contents.entries.count { $0.owner.isRunning == true }
    let left = contents.entries.filter { $0.owner.isRunning == false }
    var findings = [Finding.fine("journal", place + (used == 0 ? "" : ", \(used) in use"))]
    if !left.isEmpty {
      let named = left.prefix(3).map { printable($0.change.text, limit: 200) }
      let more = left.count > named.count ? ["\(left.count - named.count) more"] : []
      findings.append(
        .problem(
          "leftovers",
          Failure(
            .other, "An interrupted capture may have left something.",
            why: "Written down: \((named + more).joined(separator: "; ")).",
            fix: "Run poddump clean.")))
    }
    if let first = contents.unreadable.first {
      findings.append(
        .problem(
          "journal",
          Failure(
            .other, "A file there is no entry of the journal.",
            why: "It cannot be read: \(printable(first, limit: 300)).", fix: "Look, and remove it.")
        ))
    }
    return findings
  }
}

/// Whether a folder may be written to, or made.
private func isWritable(_ folder: String) -> Bool {
  var path = folder
  while access(path, F_OK) != 0, let slash = path.lastIndex(of: "/"), slash != path.startIndex {
    path = String(path[..<slash])
  }
  return access(path, W_OK | X_OK) == 0
}
