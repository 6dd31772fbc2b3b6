package import Base
package import Packets

/// How a capture goes, for whoever shows it. Told from any thread, in the order in which it happens for each
/// member.
package enum CaptureEvent: Sendable {
  /// Somebody waits for something, or has to know something; in words. The member where it is about one of several.
  case told(String, member: String?)
  /// Not all that was ordered can be captured at the same time; in words.
  case limited(String)
  /// A route is tried: the plan, and what the routes before said.
  case opening(Plan, Decision)
  /// Packets flow, of the kind that the header says.
  case capturing(Plan, PcapHeader)
  /// One of several is captured no more: "shop/web", why, whether it was named itself, whether it ever was
  /// captured, and how many others are left.
  case ended(member: String, Failure?, isNamed: Bool, wasCaptured: Bool, others: Int)
  /// The pod of a single capture is gone, and the stream stays open: `CaptureGroup.restart` or the end is waited
  /// for.
  case waitingForRestart(member: String, Failure?)
  /// The successor of that pod is looked for.
  case seekingSuccessor(of: String)
}

/// What a capture has done so far.
package struct CaptureStatus: Sendable, Equatable {
  /// Of all members together.
  package var packets = 0
  package var bytes = 0
  /// Packets lost at the far ends, as far as they said so.
  package var drops: UInt64?
  /// How many members packets flow from, and how many are being connected to.
  package var capturing = 0
  package var starting = 0

  package init() {}
}

/// What became of a capture of one or several.
package struct GroupReport: Sendable, Equatable {
  /// Why it failed as a whole, or was cut; nil when all went well.
  package var failure: Failure?
  /// Packets and bytes that were written, by all members.
  package var packets = 0
  package var bytes = 0
  /// What the far ends counted; nil where none said.
  package var received: UInt64?
  package var drops: UInt64 = 0
  /// Whether every far end said so.
  package var hasCounters = true
  /// How many members packets flowed from.
  package var members = 0

  package init() {}

  /// Adds what became of a member.
  mutating func add(_ report: CaptureReport) {
    packets += report.packets
    bytes += report.bytes
    guard report.header != nil else { return }
    members += 1
    hasCounters = hasCounters && report.statistics.hasCounters
    drops &+= report.drops
    if let count = report.statistics.receivedByFilter { received = (received ?? 0) &+ count }
  }
}
