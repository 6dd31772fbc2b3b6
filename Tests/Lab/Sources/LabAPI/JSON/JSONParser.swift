/// Why a text is no JSON; the words follow Go's decoder as far as recordings show them.
package struct JSONError: Error, Equatable, CustomStringConvertible {
  package var description: String
}

extension JSON {
  /// Reads one value that fills the whole text.
  /// - Parameter bytes: UTF-8 text.
  /// - Throws: ``JSONError`` for anything else, and for more than 128 levels of nesting.
  package init(parsing bytes: some Sequence<UInt8>) throws(JSONError) {
    var parser = JSONParser(bytes: Array(bytes))
    self = try parser.whole()
  }
}

private struct JSONParser {
  let bytes: [UInt8]
  var index = 0

  mutating func whole() throws(JSONError) -> JSON {
    let value = try value(depth: 0)
    skipSpace()
    guard index == bytes.count else { throw invalid("after top-level value") }
    return value
  }

  private var next: UInt8? { index < bytes.count ? bytes[index] : nil }

  private func invalid(_ place: String) -> JSONError {
    guard let next else { return JSONError(description: "unexpected end of JSON input") }
    let character = String(decoding: [next], as: UTF8.self)
    return JSONError(description: "invalid character '\(character)' \(place)")
  }

  private mutating func skipSpace() {
    while let next, [0x20, 0x09, 0x0a, 0x0d].contains(next) { index += 1 }
  }

  private mutating func value(depth: Int) throws(JSONError) -> JSON {
    guard depth < 128 else { throw JSONError(description: "exceeded max depth") }
    skipSpace()
    switch next {
    case UInt8(ascii: "{"): return try object(depth: depth)
    case UInt8(ascii: "["): return try array(depth: depth)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    case let byte? where byte == UInt8(ascii: "-") || (0x30...0x39).contains(byte):
      return try number()
    default: throw invalid("looking for beginning of value")
    }
  }

  private mutating func word(_ word: String, _ value: JSON) throws(JSONError) -> JSON {
    guard bytes[index...].starts(with: word.utf8) else {
      throw invalid("in literal \(word)")
    }
    index += word.utf8.count
    return value
  }

  private mutating func number() throws(JSONError) -> JSON {
    let start = index
    let characters = Array("+-.eE0123456789".utf8)
    while let next, characters.contains(next) { index += 1 }
    let text = String(decoding: bytes[start..<index], as: UTF8.self)
    if let integer = Int(text) { return .integer(integer) }
    guard let real = Double(text) else { throw JSONError(description: "invalid number \(text)") }
    return .real(real)
  }

  private mutating func array(depth: Int) throws(JSONError) -> JSON {
    index += 1
    var values: [JSON] = []
    skipSpace()
    if next == UInt8(ascii: "]") {
      index += 1
      return .array(values)
    }
    while true {
      values.append(try value(depth: depth + 1))
      skipSpace()
      switch next {
      case UInt8(ascii: ","): index += 1
      case UInt8(ascii: "]"):
        index += 1
        return .array(values)
      default: throw invalid("after array element")
      }
    }
  }

  private mutating func object(depth: Int) throws(JSONError) -> JSON {
    index += 1
    var object = JSONObject()
    skipSpace()
    if next == UInt8(ascii: "}") {
      index += 1
      return .object(object)
    }
    while true {
      skipSpace()
      guard next == UInt8(ascii: "\"") else {
        throw invalid("looking for beginning of object key string")
      }
      let name = try string()
      skipSpace()
      guard next == UInt8(ascii: ":") else { throw invalid("after object key") }
      index += 1
      object[name] = try value(depth: depth + 1)
      skipSpace()
      switch next {
      case UInt8(ascii: ","): index += 1
      case UInt8(ascii: "}"):
        index += 1
        return .object(object)
      default: throw invalid("after object key:value pair")
      }
    }
  }

  private mutating func string() throws(JSONError) -> String {
    index += 1
    var text: [UInt8] = []
    while let byte = next {
      switch byte {
      case UInt8(ascii: "\""):
        index += 1
        return String(decoding: text, as: UTF8.self)
      case UInt8(ascii: "\\"):
        index += 1
        try escape(into: &text)
      case 0..<0x20: throw invalid("in string literal")
      default:
        text.append(byte)
        index += 1
      }
    }
    throw invalid("in string literal")
  }

  private mutating func escape(into text: inout [UInt8]) throws(JSONError) {
    let plain: [UInt8: UInt8] = [
      UInt8(ascii: "\""): UInt8(ascii: "\""), UInt8(ascii: "\\"): UInt8(ascii: "\\"),
      UInt8(ascii: "/"): UInt8(ascii: "/"), UInt8(ascii: "b"): 0x08, UInt8(ascii: "f"): 0x0c,
      UInt8(ascii: "n"): 0x0a, UInt8(ascii: "r"): 0x0d, UInt8(ascii: "t"): 0x09,
    ]
    guard let byte = next else { throw invalid("in string escape code") }
    if let character = plain[byte] {
      text.append(character)
      index += 1
      return
    }
    guard byte == UInt8(ascii: "u") else { throw invalid("in string escape code") }
    index += 1
    var unit = try hexadecimalUnit()
    if (0xd800..<0xdc00).contains(unit), bytes[index...].starts(with: #"\u"#.utf8) {
      let start = index
      index += 2
      let low = try hexadecimalUnit()
      if (0xdc00..<0xe000).contains(low) {
        unit = 0x10000 + (unit - 0xd800) << 10 + (low - 0xdc00)
      } else {
        index = start
      }
    }
    text.append(contentsOf: String(Character(Unicode.Scalar(unit) ?? "\u{fffd}")).utf8)
  }

  private mutating func hexadecimalUnit() throws(JSONError) -> UInt32 {
    guard index + 4 <= bytes.count,
      let unit = UInt32(String(decoding: bytes[index..<index + 4], as: UTF8.self), radix: 16)
    else { throw invalid(#"in \u hexadecimal character escape"#) }
    index += 4
    return unit
  }
}
