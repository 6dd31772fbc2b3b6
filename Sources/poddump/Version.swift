internal import SSH

/// The version of this program.
enum Version {
  /// As in packages, tags and the packet files' application name.
  static let number = "0.1.0"

  /// What `--version` prints.
  static var text: String { "poddump \(number) (libssh2 \(SSHLibrary.version))" }
}
