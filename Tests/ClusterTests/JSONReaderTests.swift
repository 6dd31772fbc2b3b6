import Foundation
import Testing

@testable import Cluster

/// Lends a text's bytes to a reader.
func reading<R>(
  _ text: some StringProtocol, _ body: (inout JSONReader) throws(JSONError) -> R
) throws(JSONError) -> R {
  let bytes = Array(text.utf8)
  let result: Result<R, JSONError> = bytes.withUnsafeBytes { buffer in
    Result { () throws(JSONError) in
      var reader = JSONReader(buffer)
      return try body(&reader)
    }
  }
  return try result.get()
}

/// Reads a value of any type as Foundation would, by trying one type after the other.
func anyValue(_ reader: inout JSONReader) throws(JSONError) -> Any {
  var copy = reader
  if let text = try copy.string() {
    reader = copy
    return text
  }
  copy = reader
  if let number = try copy.int() {
    reader = copy
    return number
  }
  copy = reader
  if let flag = try copy.bool() {
    reader = copy
    return flag
  }
  copy = reader
  var members: [String: Any] = [:]
  if try copy.object({ (key, reader) throws(JSONError) in
    members[try key.text()] = try anyValue(&reader)
  }) {
    reader = copy
    return members
  }
  copy = reader
  var elements: [Any] = []
  if try copy.array({ (reader) throws(JSONError) in elements.append(try anyValue(&reader)) }) {
    reader = copy
    return elements
  }
  try reader.skip()
  return NSNull()
}

@Suite struct JSONReaderTests {
  @Test(arguments: [
    (#""""#, ""),
    (#""a b""#, "a b"),
    (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{C}\n\r\t"),
    (#""\u0041\u00e9\u20AC""#, "Aé€"),
    (#""\ud83d\ude00!""#, "😀!"),
    (#""\ud83d!""#, "\u{FFFD}!"),
    (#""\ude00""#, "\u{FFFD}"),
    (#""\ud83dA""#, "\u{FFFD}A"),
    (#""\ud83d\ud83dx""#, "\u{FFFD}\u{FFFD}x"),
    (#""\ud83d\u0041\ue000""#, "\u{FFFD}A\u{E000}"),
    (#""\ud83d\ue000""#, "\u{FFFD}\u{E000}"),
    (#""\u0000""#, "\0"),
    (
      "\"eight bytes and more, \u{1F600} with some behind\"",
      "eight bytes and more, 😀 with some behind"
    ),
  ])
  func strings(_ json: String, _ expected: String) throws {
    #expect(try reading(json) { (reader) throws(JSONError) in try reader.string() } == expected)
  }

  @Test func bytesThatAreNoUTF8AreReplaced() throws {
    let bytes: [UInt8] = [0x22, 0x61, 0xFF, 0xC0, 0x62, 0x22]
    let text = try bytes.withUnsafeBytes { buffer in
      var reader = JSONReader(buffer)
      return try reader.string()
    }
    #expect(text == "a\u{FFFD}\u{FFFD}b")
  }

  @Test(
    arguments: [
      ("0", 0), ("-0", 0), ("42", 42), ("-7", -7), ("9223372036854775807", .max),
      ("-9223372036854775808", .min), ("9223372036854775808", nil), ("1.0", nil), ("1e3", nil),
      ("123456789012345678901234567890", nil), ("null", nil), ("true", nil), ("\"1\"", nil),
      ("{\"a\":[1]}", nil), ("[]", nil),
    ] as [(String, Int?)])
  func numbers(_ json: String, _ expected: Int?) throws {
    let (number, position) = try reading(json) { (reader) throws(JSONError) in
      (try reader.int(), reader.position)
    }
    #expect(number == expected)
    #expect(position == json.utf8.count)
  }

  @Test(arguments: [
    ("", JSONError.truncated), ("   ", .truncated), ("\"abc", .truncated), ("\"abc\\", .truncated),
    ("\"abc\\\"", .truncated), ("{", .truncated), ("{\"a\"", .truncated), ("{\"a\":", .truncated),
    ("{\"a\":1", .truncated), ("[1,", .truncated), ("tru", .truncated), ("-", .truncated),
    ("1.", .truncated), ("1e", .truncated),
    ("{a:1}", .malformed(at: 1)), ("{\"a\" 1}", .malformed(at: 5)),
    ("{\"a\":1,}", .malformed(at: 7)),
    ("{\"a\":1 \"b\":2}", .malformed(at: 7)), ("[1 2]", .malformed(at: 3)),
    ("[1,]", .malformed(at: 3)), ("[,1]", .malformed(at: 1)), ("tRue", .malformed(at: 1)),
    ("nul1", .malformed(at: 3)), ("01", .malformed(at: 1)), ("+1", .malformed(at: 0)),
    (".5", .malformed(at: 0)), ("1.x", .malformed(at: 2)), ("'a'", .malformed(at: 0)),
    ("\"a\nb\"", .malformed(at: 2)), ("{\"a\":1]", .malformed(at: 6)),
    ("[1}", .malformed(at: 2)), ("{} {}", .malformed(at: 3)), ("NaN", .malformed(at: 0)),
    ("\u{FEFF}{}", .malformed(at: 0)),
  ])
  func wrongBytesAreTypedErrors(_ json: String, _ expected: JSONError) {
    #expect(throws: expected) {
      try reading(json) { (reader) throws(JSONError) in
        _ = try anyValue(&reader)
        try reader.end()
      }
    }
  }

  @Test(arguments: [#""\x""#, #""\u12g4""#, #""\u12""#, #""\ud83d\u12""#])
  func wrongEscapesAreErrors(_ json: String) {
    #expect(throws: JSONError.self) {
      try reading(json) { (reader) throws(JSONError) in _ = try reader.string() }
    }
  }

  @Test(arguments: [("[", "]"), ("{\"a\":", "}")])
  func depthIsLimited(_ open: String, _ close: String) throws {
    for isSkipped in [true, false] {
      func nested(_ depth: Int) throws(JSONError) {
        let json =
          String(repeating: open, count: depth) + "1" + String(repeating: close, count: depth)
        try reading(json) { (reader) throws(JSONError) in
          if isSkipped { try reader.skip() } else { _ = try anyValue(&reader) }
          try reader.end()
        }
      }
      #expect(throws: Never.self) { try nested(JSONScanner.depthLimit) }
      #expect(throws: JSONError.tooDeep) { try nested(JSONScanner.depthLimit + 1) }
    }
  }

  @Test func anUnendingNestingIsNotFollowed() {
    #expect(throws: JSONError.tooDeep) {
      try reading(String(repeating: "[", count: 1_000_000)) { (reader) throws(JSONError) in
        try reader.skip()
      }
    }
  }

  @Test func unreadMembersAreSkippedAndTheLastDuplicateCounts() throws {
    let json = #" { "a" : {"b":[1,{"c":"]}"}]} , "n":1, "\u006e" : 2 , "z":null}  "#
    var keys: [String] = []
    let value = try reading(json) { (reader) throws(JSONError) -> Int? in
      var value: Int?
      let isObject = try reader.object { (key, reader) throws(JSONError) in
        keys.append(try key.text())
        if case "n" = key { value = try reader.int() }
      }
      try reader.end()
      return isObject ? value : nil
    }
    #expect(keys == ["a", "n", "n", "z"])
    #expect(value == 2)
  }

  @Test(arguments: ["null", "1", "\"x\"", "[{}]", "true"])
  func anotherTypeReadsAsNothing(_ json: String) throws {
    let isObject = try reading(json) { (reader) throws(JSONError) in
      let isObject = try reader.object { _, _ in }
      try reader.end()
      return isObject
    }
    #expect(!isObject)
  }

  @Test(arguments: try Recording.names("objects", "pod-") + Recording.names("objects", "node"))
  func readsWhatFoundationReads(_ path: String) throws {
    let bytes = try Recording.bytes(path)
    let ours = try bytes.withUnsafeBytes { buffer in
      var reader = JSONReader(buffer)
      let value = try anyValue(&reader)
      try reader.end()
      return value
    }
    let ourObject = try #require(ours as? NSDictionary)
    #expect(ourObject == (try Recording.json(path)) as NSDictionary)
  }

  @Test func everyBeginningOfADocumentIsTruncated() throws {
    let bytes = try Recording.bytes("objects/podlist-empty.json").reversed().drop { $0 == 0x0A }
    let document = Array(bytes.reversed())
    for count in 0..<document.count {
      #expect(throws: JSONError.truncated) {
        try document[..<count].withUnsafeBytes { buffer in
          var reader = JSONReader(buffer)
          _ = try anyValue(&reader)
        }
      }
    }
  }

  /// Every byte of a recording is replaced, removed or doubled in turn at random; what comes out is a
  /// value or a typed error, and skipping never reads less than reading does.
  @Test func mutatedDocumentsDoNotTrap() async throws {
    let original = try Recording.bytes("objects/pod-pending-unschedulable.json")
    var generator = SeededGenerator(seed: 1)
    var failures = 0
    for _ in 0..<1_000 {
      await Task.yield()
      let document = mutated(original, &generator)
      document.withUnsafeBytes { buffer in
        var reader = JSONReader(buffer)
        do throws(JSONError) {
          _ = try anyValue(&reader)
          var skipper = JSONReader(buffer)
          try skipper.skip()
          #expect(skipper.position == reader.position)
        } catch {
          failures += 1
        }
        _ = try? PodReader(keepsLabels: true).pod(buffer)
      }
    }
    #expect(failures > 100, "the mutations do not hurt")
  }
}

/// A copy with one to four bytes replaced, removed, doubled or a stretch of it moved.
func mutated(_ original: [UInt8], _ generator: inout SeededGenerator) -> [UInt8] {
  var bytes = original
  let alphabet = Array("{}[]\",:\\u0d8-+.eE \n\0tfn".utf8) + [0xFF, 0xC3]
  for _ in 0..<Int.random(in: 1...4, using: &generator) where !bytes.isEmpty {
    let index = Int.random(in: 0..<bytes.count, using: &generator)
    switch Int.random(in: 0..<5, using: &generator) {
    case 0: bytes[index] = UInt8.random(in: 0...255, using: &generator)
    case 1: bytes[index] = alphabet.randomElement(using: &generator) ?? 0
    case 2: bytes.remove(at: index)
    case 3: bytes.insert(alphabet.randomElement(using: &generator) ?? 0, at: index)
    default:
      let end = min(bytes.count, index + Int.random(in: 1...64, using: &generator))
      let stretch = Array(bytes[index..<end])
      bytes.removeSubrange(index..<end)
      bytes.insert(
        contentsOf: stretch, at: Int.random(in: 0...bytes.count, using: &generator))
    }
  }
  return bytes
}
