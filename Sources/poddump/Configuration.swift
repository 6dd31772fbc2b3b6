internal import Base
internal import Broker

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// The settings that outlive a pod, from `~/.config/poddump/config.toml` or the file that
/// `PODDUMP_CONFIG` names. The only reader of the file; flag beats environment beats file beats default.
struct Configuration: Sendable, Equatable {
  /// The most pods listed in Wireshark.
  var listingLimit = 250
  /// Contexts listed in Wireshark beside the current one.
  var listingContexts: [String] = []
  /// The only namespaces listed in Wireshark; empty for all.
  var listingNamespaces: [String] = []
  /// Namespaces not listed in Wireshark.
  var hiddenNamespaces: [String] = []
  /// Interface values listed first.
  var favourites: [String] = []
  /// The most bytes kept of a packet; nil for the engine's default.
  var snapLength: Int?
  /// The time limit of a capture in seconds; nil for the default.
  var ttl: Int?

  /// The engine that captures; nil chooses.
  var engine: EngineName?

  /// The routes that may be chosen, their images and namespaces.
  var routes = RouteSettings()
  /// How nodes are reached by ssh.
  var nodes = NodeAccess()

  /// The file's path, whether it exists or not; nil without a home.
  static var path: String? {
    if let path = environmentValue("PODDUMP_CONFIG") { return path }
    return BaseDirectories.configuration().map { $0 + "/poddump/config.toml" }
  }

  /// Reads the file; without one everything has its default.
  ///
  /// - Throws: `Failure` when the file cannot be read, is not TOML, or has an unknown key or a value of
  ///   the wrong kind.
  static func load() throws(Failure) -> Configuration {
    guard let path else { return Configuration() }
    guard let text = try readText(path) else {
      guard environmentValue("PODDUMP_CONFIG") == nil else {
        throw Failure(
          .other, "Cannot read the configuration.", why: "There is no file \(path).",
          fix: "Create it, or unset PODDUMP_CONFIG.")
      }
      return Configuration()
    }
    return try Configuration(text: text, path: path)
  }

  init() {}
}

/// A path with the home directory in place of a leading `~/`.
func expandingHome(_ path: String) -> String {
  guard path.hasPrefix("~/"), let home = environmentValue("HOME") else { return path }
  return home + path.dropFirst()
}

/// Reads a text file of at most 1 MiB; nil when there is none.
private func readText(_ path: String) throws(Failure) -> String? {
  let fix = "Make it a file that you may read, or name another one with PODDUMP_CONFIG."
  let descriptor = OwnedFD(open(path, O_RDONLY | O_CLOEXEC))
  guard descriptor.raw >= 0 else {
    guard errno != ENOENT else { return nil }
    throw .system("Cannot read \(path).", errno: errno, fix: fix)
  }
  var bytes: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 64 * 1024)
  while bytes.count < 1 << 20 {
    let count = read(descriptor.raw, &buffer, buffer.count)
    guard count >= 0 else { throw .system("Cannot read \(path).", errno: errno, fix: fix) }
    if count == 0 { break }
    bytes += buffer[..<count]
  }
  return String(decoding: bytes, as: UTF8.self)
}
