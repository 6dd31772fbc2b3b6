/// Finds where a JSON array or object ends, without looking at what is in it. The bytes may arrive in
/// pieces cut anywhere; the state between two pieces is three words.
///
/// Checked are the nesting (kind and depth of every bracket) and that strings hold no control
/// character; what stands between the brackets is checked by whoever reads it.
package struct JSONScanner {
  /// The deepest nesting accepted. A Pod with its managed fields reaches about 15.
  package static let depthLimit = 64

  /// Open brackets.
  package private(set) var depth = 0
  /// One bit for each open bracket, the innermost lowest: 1 for an object, 0 for an array.
  private var kinds: UInt64 = 0
  private var isInString = false
  private var isEscaped = false

  package init() {}

  /// Reads on until the outermost bracket is closed.
  ///
  /// - Parameters:
  ///   - bytes: The piece.
  ///   - start: Where to read on; at first the offset of the opening bracket.
  /// - Returns: The offset behind the closing bracket, nil when it is not in this piece.
  /// - Throws: `JSONError.malformed`, `.tooDeep`.
  package mutating func scan(
    _ bytes: UnsafeRawBufferPointer, from start: Int
  ) throws(JSONError) -> Int? {
    // Locals instead of members: the optimiser keeps them in registers.
    var position = start
    let end = bytes.count
    if isInString {
      guard let next = try stringEnd(bytes, from: position) else { return nil }
      position = next
    }
    var depth = depth
    var kinds = kinds
    while position < end {
      switch bytes[position] {
      case UInt8(ascii: "\""):
        position += 1
        // Keys and most values of Kubernetes are short and hold no escape: try that first.
        while position < end, Self.isPlain(bytes[position]) { position += 1 }
        if position < end, bytes[position] == UInt8(ascii: "\"") {
          position += 1
          continue
        }
        self.depth = depth
        self.kinds = kinds
        guard let next = try stringEnd(bytes, from: position) else { return nil }
        position = next
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        guard depth < Self.depthLimit else { throw .tooDeep }
        depth += 1
        kinds = kinds << 1 | (bytes[position] == UInt8(ascii: "{") ? 1 : 0)
        position += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        let kind: UInt64 = bytes[position] == UInt8(ascii: "}") ? 1 : 0
        guard depth > 0, kinds & 1 == kind else { throw .malformed(at: position) }
        depth -= 1
        kinds >>= 1
        position += 1
        if depth == 0 {
          self = JSONScanner()
          return position
        }
      default:
        position += 1
      }
    }
    self.depth = depth
    self.kinds = kinds
    return nil
  }

  /// Whether the byte can stand in a string as it is.
  private static func isPlain(_ byte: UInt8) -> Bool {
    byte >= 0x20 && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
  }

  /// Reads on within a string; nil when its end is not in this piece.
  private mutating func stringEnd(
    _ bytes: UnsafeRawBufferPointer, from start: Int
  ) throws(JSONError) -> Int? {
    var position = start
    isInString = true
    while position < bytes.count {
      if isEscaped {
        isEscaped = false
        position += 1
        continue
      }
      position = Self.skipPlain(bytes, from: position)
      guard position < bytes.count else { break }
      switch bytes[position] {
      case UInt8(ascii: "\""):
        isInString = false
        return position + 1
      case UInt8(ascii: "\\"):
        isEscaped = true
        position += 1
      default:
        throw .malformed(at: position)
      }
    }
    return nil
  }

  /// The offset of the next byte that is not plain text of a string (a quote, a backslash, a control
  /// character), or the end; eight bytes at a time.
  static func skipPlain(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Int {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let highs: UInt64 = 0x8080_8080_8080_8080
    var position = start
    while position &+ 8 <= bytes.count {
      let word = UInt64(
        littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self))
      let quote = word ^ (ones &* 0x22)
      let backslash = word ^ (ones &* 0x5C)
      // The classic test for a zero byte in a word, for three bytes at once. Only bytes above a true
      // hit can be reported wrongly, and the lowest is taken.
      let hits =
        ((quote &- ones) & ~quote | (backslash &- ones) & ~backslash
          | (word &- ones &* 0x20) & ~word) & highs
      if hits != 0 { return position + hits.trailingZeroBitCount >> 3 }
      position += 8
    }
    while position < bytes.count, isPlain(bytes[position]) { position += 1 }
    return position
  }
}
