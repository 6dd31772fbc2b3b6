/// Looks for a server's version line (RFC 4253, 4.2), byte by byte as it arrives; lines before it are allowed.
struct ServerGreeting {
  enum State: Equatable {
    /// More bytes are needed.
    case incomplete
    /// It is no SSH server of version 2.
    case notSSH
    /// An SSH server: its version line, and where the line ends.
    case version(String, end: Int)
  }

  /// The most bytes before the version line ends. OpenSSH gives up after 1024 lines or one of 8 KiB; whoever
  /// greets with more than this means somebody else.
  static let limit = 16 << 10

  private(set) var state = State.incomplete
  /// What came until the version line's end.
  private(set) var bytes: [UInt8] = []
  private var lineStart = 0

  /// Takes bytes until the version line's end.
  ///
  /// - Returns: How many it took.
  @discardableResult
  mutating func take(_ new: some Collection<UInt8>) -> Int {
    var taken = 0
    for byte in new {
      guard state == .incomplete else { break }
      taken += 1
      bytes.append(byte)
      if byte == 0 || bytes.count >= Self.limit {
        state = .notSSH
      } else if byte == UInt8(ascii: "\n") {
        endLine()
      }
    }
    return taken
  }

  private mutating func endLine() {
    let line = String(
      decoding: bytes[lineStart...].filter { $0 != 0x0D && $0 != 0x0A }, as: UTF8.self)
    lineStart = bytes.count
    if line.hasPrefix("SSH-2.0-") || line.hasPrefix("SSH-1.99-") {
      state = .version(line, end: bytes.count)
    } else if line.hasPrefix("SSH-") || line.hasPrefix("HTTP/") {
      // An older protocol; and nobody who speaks HTTP greets later on.
      state = .notSSH
    }
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
    // Signs that a side understands something stand among the key exchanges (RFC 8308, 2.1).
    let names = names.filter { !$0.hasPrefix("kex-strict-") && !$0.hasPrefix("ext-info-") }
    // What the far end names is shown: bounded, and nothing that drives a terminal.
    let shown = names.prefix(6).map { String($0.unicodeScalars.filter(isPlain).prefix(64)) }
    return "\(kind) that libssh2 lacks (\(shown.joined(separator: ", ")))"
  }

  private static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
    scalar.value > 0x20 && scalar.value < 0x7F
  }
}
