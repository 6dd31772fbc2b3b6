#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// The type of a private key, as in "ssh-ed25519", read without its passphrase.
struct KeyType: Sendable, Equatable {
  let name: String

  /// Whether the key lives in a security key (FIDO), of which the file is only a handle.
  var isHardware: Bool { name.hasPrefix("sk-") }

  /// Reads the type from the text of a key file: OpenSSH's own format keeps the public key in the open
  /// (OpenSSH, PROTOCOL.key). Nil for others, none of which holds hardware keys.
  init?(privateKey text: some Collection<UInt8>) {
    let begin = Array("-----BEGIN OPENSSH PRIVATE KEY-----".utf8)
    let lines = text.split { $0 == 0x0A || $0 == 0x0D }
    guard lines.first?.elementsEqual(begin) == true else { return nil }
    let body = lines.dropFirst().prefix { $0.first != UInt8(ascii: "-") }.joined()
    guard let bytes = Base64.decode(Array(body)) else { return nil }
    let magic = Array("openssh-key-v1\0".utf8)
    guard bytes.starts(with: magic) else { return nil }
    var rest = bytes[magic.count...]
    // Cipher, key derivation and its options; then the number of keys.
    for _ in 0..<3 {
      guard let field = WireString.first(rest) else { return nil }
      rest = rest.dropFirst(4 + field.count)
    }
    guard let publicKey = WireString.first(rest.dropFirst(4)),
      let type = WireString.first(publicKey)
    else { return nil }
    name = String(decoding: type, as: UTF8.self)
  }

  /// Reads the type from a file; nil when there is none or it is not such a key.
  init?(file: String) {
    let descriptor = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    let count = read(descriptor, &buffer, buffer.count)
    guard count > 0 else { return nil }
    self.init(privateKey: buffer[..<count])
  }
}
