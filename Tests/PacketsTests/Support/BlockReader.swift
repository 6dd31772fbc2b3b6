import Foundation
import Testing

/// Reads little-endian pcapng strictly, independent of the writer: every length twice, every padding
/// byte zero, options in their places.
struct Block: Equatable {
  var type: UInt32
  var body: [UInt8]
  /// Of a name resolution block: addresses in hexadecimal, and names.
  var names: [Name] = []
  /// Option code and value, in order.
  var options: [Option] = []

  struct Option: Equatable {
    var code: UInt16
    var value: [UInt8]
    var text: String { String(decoding: value, as: UTF8.self) }
  }

  struct Name: Hashable {
    var address: String
    var name: String
  }

  func texts(_ code: UInt16) -> [String] { options.filter { $0.code == code }.map(\.text) }

  func number(_ code: UInt16) -> UInt64? {
    options.first { $0.code == code }.map { $0.value.reversed().reduce(0) { $0 << 8 | UInt64($1) } }
  }
}

struct BlockReader {
  struct Malformed: Error {
    let place: Int
    let what: String
  }

  static func blocks(_ bytes: [UInt8]) throws -> [Block] {
    var blocks: [Block] = []
    var place = 0
    while place < bytes.count {
      func check(_ condition: Bool, _ what: String) throws {
        guard condition else { throw Malformed(place: place, what: what) }
      }
      try check(bytes.count - place >= 12, "a block's head")
      let type = number(bytes, place)
      let length = Int(number(bytes, place + 4))
      try check(length % 4 == 0 && length >= 12, "length \(length)")
      try check(length <= 262_144, "length \(length)")
      try check(place + length <= bytes.count, "cut block")
      try check(Int(number(bytes, place + length - 4)) == length, "second length")
      let body = Array(bytes[(place + 8)..<(place + length - 4)])
      let fixed: Int
      switch type {
      case 0x0A0D_0D0A: fixed = 16
      case 1: fixed = 8
      case 4: fixed = try nameBytes(body, at: place)
      case 5: fixed = 12
      case 6:
        let captured = Int(number(body, 12))
        fixed = 20 + (captured + 3) / 4 * 4
        try check(fixed <= body.count, "captured length \(captured)")
        try check(body[(20 + captured)..<fixed].allSatisfy { $0 == 0 }, "padding")
      default: throw Malformed(place: place, what: "block type \(type)")
      }
      try check(body.count >= fixed, "short body")
      var block = Block(type: type, body: Array(body[..<fixed]))
      if type == 4 { block.names = names(block.body) }
      block.options = try options(Array(body[fixed...]), at: place)
      blocks.append(block)
      place += length
    }
    return blocks
  }

  /// The length of the records of a name resolution block, each of them checked.
  private static func nameBytes(_ body: [UInt8], at block: Int) throws -> Int {
    func check(_ condition: Bool, _ what: String) throws {
      guard condition else { throw Malformed(place: block, what: what) }
    }
    var place = 0
    while true {
      try check(body.count - place >= 4, "a record's head")
      let kind = Int(body[place]) | Int(body[place + 1]) << 8
      let length = Int(body[place + 2]) | Int(body[place + 3]) << 8
      place += 4
      if kind == 0 {
        try check(length == 0, "end of records")
        return place
      }
      let padded = (length + 3) / 4 * 4
      let address = kind == 1 ? 4 : 16
      try check(kind == 1 || kind == 2, "record \(kind)")
      try check(length >= address + 2 && place + padded <= body.count, "record of \(length)")
      let name = body[(place + address)..<(place + length)]
      try check(name.last == 0 && !name.dropLast().contains(0), "one NUL at a name's end")
      try check(body[(place + length)..<(place + padded)].allSatisfy { $0 == 0 }, "padding")
      place += padded
    }
  }

  private static func names(_ body: [UInt8]) -> [Block.Name] {
    var names: [Block.Name] = []
    var place = 0
    while body[place] != 0 {
      let address = body[place] == 1 ? 4 : 16
      let length = Int(body[place + 2]) | Int(body[place + 3]) << 8
      let record = body[(place + 4)..<(place + 4 + length)]
      let digits = record.prefix(address).map { String(format: "%02x", $0) }.joined()
      let name = String(decoding: record.dropFirst(address).dropLast(), as: UTF8.self)
      names.append(Block.Name(address: digits, name: name))
      place += 4 + (length + 3) / 4 * 4
    }
    return names
  }

  private static func options(_ bytes: [UInt8], at block: Int) throws -> [Block.Option] {
    var options: [Block.Option] = []
    var place = 0
    guard !bytes.isEmpty else { return [] }
    while true {
      guard bytes.count - place >= 4 else { throw Malformed(place: block, what: "option's head") }
      let code = UInt16(bytes[place]) | UInt16(bytes[place + 1]) << 8
      let length = Int(bytes[place + 2]) | Int(bytes[place + 3]) << 8
      let end = place + 4 + length
      let padded = place + 4 + (length + 3) / 4 * 4
      guard padded <= bytes.count, bytes[end..<padded].allSatisfy({ $0 == 0 }) else {
        throw Malformed(place: block, what: "option \(code)")
      }
      if code == 0 {
        guard length == 0, padded == bytes.count else {
          throw Malformed(place: block, what: "end of options")
        }
        return options
      }
      options.append(Block.Option(code: code, value: Array(bytes[(place + 4)..<end])))
      place = padded
    }
  }

  private static func number(_ bytes: [UInt8], _ place: Int) -> UInt32 {
    (0..<4).reduce(0) { $0 | UInt32(bytes[place + $1]) << (8 * UInt32($1)) }
  }
}

extension Block {
  func word(_ place: Int) -> UInt32 {
    (0..<4).reduce(0) { $0 | UInt32(body[place + $1]) << (8 * UInt32($1)) }
  }

  /// The packet of an enhanced packet block.
  var packet: [UInt8] { Array(body[20..<(20 + Int(word(12)))]) }
  /// Its timestamp in the interface's units.
  var time: UInt64 { UInt64(word(4)) << 32 | UInt64(word(8)) }
}
