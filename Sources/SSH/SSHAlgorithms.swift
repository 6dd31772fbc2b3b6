internal import CSSH2

/// The algorithms that an implementation of SSH has, by their names (RFC 4253, 6 and 7).
package struct SSHAlgorithms: Sendable, Equatable {
  package var keyExchanges: Set<String>
  package var hostKeys: Set<String>
  package var ciphers: Set<String>
  package var macs: Set<String>

  package init(
    keyExchanges: Set<String>, hostKeys: Set<String>, ciphers: Set<String>, macs: Set<String>
  ) {
    self.keyExchanges = keyExchanges
    self.hostKeys = hostKeys
    self.ciphers = ciphers
    self.macs = macs
  }

  /// Those of the libssh2 that this process runs with.
  package static let libssh2 = SSHAlgorithms(
    keyExchanges: supported(LIBSSH2_METHOD_KEX), hostKeys: supported(LIBSSH2_METHOD_HOSTKEY),
    ciphers: supported(LIBSSH2_METHOD_CRYPT_CS), macs: supported(LIBSSH2_METHOD_MAC_CS))

  /// libssh2_session_supported_algs(3); empty when it fails.
  private static func supported(_ method: Int32) -> Set<String> {
    guard let session = libssh2_session_init_ex(nil, nil, nil, nil) else { return [] }
    defer { libssh2_session_free(session) }
    var list: UnsafeMutablePointer<UnsafePointer<CChar>?>?
    let count = libssh2_session_supported_algs(session, method, &list)
    guard count > 0, let list else { return [] }
    defer { libssh2_free(session, list) }
    return Set((0..<Int(count)).compactMap { list[$0].map { String(cString: $0) } })
  }
}
