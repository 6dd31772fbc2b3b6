internal import Base
internal import Cluster

/// The part of fact finding that looks once more when nothing worked: the pod may not be the one any more of
/// which everything was found out.
extension FactFinder {
  /// What has become of the target meanwhile.
  ///
  /// - Parameters:
  ///   - subject: What was found when the search began.
  ///   - options: What the routes said; where all of them refused by rule, nothing is asked.
  /// - Returns: nil when it is as it was, as far as can be said.
  func change(of subject: Subject, _ options: [Decision.Option]) async -> Failure? {
    guard case .pod(let before, _) = subject, options.contains(where: \.hasFailed) else {
      return nil
    }
    let what = "Cannot capture from \(before.namespace)/\(before.name)."
    do throws(Failure) {
      let pod = try await kubectl.pod(
        namespace: before.namespace, name: before.name, within: Patience(.seconds(2)))
      if pod.uid != before.uid {
        return Failure(
          .notFound, what, why: "The pod was replaced by another of the same name meanwhile.",
          fix: "Capture again: the new one is there now.")
      }
      guard pod.deletion != nil else { return nil }
      return Failure(
        .notFound, what, why: "The pod is being deleted.",
        fix: "Capture from its successor: poddump list -n \(before.namespace).")
    } catch  where error.kind == .notFound {
      return Failure(
        .notFound, what, why: "The pod was deleted meanwhile.",
        fix: "Capture from its successor: poddump list -n \(before.namespace).")
    } catch {
      return nil
    }
  }
}

extension Decision.Option {
  /// Whether something went wrong, which is more than a rule that forbids the route.
  fileprivate var hasFailed: Bool {
    guard case .refused(let failure) = verdict else { return false }
    return [.other, .notFound, .unreachable].contains(failure.kind)
  }
}
