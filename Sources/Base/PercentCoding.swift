/// Bytes as `%` and two hexadecimal digits (RFC 3986, 2.1).
package enum PercentCoding {
  /// The text with every byte so written that is not kept; a `%` never is.
  package static func encoded(_ text: String, keeping isKept: (UInt8) -> Bool) -> String {
    var result: [UInt8] = []
    result.reserveCapacity(text.utf8.count)
    for byte in text.utf8 {
      if byte != UInt8(ascii: "%"), isKept(byte) {
        result.append(byte)
      } else {
        result += Array("%\(zeroPadded(byte, 2, radix: 16, uppercase: true))".utf8)
      }
    }
    return String(decoding: result, as: UTF8.self)
  }

  /// The text with every triplet decoded; nil if a `%` begins none, or the bytes are no UTF-8.
  package static func decoded(_ text: some StringProtocol) -> String? {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        bytes.append(byte)
        continue
      }
      guard let high = rest.popFirst().flatMap(value), let low = rest.popFirst().flatMap(value)
      else {
        return nil
      }
      bytes.append(high << 4 | low)
    }
    return String(validating: bytes, as: UTF8.self)
  }

  private static func value(_ digit: UInt8) -> UInt8? {
    switch digit {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
    default: nil
    }
  }
}
