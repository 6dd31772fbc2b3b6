import Base
import Foundation
import Testing

@testable import Broker

@Suite struct TcpdumpArgumentsTests {
  private static func facts(uid: UInt32? = 0, effective: UInt64? = 0xa804_25fb) -> ContainerFacts {
    var facts = ContainerFacts()
    facts.uid = uid
    facts.effective = effective
    return facts
  }

  private static func arguments(
    _ facts: ContainerFacts = facts(), memoryLimit: Int? = nil,
    _ change: (inout CaptureRequest) -> Void = { _ in }
  ) -> String {
    var request = CaptureRequest(target: nil)
    change(&request)
    return Tcpdump.arguments(
      program: "/bin/tcpdump", request: request, interface: "eth0", facts: facts,
      memoryLimit: memoryLimit
    ).joined(separator: " ")
  }

  @Test(arguments: [
    ("tcpdump version 4.99.3", true), ("tcpdump version 4.9.2-r5", true),
    ("tcpdump version 5.0.0-PRE-GIT", true), ("tcpdump version 4.99.3 (with TPACKET_V3)", true),
    ("tcpdump version 4.8.9", false), ("tcpdump version 3.9.8", false), ("", false),
    ("tcpdump version 4", false), ("tcpdump version x4.99", false), ("tcpdump 4.99.3", false),
    ("BusyBox v1.36", false), ("tcpdump version 99999999999999999999.1", false),
  ])
  func onlyAKnownOneIsAskedForItsCounters(_ version: String, _ answers: Bool) {
    #expect(Tcpdump.answersCounters(version) == answers)
    #expect(!Tcpdump.answersCounters(nil))
  }

  @Test func byDefaultNothingWaits() {
    #expect(
      Self.arguments() == "/bin/tcpdump -i eth0 -U --immediate-mode -B 32768 -s 65535 -w -")
  }

  @Test func throughputTakesLargerBatches() {
    #expect(
      Self.arguments { $0.throughput = true } == "/bin/tcpdump -i eth0 -U -B 32768 -s 262144 -w -")
  }

  @Test func takesWhatWasAskedFor() {
    let text = Self.arguments {
      $0.snapLength = 96
      $0.count = 10
      $0.filter = "tcp port 80"
    }
    #expect(
      text
        == "/bin/tcpdump -i eth0 -U --immediate-mode -B 32768 -s 96 -c 10 -w - -- tcp port 80")
  }

  @Test func theFilterIsOneWordBehindTheEndOfOptions() {
    var request = CaptureRequest(target: nil)
    request.filter = "-w /etc/passwd"
    let words = Tcpdump.arguments(
      program: "t", request: request, interface: "any", facts: ContainerFacts(), memoryLimit: nil)
    #expect(words.suffix(2) == ["--", "-w /etc/passwd"])
  }

  @Test(arguments: [
    (nil, 32768), (0, 32768), (-1, 32768), (1, 1024), (4 << 20, 1024), (8 << 20, 1024),
    (64 << 20, 8192), (100_000_000, 12207), (256 << 20, 32768), (1 << 40, 32768),
    (Int.max, 32768),
  ])
  func theBufferIsAnEighthOfTheMemoryLimit(_ limit: Int?, _ kibibytes: Int) {
    #expect(Tcpdump.bufferKiB(memoryLimit: limit) == kibibytes)
    #expect(Self.arguments(memoryLimit: limit).contains(" -B \(kibibytes) "))
  }

  /// Started as root, Debian's tcpdump changes its user; without CAP_KILL the shell could not end it.
  @Test(arguments: [
    (0, 0xa804_25fb, false),  // the runtime's default: KILL is there
    (0, 0xa804_25db, true),  // without KILL
    (0, 0x0000_2000, false),  // NET_RAW only: it cannot change its user at all
    (0, 0x0000_20c0, true),  // NET_RAW, SETUID, SETGID
    (0, 0x0000_2080, false),  // no SETGID
    (1000, 0xa804_25db, false),  // not root: tcpdump keeps its user anyway
  ])
  func keepsRootWhereItCouldNotBeEnded(_ uid: UInt32, _ effective: UInt64, _ keeps: Bool) {
    let text = Self.arguments(Self.facts(uid: uid, effective: effective))
    #expect(text.contains(" -Z root ") == keeps)
  }

  @Test func unknownFactsChangeNothing() {
    #expect(!Self.arguments(Self.facts(uid: nil, effective: nil)).contains("-Z"))
    #expect(!Self.arguments(Self.facts(uid: 0, effective: nil)).contains("-Z"))
  }
}

struct RecordedMessage: Decodable, Sendable, CustomTestStringConvertible {
  let id: String
  let exit_code: Int32
  let stderr: String
  /// The kind of the failure, and a word of its reason.
  let kind: String
  let why: String

  var testDescription: String { id }

  static func all() throws -> [RecordedMessage] {
    try JSONDecoder().decode([RecordedMessage].self, from: Data(Recording.bytes("tcpdump.json")))
  }
}

@Suite struct TcpdumpCauseTests {
  static let kinds: [String: Failure.Kind] = [
    "other": .other, "denied": .denied, "notFound": .notFound, "noRoute": .noRoute,
    "filter": .filter,
  ]

  private static func cause(_ code: Int32, _ messages: String) -> Failure {
    TcpdumpCause.failure(
      target: "shop/web (container web, interface eth0)", interface: "eth0", exitCode: code,
      messages: messages)
  }

  @Test(arguments: try RecordedMessage.all())
  func recordedWordsHaveTheirMeaning(_ message: RecordedMessage) throws {
    let failure = Self.cause(message.exit_code, message.stderr)
    #expect(failure.kind == (try #require(Self.kinds[message.kind])), "\(failure.sentence)")
    let why = try #require(failure.why)
    #expect(why.contains(message.why), "\(why)")
    #expect(failure.what == "Cannot capture from shop/web (container web, interface eth0).")
    #expect(failure.detail == message.stderr)
    for sentence in [why, try #require(failure.fix)] {
      #expect(sentence.hasSuffix(".") && !sentence.hasSuffix(".."), "\(sentence)")
    }
  }

  @Test(arguments: [
    (126, Failure.Kind.noRoute, "126"), (127, .noRoute, "no tcpdump"), (137, .other, "killed"),
    (139, .other, "crashed"), (3, .other, "exit status 3 without a word."),
  ])
  func silentEndsHaveAMeaningToo(_ code: Int32, _ kind: Failure.Kind, _ word: String) {
    let failure = Self.cause(code, "")
    #expect(failure.kind == kind)
    #expect(failure.why?.contains(word) == true, "\(failure.sentence)")
    #expect(failure.detail == nil)
  }

  @Test func kubectlsWordsAreNotTcpdumps() {
    let failure = Self.cause(3, "command terminated with exit code 3")
    #expect(failure.why == "tcpdump there ended with exit status 3 without a word.")
  }

  @Test func anEngineOfANodeWasOnIt() {
    let failure = TcpdumpCause.failure(
      target: "node n1 (interface any)", interface: "any", place: .node("n1"), exitCode: 137,
      messages: "")
    #expect(
      failure.why?.hasPrefix("The capture was killed on node n1 ") == true, "\(failure.sentence)")
  }

  /// -c chooses among the pod's own containers, and so cannot help in one of ours.
  @Test(arguments: [
    ("tcpdump: eth0: You don't have permission to capture on that device", "--route ssh"),
    (
      "tcpdump: Couldn't change to 'tcpdump' uid=100 gid=101: Operation not permitted",
      "--engine tap"
    ),
    ("tcpdump: unrecognized option: immediate-mode", "[image]"),
  ])
  func ourOwnContainerIsNotChangedByC(_ messages: String, _ fix: String) {
    func failure(_ place: EnginePlace) -> Failure {
      TcpdumpCause.failure(
        target: "shop/web (interface eth0)", interface: "eth0", place: place, exitCode: 1,
        messages: messages)
    }
    let ours = failure(.debug("poddump-7f3a0001"))
    #expect(
      ours.fix?.contains(fix) == true && ours.fix?.contains("-c") == false, "\(ours.sentence)")
    #expect(failure(.container).fix?.contains("with -c") == true)
  }

  @Test func unknownWordsArePassedOnBoundedAndPrintable() throws {
    let failure = Self.cause(
      1,
      "tcpdump: listening on eth0, link-type X\ntcpdump: \u{1b}[2J"
        + String(repeating: "x", count: 5000))
    let why = try #require(failure.why)
    #expect(!why.contains("\u{1b}") && why.count < 300)
    #expect(why.contains("[2Jxxx"))
  }
}
