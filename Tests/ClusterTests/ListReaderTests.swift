import Foundation
import Testing

@testable import Cluster

/// Everything that came out of a list, as values that can be compared.
struct ReadList: Equatable {
  var items: [[UInt8]] = []
  var head: ListHead?
  var error: JSONError?

  /// Reads a list from pieces of the given sizes, the last one repeated.
  init(_ document: [UInt8], pieces sizes: [Int]) {
    var reader = ListReader()
    do throws(JSONError) {
      var position = 0
      var index = 0
      while position < document.count {
        let size = max(1, sizes[min(index, sizes.count - 1)])
        let end = min(document.count, position + size)
        // A piece of its own: reading behind it is found by the address sanitizer.
        let piece = Array(document[position..<end])
        let result: Result<Void, JSONError> = piece.withUnsafeBytes { buffer in
          Result { () throws(JSONError) in
            try reader.feed(buffer) { (json) throws(JSONError) in items.append(Array(json)) }
          }
        }
        try result.get()
        position = end
        index += 1
      }
      head = try reader.finish()
    } catch {
      self.error = error
    }
  }
}

@Suite struct ListReaderTests {
  static let lists = ["podlist-", "nodelist", "deployments-list", "jobs-list", "servicelist"]

  @Test(arguments: try lists.flatMap { try Recording.names("objects", $0) })
  func piecesCutAnywhereGiveTheSame(_ path: String) async throws {
    let document = try Recording.bytes(path)
    let whole = ReadList(document, pieces: [document.count])
    try #require(whole.error == nil)
    let items = try Recording.json(path)["items"] as? [[String: Any]] ?? []
    #expect(whole.items.count == items.count)
    for (ours, theirs) in zip(whole.items, items) {
      let object = try JSONSerialization.jsonObject(with: Data(ours)) as? NSDictionary
      #expect(object == theirs as NSDictionary)
    }
    var generator = SeededGenerator(seed: UInt64(document.count))
    for round in 0..<8 {
      await Task.yield()
      let largest = round < 4 ? 16 : document.count
      let sizes = (0..<4096).map { _ in Int.random(in: 1...largest, using: &generator) }
      #expect(ReadList(document, pieces: sizes) == whole)
    }
    #expect(ReadList(document, pieces: [1]) == whole)
  }

  @Test func theHeadOfAChunk() throws {
    let document = try Recording.bytes("objects/podlist-chunk-1-of-n.json")
    let head = try #require(ReadList(document, pieces: [100]).head)
    #expect(head.kind == "PodList")
    #expect(head.resourceVersion == "24748")
    #expect(head.continueToken?.hasPrefix("eyJ2IjoibWV0YS5rOHMuaW8vdjEi") == true)
  }

  @Test func aStatusInPlaceOfAList() throws {
    let path = "objects/podlist-chunk-resourceversion-with-continue.json"
    let read = ReadList(try Recording.bytes(path), pieces: [7])
    #expect(read.items.isEmpty)
    #expect(read.head?.kind == "Status")
    #expect(read.head?.reason == "BadRequest")
  }

  @Test(arguments: [
    #"{"items":[{"a":1},{"b":2}],"kind":"List","metadata":{"continue":"x"}}"#,
    #" { "items" : [ {"a":1} , {"b":2} ] , "metadata":{"continue":"x"},"kind":"List" } \#n"#,
    #"{"kind":"List","metadata":{"items":[3],"continue":"x"},"items":[{"a":1},{"b":2}]}"#,
    #"{"x":"\"items\":[","y":",\"items\":[","items":[{"a":1},{"b":2}],"kind":"List","metadata":{"continue":"x"}}"#,
  ])
  func itemsAreFoundWhereverTheyStand(_ json: String) {
    for size in [1, 3, 1000] {
      let read = ReadList(Array(json.utf8), pieces: [size])
      #expect(read.items.map { String(decoding: $0, as: UTF8.self) } == [#"{"a":1}"#, #"{"b":2}"#])
      #expect(read.head?.continueToken == "x")
      #expect(read.head?.kind == "List")
    }
  }

  @Test(arguments: [
    #"{"kind":"List","items":[]}"#, #"{"kind":"List","items":null}"#, #"{"kind":"List"}"#,
    #"{"kind":"List","items":{"items":[{}]}}"#, #"{"kind":"List","data":["items",[{}]]}"#,
    #"{"kind":"List","no items":[{"a":1}]}"#,
  ])
  func noItems(_ json: String) {
    let read = ReadList(Array(json.utf8), pieces: [2])
    #expect(read.items.isEmpty)
    #expect(read.head?.kind == "List")
  }

  @Test(arguments: [
    ("", JSONError.truncated), ("  ", .truncated), ("{", .truncated),
    (#"{"items":["#, .truncated), (#"{"items":[{"#, .truncated), (#"{"items":[{}"#, .truncated),
    (#"{"items":[{},"#, .truncated), (#"{"items":[{}]"#, .truncated),
    ("tcpdump: listening", .malformed(at: 0)), ("[]", .malformed(at: 0)),
    (#"{"items":[1]}"#, .malformed(at: 10)), (#"{"items":[{}{}]}"#, .malformed(at: 12)),
    (#"{"items":[{},]}"#, .malformed(at: 13)), (#"{"items":[,{}]}"#, .malformed(at: 10)),
    (#"{"items":[{]}"#, .malformed(at: 11)), (#"{"items":[{"a":"\#u{1}"}]}"#, .malformed(at: 16)),
    (#"{"kind":"List"}{}"#, .malformed(at: 15)), (#"{"kind":"List"]"#, .malformed(at: 14)),
    (#"{"items":[[]]}"#, .malformed(at: 10)),
  ])
  func brokenListsAreTypedErrors(_ json: String, _ expected: JSONError) {
    for size in [1, 5, 1000] {
      #expect(ReadList(Array(json.utf8), pieces: [size]).error == expected)
    }
  }

  @Test func everyBeginningIsTruncated() {
    let json = Array(#"{"kind":"PodList","items":[{"a":"\\\""},{"b":[1]}],"metadata":{}}"#.utf8)
    for count in 0..<json.count {
      #expect(ReadList(Array(json[..<count]), pieces: [4]).error == .truncated)
    }
  }

  @Test func anItemThatIsTooLargeIsRefused() {
    let huge = Array(#"{"items":[{"a":""#.utf8) + [UInt8](repeating: 0x61, count: 5 << 20)
    let read = ReadList(huge, pieces: [1 << 20])
    #expect(read.error == .tooLarge(limit: ListReader.itemLimit))
  }

  @Test func anEnvelopeThatIsTooLargeIsRefused() {
    let huge = Array(#"{"a":""#.utf8) + [UInt8](repeating: 0x61, count: 1 << 20)
    #expect(ReadList(huge, pieces: [4096]).error == .tooLarge(limit: ListReader.envelopeLimit))
  }

  @Test func whatAnItemThrowsComesOut() {
    #expect(throws: JSONError.tooDeep) {
      try Array(#"{"items":[{}]}"#.utf8).withUnsafeBytes { bytes in
        var reader = ListReader()
        try reader.feed(bytes) { (_) throws(JSONError) in throw .tooDeep }
      }
    }
  }

  /// However a broken list is cut, it breaks in the same place and after the same items.
  @Test func mutatedListsReadTheSameInPieces() async throws {
    let json =
      #"{"kind":"PodList","metadata":{"continue":"c"},"items":[{"metadata":{"name":"a\"b","x":[{"y":"}]"}]}},{"metadata":{"name":"c"},"spec":{"u":"\ud83d\ude00"}}]}"#
    var generator = SeededGenerator(seed: 7)
    var failures = 0
    for _ in 0..<3_000 {
      await Task.yield()
      let document = mutated(Array(json.utf8), &generator)
      let whole = ReadList(document, pieces: [document.count])
      if whole.error != nil { failures += 1 }
      let sizes = (0..<64).map { _ in Int.random(in: 1...24, using: &generator) }
      #expect(
        ReadList(document, pieces: sizes) == whole, "\(String(decoding: document, as: UTF8.self))")
    }
    #expect(failures > 500 && failures < 3_000)
  }
}
