package import Base
internal import Cluster

/// What a capture would do, for each pod or node that it would begin with.
package struct Survey: Sendable {
  /// One of them.
  package struct Member: Sendable {
    /// "shop/web", "node/n1".
    package var name: String
    /// What the routes say; or why nothing could be found out.
    package var decision: Result<Decision, Failure>

    package init(name: String, decision: Result<Decision, Failure>) {
      self.name = name
      self.decision = decision
    }
  }

  package var members: [Member] = []
  /// What is followed: "deploy/api".
  package var followed: [String] = []
  /// How many more pods there are, of which nothing was found out.
  package var omitted = 0

  package init() {}

  /// - Throws: `Failure` where nothing could be captured: why.
  package func check() throws(Failure) {
    var first: Failure?
    for member in members {
      do throws(Failure) {
        _ = try member.decision.get().chosen()
        return
      } catch {
        first = first ?? error
      }
    }
    if let first { throw first }
  }
}

extension FactFinder {
  /// Finds out what a capture would do. Nothing stays open.
  ///
  /// - Throws: `Failure` where something is not there, or nothing of it runs.
  package func survey(_ order: CaptureOrder) async throws(Failure) -> Survey {
    let sought = try await order.seek(kubectl)
    let followed = FollowedPods(sought.followed) {}
    var members = Members(
      named: sought.named.count, namedPods: sought.namedPods, container: order.request.container,
      bounds: Members.Bounds(starting: Members.Bounds().members))
    var wanted: [(name: String, request: CaptureRequest)] = []
    for case .join(let id, let pod) in members.next(followed.pods) {
      switch id {
      case .named(let number):
        let request = sought.named[number]
        wanted.append((request.target?.text ?? "", request))
      case .pod:
        let target = Target(kind: .pod, namespace: pod?.namespace, name: pod?.name ?? "")
        wanted.append((target.text, order.single(target)))
      }
    }
    var survey = Survey()
    survey.followed = sought.followed.map(\.text)
    survey.omitted = max(
      0, followed.pods.count { $0.isRunning } + sought.named.count - wanted.count)
    survey.members = await surveys(of: wanted)
    if order.isSingle, case .failure(let failure)? = survey.members.first?.decision {
      throw failure
    }
    return survey
  }

  /// A few at a time: each asks its pod, and the cluster several things.
  private func surveys(of wanted: [(name: String, request: CaptureRequest)]) async -> [Survey
    .Member]
  {
    var members: [Survey.Member?] = Array(repeating: nil, count: wanted.count)
    await withTaskGroup(of: (Int, Survey.Member).self) { tasks in
      var next = 0
      func add() {
        guard next < wanted.count else { return }
        let (index, (name, request)) = (next, wanted[next])
        next += 1
        tasks.addTask {
          do throws(Failure) {
            return (
              index, Survey.Member(name: name, decision: .success(try await survey(request).1))
            )
          } catch {
            return (index, Survey.Member(name: name, decision: .failure(error)))
          }
        }
      }
      for _ in 0..<Members.Bounds().starting { add() }
      while let (index, member) = await tasks.next() {
        members[index] = member
        add()
      }
    }
    return members.compactMap(\.self)
  }
}
