package import Base
package import Cluster
package import Packets

/// What somebody asked one stream to show: pods and nodes that were named, and pods that are found by what they
/// belong to.
package struct CaptureOrder: Sendable {
  /// What was named.
  package var targets: [Target]
  /// The pods with these labels; nil where targets were named.
  package var selector: LabelSelector?
  /// Everything else that is asked for, the same for all; its target means nothing.
  package var request: CaptureRequest
  /// When the stream ends by itself: packets and bytes of all together.
  package var limits = PumpLimits()
  /// How long packets are captured; nil for no limit.
  package var duration: Duration?

  /// Creates an order without limits.
  package init(targets: [Target], selector: LabelSelector? = nil, request: CaptureRequest) {
    self.targets = targets
    self.selector = selector
    self.request = request
  }

  /// Whether it is for one pod or node, so that one interface is all there will be.
  package var isSingle: Bool {
    guard selector == nil, targets.count == 1, let target = targets.first else { return false }
    return !target.isFollowed
  }

  /// Checks what is known to be wrong without asking anybody.
  ///
  /// - Throws: `Failure` of kind `usage`.
  package func check() throws(Failure) {
    for target in targets { try target.check(container: request.container) }
  }

  /// What it is for, in words: "deploy/api, shop/web".
  package var text: String {
    if let selector { return "selector \(selector.text)" }
    let shown = targets.prefix(5).map(\.text).joined(separator: ", ")
    return targets.count > 5 ? "\(shown) and \(targets.count - 5) more" : shown
  }
}

extension Target {
  /// Whether it stands for pods that come and go.
  package var isFollowed: Bool { if case .workload = kind { true } else { false } }

  /// Checks that it can have the container that is asked for.
  ///
  /// - Throws: `Failure` of kind `usage` for one of a node.
  func check(container: String?) throws(Failure) {
    guard case .node = kind, container != nil else { return }
    throw Failure(
      .usage, "Cannot capture from \(text).", why: "A node has no containers.",
      fix: "Leave -c out.")
  }
}
