#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// A member's name, borrowed from the text: compared with constants without making a `String`.
package struct JSONKey {
  /// What stands between the quotes, escapes as they are.
  let bytes: UnsafeRawBufferPointer
  /// Whether an escape is among the bytes.
  let isEscaped: Bool

  /// The name with its escapes undone.
  ///
  /// - Throws: `JSONError.malformed` when an escape is none (offset within the string).
  package func text() throws(JSONError) -> String {
    guard isEscaped else { return String(decoding: bytes, as: UTF8.self) }
    return try unescaped()
  }

  /// Lets a name be a pattern: `case "metadata":`.
  package static func ~= (name: StaticString, key: JSONKey) -> Bool {
    if key.isEscaped {
      guard let text = try? key.text() else { return false }
      return text == name.description
    }
    guard key.bytes.count == name.utf8CodeUnitCount else { return false }
    guard let start = key.bytes.baseAddress else { return true }
    return memcmp(start, name.utf8Start, key.bytes.count) == 0
  }

  /// Whether the name begins with a constant; false for one with escapes.
  package func hasPrefix(_ prefix: StaticString) -> Bool {
    guard !isEscaped, bytes.count >= prefix.utf8CodeUnitCount, let start = bytes.baseAddress else {
      return false
    }
    return memcmp(start, prefix.utf8Start, prefix.utf8CodeUnitCount) == 0
  }

  private func unescaped() throws(JSONError) -> String {
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count)
    var position = 0
    while position < bytes.count {
      let byte = bytes[position]
      position += 1
      guard byte == UInt8(ascii: "\\") else {
        result.append(byte)
        continue
      }
      guard position < bytes.count else { throw .malformed(at: position) }
      let escape = bytes[position]
      position += 1
      switch escape {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): result.append(escape)
      case UInt8(ascii: "b"): result.append(0x08)
      case UInt8(ascii: "f"): result.append(0x0C)
      case UInt8(ascii: "n"): result.append(0x0A)
      case UInt8(ascii: "r"): result.append(0x0D)
      case UInt8(ascii: "t"): result.append(0x09)
      case UInt8(ascii: "u"):
        result.append(contentsOf: String(try scalar(at: &position)).utf8)
      default: throw .malformed(at: position - 1)
      }
    }
    return String(decoding: result, as: UTF8.self)
  }

  /// The character behind `\u`; two escapes where the first is the high half of a surrogate pair.
  private func scalar(at position: inout Int) throws(JSONError) -> Character {
    let replacement: Character = "\u{FFFD}"
    let first = try hex(at: position)
    position += 4
    if let scalar = Unicode.Scalar(first) { return Character(scalar) }
    guard first < 0xDC00, position + 6 <= bytes.count, bytes[position] == UInt8(ascii: "\\"),
      bytes[position + 1] == UInt8(ascii: "u")
    else { return replacement }
    let second = try hex(at: position + 2)
    guard second >= 0xDC00, second < 0xE000 else { return replacement }
    position += 6
    let code = 0x10000 + (first - 0xD800) << 10 + (second - 0xDC00)
    return Unicode.Scalar(code).map(Character.init) ?? replacement
  }

  private func hex(at start: Int) throws(JSONError) -> UInt32 {
    guard start + 4 <= bytes.count else { throw .malformed(at: start) }
    var value: UInt32 = 0
    for position in start..<start + 4 {
      guard let digit = Character(Unicode.Scalar(bytes[position])).hexDigitValue else {
        throw .malformed(at: position)
      }
      value = value << 4 | UInt32(digit)
    }
    return value
  }
}
