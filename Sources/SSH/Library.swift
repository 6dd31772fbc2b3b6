internal import CSSH2

/// The SSH library that this build runs with.
package enum SSHLibrary {
  /// The version of libssh2 that was loaded, such as "1.10.0" (libssh2_version(3)).
  package static var version: String {
    guard let text = libssh2_version(0) else { return "unknown" }
    return String(cString: text)
  }
}
