internal import CCrypto

/// An RSA private key that signs with SHA-2 (RFC 8332).
///
/// libssh2 1.10 knows RSA with SHA-1 only, which today's servers refuse. They accept its requests with a
/// public key whose type is called `rsa-sha2-256` and a signature made here.
struct RSAKey: ~Copyable {
  private let key: OpaquePointer

  /// Reads a PEM file; nil when it is no RSA key, or the passphrase is wrong.
  init?(pem bytes: [UInt8], passphrase: Secret?) {
    guard let source = BIO_new_mem_buf(bytes, Int32(clamping: bytes.count)) else { return nil }
    defer { BIO_free(source) }
    let box = passphrase.map { Unmanaged.passUnretained($0).toOpaque() }
    let loaded = withExtendedLifetime(passphrase) {
      PEM_read_bio_PrivateKey(
        source, nil,
        { memory, size, _, context in
          // Without this callback libcrypto would ask on the terminal.
          guard let memory, let context else { return -1 }
          let secret = Unmanaged<Secret>.fromOpaque(context).takeUnretainedValue()
          guard secret.count <= Int(size) else { return -1 }
          return secret.withBytes { bytes in
            UnsafeMutableRawBufferPointer(start: memory, count: Int(size)).copyBytes(from: bytes)
            return Int32(bytes.count)
          }
        }, box)
    }
    ERR_clear_error()
    guard let loaded else { return nil }
    guard EVP_PKEY_get_id(loaded) == EVP_PKEY_RSA else {
      EVP_PKEY_free(loaded)
      return nil
    }
    key = loaded
  }

  /// Reads the unencrypted secret part of a file of OpenSSH's format (PROTOCOL.key, section 3).
  init?(openSSH bytes: [UInt8]) {
    var reader = WireReader(bytes)
    // Two equal numbers that tell a right passphrase, then the type and n, e, d, iqmp, p, q.
    guard let check = reader.uint32(), reader.uint32() == check, reader.text() == "ssh-rsa",
      let n = reader.string(), let e = reader.string(), let d = reader.string(),
      let made = Self.make(n: Array(n), e: Array(e), d: Array(d))
    else { return nil }
    key = made
  }

  private static func make(n: [UInt8], e: [UInt8], d: [UInt8]) -> OpaquePointer? {
    let numbers = [n, e, d].map { (bytes: [UInt8]) in
      BN_bin2bn(bytes, Int32(clamping: bytes.count), nil)
    }
    defer { for number in numbers { BN_clear_free(number) } }
    guard numbers.allSatisfy({ $0 != nil }) else { return nil }
    defer { ERR_clear_error() }
    return poddump_rsa_key(numbers[0], numbers[1], numbers[2])
  }

  deinit { EVP_PKEY_free(key) }

  /// The public key (RFC 4253, 6.6); nil when libcrypto does not tell it.
  var publicBlob: [UInt8]? {
    guard let e = number(OSSL_PKEY_PARAM_RSA_E), let n = number(OSSL_PKEY_PARAM_RSA_N) else {
      return nil
    }
    var writer = WireWriter()
    writer.string(Array("ssh-rsa".utf8))
    writer.string(e)
    writer.string(n)
    return writer.bytes
  }

  /// One of the key's public numbers as an mpint (RFC 4251, 5): no leading zero, but one before a high bit.
  private func number(_ name: String) -> [UInt8]? {
    var value: OpaquePointer?
    guard EVP_PKEY_get_bn_param(key, name, &value) == 1, let value else { return nil }
    defer { BN_free(value) }
    var bytes = [UInt8](repeating: 0, count: Int(BN_num_bits(value) + 7) / 8)
    guard BN_bn2bin(value, &bytes) == Int32(bytes.count) else { return nil }
    return (bytes.first ?? 0) >= 0x80 ? [0] + bytes : bytes
  }

  /// Signs by RSASSA-PKCS1-v1_5 (RFC 8017, 8.2).
  ///
  /// - Parameters:
  ///   - data: What is signed.
  ///   - algorithm: "rsa-sha2-256" or "rsa-sha2-512".
  /// - Returns: Nil for another algorithm, or when libcrypto fails.
  func sign(_ data: UnsafeRawBufferPointer, algorithm: String) -> [UInt8]? {
    let hash: OpaquePointer?
    switch algorithm {
    case "rsa-sha2-256": hash = EVP_sha256()
    case "rsa-sha2-512": hash = EVP_sha512()
    default: return nil
    }
    guard let context = EVP_MD_CTX_new() else { return nil }
    defer { EVP_MD_CTX_free(context) }
    let bytes = data.bindMemory(to: UInt8.self).baseAddress
    var count = 0
    guard EVP_DigestSignInit(context, nil, hash, nil, key) == 1,
      EVP_DigestSign(context, nil, &count, bytes, data.count) == 1
    else { return nil }
    var signature = [UInt8](repeating: 0, count: count)
    guard EVP_DigestSign(context, &signature, &count, bytes, data.count) == 1 else { return nil }
    return Array(signature.prefix(count))
  }
}
