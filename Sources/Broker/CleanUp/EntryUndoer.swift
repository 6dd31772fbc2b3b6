package import Base

/// Undoes entries of a journal, each in the cluster that it names.
package struct EntryUndoer: Sendable {
  private let nodes: NodeAccess
  private let isInteractive: Bool

  /// - Parameters:
  ///   - nodes: How nodes are reached.
  ///   - isInteractive: Whether somebody is there whom a login program may ask.
  package init(nodes: NodeAccess, isInteractive: Bool) {
    var nodes = nodes
    nodes.isInteractive = isInteractive
    self.nodes = nodes
    self.isInteractive = isInteractive
  }

  /// Undoes an entry's change; the entry stays.
  ///
  /// - Throws: `Failure` when the cluster or the node cannot be reached, or it is not allowed.
  package func undo(_ entry: JournalEntry) async throws(Failure) -> Undone {
    let kubectl = try await entry.cluster.kubectl(isInteractive: isInteractive)
    let hand = SSHNodeHand(FactFinder(tools: RouteTools(kubectl: kubectl), nodes: nodes))
    return try await Broker.undo(entry.change, kubectl: kubectl, hand: hand)
  }
}
