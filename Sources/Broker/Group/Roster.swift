internal import Cluster

/// The pods of one followed target, as they are known right now.
struct Roster: Sendable {
  /// What is followed, in words: "deploy/api".
  let text: String
  /// By UID.
  private var pods: [String: Pod] = [:]

  /// The most pods kept: many more than are captured.
  static let limit = 1000

  init(text: String) { self.text = text }

  /// The pods by name.
  var sorted: [Pod] {
    pods.values.sorted { ($0.namespace, $0.name, $0.uid) < ($1.namespace, $1.name, $1.uid) }
  }

  /// Takes what has changed.
  mutating func take(_ news: PodNews) {
    switch news {
    case .all(let listed):
      // Of those that a cut list leaves out nothing is known.
      if listed.isComplete { pods = [:] }
      for pod in listed.items { keep(pod) }
    case .one(let pod): keep(pod)
    case .gone(let pod): pods[pod.uid] = nil
    }
  }

  private mutating func keep(_ pod: Pod) {
    guard pods[pod.uid] != nil || pods.count < Self.limit else { return }
    pods[pod.uid] = pod
  }
}
