package import Base
package import Cluster
internal import Synchronization

/// What a search of a cluster found.
package struct FoundLeftovers: Sendable, Equatable {
  package var leftovers: [Leftover] = []
  /// How many ephemeral containers of ours have ended: their entries stay in the pods' specs.
  package var ended = 0
  /// The namespaces that were looked at; nil for all.
  package var namespaces: [String]?

  package init() {}
}

/// Looks for what poddump makes, by label and by name.
package struct LeftoverSearch: Sendable {
  private let kubectl: Kubectl

  package init(_ kubectl: Kubectl) {
    self.kubectl = kubectl
  }

  /// Looks at one namespace, or at all that may be seen.
  ///
  /// - Parameters:
  ///   - namespace: The only namespace to look at; nil for all.
  ///   - known: Namespaces to look at where they cannot be listed.
  /// - Returns: What was found.
  /// - Throws: `Failure` when the cluster cannot be reached, or no pods may be listed anywhere.
  package func run(
    namespace: String?, known: [String]
  ) async throws(Failure) -> FoundLeftovers {
    let finds = Finds()
    var result = FoundLeftovers()
    do throws(Failure) {
      try await look(namespace, finds)
      result.namespaces = namespace.map { [$0] }
    } catch  where error.kind == .denied && namespace == nil {
      var looked: [String] = []
      for name in try await namespaces(known) {
        do throws(Failure) {
          try await look(name, finds)
          looked.append(name)
        } catch  where error.kind == .denied {
          // Those that were looked at are named.
        }
      }
      guard !looked.isEmpty else { throw error }
      result.namespaces = looked
    }
    let found = finds.found
    result.ended = found.ended
    result.leftovers = found.leftovers
    return result
  }

  /// The namespaces to look at one by one.
  private func namespaces(_ known: [String]) async throws(Failure) -> [String] {
    do throws(Failure) {
      return try await kubectl.namespaces()
    } catch  where error.kind == .denied {
      let current = try await kubectl.config().context(named: kubectl.context).namespace
      var seen: Set<String> = []
      return ([current] + known).filter { seen.insert($0).inserted }
    }
  }

  private func look(_ namespace: String?, _ finds: Finds) async throws(Failure) {
    let query = PodQuery(namespace: namespace, keepsLabels: true)
    _ = try await kubectl.pods(query) { (pod) throws(Failure) in finds.take(pod) }
  }
}

/// What was found so far; filled by the thread that reads the list.
private final class Finds: Sendable {
  struct Found {
    var leftovers: [Leftover] = []
    var ended = 0
  }

  /// The most things that are kept.
  private static let limit = 10_000
  private let state = Mutex(Found())

  var found: Found { state.withLock { $0 } }

  func take(_ pod: Pod) {
    guard ResourceName.isLabel(pod.namespace), ResourceName.isSubdomain(pod.name) else { return }
    state.withLock { found in
      guard found.leftovers.count < Self.limit else { return }
      if pod.labels[HelperPod.label.name] == HelperPod.label.value {
        var helper = HelperPod(namespace: pod.namespace, name: pod.name)
        helper.isFinished = pod.isFinished
        helper.isBeingDeleted = pod.deletion != nil
        helper.user = pod.ownAnnotations[HelperPod.userAnnotation]
        helper.expires = pod.ownAnnotations[HelperPod.expiryAnnotation]
        found.leftovers.append(.pod(helper))
      }
      guard !pod.isFinished else { return }
      for container in pod.ephemeralContainers where container.name.hasPrefix(FarChange.prefix) {
        if case .terminated = container.state {
          found.ended += 1
          continue
        }
        found.leftovers.append(
          .container(
            namespace: pod.namespace, pod: pod.name, uid: pod.uid, name: container.name,
            isRunning: container.state.isRunning))
      }
    }
  }
}
