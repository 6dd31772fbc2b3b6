import Base
import Packets
import Testing

@Suite struct HeaderCheckTests {
  enum Result: Equatable {
    case header(PcapHeader, rest: [UInt8])
    case undecided(Failure?)
    case refused(Failure)
  }

  static func check(_ pieces: [[UInt8]]) -> Result {
    var check = HeaderCheck()
    for (index, piece) in pieces.enumerated() {
      do throws(Failure) {
        let verdict = try check.take(piece.span.bytes)
        guard case .header(let header, let start) = verdict else { continue }
        return .header(
          header, rest: Array(piece[start...]) + Array(pieces[(index + 1)...].joined()))
      } catch {
        return .refused(error)
      }
    }
    return .undecided(check.reason)
  }

  static let prefixes = [
    "none": "", "greeting": "Welcome to Ubuntu\n", "terminal": "Last login: Mon\r\n\r\n",
    "title": "\u{1B}]0;root@web\u{07}", "kubectl": "Defaulted container \"web\" out of: web\n",
    "beginnings of magics": "M4 4M M<\n", "long": String(repeating: "greeting\n", count: 7000),
  ]

  @Test(arguments: prefixes.keys.sorted()) func headersAreFoundAfterText(_ name: String) throws {
    let prefix = try #require(Self.prefixes[name])
    var random = SeededGenerator(2)
    for builder in PcapHeaderTests.variants {
      let packets = (0..<5).flatMap { builder.record(frame($0)) }
      let stream = Array(prefix.utf8) + builder.header + packets
      let expected = Result.header(try PcapHeader(builder.header), rest: packets)
      #expect(Self.check([stream]) == expected)
      let longest = prefix.utf8.count > 1000 ? 3000 : 30
      for _ in 0..<(longest > 30 ? 2 : 10) {
        #expect(Self.check(stream.cut(&random, longest: longest)) == expected)
      }
    }
  }

  @Test func oneByteAtATime() throws {
    let stream = Array("motd\n".utf8) + PcapBuilder().header + [1, 2, 3]
    #expect(
      Self.check(stream.map { [$0] })
        == .header(try PcapHeader(PcapBuilder().header), rest: [1, 2, 3]))
  }

  @Test func textThatEndsIsQuoted() {
    let text = "\r\n\u{1B}[31msh: tcpdump: not found\u{1B}[0m\r\nsecond line\r\n"
    guard case .undecided(let reason?) = Self.check([Array(text.utf8)]) else {
      Issue.record("no reason")
      return
    }
    #expect(reason.kind == .other)
    #expect(reason.what == "What the far end sent is not a packet capture.")
    #expect(reason.why?.contains("sh: tcpdump: not found") == true)
    #expect(reason.why?.contains("second line") == true)
    #expect(reason.why?.contains("\u{1B}") == false)
    #expect(reason.why?.contains("\n") == false)
    #expect(reason.detail?.contains("\u{1B}") == false)
    #expect(reason.detail?.contains("\nsecond line") == true)
  }

  @Test func nothingAtAllIsNoReason() { #expect(Self.check([]) == .undecided(nil)) }

  @Test func endlessTextIsRefused() {
    var random = SeededGenerator(4)
    let text = Array(String(repeating: "all work and no play\n", count: 5000).utf8)
    guard case .refused(let whole) = Self.check([text]),
      case .refused(let cut) = Self.check(text.cut(&random, longest: 5000))
    else {
      Issue.record("not refused")
      return
    }
    #expect(whole.why?.hasPrefix("It says: all work and no play all work") == true)
    #expect((whole.why ?? "").count <= 220)
    #expect((whole.detail ?? "").count <= 4100)
    #expect(cut == whole)
  }

  @Test func aHeaderBeyondTheBoundIsNotLookedFor() {
    let text = [UInt8](repeating: 0x61, count: HeaderCheck.bound + 1)
    guard case .refused = Self.check([text + PcapBuilder().header]) else {
      Issue.record("not refused")
      return
    }
    guard case .header = Self.check([text.dropLast() + PcapBuilder().header]) else {
      Issue.record("not found at the bound")
      return
    }
  }

  @Test(arguments: [
    ([0x7F, 0x45, 0x4C, 0x46, 2, 1, 1, 0] as [UInt8], "neither packets nor text"),
    ([0x0A, 0x0D, 0x0D, 0x0A, 0x1C, 0, 0, 0], "It is pcapng"),
    (PcapBuilder(minorVersion: 9).header, "2.9"),
    (PcapBuilder(linkType: 0x0010_0001).header, ""),
  ]) func binaryIsRefusedAtOnce(_ bytes: [UInt8], _ words: String) {
    guard case .refused(let failure) = Self.check([bytes]) else {
      Issue.record("not refused")
      return
    }
    #expect(failure.what == "What the far end sent is not a packet capture.")
    #expect(words.isEmpty || failure.why?.contains(words) == true, "\(failure.why ?? "")")
  }

  @Test func aCutHeaderIsToldAsSuch() {
    let bytes = Array(PcapBuilder().header.prefix(10))
    guard case .undecided(let reason?) = Self.check([bytes]) else {
      Issue.record("no reason")
      return
    }
    #expect(reason.why == "It ended within the header of the capture.")
  }

  @Test func fuzz() {
    var random = SeededGenerator(5)
    let magic = PcapBuilder().header
    let end = ContinuousClock.now + .seconds(1)
    while ContinuousClock.now < end {
      var bytes: [UInt8] = []
      for _ in 0..<Int.random(in: 0...20, using: &random) {
        if Int.random(in: 0..<4, using: &random) == 0 {
          bytes += magic.prefix(Int.random(in: 1...24, using: &random))
        } else {
          bytes.append(UInt8.random(in: 1...255, using: &random))
        }
      }
      // How the bytes are cut never changes what they are.
      #expect(Self.check(bytes.cut(&random, longest: 6)) == Self.check([bytes]))
    }
  }
}
