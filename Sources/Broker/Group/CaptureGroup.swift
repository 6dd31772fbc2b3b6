package import Base
internal import Cluster
package import Packets

/// A capture as somebody ordered it: one pod or node, or several in one stream, those that come and go included.
///
/// Each member is captured by `FactFinder.attempt` and `Capture.run`, into one sink.
package final class CaptureGroup: Sendable {
  let order: CaptureOrder
  let finder: FactFinder
  /// Asks for the end of all.
  let stops: StopSource
  /// The names of the stream; nil where it has none.
  let names: StreamNames?
  /// Whether somebody may ask for a restart, so that the stream of a single pod stays open when it is gone.
  let waitsForRestart: Bool
  let tally = GroupTally()
  let (news, post) = AsyncStream.makeStream(of: GroupNews.self)

  /// Prepares a capture; nothing is asked yet.
  ///
  /// - Parameters:
  ///   - order: What to capture.
  ///   - finder: Finds out how.
  ///   - stops: Asks for the end.
  ///   - names: The names of the stream, kept fresh by whoever made it; only for pcapng.
  ///   - waitsForRestart: Whether somebody may call `restart`; only for pcapng.
  package init(
    _ order: CaptureOrder, finder: FactFinder, stops: StopSource, names: StreamNames? = nil,
    waitsForRestart: Bool = false
  ) {
    self.order = order
    self.finder = finder
    self.stops = stops
    self.names = names
    self.waitsForRestart = waitsForRestart && order.isSingle
  }

  /// What was captured so far.
  package var status: CaptureStatus { tally.status }

  /// Goes on with the pod that took the place of the one that is gone, or with the same where it runs. Does
  /// nothing unless a single capture waits for it.
  package func restart() { post.yield(.restart) }

  /// Whether others may write into the sink beside a member, or after it.
  var isShared: Bool { !order.isSingle || waitsForRestart }

  /// Captures until something ends it.
  ///
  /// - Parameters:
  ///   - sink: Opens the sink, or gives the one that is open; for pcapng with the section header written. Asked
  ///     when the first route is open.
  ///   - asPcapng: Whether the stream is pcapng; else it is the far end's own bytes, of one pod or node.
  ///   - tell: Takes what happens, from any thread.
  /// - Returns: What became of it; nothing where the end was asked for before it began.
  /// - Throws: `Failure` when nothing could be captured, or the sink cannot be written.
  package func run(
    into sink: @escaping @Sendable () throws(Failure) -> Sink, asPcapng: Bool,
    tell: @escaping @Sendable (CaptureEvent) -> Void
  ) async throws(Failure) -> GroupReport {
    if !asPcapng { try order.checkClassic() }
    let found = try await stops.interrupting { () async throws(Failure) in
      try await self.order.seek(self.finder.kubectl)
    }
    guard let found else { return GroupReport() }
    var loop = try GroupLoop(self, found, SharedSink(sink), asPcapng: asPcapng, tell: tell)
    return try await loop.run()
  }
}

extension CaptureOrder {
  /// Checks that a stream in classic pcap, which has one interface, can hold what is ordered.
  ///
  /// - Throws: `Failure` of kind `usage` where it cannot.
  package func checkClassic() throws(Failure) {
    guard !isSingle else { return }
    throw Failure(
      .usage, "Cannot write packets of \(text) as classic pcap.",
      why: targets.count > 1
        ? "Classic pcap has one interface, and these are several."
        : "Classic pcap has one interface, and this stands for any number of pods.",
      fix: "Write pcapng, or name one pod.")
  }
}
