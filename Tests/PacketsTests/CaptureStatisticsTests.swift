import Foundation
import Packets
import Testing

@Suite struct CaptureStatisticsTests {
  struct Recordings: Decodable {
    struct Message: Decodable {
      let id: String
      let stderr: String
    }
    let messages: [Message]
  }

  static func recordings() throws -> [Recordings.Message] {
    let url = try #require(
      Bundle.module.url(
        forResource: "tcpdump-messages", withExtension: "json", subdirectory: "Data"))
    return try JSONDecoder().decode(Recordings.self, from: Data(contentsOf: url)).messages
  }

  static func heard(_ text: String) -> CaptureStatistics {
    var statistics = CaptureStatistics()
    statistics.take(text.utf8)
    statistics.finish()
    return statistics
  }

  struct Expectation: Sendable {
    var id: String
    var interface: String?
    var linkType: String?
    var snapLength: Int?
    var counters: [UInt64] = []
    var messages: [String] = []
  }

  static let expectations = [
    Expectation(
      id: "ok-count", interface: "any", linkType: "LINUX_SLL2", snapLength: 262_144,
      counters: [2, 39, 0]),
    Expectation(
      id: "ok-container", interface: "lo", linkType: "EN10MB", snapLength: 262_144,
      counters: [2, 8, 0]),
    Expectation(
      id: "ok-text", interface: "any", linkType: "LINUX_SLL2", snapLength: 262_144,
      counters: [1, 35, 0]),
    Expectation(
      id: "snapshot-small", interface: "any", linkType: "LINUX_SLL2", snapLength: 64,
      counters: [1, 64, 0]),
    Expectation(
      id: "sll", interface: "any", linkType: "LINUX_SLL", snapLength: 262_144,
      counters: [1, 61, 0]),
    // The line that SIGUSR1 asks for comes first; the last word counts.
    Expectation(
      id: "sigusr1", interface: "any", linkType: "LINUX_SLL2", snapLength: 262_144,
      counters: [40, 73, 0]),
    Expectation(
      id: "verbose-count", interface: "any", linkType: "LINUX_SLL2", snapLength: 262_144,
      counters: [39, 75, 0]),
    Expectation(
      id: "sigkill", interface: "any", linkType: "LINUX_SLL2", snapLength: 262_144,
      messages: ["bash: line 1: 73104 Killed tcpdump -i any -w /dev/null"]),
    Expectation(
      id: "device-disappears", interface: "podgone0", linkType: "EN10MB", snapLength: 262_144,
      counters: [0, 0, 0], messages: ["tcpdump: pcap_loop: The interface disappeared"]),
    Expectation(
      id: "no-such-device",
      messages: ["tcpdump: eth99: No such device exists", "(No such device exists)"]),
    Expectation(
      id: "no-permission-nonroot",
      messages: [
        "tcpdump: eth0: You don't have permission to perform this capture on that device",
        "(socket: Operation not permitted)",
      ]),
    Expectation(id: "tcpdump-missing-busybox", messages: ["sh: tcpdump: not found"]),
    Expectation(
      id: "filter-00", messages: ["tcpdump: can't parse filter expression: syntax error"]),
    Expectation(
      id: "filter-vlan-any", messages: ["tcpdump: no VLAN support for Linux cooked v2"]),
  ]

  @Test(arguments: expectations) func recording(_ expected: Expectation) throws {
    let text = try #require(try Self.recordings().first { $0.id == expected.id }).stderr
    let statistics = Self.heard(text)
    #expect(statistics.listening?.interface == expected.interface)
    #expect(statistics.listening?.linkType == expected.linkType)
    #expect(statistics.listening?.snapLength == expected.snapLength)
    let counters = [statistics.captured, statistics.receivedByFilter, statistics.droppedByKernel]
    #expect(counters.compactMap(\.self) == expected.counters)
    #expect(statistics.hasCounters == !expected.counters.isEmpty)
    #expect(statistics.droppedByInterface == nil)
    #expect(statistics.messages == expected.messages)
  }

  @Test func everyRecordingReadsTheSameInPieces() throws {
    var random = SeededGenerator(8)
    let recordings = try Self.recordings()
    #expect(recordings.count > 100)
    for recording in recordings {
      var pieces = CaptureStatistics()
      for piece in Array(recording.stderr.utf8).cut(&random) { pieces.take(piece) }
      pieces.finish()
      #expect(pieces == Self.heard(recording.stderr), "\(recording.id)")
    }
  }

  struct Line: Sendable {
    var text: String
    var captured: UInt64?
    var kernel: UInt64?
    var interface: UInt64?
    var messages = 0
  }

  @Test(arguments: [
    Line(text: "1 packet captured\n", captured: 1),
    Line(text: "18446744073709551615 packets captured", captured: .max),
    Line(text: "18446744073709551616 packets captured", messages: 1),
    Line(text: "-1 packets captured", messages: 1),
    Line(
      text: "5 packets dropped by kernel\n2 packets dropped by interface\n", kernel: 5, interface: 2
    ),
    Line(text: "5 packets dropped by gremlins\n", messages: 1),
    Line(text: "5 packets\n", messages: 1),
    Line(text: "dropped privs to tcpdump\n"),
    Line(text: "\n\r\n  \n"),
    Line(text: "listening on \n", messages: 1),
    Line(text: "3 packets captured, and more\n", messages: 1),
  ]) func line(_ line: Line) {
    let statistics = Self.heard(line.text)
    #expect(statistics.captured == line.captured)
    #expect(statistics.droppedByKernel == line.kernel)
    #expect(statistics.droppedByInterface == line.interface)
    #expect(statistics.messages.count == line.messages)
    #expect(statistics.listening == nil)
  }

  @Test func oldTcpdumpsSayCaptureSize() {
    let statistics = Self.heard(
      "tcpdump: listening on eth0, link-type EN10MB (Ethernet), capture size 65535 bytes\n")
    #expect(
      statistics.listening
        == .init(interface: "eth0", linkType: "EN10MB", snapLength: 65_535))
  }

  @Test func listeningCountsBeforeTheLineEnds() {
    // Nothing is concluded from half a line.
    var statistics = CaptureStatistics()
    statistics.take("tcpdump: listening on eth0, link-type EN10MB (Ether".utf8)
    #expect(statistics.listening == nil)
    statistics.take("net), snapshot length 262144 bytes\n".utf8)
    #expect(statistics.listening?.interface == "eth0")
  }

  @Test func floodIsBounded() {
    var statistics = CaptureStatistics()
    for _ in 0..<100 { statistics.take([UInt8](repeating: 0x41, count: 10_000)) }
    statistics.take([0x0A])
    for number in 0..<1000 { statistics.take("line \(number)\n".utf8) }
    #expect(statistics.messages.count == CaptureStatistics.maximumMessages)
    #expect(statistics.omittedMessages == 1001 - CaptureStatistics.maximumMessages)
    #expect(statistics.messages.allSatisfy { $0.count <= 501 })
    #expect(statistics.messages[1] == "line 0")
  }

  @Test func nothingDrivesTheTerminal() {
    let statistics = Self.heard("\u{1B}]0;owned\u{07}\u{1B}[2Jhello\u{202E}\n")
    #expect(statistics.messages.count == 1)
    let message = statistics.messages.first ?? ""
    #expect(message.contains("hello"))
    #expect(message.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0 != "\u{202E}" })
  }

  @Test func fuzz() {
    var random = SeededGenerator(9)
    let words = [
      "packets", "captured", "dropped by kernel", "listening on ", ", ", "link-type ", "7",
    ]
    let end = ContinuousClock.now + .milliseconds(500)
    while ContinuousClock.now < end {
      var bytes: [UInt8] = []
      for _ in 0..<Int.random(in: 0...60, using: &random) {
        if Bool.random(using: &random), let word = words.randomElement(using: &random) {
          bytes += Array(word.utf8)
        } else {
          bytes.append(UInt8.random(in: 0...255, using: &random))
        }
      }
      var whole = CaptureStatistics()
      whole.take(bytes)
      whole.finish()
      var pieces = CaptureStatistics()
      for piece in bytes.cut(&random, longest: 5) { pieces.take(piece) }
      pieces.finish()
      #expect(whole == pieces)
    }
  }
}
