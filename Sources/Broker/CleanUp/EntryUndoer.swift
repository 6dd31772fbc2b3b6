package import Base
package import Cluster

/// Undoes entries of a journal, each in the cluster that it names.
package struct EntryUndoer: Sendable {
  private let nodes: NodeAccess
  private let isInteractive: Bool
  private let patience: Patience

  /// - Parameters:
  ///   - nodes: How nodes are reached.
  ///   - isInteractive: Whether somebody is there whom a login program may ask.
  ///   - patience: How long a call of kubectl may take.
  package init(nodes: NodeAccess, isInteractive: Bool, patience: Patience = .standard) {
    var nodes = nodes
    nodes.isInteractive = isInteractive
    self.nodes = nodes
    self.isInteractive = isInteractive
    self.patience = patience
  }

  /// Undoes an entry's change; the entry stays.
  ///
  /// - Throws: `Failure` when the cluster or the node cannot be reached, or it is not allowed.
  package func undo(_ entry: JournalEntry) async throws(Failure) -> Undone {
    let kubectl = try await entry.cluster.kubectl(isInteractive: isInteractive, patience: patience)
    let hand = SSHNodeHand(FactFinder(tools: RouteTools(kubectl: kubectl), nodes: nodes))
    return try await Broker.undo(entry.change, kubectl: kubectl, hand: hand)
  }
}
