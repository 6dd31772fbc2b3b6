/// A version of Wireshark, as `--extcap-version` tells it.
package struct WiresharkVersion: Comparable, Sendable {
  /// The number before the dot.
  package var major: Int
  /// The number after it.
  package var minor: Int

  /// Creates a version.
  package init(major: Int, minor: Int) {
    self.major = major
    self.minor = minor
  }

  /// Reads `4.0` or `4.4.18`; nil for anything else.
  package init?(_ text: String) {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count >= 2, let major = Int(parts[0]), let minor = Int(parts[1]),
      (0..<10_000).contains(major), (0..<10_000).contains(minor)
    else { return nil }
    self.init(major: major, minor: minor)
  }

  /// What is assumed where nothing is known: every Wireshark understands what it understands.
  package static let unknown = WiresharkVersion(major: 0, minor: 0)

  package static func < (a: WiresharkVersion, b: WiresharkVersion) -> Bool {
    (a.major, a.minor) < (b.major, b.minor)
  }

  /// Whether it knows `editselector`. 4.0.17 drops such an argument and complains on its standard
  /// output; 4.4 has it; 4.2 was not tried.
  package var hasEditableSelectors: Bool {
    self >= WiresharkVersion(major: 4, minor: 4)
  }
}

/// The oldest Wireshark that has asked of late.
///
/// Only the question for the interfaces tells the version, those for arguments do not. Where two versions
/// are in use, what suits the older one is right for both.
struct WiresharkSeen: Equatable {
  var version: WiresharkVersion
  /// When it was seen, in seconds since 1970.
  var at: Int64

  /// An older version is forgotten after a week, in seconds, without a word from it.
  static let rememberedFor: Int64 = 7 * 24 * 3600
  /// How old, in seconds, the note may get before it is written anew.
  private static let notedAgainAfter: Int64 = 24 * 3600

  /// What to remember now that this version has asked; nil if nothing changes.
  static func after(
    _ earlier: WiresharkSeen?, seeing version: WiresharkVersion, at now: Int64
  ) -> WiresharkSeen? {
    guard let earlier, earlier.at <= now, now - earlier.at < rememberedFor else {
      return WiresharkSeen(version: version, at: now)
    }
    if version > earlier.version { return nil }
    let isKnown = version == earlier.version && now - earlier.at < notedAgainAfter
    return isKnown ? nil : WiresharkSeen(version: version, at: now)
  }
}

extension ListingCache {
  /// Notes that a Wireshark has asked for the interfaces. Writes only if something has changed.
  ///
  /// - Parameters:
  ///   - version: What it says its version is; nil if it does not.
  ///   - now: Seconds since 1970.
  /// - Throws: `CacheError` when the cache cannot be written to.
  package func noteWireshark(_ version: String?, at now: Int64) throws(CacheError) {
    guard let version = version.flatMap({ WiresharkVersion($0) }),
      let seen = WiresharkSeen.after(wiresharkSeen(), seeing: version, at: now)
    else { return }
    var text = TabWriter()
    text.line(
      "poddump-wireshark", "1", "\(seen.version.major).\(seen.version.minor)", String(seen.at))
    try PrivateFile.makeFolder(folder)
    try PrivateFile.write(text.bytes, to: wiresharkFile)
  }

  /// The oldest Wireshark that has asked of late.
  package func wireshark() -> WiresharkVersion {
    wiresharkSeen()?.version ?? .unknown
  }

  private var wiresharkFile: String { folder + "/wireshark" }

  private func wiresharkSeen() -> WiresharkSeen? {
    guard PrivateFile.isPrivateFolder(folder), let bytes = PrivateFile.read(wiresharkFile)
    else { return nil }
    var reader = TabReader(bytes)
    guard let fields = reader.nextFields(), fields.count == 4, fields[0] == "poddump-wireshark",
      fields[1] == "1", let version = WiresharkVersion(fields[2]), let at = Int64(fields[3])
    else { return nil }
    return WiresharkSeen(version: version, at: at)
  }
}
