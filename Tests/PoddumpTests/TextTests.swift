import Base
import Foundation
import TestSupport
import Testing

@testable import poddump

@Suite struct QuantitiesTests {
  @Test(
    arguments: [
      ("30", 30_000), ("30s", 30_000), ("5m", 300_000), ("24h", 86_400_000), ("1d", 86_400_000),
      ("500ms", 500), ("0", 0), ("0s", 0),
      ("", nil), ("s", nil), ("-1s", nil), ("1.5s", nil), ("1 s", nil), ("1S", nil), ("1w", nil),
      ("1h30m", nil), ("9223372036854775807h", nil), ("99999999999999999999", nil), ("ten", nil),
    ] as [(String, Int?)])
  func durations(_ text: String, _ milliseconds: Int?) {
    #expect(Quantities.milliseconds(text) == milliseconds)
  }

  @Test(
    arguments: [
      ("0", 0), ("1000", 1000), ("10kB", 10_000), ("10KB", 10_000), ("100MB", 100_000_000),
      ("1GiB", 1 << 30), ("4KiB", 4096), ("2MiB", 2 << 20), ("3g", 3_000_000_000), ("5k", 5000),
      ("7b", 7), ("1m", 1_000_000),
      ("", nil), ("MB", nil), ("-1", nil), ("1.5MB", nil), ("1 MB", nil), ("1TB", nil),
      ("9223372036854775807kB", nil),
    ] as [(String, Int?)])
  func sizes(_ text: String, _ bytes: Int?) {
    #expect(Quantities.bytes(text) == bytes)
  }

  @Test(arguments: [
    (0, "0 B"), (1, "1 B"), (999, "999 B"), (1000, "1.0 kB"), (1200, "1.2 kB"), (9999, "10.0 kB"),
    (999_949, "999.9 kB"), (999_950, "1.0 MB"), (12_345_678, "12.3 MB"), (1_000_000_000, "1.0 GB"),
    (5_000_000_000_000, "5.0 TB"), (2_000_000_000_000_000, "2000.0 TB"),
  ])
  func sizesForPeople(_ bytes: Int, _ text: String) {
    #expect(Quantities.describe(bytes: bytes) == text)
  }
}

@Suite struct AgeTests {
  /// kubectl's own rules (k8s.io/apimachinery/pkg/util/duration, HumanDuration).
  @Test(arguments: [
    (-60, "<invalid>"), (-2, "<invalid>"), (-1, "0s"), (0, "0s"), (1, "1s"), (119, "119s"),
    (120, "2m"), (121, "2m1s"), (180, "3m"), (599, "9m59s"), (600, "10m"), (659, "10m"),
    (10_799, "179m"), (10_800, "3h"), (10_859, "3h"), (10_860, "3h1m"), (28_799, "7h59m"),
    (28_800, "8h"), (32_400, "9h"), (172_799, "47h"), (172_800, "2d"), (176_400, "2d1h"),
    (691_199, "7d23h"), (691_200, "8d"), (63_071_999, "729d"), (63_072_000, "2y"),
    (63_158_400, "2y1d"), (252_287_999, "7y364d"), (252_288_000, "8y"), (3_000_000_000, "95y"),
  ])
  func agesAsKubectlPrintsThem(_ seconds: Int, _ text: String) {
    #expect(Age.text(since: 1_700_000_000, now: 1_700_000_000 + seconds) == text)
  }

  @Test func noAge() { #expect(Age.text(since: nil, now: 0) == "<unknown>") }
}

@Suite struct TextTableTests {
  @Test func padsAllColumnsButTheLast() {
    var table = TextTable(["NAME", "AGE", "NODE"])
    table.add(["a", "12345", "n"])
    table.add(["long-name", "", ""])
    #expect(
      table.text
        == """
        NAME        AGE     NODE
        a           12345   n
        long-name           \n
        """.replacing("\\n", with: ""))
  }

  @Test func aCellIsOneLine() {
    var table = TextTable(["NAME", "STATUS"])
    table.add(["a", "Bad\nFAKE   Running"])
    #expect(table.text.split(separator: "\n").count == 2)
  }

  @Test func widthsAreCountedInCharacters() {
    var table = TextTable(["N", "X"])
    table.add(["日本é", "1"])
    #expect(table.text == "N     X\n日本é   1\n")
  }
}

@Suite struct JSONTextTests {
  private static func parsed(_ value: JSONText) throws -> Any {
    try JSONSerialization.jsonObject(
      with: Data(value.text().utf8), options: [.fragmentsAllowed])
  }

  @Test func everyCharacterComesBack() throws {
    let all = (0...0x2FF).compactMap { UnicodeScalar($0) }.map(String.init).joined()
    for text in [
      "", "plain", "\"quoted\"", "back\\slash", "line\nline\r\ttab", "\u{1b}[2J", "\0", "\u{7f}",
      "\u{2028}\u{2029}", "ü€😀", "</script>", all,
    ] {
      #expect(try Self.parsed(.string(text)) as? String == text)
      let object = try Self.parsed(.object([(text, .string(text))])) as? [String: String]
      #expect(object == [text: text])
    }
  }

  @Test func randomTextsComeBack() throws {
    var random = SeededGenerator(7)
    for _ in 0..<500 {
      let scalars = (0..<Int.random(in: 0...40, using: &random)).compactMap { _ in
        UnicodeScalar(UInt32.random(in: 0...0x10FFFF, using: &random))
      }
      let text = scalars.map(String.init).joined()
      #expect(try Self.parsed(.string(text)) as? String == text)
    }
  }

  @Test func valuesOfEveryKind() throws {
    let value = JSONText.object([
      ("n", .number(-42)), ("t", .bool(true)), ("f", .bool(false)), ("z", .null),
      ("a", .array([.number(1), .array([]), .object([])])), ("s", .strings(["x", "y"])),
      ("o", .optional(nil)), ("p", .optional("p")), ("big", .number(Int.max)),
    ])
    let object = try #require(try Self.parsed(value) as? [String: Any])
    #expect(object["n"] as? Int == -42)
    #expect(object["t"] as? Bool == true && object["f"] as? Bool == false)
    #expect(object["z"] is NSNull && object["o"] is NSNull)
    #expect((object["a"] as? [Any])?.count == 3)
    #expect(object["s"] as? [String] == ["x", "y"])
    #expect(object["p"] as? String == "p")
    #expect(object["big"] as? Int == Int.max)
  }

  @Test func isIndentedByTwo() {
    let value = JSONText.object([("a", .array([.number(1), .null])), ("b", .object([]))])
    #expect(value.text() == "{\n  \"a\": [\n    1,\n    null\n  ],\n  \"b\": {}\n}")
  }
}

@Suite struct EditDistanceTests {
  @Test(arguments: [
    ("", "", 0), ("a", "", 1), ("", "abc", 3), ("kitten", "sitting", 3), ("limit", "limit", 0),
    ("limti", "limit", 2), ("favorites", "favourites", 1), ("ü", "u", 1),
  ])
  func isLevenshteins(_ left: String, _ right: String, _ distance: Int) {
    #expect(editDistance(left, right) == distance)
    #expect(editDistance(right, left) == distance)
  }
}
