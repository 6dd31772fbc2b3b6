/// What can be seen of a private key's file without its passphrase.
///
/// libssh2 has one error for a wrong passphrase, a cipher it lacks and a file that is no key (-16): so the
/// file is looked at first.
struct KeyFile: Equatable {
  enum Format: Equatable {
    /// "openssh-key-v1", OpenSSH's PROTOCOL.key.
    case openSSH
    /// RFC 7468, RFC 1421 for encrypted ones.
    case pem
    /// A public key alone: the private one is in an agent.
    case publicKey
  }

  var format: Format
  /// The key's type, such as "ssh-ed25519"; nil where only the key itself tells (PKCS #8).
  var type: String?
  /// The public key, where the file has it in the clear.
  var publicBlob: [UInt8]?
  /// How the key is encrypted; nil when it is not.
  var cipher: String?

  /// No file of a key is larger.
  static let limit = 64 << 10

  /// Why a file is no key that can be used, the end of a sentence that begins with its path.
  struct Unusable: Error, Equatable {
    let why: String
  }

  private static let magic = Array("openssh-key-v1\0".utf8)

  init(format: Format, type: String?, publicBlob: [UInt8]? = nil, cipher: String? = nil) {
    self.format = format
    self.type = type
    self.publicBlob = publicBlob
    self.cipher = cipher
  }

  /// Looks at a file's bytes.
  init(parsing bytes: [UInt8]) throws(Unusable) {
    let lines = bytes.split(whereSeparator: { $0 == 0x0A || $0 == 0x0D })
    let begin = lines.firstIndex { $0.starts(with: Array("-----BEGIN ".utf8)) }
    guard let begin else {
      guard let key = Self.publicKey(lines) else { throw Unusable(why: "is no private key") }
      self = key
      return
    }
    let words = String(decoding: lines[begin].dropFirst(11), as: UTF8.self)
    switch words {
    case "OPENSSH PRIVATE KEY-----":
      let body = lines[(begin + 1)...].prefix { !$0.starts(with: Array("-----END".utf8)) }
      guard let decoded = Base64.decode(Array(body.joined())), let key = Self.openSSH(decoded)
      else {
        throw Unusable(
          why: "is damaged: it begins as a key of OpenSSH's format and goes on otherwise")
      }
      self = key
    case "RSA PRIVATE KEY-----", "EC PRIVATE KEY-----", "DSA PRIVATE KEY-----",
      "PRIVATE KEY-----", "ENCRYPTED PRIVATE KEY-----":
      self.init(format: .pem, type: Self.pemType(words))
      // RFC 1421, 4.6.1.3: "DEK-Info: AES-128-CBC,…".
      let info = lines[begin...].prefix(4).first { $0.starts(with: Array("DEK-Info: ".utf8)) }
      let isEncrypted = lines[begin...].prefix(4).contains {
        $0.starts(with: Array("Proc-Type: 4,ENCRYPTED".utf8))
      }
      if let info {
        cipher = String(decoding: info.dropFirst(10).prefix { $0 != 0x2C }, as: UTF8.self)
      } else if isEncrypted || words.hasPrefix("ENCRYPTED") {
        cipher = "PKCS #8"
      }
    default: throw Unusable(why: "holds something else than a private key")
    }
  }

  private static func pemType(_ words: String) -> String? {
    switch words.prefix(3) {
    case "RSA": "ssh-rsa"
    case "EC ": "ecdsa"
    case "DSA": "ssh-dss"
    default: nil
    }
  }

  /// The format of PROTOCOL.key: magic, cipher, KDF and its options, number of keys, public key.
  private static func openSSH(_ bytes: [UInt8]) -> KeyFile? {
    guard bytes.starts(with: magic) else { return nil }
    var reader = WireReader(bytes.dropFirst(magic.count))
    guard let cipher = reader.text(), cipher.utf8.count <= 64, reader.string() != nil,
      reader.string() != nil, let keys = reader.uint32(), keys == 1, let blob = reader.string(),
      let type = PublicBlob.type(blob), let secret = reader.string(), !secret.isEmpty
    else { return nil }
    return KeyFile(
      format: .openSSH, type: type, publicBlob: Array(blob), cipher: cipher == "none" ? nil : cipher
    )
  }

  /// The part that may be encrypted, of a file of OpenSSH's format.
  static func secretPart(ofOpenSSH bytes: [UInt8]) -> [UInt8]? {
    let lines = bytes.split(whereSeparator: { $0 == 0x0A || $0 == 0x0D })
    let body = lines.drop { !$0.starts(with: Array("-----BEGIN ".utf8)) }.dropFirst()
      .prefix { !$0.starts(with: Array("-----END".utf8)) }
    guard let decoded = Base64.decode(Array(body.joined())), decoded.starts(with: magic) else {
      return nil
    }
    var reader = WireReader(decoded.dropFirst(magic.count))
    for _ in 0..<3 { guard reader.string() != nil else { return nil } }
    guard reader.uint32() == 1, reader.string() != nil else { return nil }
    return reader.string().map(Array.init)
  }

  /// A line of a public key's file: type, base 64, comment (sshd(8)).
  private static func publicKey(_ lines: [ArraySlice<UInt8>]) -> KeyFile? {
    for line in lines where line.first != UInt8(ascii: "#") {
      let words = line.split(whereSeparator: { $0 == 0x20 || $0 == 0x09 })
      guard words.count >= 2, let blob = Base64.decode(words[1]),
        let type = PublicBlob.type(blob),
        Array(type.utf8) == Array(words[0])
      else { return nil }
      return KeyFile(format: .publicKey, type: type, publicBlob: blob)
    }
    return nil
  }

  var isEncrypted: Bool { cipher != nil }
  var isRSA: Bool { type == "ssh-rsa" }

  /// What about this key libssh2 lacks, in words; nil when it can use it.
  ///
  /// - Parameter hasRSASHA2: Whether libssh2 signs with RSA and SHA-2 by itself.
  /// - Returns: The end of a sentence such as "the key is …".
  func needsOpenSSH(hasRSASHA2: Bool) -> String? {
    KeyFile.needsOpenSSH(type: type ?? "")
      ?? {
        guard format == .openSSH, let cipher else { return nil }
        if cipher.contains("gcm") || cipher.contains("poly1305") {
          return "a key that is encrypted with \(cipher.prefix { $0 != "@" })"
        }
        return isRSA && !hasRSASHA2 ? "an encrypted RSA key of OpenSSH's format" : nil
      }()
  }

  /// What about a key of this type libssh2 lacks, in words; nil when it can use it.
  static func needsOpenSSH(type: String) -> String? {
    if type.contains("-cert-v") { return "a certificate" }
    if type.hasPrefix("sk-") { return "a hardware key" }
    return nil
  }

  /// A key type as people say it.
  static func shortName(_ type: String?) -> String {
    switch type {
    case "ssh-ed25519": "ed25519"
    case "ssh-rsa": "RSA"
    case "ssh-dss": "DSA"
    case let type? where type.hasPrefix("ecdsa"): "ecdsa"
    case let type?:
      String(type.unicodeScalars.filter { $0.value > 0x20 && $0.value < 0x7F }.prefix(40))
    case nil: "key"
    }
  }
}
