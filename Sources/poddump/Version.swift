internal import Extcap
internal import SSH

/// The version of this program.
enum Version {
  /// As in packages, tags and the packet files' application name.
  static var number: String { programVersion }

  /// What `--version` prints.
  static var text: String { "poddump \(number) (libssh2 \(SSHLibrary.version))" }
}
