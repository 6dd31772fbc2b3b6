internal import CSSH2

/// A host name of which a known_hosts row has only the HMAC-SHA1: `|1|salt|hash`, both in base64
/// (sshd(8), ssh_config(5) HashKnownHosts).
struct HashedHostName: Sendable, Equatable {
  let salt: String
  let hash: String

  /// Takes the row's first field; nil for any other scheme and for what is not base64 of 20 bytes each.
  init?(_ field: ArraySlice<UInt8>) {
    let parts = field.split(separator: UInt8(ascii: "|"), omittingEmptySubsequences: false)
    guard parts.count == 4, parts[0].isEmpty, parts[1].elementsEqual("1".utf8),
      Base64.decode(parts[2])?.count == 20, Base64.decode(parts[3])?.count == 20
    else { return nil }
    salt = String(decoding: parts[2], as: UTF8.self)
    hash = String(decoding: parts[3], as: UTF8.self)
  }
}

/// Compares names with hashed ones, by libssh2's table of known hosts.
///
/// The table gets one row at a time, and of that only the hash: its own reader of files stops at a bad
/// row, and knows neither patterns nor markers. Owns a session that is never connected.
struct HostNameHasher: ~Copyable {
  private let session: OpaquePointer

  /// libssh2_init(3) must not be called from two threads at once; a static never is.
  private static let isReady = libssh2_init(0) == 0

  /// The key that stands on both sides, so that the name alone decides.
  private static let key = "AAAAC3NzaC1lZDI1NTE5"

  /// Nil when memory is used up.
  init?() {
    guard Self.isReady, let session = libssh2_session_init_ex(nil, nil, nil, nil) else {
      return nil
    }
    self.session = session
  }

  /// Whether a hash is that of this name; the port is part of the name (`HostPatterns.name`).
  func match(_ hashed: HashedHostName, _ name: String) -> Bool {
    guard let table = libssh2_knownhost_init(session) else { return false }
    defer { libssh2_knownhost_free(table) }
    let key = LIBSSH2_KNOWNHOST_KEYENC_BASE64 | LIBSSH2_KNOWNHOST_KEY_ED25519
    let added = libssh2_knownhost_addc(
      table, hashed.hash, hashed.salt, Self.key, Self.key.utf8.count, nil, 0,
      LIBSSH2_KNOWNHOST_TYPE_SHA1 | key, nil)
    guard added == 0 else { return false }
    let answer = libssh2_knownhost_check(
      table, name, Self.key, Self.key.utf8.count, LIBSSH2_KNOWNHOST_TYPE_PLAIN | key, nil)
    return answer == LIBSSH2_KNOWNHOST_CHECK_MATCH
  }

  deinit { libssh2_session_free(session) }
}
