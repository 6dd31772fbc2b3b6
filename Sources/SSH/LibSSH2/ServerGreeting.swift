/// What a server says before the key exchange: its version line (RFC 4253, 4.2), then, unencrypted, the
/// algorithms it offers (RFC 4253, 7.1).
enum ServerGreeting: Equatable {
  /// More bytes are needed.
  case incomplete
  /// It is no SSH server of version 2; the bytes that it began with.
  case notSSH([UInt8])
  /// An SSH server: its version line, and where the line ends.
  case version(String, end: Int)

  /// The most bytes before the version line ends. OpenSSH gives up after 1024 lines or one of 8 KiB; whoever
  /// greets with more than this means somebody else.
  static let limit = 16 << 10

  /// Looks for the version line; lines before it are allowed.
  static func parse(_ bytes: some RandomAccessCollection<UInt8>) -> ServerGreeting {
    let bytes = Array(bytes.prefix(limit))
    var start = 0
    while let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) {
      if bytes[start..<end].contains(0) { return .notSSH(Array(bytes.prefix(200))) }
      let line = String(decoding: bytes[start..<end].filter { $0 != 0x0D }, as: UTF8.self)
      if line.hasPrefix("SSH-") {
        guard line.hasPrefix("SSH-2.0-") || line.hasPrefix("SSH-1.99-") else {
          return .notSSH(Array(bytes.prefix(200)))
        }
        return .version(line, end: end + 1)
      }
      // Nobody else's answer to an SSH greeting is followed by one.
      if line.hasPrefix("HTTP/") || line.hasPrefix("\u{16}\u{03}") {
        return .notSSH(Array(bytes.prefix(200)))
      }
      start = end + 1
    }
    let isOver = bytes.count >= limit || bytes[start...].contains(0)
    return isOver ? .notSSH(Array(bytes.prefix(200))) : .incomplete
  }
}

/// The algorithms that a server offers (SSH_MSG_KEXINIT, RFC 4253, 7.1).
struct ServerOffer: Equatable {
  /// What two sides must agree about.
  enum Part: CaseIterable {
    case keyExchange, hostKey, cipherToServer, cipherToClient, macToServer, macToClient
  }

  private var lists: [Part: [String]] = [:]

  /// The names that the server offers.
  subscript(part: Part) -> [String] { lists[part] ?? [] }

  /// Reads the packet that follows the version line; nil when it is not all there or something else.
  init?(packet: some Collection<UInt8>) {
    var reader = WireReader(packet)
    guard let length = reader.uint32(), length <= 35_000, let padding = reader.byte(),
      length > UInt32(padding), let payload = reader.bytes(Int(length) - 1 - Int(padding))
    else { return nil }
    // SSH_MSG_KEXINIT is 20; a cookie of 16 bytes follows.
    var message = WireReader(payload)
    guard message.byte() == 20, message.bytes(16) != nil else { return nil }
    for part in Part.allCases {
      guard let names = message.names() else { return nil }
      lists[part] = names
    }
  }

  /// Where the two sides have nothing in common, in words for "… needs what libssh2 lacks".
  ///
  /// - Parameter supported: What libssh2 has for each part.
  /// - Returns: Nil when there is something in common everywhere.
  func gap(to supported: [Part: [String]]) -> String? {
    for part in Part.allCases {
      let names = self[part]
      guard Set(names).isDisjoint(with: supported[part] ?? []) else { continue }
      return "the server offers only " + Self.words(part, names)
    }
    return nil
  }

  private static func words(_ part: Part, _ names: [String]) -> String {
    let kind: String
    switch part {
    case .keyExchange: kind = "key exchanges"
    case .hostKey: kind = "host keys"
    case .cipherToServer, .cipherToClient:
      let isAEAD = names.allSatisfy { $0.contains("gcm") || $0.contains("poly1305") }
      kind = isAEAD ? "AEAD ciphers" : "ciphers"
    case .macToServer, .macToClient:
      kind = names.allSatisfy { $0.contains("-etm@") } ? "ETM MACs" : "MACs"
    }
    // What the far end names is shown: bounded, and nothing that drives a terminal.
    let shown = names.prefix(6).map { String($0.unicodeScalars.filter(isPlain).prefix(64)) }
    return "\(kind) that libssh2 lacks (\(shown.joined(separator: ", ")))"
  }

  private static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
    scalar.value > 0x20 && scalar.value < 0x7F
  }
}
