import Cluster
import Testing

@testable import Broker

/// Who joins a stream and who leaves it, in tables.
@Suite struct MembersTests {
  /// A pod that runs, unless something else is said.
  private static func pod(
    _ name: String, uid: String? = nil, phase: String = "Running",
    state: Container.State = .running, id: String = "containerd://1", deletion: Int? = nil
  ) -> Pod {
    var pod = Pod(namespace: "shop", name: name)
    pod.uid = uid ?? "uid-\(name)"
    pod.node = "n1"
    pod.phase = phase
    pod.deletion = deletion
    var container = Container(name: "api", role: .main)
    container.state = state
    container.containerID = id
    pod.containers = [container]
    return pod
  }

  private static func join(_ pod: Pod) -> Members.Step { .join(.pod(pod.uid), pod) }

  @Test func runningPodsJoinAndOthersDoNot() {
    let (a, b) = (Self.pod("a"), Self.pod("b"))
    let others = [
      Self.pod(
        "pending", phase: "Pending", state: .waiting(reason: "ContainerCreating", message: nil)),
      Self.pod("done", phase: "Succeeded", state: .terminated(reason: nil, exitCode: 0)),
      Self.pod("leaving", deletion: 1),
      Self.pod("nobody", uid: ""),
    ]
    var members = Members(named: 0)
    #expect(members.next(others + [a, b]) == [Self.join(a), Self.join(b)])
    #expect(members.next(others + [a, b]).isEmpty, "each once")
  }

  @Test func onePodJoinsWhenItRuns() {
    let before = Self.pod("a", phase: "Pending", state: .waiting(reason: nil, message: nil))
    var members = Members(named: 0)
    #expect(members.next([before]).isEmpty)
    #expect(members.next([Self.pod("a")]) == [Self.join(Self.pod("a"))])
  }

  @Test func aPodThatIsGoneOrFinishedLeavesOnce() {
    let (a, b) = (Self.pod("a"), Self.pod("b"))
    var members = Members(named: 0)
    _ = members.next([a, b])
    members.begun(.pod(a.uid))
    // One that is being deleted serves on, and is captured until it is gone.
    #expect(members.next([Self.pod("a", deletion: 1), b]).isEmpty)
    #expect(members.next([b]) == [.leave(.pod(a.uid))])
    #expect(members.next([b]).isEmpty)
    let finished = Self.pod("b", phase: "Failed", state: .terminated(reason: nil, exitCode: 1))
    #expect(members.next([finished]) == [.leave(.pod(b.uid))])
    members.ended(.pod(a.uid), [finished])
    members.ended(.pod(b.uid), [finished])
    #expect(members.isEmpty && members.next([finished]).isEmpty)
    #expect(!members.isStuck([finished]), "nothing runs: a successor may come")
  }

  @Test func aSuccessorOfTheSameNameIsAnotherPod() {
    let (old, new) = (Self.pod("db-0", uid: "1"), Self.pod("db-0", uid: "2"))
    var members = Members(named: 0)
    _ = members.next([old])
    #expect(members.next([new]) == [.leave(.pod("1")), Self.join(new)])
  }

  @Test func whatEndedIsTakenUpAgainWhenItHasChangedAndNotBefore() {
    let pod = Self.pod("a")
    var members = Members(named: 0)
    _ = members.next([pod])
    members.ended(.pod(pod.uid), [pod])
    #expect(members.next([pod]).isEmpty)
    #expect(members.isStuck([pod]))
    // What captures it may add a container of its own; that is no reason to try again.
    var debugged = pod
    debugged.ephemeralContainers = [Container(name: "poddump-1", role: .ephemeral)]
    #expect(members.next([debugged]).isEmpty && members.isStuck([debugged]))
    let waiting = Self.pod("a", state: .waiting(reason: "CrashLoopBackOff", message: nil))
    #expect(members.next([waiting]).isEmpty && !members.isStuck([waiting]))
    let restarted = Self.pod("a", id: "containerd://2")
    #expect(!members.isStuck([restarted]))
    #expect(members.next([restarted]) == [Self.join(restarted)])
  }

  @Test func whatIsNamedStartsFirstAndIsNotCapturedTwice() {
    let (a, b) = (Self.pod("a"), Self.pod("b"))
    var members = Members(named: 2, namedPods: ["shop/a"])
    #expect(members.next([a, b]) == [.join(.named(0), nil), .join(.named(1), nil), Self.join(b)])
    members.ended(.named(0), [a, b])
    #expect(members.next([a, b]).isEmpty, "not tried again")
    #expect(members.add() == 2)
    #expect(!members.isEmpty)
    #expect(members.next([a, b]) == [.join(.named(2), nil)])
  }

  @Test func aFewStartAtATime() {
    let pods = (0..<5).map { Self.pod("p\($0)") }
    var members = Members(named: 0, bounds: .init(members: 10, starting: 2))
    #expect(members.next(pods) == [Self.join(pods[0]), Self.join(pods[1])])
    #expect(members.next(pods).isEmpty)
    members.begun(.pod(pods[0].uid))
    #expect(members.next(pods) == [Self.join(pods[2])])
    members.ended(.pod(pods[1].uid), pods)
    #expect(members.next(pods) == [Self.join(pods[3])])
  }

  @Test func thereAreSoManyPlacesAndThatIsSaidOnce() {
    let pods = (0..<4).map { Self.pod("p\($0)") }
    var members = Members(named: 1, bounds: .init(members: 3))
    #expect(
      members.next(pods) == [
        .join(.named(0), nil), Self.join(pods[0]), Self.join(pods[1]), .full(pods: 5),
      ])
    #expect(members.next(pods).isEmpty)
    let left = Array(pods.dropFirst())
    #expect(members.next(left) == [.leave(.pod(pods[0].uid))], "its place is not free yet")
    members.ended(.pod(pods[0].uid), left)
    #expect(members.next(left) == [Self.join(pods[2])])
  }

  @Test func aPodThatComesAndGoesForEverEndsSomewhere() {
    var members = Members(named: 0, bounds: .init(joins: 3))
    for number in 0..<3 {
      let pod = Self.pod("p", uid: "\(number)")
      var steps = members.next([pod])
      #expect(steps.removeFirst() == Self.join(pod))
      #expect(steps == (number == 2 ? [.exhausted] : []))
      members.ended(.pod(pod.uid), [])
    }
    #expect(members.next([Self.pod("p", uid: "3")]).isEmpty)
    #expect(members.isStuck([]))
  }

  @Test func theContainerThatIsMeantDecides() {
    var pod = Self.pod("a")
    var side = Container(name: "side", role: .main)
    side.state = .waiting(reason: nil, message: nil)
    pod.containers.append(side)
    for (container, joins) in [(nil, true), ("api", true), ("side", false), ("none", true)] {
      var members = Members(named: 0, container: container)
      #expect(members.next([pod]).isEmpty == !joins, "\(container ?? "none given")")
    }
  }

  @Test func aRosterKeepsWhatIsKnown() {
    let (a, b, c) = (Self.pod("a"), Self.pod("b"), Self.pod("c"))
    var roster = Roster(text: "deploy/api")
    roster.take(.all(Listed(items: [b, a], isComplete: true)))
    #expect(roster.sorted == [a, b])
    roster.take(.gone(a))
    roster.take(.one(c))
    #expect(roster.sorted == [b, c])
    // A list that was cut says nothing of those that it lacks.
    roster.take(.all(Listed(items: [a], isComplete: false)))
    #expect(roster.sorted == [a, b, c])
    roster.take(.all(Listed(items: [a], isComplete: true)))
    #expect(roster.sorted == [a])
    for number in 0..<(Roster.limit + 5) { roster.take(.one(Self.pod("p\(number)"))) }
    #expect(roster.sorted.count == Roster.limit)
  }
}

/// Which pod took the place of one that is gone.
@Suite struct SuccessorTests {
  private static func pod(
    _ name: String, owner: (String, String)?, created: Int = 0, isRunning: Bool = true,
    deletion: Int? = nil
  ) -> Pod {
    var pod = Pod(namespace: "shop", name: name)
    pod.uid = name
    (pod.ownerKind, pod.ownerName) = (owner?.0, owner?.1)
    pod.created = created
    pod.deletion = deletion
    pod.labels = ["app": "api", "pod-template-hash": "5d8f"]
    var container = Container(name: "api", role: .main)
    container.state = isRunning ? .running : .waiting(reason: nil, message: nil)
    pod.containers = [container]
    return pod
  }

  @Test func theSelectorHasWhatStaysTheSame() {
    var pod = Self.pod("a", owner: nil)
    #expect(Successor.selector(of: pod)?.text == "app=api")
    pod.labels["tier"] = "front"
    #expect(Successor.selector(of: pod)?.text == "app=api,tier=front")
    pod.labels = ["pod-template-hash": "5d8f"]
    #expect(Successor.selector(of: pod) == nil)
  }

  @Test func theNewestOfTheSameControllerIsTaken() {
    let gone = Self.pod("gone", owner: ("ReplicaSet", "api-1"))
    let others = [
      Self.pod("old", owner: ("ReplicaSet", "api-1"), created: 1),
      Self.pod("new", owner: ("ReplicaSet", "api-1"), created: 2),
      Self.pod("next", owner: ("ReplicaSet", "api-2"), created: 9),
      Self.pod("waits", owner: ("ReplicaSet", "api-1"), created: 7, isRunning: false),
      Self.pod("leaves", owner: ("ReplicaSet", "api-1"), created: 8, deletion: 1),
      Self.pod("stranger", owner: ("Job", "api-1"), created: 10),
    ]
    #expect(Successor.choose(after: gone, among: others)?.name == "new")
    // After a new version of the Deployment another ReplicaSet has the pods.
    #expect(
      Successor.choose(after: gone, among: Array(others.dropFirst(2)))?.name == "next")
  }

  @Test func theSameNameComesFirst() {
    let gone = Self.pod("db-0", owner: ("StatefulSet", "db"))
    let others = [
      Self.pod("db-1", owner: ("StatefulSet", "db"), created: 5),
      Self.pod("db-0", owner: ("StatefulSet", "db"), created: 3),
    ]
    #expect(Successor.choose(after: gone, among: others)?.name == "db-0")
  }

  @Test func aPodWithoutAControllerHasNone() {
    let gone = Self.pod("gone", owner: nil)
    #expect(Successor.choose(after: gone, among: [Self.pod("other", owner: nil)]) == nil)
    #expect(Successor.choose(after: gone, among: [gone])?.name == "gone", "it runs again")
  }
}
