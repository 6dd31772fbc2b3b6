import Base
import Foundation
@testable import Packets
import Testing

@Suite struct NameTableTests {
  static func table(_ count: Int, prefix: String = "pod") -> NameTable {
    NameTable(
      (0..<count).compactMap {
        AddressName("10.\($0 >> 16 & 255).\($0 >> 8 & 255).\($0 & 255)", "\(prefix)-\($0).shop")
      })
  }

  @Test func blocksHoldTheNames() throws {
    let table = NameTable(
      [
        AddressName("198.51.100.7", "web.shop"), AddressName("2001:db8::7", "web.shop"),
        AddressName("198.51.100.8", "abc"), AddressName("198.51.100.7", "other.shop"),
        AddressName("198.51.100.300", "none"), AddressName("None", "headless"),
        AddressName("", "empty"), AddressName("0.0.0.0", "any"), AddressName("::", "any"),
        AddressName("198.51.100.9", ""), AddressName("198.51.100.9\0", "nul"),
      ].compactMap(\.self))
    #expect(table.count == 3)
    let blocks = try BlockReader.blocks(table.blocks)
    #expect(blocks.map(\.type) == [4])
    #expect(
      blocks[0].names == [
        .init(address: "c6336407", name: "web.shop"),
        .init(address: "20010db8000000000000000000000007", name: "web.shop"),
        .init(address: "c6336408", name: "abc"),
      ])
    #expect(try BlockReader.blocks(table.near) == blocks)
    #expect(NameTable().blocks.isEmpty)
    #expect(NameTable().near.isEmpty)
  }

  @Test func tenThousandNamesAreSeveralBlocks() throws {
    let table = Self.table(10_000)
    let blocks = try BlockReader.blocks(table.blocks)
    #expect(blocks.count > 1)
    #expect(blocks.flatMap(\.names).count == 10_000)
    #expect(Set(blocks.flatMap(\.names)).count == 10_000)
    #expect(table.blocks.count < 2_000_000)
    #expect(table.near.count <= 1024)
    let near = try BlockReader.blocks(table.near)
    #expect(near.count == 1)
    #expect(near[0].names.count > 20)
    #expect(Array(blocks[0].names.prefix(near[0].names.count)) == near[0].names)
  }

  @Test(arguments: [
    "a\u{1B}[2J", "a\0b", "tab\there", "line\nend", "\u{202E}gpj", "größe.shop", "\"quoted\"",
    "$(x)", "a b", String(repeating: "x", count: 100_000), String(repeating: "é", count: 500),
  ])
  func hostileNamesAreMadeSafe(_ name: String) throws {
    let safe = try #require(AddressName("198.51.100.7", name))
    let blocks = try BlockReader.blocks(NameTable([safe]).blocks)
    let read = try #require(blocks.first?.names.first?.name)
    #expect((1...255).contains(read.utf8.count))
    #expect(read.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) })
  }

  @Test func onlyNewsAreNews() throws {
    let old = Self.table(100)
    #expect(old.blocks(since: NameTable()) == old.blocks)
    #expect(old.blocks(since: old).isEmpty)
    let renamed = NameTable(
      [AddressName("10.0.0.5", "new.shop"), AddressName("198.51.100.1", "more.shop")]
        .compactMap(\.self) + old.names)
    let news = try BlockReader.blocks(renamed.blocks(since: old)).flatMap(\.names)
    #expect(news.map(\.name) == ["new.shop", "more.shop"])
  }

  @Test func hostNamesByRandomTextsAreNoAddresses() {
    var random = SeededGenerator(31)
    for _ in 0..<2000 {
      let text = String(
        decoding: (0..<Int.random(in: 0...40, using: &random)).map { _ in
          UInt8.random(in: 0...255, using: &random)
        }, as: UTF8.self)
      if let name = AddressName(text, text) {
        #expect(text.contains(where: { $0 == "." || $0 == ":" }))
        #expect(name.name.utf8.count <= 255)
      }
    }
  }
}
