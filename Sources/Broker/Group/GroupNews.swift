internal import Base
internal import Cluster
internal import Packets

/// What happens to a group, from whichever thread.
enum GroupNews: Sendable {
  /// The pods are not as they were.
  case pods
  case begun(Members.ID)
  case ended(Members.ID, MemberEnd)
  case stop(StopReason)
  /// The sink is open.
  case opened(Sink)
  case restart
  case successor(Result<Pod, Failure>)
  /// Nobody was there for a while; the number says since when.
  case quiet(Int)
}

/// What became of a member.
struct MemberEnd: Sendable {
  /// What was asked for: "shop/web".
  var name: String
  /// What was captured; nil where nothing could be.
  var report: CaptureReport?
  /// Why not, or why it was cut.
  var failure: Failure?
  /// What it was; nil where that was not found.
  var subject: Subject?

  /// Whether it ended in a way that ends the stream: at a limit, or for want of a reader.
  var endsStream: Bool {
    guard let report, report.failure == nil else { return false }
    return report.end == .limit || report.end == .readerClosed
  }
}
