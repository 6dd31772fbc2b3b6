/// Reads a Kubernetes list (`{"kind":"PodList",…,"items":[…]}`) from pieces cut anywhere and hands over
/// each item's bytes as soon as they are complete. It keeps one item at most, whatever the list's size.
package struct ListReader {
  /// The largest item accepted, in bytes: etcd stores at most 1.5 MiB an object by default.
  package static let itemLimit = 4 << 20
  /// The most bytes accepted around the items.
  package static let envelopeLimit = 256 << 10

  private enum Place {
    case envelope, beforeFirst, item, afterItem, beforeNext, done
  }

  private var place = Place.envelope
  /// Everything but the items: what is left is a small JSON object with `"items":[]`.
  private var envelope: [UInt8] = []
  private var envelopeScanner = JSONScanner()
  /// The beginning of an item whose end has not arrived yet.
  private(set) var carry: [UInt8] = []
  private var itemScanner = JSONScanner()
  /// Bytes read before this piece, for the offsets in errors.
  private var offset = 0

  package init() {}

  /// Reads the next piece.
  ///
  /// - Parameters:
  ///   - piece: Bytes of the list; borrowed.
  ///   - item: Called with the bytes of each item that is complete; they are valid during the call.
  /// - Throws: `JSONError`, or what `item` throws.
  package mutating func feed(
    _ piece: UnsafeRawBufferPointer,
    _ item: (UnsafeRawBufferPointer) throws(JSONError) -> Void
  ) throws(JSONError) {
    var position = 0
    while position < piece.count {
      switch place {
      case .envelope: try readEnvelope(piece, &position)
      case .item: try readItem(piece, &position, item)
      default: try readBetween(piece, &position)
      }
    }
    offset += piece.count
  }

  /// The list's own fields, once all of it has been fed.
  ///
  /// - Throws: `JSONError.truncated` when the list has not come to its end.
  package func finish() throws(JSONError) -> ListHead {
    guard place == .done else { throw .truncated }
    let result: Result<ListHead, JSONError> = envelope.withUnsafeBytes { bytes in
      Result { () throws(JSONError) in try ListHead(json: bytes) }
    }
    return try result.get()
  }

  /// Copies bytes of the envelope until the items begin or the object ends.
  private mutating func readEnvelope(
    _ piece: UnsafeRawBufferPointer, _ position: inout Int
  ) throws(JSONError) {
    while position < piece.count {
      let byte = piece[position]
      guard !envelope.isEmpty || byte == UInt8(ascii: "{") else {
        guard Self.isWhiteSpace(byte) else { throw .malformed(at: offset + position) }
        position += 1
        continue
      }
      guard envelope.count < Self.envelopeLimit else { throw .tooLarge(limit: Self.envelopeLimit) }
      let isItems = byte == UInt8(ascii: "[") && endsWithItemsKey()
      envelope.append(byte)
      let end = try scanLastByte(at: position)
      position += 1
      if end {
        place = .done
        return
      }
      if isItems {
        place = .beforeFirst
        return
      }
    }
  }

  /// Advances the envelope's scanner by the byte just appended.
  private mutating func scanLastByte(at position: Int) throws(JSONError) -> Bool {
    var byte = envelope[envelope.count - 1]
    let result: Result<Int?, JSONError> = withUnsafeBytes(of: &byte) { one in
      Result { () throws(JSONError) in try envelopeScanner.scan(one, from: 0) }
    }
    do {
      return try result.get() != nil
    } catch .malformed {
      throw .malformed(at: offset + position)
    }
  }

  /// Whether what has been read of the envelope ends with the member name `"items":` of the outermost
  /// object. Read backwards: a quote, a comma or brace before it, and the depth tell it from a value.
  private func endsWithItemsKey() -> Bool {
    guard envelopeScanner.depth == 1 else { return false }
    var rest = envelope[...]
    func trim() { while let last = rest.last, Self.isWhiteSpace(last) { rest.removeLast() } }
    trim()
    guard rest.popLast() == UInt8(ascii: ":") else { return false }
    trim()
    for byte in "\"items\"".utf8.reversed() {
      guard rest.popLast() == byte else { return false }
    }
    trim()
    return rest.last == UInt8(ascii: "{") || rest.last == UInt8(ascii: ",")
  }

  private mutating func readItem(
    _ piece: UnsafeRawBufferPointer, _ position: inout Int,
    _ item: (UnsafeRawBufferPointer) throws(JSONError) -> Void
  ) throws(JSONError) {
    let start = position
    let end: Int?
    do {
      end = try itemScanner.scan(piece, from: start)
    } catch .malformed(let at) {
      throw .malformed(at: offset + at)
    }
    let part = UnsafeRawBufferPointer(rebasing: piece[start..<(end ?? piece.count)])
    guard carry.count + part.count <= Self.itemLimit else { throw .tooLarge(limit: Self.itemLimit) }
    position = end ?? piece.count
    guard end != nil else {
      carry.append(contentsOf: part)
      return
    }
    place = .afterItem
    if carry.isEmpty {
      try item(part)
      return
    }
    carry.append(contentsOf: part)
    let result: Result<Void, JSONError> = carry.withUnsafeBytes { bytes in
      Result { () throws(JSONError) in try item(bytes) }
    }
    carry.removeAll(keepingCapacity: true)
    try result.get()
  }

  /// Commas, brackets and white space between the items and behind the list.
  private mutating func readBetween(
    _ piece: UnsafeRawBufferPointer, _ position: inout Int
  ) throws(JSONError) {
    let byte = piece[position]
    if Self.isWhiteSpace(byte) {
      position += 1
      return
    }
    switch (place, byte) {
    case (.beforeFirst, UInt8(ascii: "{")), (.beforeNext, UInt8(ascii: "{")):
      place = .item  // the item's scanner wants to see the brace
    case (.afterItem, UInt8(ascii: ",")):
      place = .beforeNext
      position += 1
    case (.beforeFirst, UInt8(ascii: "]")), (.afterItem, UInt8(ascii: "]")):
      place = .envelope  // which takes the bracket
    default:
      throw .malformed(at: offset + position)
    }
  }

  private static func isWhiteSpace(_ byte: UInt8) -> Bool {
    byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09
  }
}
