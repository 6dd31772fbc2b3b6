import Base
import Packets
import Testing

@Suite struct CaptureFilterTests {
  static func failure(_ text: String, _ linkType: LinkType = .ethernet) -> Failure? {
    do throws(Failure) {
      try CaptureFilter.check(text, linkType: linkType)
      return nil
    } catch {
      return error
    }
  }

  @Test(arguments: [
    "", "   ", "tcp port 80", "host 198.51.100.7", "net 198.51.100.0/24 and not port 22",
    "ip6 host 2001:db8::1", "portrange 90-80", "tcp[13] & 2 != 0", "inbound", "len > 1500",
    "ip broadcast", "ether proto 0x99999", "ip proto \\tcp", "tcp\tport 80", "vlan 5",
    "tcp[tcpflags] & (tcp-syn|tcp-fin) != 0", "link[0]=1", "arp or icmp6",
  ]) func validFilters(_ text: String) {
    #expect(Self.failure(text) == nil)
  }

  // What tcpdump 4.99.3 said about each of them, without its prefix.
  @Test(arguments: [
    ("tcp port", "can't parse filter expression: syntax error"),
    ("bad(", "can't parse filter expression: syntax error"),
    ("; touch x", "can't parse filter expression: syntax error"),
    ("tcp; rm -rf /", "can't parse filter expression: syntax error"),
    ("$(id)", "can't parse filter expression: syntax error"),
    ("port 99999", "illegal port number 99999 > 65535"),
    ("host 999.1.1.1", "invalid IPv4 address '999.1.1.1'"),
    ("net 10.0.0.1/8", "non-network bits set in \"10.0.0.1/8\""),
    ("ether host 1:2", "illegal link layer address"),
    ("ip6 host 1.2.3.4", "'ip6' modifier applied to ip host"),
    ("vlan 99999", "VLAN tag 99999 greater than maximum 4095"),
    ("wlan type mgt", "802.11 link-layer types supported only on 802.11"),
    ("gateway 1.2.3.4", "'gateway' requires a name"),
    ("1 = 2", "expression rejects all packets"),
  ]) func libpcapSaysWhy(_ text: String, _ words: String) {
    let failure = Self.failure(text)
    #expect(failure?.kind == .filter)
    #expect(failure?.why == "libpcap says: \(words).")
  }

  @Test func theLinkTypeDecides() {
    #expect(Self.failure("vlan 5", .ethernet) == nil)
    #expect(
      Self.failure("vlan 5", .linuxCooked2)?.why
        == "libpcap says: no VLAN support for Linux cooked v2.")
    #expect(Self.failure("ether host 00:11:22:33:44:55", .linuxCooked2)?.kind == .filter)
    #expect(Self.failure("ifindex 3", .linuxCooked2) == nil)
  }

  @Test(arguments: [
    ("host “198.51.100.1”", "“", "U+201C", "\""), ("tcp ”", "”", "U+201D", "\""),
    ("‘tcp’", "‘", "U+2018", "'"), ("tcp’", "’", "U+2019", "'"),
    ("portrange 80–90", "–", "U+2013", "-"), ("portrange 80—90", "—", "U+2014", "-"),
    ("len ≥ 5", "≥", "U+2265", ">="),
  ]) func typographyIsNamed(_ text: String, _ shown: String, _ code: String, _ plain: String) {
    let failure = Self.failure(text)
    #expect(failure?.kind == .filter)
    #expect(failure?.why == "It contains \(shown) (\(code)), which libpcap does not know.")
    #expect(failure?.fix == "Type \(plain) instead.")
  }

  @Test func hiddenSpacesAreNamed() {
    #expect(Self.failure("tcp\u{A0}port 80")?.fix == "Type a space instead.")
    #expect(Self.failure("tcp\u{200B}")?.fix == "Leave it out.")
  }

  @Test(arguments: ["tcp\nudp", "tcp\0udp", "tcp\r", "\u{1B}[2J", "tcp\u{7F}"])
  func controlCharactersAreRefused(_ text: String) {
    let failure = Self.failure(text)
    #expect(failure?.kind == .filter)
    #expect(failure?.why?.hasPrefix("It contains a control character (U+00") == true)
  }

  @Test func lengthIsBounded() {
    #expect(
      Self.failure(String(repeating: "(", count: 10_240))?.why?.contains("10240 bytes") == true)
    let fits = "tcp" + String(repeating: " or tcp", count: (CaptureFilter.maximumLength - 3) / 7)
    #expect(fits.utf8.count <= CaptureFilter.maximumLength)
    #expect(Self.failure(fits) == nil)
  }

  static func joined(_ word: String, _ make: (Int) -> String) -> String {
    var text = make(0)
    for number in 1... {
      let next = word + make(number)
      guard text.utf8.count + next.utf8.count <= CaptureFilter.maximumLength else { break }
      text += next
    }
    return text
  }

  /// As long as may be; libpcap's optimiser would take seconds for each of the first three.
  static let longFilters: [String: String] = [
    "portranges": joined(" or ") { "portrange \($0 * 10)-\($0 * 10 + 5)" },
    "hosts": joined(" or ") { "host 10.0.\($0 / 250).\($0 % 250)" },
    "pairs": joined(" or ") { "(port \($0) and host 10.0.0.\($0 % 250))" },
    "minus": String(repeating: "-", count: 4000) + "1=1",
    "parentheses": String(repeating: "(", count: 4096),
    "not": String(repeating: "not ", count: 1000) + "ip",
  ]

  @Test(arguments: longFilters.keys.sorted()) func longFiltersAreCheckedSoon(_ name: String) throws
  {
    let text = try #require(Self.longFilters[name])
    let start = ContinuousClock.now
    _ = Self.failure(text)
    // 0.35 s at worst on a quiet machine; twice the length with the optimiser was a minute.
    #expect(ContinuousClock.now - start < .seconds(10))
  }

  @Test func fuzz() {
    var random = SeededGenerator(3)
    let words = [
      "tcp", "port", "80", "(", ")", "and", "or", "not", "[", "]", "&", "=", "net",
      "10.0.0.0/8", "vlan", "ip6", "<<", "-", "\\", "'", "proto", "ether", "::1", "0x", "é",
    ]
    let end = ContinuousClock.now + .seconds(1)
    var valid = 0
    while ContinuousClock.now < end {
      let text = (0..<Int.random(in: 0...8, using: &random))
        .compactMap { _ in words.randomElement(using: &random) }.joined(separator: " ")
      if Self.failure(text) == nil { valid += 1 }
    }
    #expect(valid > 0)
  }
}

@Suite struct LinkTypeTests {
  @Test func namesAreLibpcaps() {
    #expect(LinkType.ethernet.name == "EN10MB")
    #expect(LinkType.ethernet.description == "Ethernet")
    #expect(LinkType.linuxCooked2.name == "LINUX_SLL2")
    #expect(LinkType(rawValue: 9999).name == "DLT 9999")
    #expect(LinkType(rawValue: 9999).description == "DLT 9999")
    #expect(!LinkType(rawValue: -1).isKnown)
  }

  @Test(arguments: [
    ("EN10MB", 1), ("en10mb", 1), ("DLT_EN10MB", 1), ("LINUX_SLL", 113), ("LINUX_SLL2", 276),
  ]) func namesAreFound(_ name: String, _ value: Int32) {
    #expect(LinkType(name: name)?.rawValue == value)
  }

  @Test(arguments: ["", "NOPE", "DLT_", "EN10MB\0x", "1"]) func otherNamesAreNot(_ name: String) {
    #expect(LinkType(name: name) == nil)
  }

  @Test func anyIsCooked() {
    #expect(LinkType.expected(onInterface: "eth0") == .ethernet)
    #expect(LinkType.expected(onInterface: "any") == .linuxCooked2)
  }
}
