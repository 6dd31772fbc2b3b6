package import Base
package import Cluster

/// A way to reach packets: one file each in Routes. It decides from facts alone, and opens what it decided.
package protocol Route {
  /// Decides whether and how this route captures. Pure.
  ///
  /// - Parameters:
  ///   - request: What is asked for.
  ///   - facts: What was found out.
  ///   - tools: What there is to work with.
  /// - Returns: The plan.
  /// - Throws: `Failure` that says why not, and what would help.
  static func plan(
    _ request: CaptureRequest, facts: Facts, tools: RouteTools
  ) throws(Failure) -> Plan

  /// Opens what the plan says, lends it to `body`, and takes it back, in reverse, also on throw and
  /// cancellation.
  ///
  /// - Parameters:
  ///   - plan: A plan of this route.
  ///   - opening: What it was decided from.
  ///   - body: Gets the plan with what only opening could tell, and the way to start its process.
  /// - Returns: What `body` returned.
  /// - Throws: `Failure` when it cannot be opened, or what `body` throws.
  static func open<R: Sendable>(
    _ plan: Plan, _ opening: Opening,
    _ body: @escaping @Sendable (Plan, any Transport) async throws(Failure) -> R
  ) async throws(Failure) -> R
}

extension RouteName {
  /// The route of this name.
  var route: any Route.Type {
    switch self {
    case .exec: ExecRoute.self
    case .ssh: SSHRoute.self
    case .upload: UploadRoute.self
    case .debug: DebugRoute.self
    case .node: NodeRoute.self
    }
  }
}

/// What routes have to work with, whatever the target.
package struct RouteTools: Sendable {
  /// The cluster.
  package var kubectl: Kubectl
  /// The engines that can be brought along.
  package var engines = Engines()
  /// Images, namespaces and permissions, from the configuration and the command line.
  package var settings = RouteSettings()

  package init(kubectl: Kubectl) { self.kubectl = kubectl }
}

/// What somebody has set about routes.
package struct RouteSettings: Sendable, Equatable {
  /// The routes that may be chosen, the preferred first.
  package var order = RouteName.allCases
  /// Routes that are chosen only if somebody allows them.
  package var allowed: Set<RouteName> = []
  /// The image of ephemeral containers.
  package var debugImage = RouteSettings.standardImage
  /// The image of helper pods.
  package var nodeImage = RouteSettings.standardImage
  /// The namespace of helper pods; nil takes the target's, or for a node the context's.
  package var nodeNamespace: String?

  /// An image with tcpdump and everything else that network people want.
  package static let standardImage = "nicolaka/netshoot"

  package init() {}
}

/// Shells at the far end that have answered and wait for an order.
struct Shells: Sendable {
  /// In the container.
  var container: FarShell?
  /// On the node, by ssh.
  var node: FarShell?
}

/// What a route opens with.
package struct Opening: Sendable {
  /// What was asked for.
  package let request: CaptureRequest
  /// What the plan was decided from.
  package let facts: Facts
  package let tools: RouteTools
  /// How nodes are reached by ssh.
  let nodes: NodeAccess
  /// The shells that wait for an order.
  let shells: Shells
  /// Where changes are written down.
  let journal: Journal?
  /// Tells the user what is being waited for.
  package let tell: @Sendable (String) -> Void

  /// Makes changes for the time that `body` runs: written down before, and undone after.
  ///
  /// - Throws: `Failure` when they cannot be written down, or what `body` throws.
  func during<R: Sendable>(
    _ changes: [FarChange], undo: @escaping @Sendable (FarChange) async throws(Failure) -> Undone,
    _ body: () async throws(Failure) -> R
  ) async throws(Failure) -> R {
    guard let journal else {
      throw Failure(
        .other, "Cannot change anything in the cluster.",
        why: "There is no place to write down what is to be undone later.",
        fix: "Set HOME or XDG_STATE_HOME.")
    }
    let tell = tell
    let cluster =
      if let known = facts.cluster { known } else { await ClusterReference(tools.kubectl) }
    return try await journal.during(
      changes, cluster: cluster, undo: undo,
      left: { _, failure in tell(failure.sentence) }, body)
  }
  /// Writes down what is there already, for the time that `body` runs and beside it: a shell at the far end,
  /// which ends by itself unless its connection goes dead. So nothing is refused where it cannot be written
  /// down.
  ///
  /// - Parameters:
  ///   - change: What is there; nil where that is not known.
  ///   - isSettled: Asked after `body`: whether nothing is left of it. Else the janitor looks after it.
  ///   - body: Uses it.
  /// - Returns: What `body` returns.
  /// - Throws: `Failure` when `body` throws it.
  func noting<R: Sendable>(
    _ change: FarChange?, isSettled: @Sendable () -> Bool,
    _ body: () async throws(Failure) -> R
  ) async throws(Failure) -> R {
    guard let journal, let change, change.isValid else { return try await body() }
    async let entry = try? journal.record(change, cluster: ClusterReference(tools.kubectl))
    let result: Result<R, Failure>
    do throws(Failure) {
      result = .success(try await body())
    } catch {
      result = .failure(error)
    }
    if let entry = await entry, isSettled() { journal.strike(entry) }
    return try result.get()
  }
}
