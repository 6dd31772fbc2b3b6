internal import Base
internal import Cluster

/// The pods of all followed targets as they are known right now; written by those who follow.
final class FollowedPods: Sendable {
  private let followed: [Sought.Followed]
  private let rosters: Locked<[Roster]>
  private let isNews = Locked(false)
  private let tell: @Sendable () -> Void

  /// - Parameters:
  ///   - followed: What is followed.
  ///   - tell: Told that something has changed, once until somebody has looked: how often pods change does not
  ///     matter.
  init(_ followed: [Sought.Followed], tell: @escaping @Sendable () -> Void) {
    self.followed = followed
    self.tell = tell
    rosters = Locked(
      followed.map {
        var roster = Roster(text: $0.text)
        roster.take(.all($0.pods))
        return roster
      })
  }

  /// Whether nothing is followed.
  var isEmpty: Bool { followed.isEmpty }

  /// Whether no further pod is to be expected: only jobs are followed, and the pods of each have succeeded, or
  /// are gone. (Of one that has failed a Job makes another, some time later.)
  var areOver: Bool {
    !followed.isEmpty && followed.allSatisfy(\.isJob)
      && rosters.value.allSatisfy { $0.sorted.allSatisfy { $0.phase == "Succeeded" } }
  }

  /// All pods, each once, those of the first target first.
  var pods: [Pod] {
    isNews.value = false
    var seen: Set<String> = []
    return rosters.value.flatMap(\.sorted).filter { seen.insert($0.uid).inserted }
  }

  /// Follows one of them until the task is cancelled.
  func follow(_ index: Int, _ kubectl: Kubectl) async {
    await kubectl.follow(followed[index].query, from: followed[index].pods) { news in
      self.rosters.withLock { $0[index].take(news) }
      if !self.isNews.exchange(true) { self.tell() }
    }
  }
}
