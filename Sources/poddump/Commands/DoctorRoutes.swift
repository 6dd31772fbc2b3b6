internal import Base
internal import Broker
internal import Cluster

/// What is known about the routes through the API server before any pod is looked at: the user's rights, and
/// what the namespaces allow.
struct RouteHealth: Sendable, Equatable {
  /// The namespace of the pods.
  var namespace: String
  /// The namespace of helper pods.
  var helperNamespace: String
  /// The rights asked for; one that is missing counts as not given.
  var allowed: [Right: Bool]
  /// The Pod Security levels that the two namespaces enforce; nil where there is none, or it may not be read.
  var level: PodSecurityLevel?
  var helperLevel: PodSecurityLevel?
  /// Whether somebody has allowed route node.
  var isNodeAllowed = false
  /// Whether route ssh, which is looked at node by node, may serve instead.
  var hasOtherRoute = false

  /// Asks the API server, several questions at a time.
  ///
  /// - Throws: `Failure` when there is no answer.
  static func find(
    _ kubectl: Kubectl, _ namespace: String, _ configuration: Configuration
  ) async throws(Failure) -> RouteHealth {
    let helper = configuration.routes.nodeNamespace ?? namespace
    var health = RouteHealth(namespace: namespace, helperNamespace: helper, allowed: [:])
    health.isNodeAllowed = configuration.routes.allowed.contains(.node)
    health.hasOtherRoute = configuration.nodes.isConfigured
    async let level = level(kubectl, namespace)
    async let helperLevel = helper == namespace ? .success(nil) : Self.level(kubectl, helper)
    health.allowed = try await kubectl.areAllowed(health.rights)
    health.level = try await level.get()
    health.helperLevel = helper == namespace ? health.level : try await helperLevel.get()
    return health
  }

  private static func level(
    _ kubectl: Kubectl, _ namespace: String
  ) async -> Result<PodSecurityLevel?, Failure> {
    do throws(Failure) {
      return .success(try await kubectl.podSecurityLevel(namespace: namespace))
    } catch  where error.kind == .denied {
      // Whoever may not see it is told nothing of it.
      return .success(nil)
    } catch {
      return .failure(error)
    }
  }

  // MARK: - Rights

  private var getPods: Right { Right("get", "pods", namespace: namespace) }
  private var exec: Right { Right("create", "pods/exec", namespace: namespace) }
  private var update: Right { Right("update", "pods/ephemeralcontainers", namespace: namespace) }
  private var patch: Right { Right("patch", "pods/ephemeralcontainers", namespace: namespace) }
  private var helperRights: [Right] {
    ["create", "get", "delete"].map { Right($0, "pods", namespace: helperNamespace) }
      + [Right("create", "pods/exec", namespace: helperNamespace)]
  }

  /// All rights that are asked for.
  private var rights: [Right] {
    var rights: [Right] = []
    for right in [getPods, exec, update, patch] + helperRights where !rights.contains(right) {
      rights.append(right)
    }
    return rights
  }

  private func has(_ right: Right) -> Bool { allowed[right] == true }

  // MARK: - Findings

  /// A line for each route. Where none works, each is a problem.
  var findings: [Finding] {
    let all = [execFinding("exec"), execFinding("upload"), debugFinding, nodeFinding]
    guard !hasOtherRoute, !all.contains(where: { $0.state == .fine }) else { return all }
    return all.map { Finding(subject: $0.subject, state: .problem, says: $0.says) }
  }

  /// Routes exec and upload need the same rights.
  private func execFinding(_ route: String) -> Finding {
    refusal(route, [getPods, exec], file: route)
      ?? .fine(route, "allowed in namespace \(namespace)")
  }

  private var debugFinding: Finding {
    let byPatch = !has(update) && has(patch)
    let missing = refusal("debug", [getPods, byPatch ? patch : update, exec], file: "debug")
    if let missing { return missing }
    if level == .restricted {
      return .unavailable(
        "debug",
        Failure(
          .denied, "Route debug is not allowed in namespace \(namespace).",
          why: "Its Pod Security level is restricted, which allows no container that can capture.",
          fix: "Use another route."))
    }
    var words = ["allowed in namespace \(namespace)"]
    if let level { words.append("whose Pod Security level is \(level.rawValue)") }
    if byPatch { words.append("by kubectl debug (1.31 or newer)") }
    return .fine("debug", words.joined(separator: ", "))
  }

  private var nodeFinding: Finding {
    // To look at the pod is a right in the pod's own namespace.
    let missing = refusal("node", [getPods] + helperRights.filter { $0 != getPods }, file: "node")
    if let missing { return missing }
    if let helperLevel, helperLevel != .privileged {
      return .unavailable(
        "node",
        Failure(
          .denied, "Route node is not allowed in namespace \(helperNamespace).",
          why: "Its Pod Security level is \(helperLevel.rawValue); a helper pod takes privileged.",
          fix: "Name a namespace for it: namespace in [node] of the configuration."))
    }
    guard isNodeAllowed else {
      return .unavailable(
        "node",
        Failure(
          .denied, "Route node is possible in namespace \(helperNamespace), and not taken unasked.",
          why: "It creates a pod on the node.",
          fix: "Allow it with --allow node, or allow = [\"node\"] in [route]."))
    }
    return .fine("node", "allowed in namespace \(helperNamespace)")
  }

  /// What is said where rights are missing; nil where none is.
  private func refusal(_ route: String, _ needed: [Right], file: String) -> Finding? {
    let missing = needed.filter { !has($0) }
    guard !missing.isEmpty else { return nil }
    let words = missing.map(\.text).joined(separator: ", ")
    return .unavailable(
      route,
      Failure(
        .denied, "Route \(route) is not allowed.", why: "You may not \(words).",
        fix: "Ask for the rights in \(file).yaml (share/doc/poddump/rbac)."))
  }
}
