/// Reads one JSON value (RFC 8259) from bytes in memory, member by member, and builds no tree: whoever
/// reads names what is wanted, everything else is skipped.
///
/// The bytes come from outside. Every wrong byte that is read ends in a typed error; nothing traps.
/// What is skipped is checked for its brackets and strings only. A value of an unexpected type reads as
/// nil, as null and a missing member do. Of a member that stands twice the last one counts, when the
/// reader assigns (as Go's decoder does).
package struct JSONReader {
  private let bytes: UnsafeRawBufferPointer
  private var depth = 0

  /// The offset of the next byte.
  package private(set) var position = 0

  /// Starts at the first byte of a value. The bytes are borrowed and must outlive the reader.
  package init(_ bytes: UnsafeRawBufferPointer) {
    self.bytes = bytes
  }

  /// Reads an object; for each member `field` is called and may read the value. A value that it does
  /// not read is skipped.
  ///
  /// - Returns: Whether there was an object; any other value is skipped.
  @discardableResult
  package mutating func object(
    _ field: (JSONKey, inout JSONReader) throws(JSONError) -> Void
  ) throws(JSONError) -> Bool {
    guard try peek() == UInt8(ascii: "{") else {
      try skip()
      return false
    }
    try descend()
    if try peek() == UInt8(ascii: "}") {
      ascend()
      return true
    }
    while true {
      guard try peek() == UInt8(ascii: "\"") else { throw .malformed(at: position) }
      let text = try rawString()
      let key = JSONKey(bytes: text.bytes, isEscaped: text.isEscaped)
      guard try peek() == UInt8(ascii: ":") else { throw .malformed(at: position) }
      position += 1
      _ = try peek()
      let start = position
      try field(key, &self)
      if position == start { try skip() }
      if try !another(before: UInt8(ascii: "}")) { return true }
    }
  }

  /// Reads an array; `element` is called for each element and may read it.
  ///
  /// - Returns: Whether there was an array; any other value is skipped.
  @discardableResult
  package mutating func array(
    _ element: (inout JSONReader) throws(JSONError) -> Void
  ) throws(JSONError) -> Bool {
    guard try peek() == UInt8(ascii: "[") else {
      try skip()
      return false
    }
    try descend()
    if try peek() == UInt8(ascii: "]") {
      ascend()
      return true
    }
    while true {
      _ = try peek()
      let start = position
      try element(&self)
      if position == start { try skip() }
      if try !another(before: UInt8(ascii: "]")) { return true }
    }
  }

  /// Reads a string. Bytes that are no UTF-8 and lone surrogates become U+FFFD.
  package mutating func string() throws(JSONError) -> String? {
    guard try peek() == UInt8(ascii: "\"") else {
      try skip()
      return nil
    }
    let text = try rawString()
    return try JSONKey(bytes: text.bytes, isEscaped: text.isEscaped).text()
  }

  /// Reads a number without fraction and exponent; nil as well when it does not fit.
  package mutating func int() throws(JSONError) -> Int? {
    guard let text = try numberText() else { return nil }
    return Int(text)
  }

  /// Reads true or false.
  package mutating func bool() throws(JSONError) -> Bool? {
    switch try peek() {
    case UInt8(ascii: "t"):
      try literal("true")
      return true
    case UInt8(ascii: "f"):
      try literal("false")
      return false
    default:
      try skip()
      return nil
    }
  }

  /// Reads a string or a number as its text, as quantities may be either.
  package mutating func scalar() throws(JSONError) -> String? {
    try peek() == UInt8(ascii: "\"") ? string() : numberText()
  }

  /// Skips one value of any type.
  package mutating func skip() throws(JSONError) {
    switch try peek() {
    case UInt8(ascii: "\""): _ = try rawString()
    case UInt8(ascii: "{"), UInt8(ascii: "["):
      var scanner = JSONScanner()
      guard let next = try scanner.scan(bytes, from: position) else { throw .truncated }
      position = next
    case UInt8(ascii: "t"): try literal("true")
    case UInt8(ascii: "f"): try literal("false")
    case UInt8(ascii: "n"): try literal("null")
    default: try skipNumber()
    }
  }

  /// Checks that nothing but white space follows.
  package mutating func end() throws(JSONError) {
    skipWhiteSpace()
    guard position == bytes.count else { throw .malformed(at: position) }
  }
}

extension JSONReader {
  /// The next byte that is no white space; it is not consumed.
  private mutating func peek() throws(JSONError) -> UInt8 {
    skipWhiteSpace()
    guard position < bytes.count else { throw .truncated }
    return bytes[position]
  }

  private mutating func skipWhiteSpace() {
    while position < bytes.count {
      switch bytes[position] {
      case 0x20, 0x0A, 0x0D, 0x09: position += 1
      default: return
      }
    }
  }

  private mutating func descend() throws(JSONError) {
    guard depth < JSONScanner.depthLimit else { throw .tooDeep }
    depth += 1
    position += 1
  }

  private mutating func ascend() {
    depth -= 1
    position += 1
  }

  /// Consumes a comma (true) or the closing bracket (false).
  private mutating func another(before close: UInt8) throws(JSONError) -> Bool {
    let byte = try peek()
    if byte == UInt8(ascii: ",") {
      position += 1
      return true
    }
    guard byte == close else { throw .malformed(at: position) }
    ascend()
    return false
  }

  /// The bytes between the quotes, and whether a backslash is among them.
  private mutating func rawString() throws(JSONError) -> (
    bytes: UnsafeRawBufferPointer, isEscaped: Bool
  ) {
    let start = position + 1
    var end = start
    var isEscaped = false
    while true {
      end = JSONScanner.skipPlain(bytes, from: end)
      guard end < bytes.count else { throw .truncated }
      if bytes[end] == UInt8(ascii: "\"") { break }
      guard bytes[end] == UInt8(ascii: "\\") else { throw .malformed(at: end) }
      isEscaped = true
      end += 2
    }
    position = end + 1
    return (UnsafeRawBufferPointer(rebasing: bytes[start..<end]), isEscaped)
  }

  private mutating func literal(_ text: StaticString) throws(JSONError) {
    for index in 0..<text.utf8CodeUnitCount {
      guard position < bytes.count else { throw .truncated }
      guard bytes[position] == text.utf8Start[index] else { throw .malformed(at: position) }
      position += 1
    }
  }

  /// The text of a number; nil, and the value is skipped, when there is none.
  private mutating func numberText() throws(JSONError) -> String? {
    let byte = try peek()
    guard byte == UInt8(ascii: "-") || Self.isDigit(byte) else {
      try skip()
      return nil
    }
    let start = position
    try skipNumber()
    return String(decoding: bytes[start..<position], as: UTF8.self)
  }

  /// RFC 8259 section 6: a sign, no leading zeros, a fraction, an exponent.
  private mutating func skipNumber() throws(JSONError) {
    if try peek() == UInt8(ascii: "-") { position += 1 }
    if position < bytes.count, bytes[position] == UInt8(ascii: "0") {
      position += 1
    } else {
      try skipDigits()
    }
    if position < bytes.count, bytes[position] == UInt8(ascii: ".") {
      position += 1
      try skipDigits()
    }
    guard position < bytes.count, bytes[position] | 0x20 == UInt8(ascii: "e") else { return }
    position += 1
    if position < bytes.count,
      bytes[position] == UInt8(ascii: "+") || bytes[position] == UInt8(ascii: "-")
    {
      position += 1
    }
    try skipDigits()
  }

  private mutating func skipDigits() throws(JSONError) {
    guard position < bytes.count else { throw .truncated }
    guard Self.isDigit(bytes[position]) else { throw .malformed(at: position) }
    while position < bytes.count, Self.isDigit(bytes[position]) { position += 1 }
  }

  private static func isDigit(_ byte: UInt8) -> Bool {
    byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
  }
}
