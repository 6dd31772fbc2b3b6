internal import Base

/// One change as the journal keeps it.
package struct JournalEntry: Sendable, Equatable {
  /// The file's name in the journal.
  package let name: String
  package let change: FarChange
  package let cluster: ClusterReference
  /// The process that made the change and undoes it as long as it lives.
  package let owner: ProcessIdentity
  /// When it was recorded, in seconds since 1970.
  package let time: Int

  package init(
    name: String, change: FarChange, cluster: ClusterReference, owner: ProcessIdentity, time: Int
  ) {
    self.name = name
    self.change = change
    self.cluster = cluster
    self.owner = owner
    self.time = time
  }
}

/// The text of an entry: a line for each member, its words separated by blanks, and a last line that tells
/// a whole file from a cut one. Blanks, control characters and percent signs within a word are written as
/// `%XX`.
///
/// ```
/// poddump journal 1
/// change pod poddump poddump-7f3a
/// context lab
/// kubeconfig /home/me/lab.yaml
/// owner laptop 4711 1f2e3d4c.815 1f2e3d4c-5b6a-4978-8695-a4b3c2d1e0f9.4026531836
/// time 1795392000
/// end
/// ```
extension JournalEntry {
  /// The most bytes of an entry's file.
  static let sizeLimit = 16 << 10
  private static let head = ["poddump", "journal", "1"]

  /// The file's text.
  var text: String {
    var lines = [Self.head, ["change"] + change.words]
    if let context = cluster.context { lines.append(["context", context]) }
    if let kubeconfig = cluster.kubeconfig { lines.append(["kubeconfig", kubeconfig]) }
    if let variable = cluster.variable { lines.append(["KUBECONFIG", variable]) }
    lines.append(
      ["owner", owner.host, String(owner.pid), owner.start] + (owner.machine.map { [$0] } ?? []))
    lines.append(["time", String(time)])
    lines.append(["end"])
    return lines.map { $0.map(Self.encoded).joined(separator: " ") + "\n" }.joined()
  }

  /// Reads a file's text; nil when it is no entry, is cut, or holds what poddump never writes.
  ///
  /// - Parameters:
  ///   - name: The file's name.
  ///   - bytes: What it holds; from anybody.
  init?(name: String, bytes: [UInt8]) {
    guard bytes.count <= Self.sizeLimit, let text = String(validating: bytes, as: UTF8.self) else {
      return nil
    }
    var change: FarChange?
    var cluster = ClusterReference()
    var owner: ProcessIdentity?
    var time: Int?
    var isFirst = true
    var isComplete = false
    // Unicode scalars: CR LF would be one character.
    var lines = text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)
    guard lines.popLast()?.isEmpty == true else { return nil }
    for line in lines {
      var words: [String] = []
      for word in line.split(separator: " ", omittingEmptySubsequences: false) {
        guard let word = Self.decoded(String(word)) else { return nil }
        words.append(word)
      }
      if isFirst {
        guard words == Self.head else { return nil }
        isFirst = false
        continue
      }
      guard !isComplete else { return nil }
      switch (words[0], words.count) {
      case ("change", 2...) where change == nil:
        change = FarChange(words: Array(words.dropFirst()))
        guard change != nil else { return nil }
      case ("context", 2) where cluster.context == nil: cluster.context = words[1]
      case ("kubeconfig", 2) where cluster.kubeconfig == nil: cluster.kubeconfig = words[1]
      case ("KUBECONFIG", 2) where cluster.variable == nil: cluster.variable = words[1]
      // Without the machine's mark: from before there was one, or where there is none.
      case ("owner", 4...5) where owner == nil:
        guard let pid = Int32(words[2]) else { return nil }
        owner = ProcessIdentity(
          host: words[1], pid: pid, start: words[3], machine: words.count > 4 ? words[4] : nil)
      case ("time", 2) where time == nil:
        guard let seconds = Int(words[1]), seconds >= 0 else { return nil }
        time = seconds
      case ("end", 1): isComplete = true
      default: return nil
      }
    }
    guard isComplete, let change, let owner, owner.isValid, let time else { return nil }
    self.init(name: name, change: change, cluster: cluster, owner: owner, time: time)
  }

  private static func encoded(_ word: String) -> String {
    PercentCoding.encoded(word) { $0 > 0x20 && $0 != 0x7f }
  }

  /// Undoes `encoded`; nil for an empty word, a NUL, or a percent sign without two digits.
  private static func decoded(_ word: String) -> String? {
    guard word.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7f }),
      let text = PercentCoding.decoded(word), !text.isEmpty, !text.utf8.contains(0)
    else { return nil }
    return text
  }
}
