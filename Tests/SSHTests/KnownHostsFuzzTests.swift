import Base
import Foundation
import TestSupport
import Testing

@testable import SSH

@Suite struct KnownHostsFuzzTests {
  /// Whatever stands around a good row, that row counts, and nothing traps.
  @Test func rowsSurviveMutatedNeighbours() {
    var random = SeededGenerator(0xF11E)
    let rows = KnownHostsTests.cases.map(\.text).filter { $0.utf8.count < 2000 }
    for _ in 0..<1500 {
      var bytes = Array((rows.randomElement(using: &random) ?? "").utf8)
      for _ in 0..<Int.random(in: 0...8, using: &random) where !bytes.isEmpty {
        let place = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<3, using: &random) {
        case 0: bytes[place] = .random(in: 0...255, using: &random)
        case 1: bytes.remove(at: place)
        default:
          bytes.insert("|!@*?,[]: \t\r\n=".utf8.randomElement(using: &random) ?? 0, at: place)
        }
      }
      let noise = String(decoding: bytes, as: UTF8.self)
      let known = KnownHosts(text: noise + "\nfuzz-host \(TestKey.ecdsa.row)\r\n" + noise)
      #expect(known.rows.contains { $0.key == TestKey.ecdsa.blob })
      let verdict = known.verdict(
        host: "fuzz-host", port: 22, type: "ecdsa-sha2-nistp256", key: TestKey.ecdsa.blob)
      #expect(verdict == .known, "\(noise)")
    }
  }

  @Test func patternsAgreeWithASlowMatcher() {
    func slow(_ pattern: Substring, _ text: Substring) -> Bool {
      guard let first = pattern.first else { return text.isEmpty }
      if first == "*" {
        return slow(pattern.dropFirst(), text) || !text.isEmpty && slow(pattern, text.dropFirst())
      }
      return !text.isEmpty && (first == "?" || first == text.first)
        && slow(pattern.dropFirst(), text.dropFirst())
    }
    var random = SeededGenerator(0x9A77)
    for _ in 0..<3000 {
      func word(_ letters: String, _ longest: Int) -> String {
        String(
          (0..<Int.random(in: 1...longest, using: &random)).map { _ in
            letters.randomElement(using: &random) ?? "a"
          })
      }
      let pattern = word("ab*?", 8)
      let name = word("ab", 8)
      let known = KnownHosts(text: "\(pattern) \(TestKey.ours.row)\n")
      let verdict = known.verdict(host: name, port: 22, type: "", key: TestKey.ours.blob)
      #expect((verdict == .known) == slow(pattern[...], name[...]), "\(pattern) \(name)")
    }
  }
}

@Suite struct Base64Tests {
  @Test func goesThereAndBack() {
    var random = SeededGenerator(0xB64)
    for length in 0..<200 {
      let bytes = (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
      let text = Data(bytes).base64EncodedString()
      #expect(Base64.encode(bytes) == text)
      #expect(Base64.decode(text.utf8) == bytes)
    }
  }

  @Test(arguments: [
    "A", "AA", "AAA", "A===", "====", "AA=A", "A A=", "AAAA\n", "AAA-", "=AAA", "AA==AAAA",
  ])
  func refusesWhatIsNone(_ text: String) {
    #expect(Base64.decode(text.utf8) == nil)
  }
}
