/// Stable stand-ins for numbers that a real cluster computes or draws: they only have to look
/// right and to differ.
package enum Digest {
  /// 64 hexadecimal digits that depend on `text` alone (FNV-1a, four times with other seeds).
  package static func hexadecimal(of text: String) -> String {
    (0..<4).map { seed in
      var hash: UInt64 = 0xcbf2_9ce4_8422_2325 &+ UInt64(seed)
      for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
      let digits = String(hash, radix: 16)
      return String(repeating: "0", count: 16 - digits.count) + digits
    }.joined()
  }

  /// A UUID-shaped text that depends on `text` alone.
  package static func uid(of text: String) -> String {
    let digits = Array(hexadecimal(of: text))
    let parts = [digits[0..<8], digits[8..<12], digits[12..<16], digits[16..<20], digits[20..<32]]
    return parts.map { String($0) }.joined(separator: "-")
  }
}
