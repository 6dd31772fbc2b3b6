import Foundation
import TestSupport
import Testing

@testable import Broker

@Suite struct ContainerFactsTests {
  /// An answer of a container with everything, as bash gave it.
  static let full = """
    tcpdump=/usr/bin/tcpdump
    bash=/usr/bin/bash
    sleep=/usr/bin/sleep
    timed=yes
    uid=0
    CapBnd:=00000000a80425fb
    CapEff:=00000000a80425fb
    NoNewPrivs:=0
    if=lo
    if=eth0
    machine=x86_64
    version=tcpdump version 4.99.3
    end=

    """

  @Test func readsWhatBashAnswered() throws {
    let facts = try #require(ContainerFacts(answer: Self.full))
    var expected = ContainerFacts()
    expected.tcpdump = "/usr/bin/tcpdump"
    expected.version = "tcpdump version 4.99.3"
    expected.bash = "/usr/bin/bash"
    expected.shTimesReads = true
    expected.hasSleep = true
    expected.uid = 0
    expected.effective = 0xa804_25fb
    expected.bounding = 0xa804_25fb
    expected.machine = "x86_64"
    expected.interfaces = ["lo", "eth0"]
    #expect(facts == expected)
  }

  @Test func readsWhatDashAndBusyboxAnswered() throws {
    let dash = try #require(
      ContainerFacts(
        answer: "sleep=/usr/bin/sleep\nuid=10001\nCapEff:=0000000000000000\nif=lo\nend=\n"))
    #expect(dash.tcpdump == nil && dash.bash == nil && !dash.shTimesReads && dash.hasSleep)
    #expect(dash.uid == 10001 && dash.effective == 0 && dash.bounding == nil)
    // A busybox that runs its applets itself names no path.
    let busybox = try #require(
      ContainerFacts(answer: "tcpdump=tcpdump\nsleep=sleep\ntimed=yes\nNoNewPrivs:=1\nend=\n"))
    #expect(busybox.tcpdump == nil)
    #expect(busybox.hasSleep && busybox.shTimesReads && busybox.noNewPrivileges)
    #expect(busybox.uid == nil && busybox.interfaces.isEmpty)
  }

  /// The real script in the real shells, on this machine.
  @Test(arguments: TestShell.allCases)
  func theScriptAnswersInEveryShell(_ shell: TestShell) async throws {
    let answer = try await runProgram(shell.words() + ["-c", ContainerFacts.script])
    #expect(answer.end == .exited(0))
    #expect(answer.errors == "")
    let facts = try #require(ContainerFacts(answer: answer.text))
    #expect(facts.tcpdump == (try Programs.path("tcpdump")))
    #expect(facts.version?.hasPrefix("tcpdump version ") == true)
    #expect(facts.bash?.hasSuffix("/bash") == true)
    #expect(facts.hasSleep)
    #expect(facts.shTimesReads == shell.timesReads)
    #expect(facts.uid == geteuid())
    #expect(facts.effective != nil && facts.bounding != nil)
    #expect(facts.interfaces.contains("lo"))
    #expect(facts.machine?.isEmpty == false)
  }

  @Test(arguments: TestShell.allCases)
  func theScriptNeedsNothingButItsShell(_ shell: TestShell) async throws {
    let words = try shell.words()
    let answer = try await runProgram(
      words + ["-c", ContainerFacts.script], environment: ["PATH": "/nonexistent"])
    #expect(answer.end == .exited(0))
    let facts = try #require(ContainerFacts(answer: answer.text))
    #expect(facts.tcpdump == nil && facts.bash == nil)
    #expect(facts.interfaces.contains("lo") && facts.uid == geteuid())
    // busybox finds its own applets where no folder has them.
    if shell != .busybox { #expect(!facts.hasSleep && facts.programs.isEmpty) }
  }

  @Test func anAnswerCutAnywhereIsNoAnswer() {
    let lines = Self.full.split(separator: "\n", omittingEmptySubsequences: false)
    let cut = lines.dropLast(2).joined(separator: "\n")
    #expect(ContainerFacts(answer: cut) == nil)
    for count in 0..<(Self.full.utf8.count - 2) {
      #expect(ContainerFacts(answer: String(Self.full.prefix(count))) == nil)
    }
    #expect(ContainerFacts(answer: "") == nil)
  }

  @Test(arguments: [
    "tcpdump=-w /etc/passwd", "tcpdump=/bin/x y", "tcpdump=/bin/\u{1b}[2J", "tcpdump=/bin/\u{7f}",
    "tcpdump=relative", "tcpdump=", "tcpdump=/bin/tcpdümp",
    "tcpdump=/" + String(repeating: "a", count: 1024),
    "tcpdump=\t/bin/x",
  ])
  func aPathThatIsNoneIsNotBelieved(_ line: String) throws {
    let facts = try #require(ContainerFacts(answer: line + "\nend=\n"))
    #expect(facts.tcpdump == nil)
  }

  @Test func hostileValuesAreSkippedOrMadePrintable() throws {
    let hostile = """
      if=-w /etc/passwd
      if=../../etc
      if=eth0;reboot
      if=a b
      if=\u{1b}[31m
      if=
      if=sixteencharacter
      if=eth0
      uid=-1
      uid=99999999999
      CapEff:=xyz
      CapEff:=ffffffffffffffffff
      machine=\u{1b}]0;x\u{7}\(String(repeating: "m", count: 500))
      version=\u{202e}\(String(repeating: "v", count: 500))
      nonsense
      =
      =end
      end=
      """
    let facts = try #require(ContainerFacts(answer: hostile))
    #expect(facts.interfaces == ["eth0;reboot", "eth0"])
    #expect(facts.uid == nil && facts.effective == nil)
    let machine = try #require(facts.machine)
    let version = try #require(facts.version)
    #expect(machine.count <= 33 && !machine.contains("\u{1b}"))
    #expect(version.count <= 101 && !version.contains("\u{202e}"))
  }

  @Test func aHugeAnswerStaysBounded() throws {
    let huge = (0..<100_000).map { "if=eth\($0)\n" }.joined() + "end="
    #expect(huge.utf8.count > 1 << 20)
    let facts = try #require(ContainerFacts(answer: huge))
    #expect(facts.interfaces.count == 256)
    #expect(ContainerFacts(answer: String(repeating: "x", count: 1 << 20)) == nil)
  }

  @Test func survivesAnything() {
    var random = SeededGenerator(20_260)
    let names = [
      "tcpdump", "bash", "sleep", "uid", "CapEff:", "CapBnd:", "if", "machine", "end", "",
    ]
    for _ in 0..<3000 {
      let lines = (0..<Int.random(in: 0...12, using: &random)).map { _ in
        let value = (0..<Int.random(in: 0...20, using: &random)).map { _ in
          UInt8.random(in: 0...255, using: &random)
        }
        return (names.randomElement(using: &random) ?? "") + "="
          + String(decoding: value, as: UTF8.self)
      }
      guard let facts = ContainerFacts(answer: lines.joined(separator: "\n")) else { continue }
      #expect(facts.interfaces.allSatisfy { isInterfaceName($0) })
      for path in [facts.tcpdump, facts.bash].compactMap(\.self) {
        #expect(path.hasPrefix("/") && path.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F })
      }
    }
  }
}

@Suite struct InterfaceNameTests {
  @Test(arguments: [
    "eth0", "lo", "net1", "cali0d7763386da", "veth12ab@if3", "br-1", "wg0.5", "a", "x_y", "eth0;id",
    "123456789012345",
  ])
  func theseAreNames(_ name: String) { #expect(isInterfaceName(name)) }

  @Test(arguments: [
    "", "-w", "-", ".", "..", "a/b", "a b", "a\tb", "a\nb", "eth0:1", "1234567890123456", "é",
    "a\0",
    "\u{7f}", "\u{1b}[2J",
  ])
  func theseAreNone(_ name: String) { #expect(!isInterfaceName(name)) }
}
