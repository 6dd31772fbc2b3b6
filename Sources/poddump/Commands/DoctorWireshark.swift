internal import Base
internal import Cluster

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

extension Examination {
  /// Every Wireshark here: whether it lists pods, and whether it could capture from them.
  func wireshark() async -> [Finding] {
    let wiresharks = await WiresharkFinder.all()
    guard !wiresharks.isEmpty else {
      return [
        .problem(
          "wireshark",
          Failure(
            .notFound, "Neither tshark nor wireshark was found.",
            fix: "Install Wireshark, or capture to a file with -w."))
      ]
    }
    var findings: [Finding] = []
    for wireshark in wiresharks {
      let notes = InstallText.notes(
        [wireshark], folders: [], others: { _ in [] }, exists: { access($0, F_OK) == 0 })
      findings.append(
        InstallText.finding(
          wireshark, await wireshark.verdict(), isLinked: isLinked(wireshark), notes: notes))
      if let dumpcap = Dumpcap(beside: wireshark) { findings.append(dumpcap.finding) }
    }
    return findings
  }

  /// Whether our link is in a folder that this Wireshark reads, as far as is known.
  private func isLinked(_ wireshark: FoundWireshark) -> Bool {
    guard let source = try? ExtcapFolders.source() else { return false }
    let folders =
      if case .asked(let named, _) = wireshark.state { named.personal } else {
        (try? ExtcapFolders.all()) ?? []
      }
    return folders.contains { ExtcapFolders.state(of: $0, target: source) == .installed }
  }
}

extension InstallText {
  /// What `poddump doctor` says of a Wireshark.
  ///
  /// - Parameters:
  ///   - wireshark: The Wireshark.
  ///   - verdict: Whether its list has poddump.
  ///   - isLinked: Whether our link is in one of its folders.
  ///   - notes: What is in the way there.
  /// - Returns: That it is fine, or what to do.
  static func finding(
    _ wireshark: FoundWireshark, _ verdict: Verdict, isLinked: Bool, notes: [String]
  ) -> Finding {
    let subject = "wireshark"
    let program = printable(wireshark.program, limit: 300)
    let missing = Failure(
      .notFound, "Pods are not in the interface list of \(program).",
      why: "\(ExtcapFolders.program) is in none of its personal folders.",
      fix: "Run poddump install.")
    switch wireshark.state {
    case .silent(let failure): return .problem(subject, failure)
    case .sandboxed:
      return .unavailable(subject, Failure(.other, String(line(wireshark, verdict).dropLast())))
    case .withoutTshark:
      guard isLinked else { return .problem(subject, missing) }
      return .fine(subject, "\(program), which has no tshark that could be asked")
    case .asked(_, let version):
      let name = version.map { "\(program) (\(printable($0, limit: 40)))" } ?? program
      if case .shows = verdict { return .fine(subject, "\(name), which lists poddump") }
      guard isLinked else { return .problem(subject, missing) }
      return .problem(
        subject,
        Failure(
          .other, "\(name) does not list poddump, though it is in its personal folder.",
          why: notes.isEmpty ? nil : notes.joined(separator: " "),
          fix: notes.isEmpty ? "See what it says itself: \(program) -D" : nil))
    }
  }
}

/// Wireshark's own program for captures: also what comes from an extcap is read by it alone.
struct Dumpcap: Sendable, Equatable {
  var path: String
  var mayBeRun: Bool
  /// The group that may run it; nil where that is none of its own.
  var group: String?

  init(path: String, mayBeRun: Bool, group: String? = nil) {
    self.path = path
    self.mayBeRun = mayBeRun
    self.group = group
  }

  /// Looks at the dumpcap of a Wireshark; nil where there is none beside it.
  init?(beside wireshark: FoundWireshark) {
    guard let program = realPath(wireshark.program), let slash = program.lastIndex(of: "/") else {
      return nil
    }
    let path = program[..<slash] + "/dumpcap"
    var status = stat()
    guard stat(String(path), &status) == 0 else { return nil }
    self.init(path: String(path), mayBeRun: access(String(path), X_OK) == 0)
    if status.st_gid != 0, status.st_mode & S_IXGRP != 0, let entry = getgrgid(status.st_gid) {
      group = String(cString: entry.pointee.gr_name)
    }
  }

  /// Packages may let a group alone run it: then others see the pods and cannot capture from them.
  var finding: Finding {
    let shown = printable(path, limit: 300)
    guard !mayBeRun else { return .fine("dumpcap", shown) }
    return .problem(
      "dumpcap",
      Failure(
        .denied, "Wireshark cannot capture, whatever it lists.",
        why: "You may not run \(shown)"
          + (group.map { ", which the group \(printable($0, limit: 60)) may." } ?? "."),
        fix: group.map {
          "Run: sudo usermod -aG \(printable($0, limit: 60)) $USER; and log in anew."
        }
          ?? "Run: sudo chmod +x \(shown)"))
  }
}
