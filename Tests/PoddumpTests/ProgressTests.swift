import Packets
import Testing

@testable import Broker
@testable import poddump

@Suite struct ProgressTests {
  @Test func theLine() {
    #expect(
      Progress.text(
        packets: 1200, bytes: 1_234_567, packetsPerSecond: 40, bytesPerSecond: 51_200, drops: 12)
        == "1200 packets, 1.2 MB, 40 packets/s, 51.2 kB/s, 12 dropped")
    #expect(
      Progress.text(packets: 0, bytes: 0, packetsPerSecond: 0, bytesPerSecond: 0, drops: nil)
        == "0 packets, 0 B, 0 packets/s, 0 B/s")
  }

  @Test(arguments: [
    (
      1, 76, "1 packets captured\n1 packets received by filter\n0 packets dropped by kernel\n",
      "1 packet, 76 B; 0 dropped of 1 received."
    ),
    (
      10, 1500, "10 packets captured\n17 packets received by filter\n7 packets dropped by kernel\n",
      "10 packets, 1.5 kB; 7 dropped of 17 received."
    ),
    (
      5, 500,
      "5 packets captured\n9 packets received by filter\n2 packets dropped by kernel\n2 packets dropped by interface\n",
      "5 packets, 500 B; 4 dropped of 9 received."
    ),
    (3, 300, "3 packets captured\n", "3 packets, 300 B; 0 dropped."),
    (0, 0, "", "0 packets, 0 B; the far end's counters did not arrive."),
  ])
  func theSummary(_ packets: Int, _ bytes: Int, _ words: String, _ text: String) {
    var statistics = CaptureStatistics()
    statistics.take(words.utf8)
    var report = GroupReport()
    report.packets = packets
    report.bytes = bytes
    report.members = 1
    report.hasCounters = statistics.hasCounters
    report.received = statistics.receivedByFilter
    report.drops = (statistics.droppedByKernel ?? 0) + (statistics.droppedByInterface ?? 0)
    #expect(Progress.summary(report) == text)
  }

  @Test(arguments: [
    (true, "7 packets, 700 B from 3 interfaces; 2 dropped of 9 received."),
    (
      false,
      "7 packets, 700 B from 3 interfaces; 2 dropped of 9 received, as far as the far ends' counters arrived."
    ),
  ])
  func theSummaryOfSeveral(_ hasCounters: Bool, _ text: String) {
    var report = GroupReport()
    (report.packets, report.bytes, report.members) = (7, 700, 3)
    (report.received, report.drops, report.hasCounters) = (9, 2, hasCounters)
    #expect(Progress.summary(report) == text)
  }
}
