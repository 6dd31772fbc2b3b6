internal import Cluster

/// Who writes into a stream that several share, decided from what is known of the pods. Pure: no clock, no I/O.
struct Members: Sendable {
  /// A member: what was named, by its place on the command line, or a followed pod, by its UID.
  enum ID: Hashable, Sendable {
    case named(Int)
    case pod(String)
  }

  /// How many there may be.
  struct Bounds: Sendable {
    /// At the same time.
    var members = 64
    /// Of them, those that are still being connected to.
    var starting = 8
    /// All in all: each is an interface that every file of a ring repeats.
    var joins = 1000
  }

  enum Phase: Sendable, Equatable { case starting, running, leaving }

  /// What is to be done.
  enum Step: Sendable, Equatable {
    case join(ID, Pod?)
    /// Its pod is gone.
    case leave(ID)
    /// There are more pods than places; said once.
    case full(pods: Int)
    /// No further pod will be captured; said once.
    case exhausted
  }

  private let bounds: Bounds
  /// The container asked for; nil for the one that kubectl would choose.
  private let container: String?
  /// How many were named.
  private var named: Int
  /// Those of them that have not been started.
  private var waiting: [Int]
  /// The names of the pods among them, which are not captured twice.
  private let namedPods: Set<String>
  private(set) var present: [ID: Phase] = [:]
  /// Followed pods that are captured no more, as they were then: they are taken up again when they have
  /// changed, since a pod that could not be captured cannot be by trying again.
  private var ended: [String: Standing] = [:]
  private var joins = 0
  private var saidFull = false
  private var saidExhausted = false

  /// - Parameters:
  ///   - named: How many were named.
  ///   - namedPods: The pods among them: "shop/web".
  ///   - container: The container asked for.
  ///   - bounds: How many there may be.
  init(
    named: Int, namedPods: Set<String> = [], container: String? = nil, bounds: Bounds = Bounds()
  ) {
    self.named = named
    waiting = Array(0..<named)
    self.namedPods = namedPods
    self.container = container
    self.bounds = bounds
  }

  /// Decides who joins and who leaves.
  ///
  /// - Parameter pods: All followed pods there are.
  /// - Returns: What is to be done; it counts as done.
  mutating func next(_ pods: [Pod]) -> [Step] {
    var steps: [Step] = []
    let known = Dictionary(pods.map { ($0.uid, $0) }) { first, _ in first }
    ended = ended.filter { known[$0.key] != nil }
    for case (.pod(let uid), let phase) in present where phase != .leaving {
      if let pod = known[uid], !pod.isFinished { continue }
      present[.pod(uid)] = .leaving
      steps.append(.leave(.pod(uid)))
    }
    while !waiting.isEmpty, hasRoom { steps.append(join(.named(waiting.removeFirst()), nil)) }
    let joining = pods.filter { mayJoin($0) }
    for pod in joining where hasRoom { steps.append(join(.pod(pod.uid), pod)) }
    if present.count >= bounds.members, !saidFull,
      joining.contains(where: { present[.pod($0.uid)] == nil })
    {
      saidFull = true
      steps.append(.full(pods: pods.count { $0.isRunning } + present.keys.count { $0.isNamed }))
    }
    if joins >= bounds.joins, !saidExhausted {
      saidExhausted = true
      steps.append(.exhausted)
    }
    return steps
  }

  /// Takes note that packets flow from a member.
  mutating func begun(_ id: ID) { if present[id] == .starting { present[id] = .running } }

  /// Takes note that a member is captured no more.
  ///
  /// - Parameters:
  ///   - id: Which.
  ///   - pods: All followed pods there are.
  mutating func ended(_ id: ID, _ pods: [Pod]) {
    present[id] = nil
    guard case .pod(let uid) = id, let pod = pods.first(where: { $0.uid == uid }) else { return }
    ended[uid] = Standing(pod)
  }

  /// Has one more that was named, beside those there are.
  mutating func add() -> Int {
    waiting.append(named)
    named += 1
    return named - 1
  }

  /// Whether nobody is there and nobody will be, unless a pod changes.
  var isEmpty: Bool { present.isEmpty && waiting.isEmpty }

  /// Whether pods run that could not be captured, or are captured no more though they are as they were.
  func isStuck(_ pods: [Pod]) -> Bool {
    guard isEmpty else { return false }
    return joins >= bounds.joins
      || pods.contains { $0.isRunning && $0.deletion == nil && ended[$0.uid] == Standing($0) }
  }

  private var hasRoom: Bool {
    present.count < bounds.members && joins < bounds.joins
      && present.values.count { $0 == .starting } < bounds.starting
  }

  private mutating func join(_ id: ID, _ pod: Pod?) -> Step {
    present[id] = .starting
    joins += 1
    return .join(id, pod)
  }

  /// Whether a pod is one to be captured that is not yet.
  private func mayJoin(_ pod: Pod) -> Bool {
    guard pod.isRunning, pod.deletion == nil, !pod.uid.isEmpty, present[.pod(pod.uid)] == nil,
      !namedPods.contains("\(pod.namespace)/\(pod.name)"), ended[pod.uid] != Standing(pod)
    else { return false }
    switch (container.map(pod.container(named:)) ?? pod.defaultContainer)?.state {
    case .running, .unknown: return true
    // Another container runs. The one that is meant will, or there is none of that name, which is to be said.
    case nil: return true
    case .waiting, .terminated: return false
    }
  }

  /// What a pod was like when its capture ended: where it is, and which containers run. What captures it may
  /// change everything else.
  private struct Standing: Sendable, Equatable {
    var node: String?
    var containers: [String?]

    init(_ pod: Pod) {
      node = pod.node
      containers = pod.containers.map { $0.state.isRunning ? $0.containerID : nil }
    }
  }
}

extension Members.ID {
  /// Whether it was named itself, so that losing it is a failure.
  var isNamed: Bool { if case .named = self { true } else { false } }
}
