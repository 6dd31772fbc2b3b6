/// Base 64 (RFC 4648, 4), as key files and fingerprints have it.
enum SSHBase64 {
  private static let alphabet = Array(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  /// The bytes; blanks and line ends are skipped. Nil when the text is not base 64.
  static func decode(_ text: some Sequence<UInt8>) -> [UInt8]? {
    var result: [UInt8] = []
    var bits: UInt32 = 0
    var count = 0
    var padding = 0
    for character in text {
      let value: UInt8
      switch character {
      case UInt8(ascii: "A")...UInt8(ascii: "Z"): value = character - UInt8(ascii: "A")
      case UInt8(ascii: "a")...UInt8(ascii: "z"): value = character - UInt8(ascii: "a") + 26
      case UInt8(ascii: "0")...UInt8(ascii: "9"): value = character - UInt8(ascii: "0") + 52
      case UInt8(ascii: "+"): value = 62
      case UInt8(ascii: "/"): value = 63
      case UInt8(ascii: "="):
        padding += 1
        continue
      case 0x20, 0x09, 0x0A, 0x0D: continue
      default: return nil
      }
      guard padding == 0 else { return nil }
      bits = bits << 6 | UInt32(value)
      count += 1
      if count % 4 == 0 {
        for shift in [16, 8, 0] { result.append(UInt8(truncatingIfNeeded: bits >> UInt32(shift))) }
        bits = 0
      }
    }
    switch count % 4 {
    case 0: return padding == 0 ? result : nil
    case 2 where padding == 2 || padding == 0:
      result.append(UInt8(truncatingIfNeeded: bits >> 4))
    case 3 where padding == 1 || padding == 0:
      result.append(UInt8(truncatingIfNeeded: bits >> 10))
      result.append(UInt8(truncatingIfNeeded: bits >> 2))
    default: return nil
    }
    return result
  }

  /// The text without padding, as OpenSSH prints fingerprints.
  static func encodeUnpadded(_ bytes: some Collection<UInt8>) -> String {
    var result: [UInt8] = []
    var bits: UInt32 = 0
    var held = 0
    for byte in bytes {
      bits = (bits << 8 | UInt32(byte)) & 0xFFFF
      held += 8
      while held >= 6 {
        held -= 6
        result.append(alphabet[Int(bits >> UInt32(held) & 0x3F)])
      }
    }
    if held > 0 { result.append(alphabet[Int(bits << UInt32(6 - held) & 0x3F)]) }
    return String(decoding: result, as: UTF8.self)
  }
}
