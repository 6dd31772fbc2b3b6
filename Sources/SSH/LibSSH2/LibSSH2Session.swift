internal import Base
internal import CSSH2

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// Owns one libssh2 session and its socket. All calls are non-blocking underneath and wait here, where
/// the bell and the deadline are heard.
struct LibSSH2Session: ~Copyable {
  let handle: OpaquePointer
  let transport: SocketTransport
  let failures: ConnectFailures
  var deadline: Deadline
  var phase = ConnectFailures.Phase.greeting
  /// The channel of the one command, once it is open.
  var channel: OpaquePointer?
  /// What the server offered, once it has.
  private(set) var offer: ServerOffer?

  /// libssh2_init(3) must not run twice at a time.
  private static let isInitialized = libssh2_init(0) == 0

  init(
    _ socket: OwnedFD, failures: ConnectFailures, deadline: Deadline
  ) throws(SSHConnectError) {
    transport = SocketTransport(socket)
    self.failures = failures
    self.deadline = deadline
    guard Self.isInitialized, let handle = transport.makeSession() else {
      throw SSHConnectError(Failure(.other, failures.what, why: "libssh2 is out of memory."))
    }
    self.handle = handle
    libssh2_session_set_blocking(handle, 0)
  }

  deinit {
    if libssh2_userauth_authenticated(handle) == 1, transport.brokenBy == nil {
      _ = libssh2_session_disconnect_ex(handle, SSH_DISCONNECT_BY_APPLICATION, "", "")
      transport.flush()
    }
    transport.close()
    // With the connection closed nothing is waited for any more; each call frees a bit further.
    for _ in 0..<100 where libssh2_session_free(handle) != LIBSSH2_ERROR_EAGAIN { break }
    transport.socket.close()
  }

  /// Whether this libssh2 knows RSA signatures with SHA-2 (since 1.11.0).
  static var hasRSASHA2: Bool { libssh2_version(0x010b00) != nil }

  // MARK: - Waiting

  /// Calls again and again until the answer is not "would block".
  ///
  /// - Throws: when the bell rings or time is over.
  mutating func complete(_ step: (OpaquePointer) -> Int32) throws(SSHConnectError) -> Int32 {
    while true {
      transport.refill()
      let code = step(handle)
      guard code == LIBSSH2_ERROR_EAGAIN else { return code }
      try wait()
    }
  }

  private mutating func wait() throws(SSHConnectError) {
    deadline.extend(by: transport.pause)
    transport.pause = .zero
    transport.flush()
    noteProgress()
    // Checked before the wait as well: a server that never pauses must not keep us here.
    if deadline.bell.isRung { throw failures.cancelled() }
    guard deadline.left > .zero else { throw failures.tooSlow(phase) }
    if transport.mayReceiveMore { return }
    let events = POLLIN | (transport.outgoing.isEmpty ? 0 : POLLOUT)
    switch deadline.wait(for: transport.socket.raw, Int32(events)) {
    case .stopped: throw failures.cancelled()
    case .timedOut: throw failures.tooSlow(phase)
    case .ready: transport.noteReadable()
    }
  }

  private mutating func noteProgress() {
    guard case .version = transport.greeting.state, let early = transport.early else { return }
    if phase == .greeting { phase = .keyExchange }
    if offer == nil { offer = ServerOffer(packet: early) }
  }

  // MARK: - The handshake

  /// The ciphers to ask for first: the library calls its cipher for every 16 bytes, and the shortest key
  /// is the fastest; as safe as the others (RFC 4344).
  private static let fastCiphers = ["aes128-ctr", "aes192-ctr", "aes256-ctr"]

  /// Exchanges keys, and lets `hostKey` decide about the server's.
  mutating func handshake(
    _ settings: SSHSettings, preferred: [String], hostKey: @Sendable (HostKeyOffer) -> Failure?
  ) throws(SSHConnectError) {
    let order = HostKeyPreference.order(
      preferred: preferred, supported: supported(LIBSSH2_METHOD_HOSTKEY))
    libssh2_session_method_pref(
      handle, LIBSSH2_METHOD_HOSTKEY, order.joined(separator: ","))
    for method in [LIBSSH2_METHOD_CRYPT_CS, LIBSSH2_METHOD_CRYPT_SC] {
      // What the library has not is skipped; what it would take last goes on behind.
      libssh2_session_method_pref(
        handle, method,
        (Self.fastCiphers + supported(method).filter { !Self.fastCiphers.contains($0) })
          .joined(separator: ","))
    }
    let socket = transport.socket.raw
    let code = try complete { libssh2_session_handshake($0, socket) }
    noteProgress()
    guard code == 0 else { throw handshakeFailure(code) }
    let agreed = libssh2_session_methods(handle, LIBSSH2_METHOD_HOSTKEY).map { String(cString: $0) }
    if let missed = HostKeyPreference.missed(
      preferred: preferred, offered: offer?[.hostKey] ?? [], agreed: agreed ?? "")
    {
      throw failures.hostKeyTypeMissed(missed)
    }
    if let refusal = hostKey(try hostKeyOffer(settings)) { throw SSHConnectError(refusal) }
    transport.forgetEarly()
    phase = .logIn
  }

  private func handshakeFailure(_ code: Int32) -> SSHConnectError {
    if transport.isNotSSH { return failures.notSSH(Array(transport.greeting.bytes.prefix(200))) }
    let lists: [(ServerOffer.Part, Int32)] = [
      (.keyExchange, LIBSSH2_METHOD_KEX), (.hostKey, LIBSSH2_METHOD_HOSTKEY),
      (.cipherToServer, LIBSSH2_METHOD_CRYPT_CS), (.cipherToClient, LIBSSH2_METHOD_CRYPT_SC),
      (.macToServer, LIBSSH2_METHOD_MAC_CS), (.macToClient, LIBSSH2_METHOD_MAC_SC),
    ]
    var ours: [ServerOffer.Part: [String]] = [:]
    for (part, method) in lists { ours[part] = supported(method) }
    if let gap = offer?.gap(to: ours) {
      return failures.noCommonAlgorithms(gap, libraryWords: lastWords)
    }
    return lost() ?? failures.exchangeFailed(code, lastWords)
  }

  /// Why the connection is gone; nil while it is there.
  func lost() -> SSHConnectError? {
    if let said = transport.disconnect { return failures.disconnected(phase, words: said.words) }
    if transport.isOverfed { return failures.overfed() }
    guard transport.isEnded || transport.brokenBy != nil else { return nil }
    return failures.closed(phase, reset: transport.brokenBy)
  }

  /// libssh2's own words for what went wrong last.
  var lastWords: String {
    var text: UnsafeMutablePointer<CChar>?
    var count: Int32 = 0
    libssh2_session_last_error(handle, &text, &count, 0)
    return text.map { printable(String(cString: $0), limit: 200) } ?? ""
  }

  /// The server's version line.
  var serverVersion: String {
    libssh2_session_banner_get(handle).map { String(cString: $0) } ?? ""
  }

  private func supported(_ method: Int32) -> [String] {
    var list: UnsafeMutablePointer<UnsafePointer<CChar>?>?
    let count = libssh2_session_supported_algs(handle, method, &list)
    guard count > 0, let list else { return [] }
    defer { libssh2_free(handle, list) }
    return (0..<Int(count)).compactMap { list[$0].map { String(cString: $0) } }
  }

  private func hostKeyOffer(_ settings: SSHSettings) throws(SSHConnectError) -> HostKeyOffer {
    var count = 0
    var kind: Int32 = 0
    guard let start = libssh2_session_hostkey(handle, &count, &kind), count > 0,
      let hash = libssh2_hostkey_hash(handle, LIBSSH2_HOSTKEY_HASH_SHA256)
    else { throw failures.exchangeFailed(0, lastWords) }
    let blob = Array(UnsafeRawBufferPointer(start: start, count: count))
    guard let type = PublicBlob.type(blob) else {
      throw failures.exchangeFailed(0, "the host key has no type")
    }
    let digest = Array(UnsafeRawBufferPointer(start: hash, count: 32))
    return HostKeyOffer(
      host: settings.hostKeyAlias ?? settings.hostName, port: settings.port, type: type, blob: blob,
      fingerprint: "SHA256:" + Base64.encode(digest).prefix { $0 != "=" })
  }
}
