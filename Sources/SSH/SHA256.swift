internal import CCrypto

/// The SHA-256 digest (FIPS 180-4) of some bytes.
///
/// - Returns: 64 hexadecimal digits; nil when libcrypto refuses.
package func sha256(_ bytes: [UInt8]) -> String? {
  var digest = [UInt8](repeating: 0, count: 32)
  var length = UInt32(digest.count)
  guard EVP_Digest(bytes, bytes.count, &digest, &length, EVP_sha256(), nil) == 1 else { return nil }
  return digest.map { byte in
    let digits = String(byte, radix: 16)
    return digits.utf8.count == 1 ? "0" + digits : digits
  }.joined()
}
