internal import Base

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// The sentences about a connection that libssh2 did not make.
struct ConnectFailures {
  /// The names as they were asked for and are connected to, safe to show.
  let name: String
  let hostName: String
  let user: String
  let port: Int
  let timeout: Int

  init(_ settings: SSHSettings) {
    name = printable(settings.name, limit: 255)
    hostName = printable(settings.hostName, limit: 255)
    user = printable(settings.user, limit: 255)
    port = settings.port
    timeout = settings.connectTimeout
  }

  /// The first sentence of all of them.
  var what: String { "Cannot connect to \(name) by ssh." }

  func unreachable(_ why: String, fix: String? = nil, detail: String? = nil) -> SSHConnectError {
    SSHConnectError(Failure(.unreachable, what, why: why, fix: fix, detail: detail))
  }

  func denied(_ why: String, fix: String?, needsOpenSSH: String? = nil) -> SSHConnectError {
    SSHConnectError(Failure(.denied, what, why: why, fix: fix), needsOpenSSH: needsOpenSSH)
  }

  func notResolved(_ words: String) -> SSHConnectError {
    unreachable(
      "The name \(hostName) has no address: \(printable(words, limit: 200)).",
      fix: "Check the name, or give \(name) a HostName in ~/.ssh/config.")
  }

  func notResolvedInTime() -> SSHConnectError {
    unreachable(
      "The name service did not find \(hostName) within \(timeout) s.",
      fix: "Check the name service, or give \(name) a HostName with an address in ~/.ssh/config.")
  }

  func notConnected(_ address: String, errno code: Int32) -> SSHConnectError {
    switch code {
    case ECONNREFUSED:
      unreachable(
        "\(address) refused the connection on port \(port).",
        fix: "Check that an SSH server runs there, and its port.")
    case ETIMEDOUT:
      unreachable(
        "\(address) did not answer on port \(port) within \(timeout) s.",
        fix: "Check the address, and whether a firewall or a missing VPN is in the way.")
    default:
      unreachable(
        "The system says about \(address), port \(port): \(errorText(code)).",
        fix: "Check the address and the network.")
    }
  }

  /// What helps where the reason lies with the server or the way to it.
  private var byHand: String {
    "Try the same with ssh; the server may be overloaded or broken, or something stands in between."
  }

  /// How far a connection had come.
  enum Phase: Sendable {
    case greeting, keyExchange, logIn, start
  }

  func tooSlow(_ phase: Phase) -> SSHConnectError {
    switch phase {
    case .greeting:
      unreachable(
        "\(hostName) accepted the connection on port \(port), but sent no SSH greeting within \(timeout) s.",
        fix: "Check that the port is the SSH server's; the server may also be overloaded.")
    case .keyExchange:
      unreachable("\(hostName) did not finish the key exchange within \(timeout) s.", fix: byHand)
    case .logIn:
      unreachable("\(hostName) did not finish the log-in within \(timeout) s.", fix: byHand)
    case .start:
      unreachable("\(hostName) did not start the command within \(timeout) s.", fix: byHand)
    }
  }

  func notSSH(_ bytes: [UInt8]) -> SSHConnectError {
    let line = bytes.prefix { $0 != 0x0A && $0 != 0x0D }
    let quoted = printable(String(decoding: line, as: UTF8.self), limit: 80)
    return unreachable(
      quoted.isEmpty
        ? "What answers on port \(port) is no SSH server."
        : "What answers on port \(port) is no SSH server; it began with \"\(quoted)\".",
      fix: "Check the port.", detail: printable(String(decoding: bytes, as: UTF8.self)))
  }

  func closed(_ phase: Phase, reset: Int32?) -> SSHConnectError {
    let how = reset.map { "the connection broke (\(errorText($0)))" } ?? "the server hung up"
    switch phase {
    case .greeting:
      return unreachable(
        "Before any SSH greeting came, \(how).",
        fix: "Check the port; the server may also refuse this address or be overloaded.")
    case .keyExchange: return unreachable("During the key exchange \(how).", fix: byHand)
    case .logIn: return unreachable("During the log-in \(how).", fix: byHand)
    case .start: return unreachable("While the command was being started, \(how).", fix: byHand)
    }
  }

  func disconnected(_ phase: Phase, words: String) -> SSHConnectError {
    unreachable(
      "The server ended the connection: \(sentence(words))", fix: byHand,
      detail: "Disconnect: \(words)")
  }

  func overfed() -> SSHConnectError {
    unreachable("The server sent far more than it was asked for.", fix: byHand)
  }

  func noCommonAlgorithms(_ gap: String, libraryWords: String) -> SSHConnectError {
    let why = gap.prefix(1).uppercased() + gap.dropFirst() + "."
    return SSHConnectError(
      Failure(
        .unreachable, what, why: why, fix: "Set engine = \"openssh\" under [ssh].",
        detail: "libssh2: \(libraryWords)"), needsOpenSSH: gap)
  }

  func hostKeyTypeMissed(_ algorithm: String) -> SSHConnectError {
    let gap = "the host key on file is one that libssh2 cannot check (\(algorithm))"
    return noCommonAlgorithms(gap, libraryWords: "no \(algorithm)")
  }

  func exchangeFailed(_ code: Int32, _ words: String) -> SSHConnectError {
    unreachable(
      "The key exchange failed" + (words.isEmpty ? "." : ": \(sentence(words))"), fix: byHand,
      detail: "libssh2: \(words) (\(code))")
  }

  func cancelled() -> SSHConnectError {
    SSHConnectError(Failure(.other, what, why: "It was cancelled."))
  }

  func sentence(_ words: String) -> String {
    let line = String(words.prefix(300).map { $0 == "\n" ? " " : $0 })
    return line.hasSuffix(".") || line.isEmpty ? line : line + "."
  }
}
