import Foundation
import TestSupport
import Testing

@testable import Broker

/// A node's answer is data from somebody else's machine: whatever it says, nothing but checked names and
/// numbers comes of it.
@Suite struct HostileNodeTests {
  private static let recordings = [
    "absent", "bash-iproute2", "bridge", "busybox", "by-address", "decoy", "hidepid",
    "host-network", "namespace-number", "no-ip", "node", "unprivileged",
  ]

  private static func facts(_ lines: String...) throws -> NodeFacts {
    let answer = ([NodeScript.greeting] + lines + ["end=", ""]).joined(separator: "\n")
    return try #require(NodeFacts(answer: answer))
  }

  /// Everything of it that could become a word of a command line.
  private static func expectOnlyNames(_ facts: NodeFacts) {
    let names =
      facts.podLinks.map(\.name) + facts.nodeLinks.map(\.name) + facts.routes
      + facts.addresses.map(\.interface) + facts.bridgePorts.values
    #expect(names.allSatisfy(isInterfaceName), "\(names)")
    #expect(facts.nsenter.map { [["nsenter"], ["busybox", "nsenter"]].contains($0) } ?? true)
    #expect(facts.pid.map { $0 > 1 } ?? true)
    #expect(facts.hash.map { $0.utf8.count == 11 } ?? true)
    for path in [facts.tools.tcpdump, facts.tools.bash].compactMap(\.self) {
      #expect(path.hasPrefix("/") && path.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F })
    }
  }

  @Test(arguments: [
    "-w /etc/passwd", "-w", "-wx", "a/b", "../../x", "\u{1b}[2J", "eth0\u{7}", "é", ".", "..",
    "sixteencharacter", "a\u{0}b", "",
  ])
  func whatIsNoNameIsNotBelieved(_ name: String) throws {
    let facts = try Self.facts(
      "hostlink=3: \(name)@if2: <UP> link/ether ee:ee:ee:ee:ee:ee", "podlink=2: \(name): <UP>",
      "route=198.51.100.66 dev \(name) src 198.51.100.11", "address=\(name) 198.51.100.11/24",
      "fdb=aa:bb:cc:dd:ee:ff dev \(name) master cni0", "if=\(name)")
    Self.expectOnlyNames(facts)
    let blank = name.contains(" ") ? "-w" : name
    #expect(!facts.nodeLinks.contains { $0.name == blank } && facts.podLinks.isEmpty)
    #expect(!facts.routes.contains(blank) && !facts.bridgePorts.values.contains(blank))
    #expect(facts.addresses.isEmpty)
  }

  @Test func blanksEndAName() throws {
    // `ip` ends a name with a colon; one with a blank before it is none.
    #expect(try Self.facts("hostlink=3: -w /etc/passwd: <UP>").nodeLinks.isEmpty)
    #expect(try Self.facts("hostlink=3: eth0 -w: <UP>").nodeLinks.isEmpty)
  }

  @Test(arguments: [
    "0: a:", "-1: a:", "x: a:", "9223372036854775808: a:", "3:", "3", "", ":", "3: :", "3: @if2:",
    "3 a: <UP>", "3: a",
  ])
  func whatIsNoLinkIsSkipped(_ line: String) {
    #expect(Link.list([Substring(line)]).isEmpty)
  }

  @Test(
    arguments: [
      ("3: a@if0: <UP>", nil), ("3: a@if-2: <UP>", nil), ("3: a@if9223372036854775808: <UP>", nil),
      ("3: a@NONE: <UP>", nil), ("3: a@: <UP>", nil), ("3: a@b@if2: <UP>", nil),
      ("3: a@if2: <UP>", 2), ("3: a@a: <UP>", 3), ("3: a@if2147483647: <UP>", 2_147_483_647),
    ] as [(String, Int?)])
  func peers(_ line: String, _ peer: Int?) {
    let links = Link.list([Substring(line)])
    #expect(links.count == 1 && links.first?.peer == peer)
  }

  @Test func twoLinksWithTheSameNumberAreBothKept() throws {
    let facts = try Self.facts("hostlink=3: a@if2: <UP>", "hostlink=3: b@if2: <UP>")
    #expect(facts.nodeLinks.map(\.name) == ["a", "b"])
  }

  @Test func numbersOutOfRangeAreSkipped() throws {
    for pid in ["0", "1", "-5", "2147483648", "99999999999999999999", "x", "", "1 2"] {
      #expect(try Self.facts("pid=\(pid)").pid == nil, "\(pid)")
    }
    #expect(try Self.facts("pid=2147483647").pid == 2_147_483_647)
    for number in ["unassigned", "x", "", "99999999999999999999"] {
      #expect(try Self.facts("nsid=\(number)").namespaceNumber == nil)
    }
    for uid in ["-1", "4294967296", "root", ""] {
      let facts = try Self.facts("uid=\(uid)")
      #expect(facts.tools.uid == nil && !facts.isRoot)
    }
  }

  @Test(arguments: [
    "198.51.100.1 50022 198.51.100.11", "198.51.100.1 65536 198.51.100.11 22",
    "198.51.100.1 -1 198.51.100.11 22", "198.51.100.256 1 198.51.100.11 22",
    "198.51.100.1 1 198.51.100.11 22 or ip", "n1 1 n2 22", "", "a) or (ip 1 2 3",
  ])
  func whatIsNoConnectionIsNone(_ text: String) throws {
    #expect(try Self.facts("ssh=\(text)").connection == nil)
  }

  @Test func aConnectionByIPv6() throws {
    let connection = try Self.facts("ssh=2001:DB8::1 1 2001:db8:0::2 65535").connection
    #expect(connection?.client.text == "2001:db8::1" && connection?.server.text == "2001:db8::2")
    #expect(connection?.serverPort == 65535)
  }

  @Test func aLinkLocalConnectionHasAZoneThatNoPacketHas() throws {
    let connection = try Self.facts("ssh=fe80::1%eth0 1 fe80::2%eth0 22").connection
    #expect(connection?.client.text == "fe80::1" && connection?.server.text == "fe80::2")
  }

  @Test(arguments: [
    "nsenter=rm -rf", "nsenter=", "nsenter=/tmp/nsenter", "nsenter=busybox", "nsenter=nsenter ",
  ])
  func whatIsNoNsenterIsNone(_ line: String) throws {
    #expect(try Self.facts(line).nsenter == nil)
  }

  @Test(arguments: ["551b05c3e5", "551b05c3e541", "551b05c3e5g", "", "../../../..", "551b05c3e5é"])
  func whatIsNoHashIsNone(_ text: String) throws {
    #expect(try Self.facts("sha1=\(text)").hash == nil)
  }

  @Test func onlyWholeWordsMeanYes() throws {
    let facts = try Self.facts(
      "sudo=yes", "opens=true", "hidden=1", "right=y", "node=[1]", "pod=[1]", "by=magic",
      "unknown=1", "=", "====", "nonsense", "netns=\u{1b}[2J")
    #expect(!facts.mayOnlyRunTcpdump && !facts.tcpdumpOpens && !facts.hidesProcesses)
    #expect(!facts.isConfirmed && !facts.sharesNetwork && facts.way == nil)
    #expect(facts.podNamespace == nil && facts.nodeNamespace == nil)
  }

  @Test func nothingKnownOfTwoNetworksDoesNotMakeThemOne() throws {
    #expect(!(try Self.facts("node=", "pod=").sharesNetwork))
  }

  // MARK: - Cut, huge, random

  @Test(arguments: recordings)
  func anAnswerCutAnywhereIsNone(_ name: String) throws {
    let text = try NodeFactsTests.text(name)
    #expect(text.hasSuffix("\nend=\n"))
    var random = SeededGenerator(20_261)
    for _ in 0..<200 {
      let count = Int.random(in: 0..<(text.utf8.count - 2), using: &random)
      #expect(NodeFacts(answer: String(decoding: text.utf8.prefix(count), as: UTF8.self)) == nil)
    }
    #expect(NodeFacts(answer: String(text.dropLast(6))) == nil)
    // The last line's end may be missing: what counts is the line.
    #expect(NodeFacts(answer: String(text.dropLast())) == NodeFacts(answer: text))
  }

  @Test func aMebibyteOfJunk() throws {
    var random = SeededGenerator(20_262)
    let junk = (0..<(1 << 20)).map { _ in UInt8.random(in: 0...255, using: &random) }
    let text = String(decoding: junk, as: UTF8.self)
    #expect(NodeFacts(answer: text) == nil)
    #expect(NodeFacts(answer: String(repeating: "x", count: 1 << 20)) == nil)
    #expect(NodeFacts(answer: String(repeating: "\n", count: 1 << 20)) == nil)
    #expect(NodeFacts(answer: String(repeating: "=", count: 1 << 20)) == nil)
    Self.expectOnlyNames(try Self.facts(text))
  }

  /// As many peers by name as fit into an answer: reading them must not take minutes.
  @Test func aMebibyteOfLinks() throws {
    let lines = (0..<40_000).map { "hostlink=\($0 + 1): a\($0)@a\(39_999 - $0):" }
    let begin = ContinuousClock.now
    let facts = try Self.facts(lines.joined(separator: "\n"))
    #expect(ContinuousClock.now - begin < .seconds(10))
    Self.expectOnlyNames(facts)
    #expect(facts.nodeLinks.count == 40_000 && facts.nodeLinks.first?.peer == 40_000)
  }

  @Test func survivesAnything() throws {
    var random = SeededGenerator(20_263)
    let texts = try Self.recordings.map { Array(try NodeFactsTests.text($0).utf8) }
    var read = 0
    for _ in 0..<1500 {
      guard var bytes = texts.randomElement(using: &random) else { return }
      for _ in 0..<Int.random(in: 1...40, using: &random) {
        let place = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes.insert(UInt8.random(in: 0...255, using: &random), at: place)
        case 2: bytes.remove(at: place)
        default:
          bytes.insert(
            contentsOf: Array(" -w /etc:=@if0\n\u{1b}".utf8).shuffled(using: &random), at: place)
        }
      }
      guard let facts = NodeFacts(answer: String(decoding: bytes, as: UTF8.self)) else { continue }
      read += 1
      Self.expectOnlyNames(facts)
    }
    #expect(read > 100)
  }
}
