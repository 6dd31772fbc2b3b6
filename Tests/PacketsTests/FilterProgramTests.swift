import Base
import Packets
import Testing

/// Filters for an engine without libpcap are what tcpdump would have made of them.
@Suite struct FilterProgramTests {
  @Test(arguments: [
    "tcp port 80", "host 198.51.100.7", "net 198.51.100.0/24 and not port 22",
    "ip6 host 2001:db8::1", "portrange 80-90", "tcp[13] & 2 != 0", "arp or icmp6",
    "tcp[tcpflags] & (tcp-syn|tcp-fin) != 0", "len > 1500", "udp and greater 64", "ip broadcast",
    "(host 198.51.100.1 or host 198.51.100.2) and (tcp port 443 or udp port 443)", "ip proto 132",
    "not (host 198.51.100.1 and tcp port 50022 and tcp port 22)", "ether host 02:00:00:00:00:01",
    "ether[6:4] = 0x02000000", "icmp[icmptype] = icmp-echo", "multicast", "pppoes",
  ])
  func equalsTcpdumps(_ filter: String) throws {
    let answer = try run("tcpdump", ["-ddd", "-y", "EN10MB", "-s", "262144", filter])
    #expect(answer.status == 0, "\(answer.errors)")
    let theirs = answer.output.split(separator: "\n").joined(separator: ",")
    let ours = try CaptureFilter.program(filter, linkType: .ethernet)
    #expect(ours == theirs)
  }

  @Test func theLinkTypeIsPartOfIt() throws {
    let ethernet = try CaptureFilter.program("tcp port 80", linkType: .ethernet)
    let raw = try CaptureFilter.program("tcp port 80", linkType: .raw)
    #expect(ethernet != raw)
    let theirs = try run("tcpdump", ["-ddd", "-y", "RAW", "-s", "262144", "tcp port 80"])
    #expect(raw == theirs.output.split(separator: "\n").joined(separator: ","))
    #expect(throws: Failure.self) {
      try CaptureFilter.program("ether host 02:00:00:00:00:01", linkType: .raw)
    }
  }

  @Test(arguments: ["tcp port", "host 999.1.1.1", "tcp port 80\n", "tcp port “80”", "1 = 2"])
  func whatIsNoFilterHasNoProgram(_ filter: String) {
    let failure = #expect(throws: Failure.self) {
      try CaptureFilter.program(filter, linkType: .ethernet)
    }
    #expect(failure?.kind == .filter)
  }

  /// What tcpdump takes and the tap cannot.
  @Test(arguments: ["vlan", "vlan 5", "not vlan", "(vlan 5)and tcp port 80", "vlan and vlan 7"])
  func tagsAreNotInThePacketThatIsFiltered(_ filter: String) throws {
    try CaptureFilter.check(filter)
    let failure = #expect(throws: Failure.self) {
      try CaptureFilter.program(filter, linkType: .ethernet)
    }
    #expect(failure?.kind == .noRoute && failure?.fix?.contains("--engine tcpdump") == true)
    #expect(failure?.why?.contains("VLAN") == true)
  }

  /// As many as the tap takes (Tests/Tap/parts/options.sh), and not one more.
  @Test func theKernelTakesNoLongerProgram() throws {
    func filter(_ ports: Int) -> String {
      (0..<ports).map { "port \($0 + 1)" }.joined(separator: " or ")
    }
    func count(_ text: String) -> Int? {
      (try? CaptureFilter.program(text, linkType: .ethernet))
        .flatMap { $0.split(separator: ",").first }.flatMap { Int($0) }
    }
    let counts = (40...100).map { (ports: $0, count: count(filter($0))) }
    let longest = try #require(counts.last { $0.count != nil })
    #expect((longest.count ?? 0) > 4000 && (longest.count ?? 0) <= 4093)
    #expect(counts.allSatisfy { ($0.count == nil) == ($0.ports > longest.ports) })
    let long = filter(longest.ports + 1)
    try CaptureFilter.check(long)
    let failure = #expect(throws: Failure.self) {
      try CaptureFilter.program(long, linkType: .ethernet)
    }
    #expect(failure?.kind == .noRoute && failure?.fix?.contains("--engine tcpdump") == true)
    #expect(failure?.why?.contains("takes 4093.") == true)
  }

  /// What is sent is a count and as many instructions of four numbers.
  @Test func theFormIsItsCountAndItsInstructions() throws {
    let filter = String(repeating: "port 80 or ", count: 50) + "ip"
    for text in ["ip", "tcp port 80", filter] {
      let parts = try CaptureFilter.program(text, linkType: .ethernet).split(separator: ",")
      #expect(Int(parts[0]) == parts.count - 1)
      for part in parts.dropFirst() {
        let numbers = part.split(separator: " ").compactMap { UInt32($0) }
        #expect(numbers.count == 4 && numbers[1] < 256 && numbers[2] < 256)
      }
    }
  }
}
