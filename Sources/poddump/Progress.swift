internal import Broker

/// Says on standard error how a capture goes: a live line on a terminal, a plain line now and then
/// elsewhere.
struct Progress: Sendable {
  let terminal: Terminal
  let status: @Sendable () -> CaptureStatus

  /// How often a plain line is written where there is no terminal.
  private static let plainEvery = 30

  /// Runs until its task is cancelled.
  func run() async {
    var seconds = 0
    var before = (packets: 0, bytes: 0)
    while true {
      do {
        try await Task.sleep(for: .seconds(1))
      } catch {
        return
      }
      seconds += 1
      let status = status()
      // What is being connected to says so itself.
      guard status.capturing > 0 else { continue }
      let now = (packets: status.packets, bytes: status.bytes)
      let text = Self.text(
        packets: now.packets, bytes: now.bytes, packetsPerSecond: now.packets - before.packets,
        bytesPerSecond: now.bytes - before.bytes, drops: status.drops.map { Int(clamping: $0) })
      before = now
      if Terminal.isInteractive {
        terminal.live(text)
      } else if seconds % Self.plainEvery == 0 {
        terminal.say(text)
      }
    }
  }

  /// The line: "1200 packets, 1.2 MB, 40 packets/s, 51.2 kB/s, 0 dropped"; without drops where the far end has
  /// not said a word about them.
  static func text(
    packets: Int, bytes: Int, packetsPerSecond: Int, bytesPerSecond: Int, drops: Int?
  ) -> String {
    "\(packets) packets, \(Quantities.describe(bytes: bytes)), \(packetsPerSecond) packets/s, "
      + "\(Quantities.describe(bytes: bytesPerSecond))/s"
      + (drops.map { ", \($0) dropped" } ?? "")
  }

  /// The last line: what was captured and what was lost.
  static func summary(_ report: GroupReport) -> String {
    var text =
      "\(report.packets) \(report.packets == 1 ? "packet" : "packets"), "
      + "\(Quantities.describe(bytes: report.bytes))"
    if report.members > 1 { text += " from \(report.members) interfaces" }
    text += "; "
    guard report.hasCounters || report.members > 1 else {
      return text + "the far end's counters did not arrive."
    }
    text += "\(report.drops) dropped"
    if let received = report.received { text += " of \(received) received" }
    if !report.hasCounters { text += ", as far as the far ends' counters arrived" }
    return text + "."
  }
}
