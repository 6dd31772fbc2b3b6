/// Which pods to list.
package struct PodQuery: Sendable, Equatable {
  /// nil means all namespaces.
  package var namespace: String?
  package var labels: LabelSelector?
  /// Only pods of this node.
  package var node: String?
  /// The most pods asked of the server; nil means all.
  package var limit: Int?
  /// Whether the pods' labels are kept.
  package var keepsLabels = false

  package init(
    namespace: String? = nil, labels: LabelSelector? = nil, node: String? = nil,
    limit: Int? = nil, keepsLabels: Bool = false
  ) {
    self.namespace = namespace
    self.labels = labels
    self.node = node
    self.limit = limit
    self.keepsLabels = keepsLabels
  }
}

/// What was listed.
package struct Listed<Item: Sendable>: Sendable {
  package var items: [Item]
  /// Whether the server has more than the limit let through.
  package var isComplete: Bool
  /// Where a watch goes on from; nil where the server did not say.
  package var version: String?

  package init(items: [Item], isComplete: Bool, version: String? = nil) {
    self.items = items
    self.isComplete = isComplete
    self.version = version
  }
}
