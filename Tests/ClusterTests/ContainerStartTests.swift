import Base
import Foundation
import Testing

@testable import Cluster

/// Recorded pods and their recorded events: what becomes of a container that is waited for.
@Suite struct ContainerStartTests {
  static func events(_ name: String) throws -> [PodEvent] {
    var events: [PodEvent] = []
    var reader = ListReader()
    try Recording.bytes("objects/events-\(name).json").withUnsafeBytes { json in
      try reader.feed(json) { (json) throws(JSONError) in
        if let event = try PodEvent.read(json) { events.append(event) }
      }
    }
    return events.enumerated()
      .sorted { ($0.element.last ?? 0, $0.offset) > ($1.element.last ?? 0, $1.offset) }
      .map(\.element)
  }

  static let notFound =
    #"Back-off pulling image "lab/nothere:1": ErrImagePull: rpc error: code = NotFound desc = failed to pull and unpack image "docker.io/lab/nothere:1": failed to resolve reference "docker.io/lab/nothere:1": docker.io/lab/nothere:1: not found"#

  @Test(
    arguments: [
      ("running", nil, .running),
      (
        "imagepullbackoff", "badimage",
        .failing(.image(reason: "ImagePullBackOff", notFound))
      ),
      (
        "errimageneverpull", "neverpull",
        .never(
          .image(
            reason: "ErrImageNeverPull",
            #"Container image "lab/absent:1" is not present with pull policy of Never"#))
      ),
      (
        "invalidimagename", "invalidimage",
        .never(
          .image(
            reason: "InvalidImageName",
            #"Failed to apply default image tag "Lab/UPPER:1": couldn't parse image name "Lab/UPPER:1": invalid reference format: repository name (UPPER) must be lowercase"#
          ))
      ),
      (
        "createcontainerconfigerror", "configerr",
        .never(.configuration(#"configmap "settings" not found"#))
      ),
      (
        "runasnonroot-refused", "rootrefused",
        .never(
          .configuration(
            #"container has runAsNonRoot and image will run as root (pod: "rootrefused_demo(c5858cec-64b1-4eae-8a80-c15ed67603dd)", container: rootrefused)"#
          ))
      ),
      (
        "containercreating-secret-missing", "secretmissing",
        .waiting(
          #"FailedMount: MountVolume.SetUp failed for volume "s" : secret "absent" not found"#)
      ),
      ("containercreating-secret-missing", nil, .waiting("starting the container")),
      (
        "runcontainererror", "runerr",
        .never(
          .cannotStart(
            reason: "CrashLoopBackOff",
            "back-off 5m0s restarting failed container=runerr pod=runerr_demo(ee468948-06e1-4bba-a81f-7cf1a816dc81)"
          ))
      ),
      (
        "pending-unschedulable", "pending",
        .waiting(
          "FailedScheduling: 0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector. no new claims to deallocate, preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling."
        )
      ),
      ("completed", nil, .never(.podFinished("Succeeded"))),
      ("failed", nil, .never(.podFinished("Failed"))),
      ("terminating-on-not-ready-node", nil, .never(.podEnding)),
      ("static-mirror", nil, .running),
    ] as [(String, String?, ContainerStart)])
  func recordedPods(_ name: String, _ events: String?, _ expected: ContainerStart) throws {
    let pod = try Recording.pod("pod-\(name)")
    let container = try #require(pod.containers.first)
    let found = try ContainerStart(
      container.name, of: pod, uid: pod.uid, events: events.map(Self.events) ?? [])
    #expect(found == expected)
  }

  @Test func ephemeralContainers() throws {
    let pod = try Recording.pod("pod-ephemeral-containers")
    let events = try Self.events("eph")
    let states = pod.ephemeralContainers.map {
      ContainerStart($0.name, of: pod, uid: nil, events: events)
    }
    #expect(
      states.contains(.running) || states.contains { if case .never = $0 { true } else { false } })
    #expect(
      ContainerStart("new", of: pod, uid: nil, events: []) == .waiting("waiting for the kubelet"))
    #expect(ContainerStart("x", of: pod, uid: "other", events: []) == .never(.podReplaced))
    #expect(ContainerStart("x", of: nil, uid: nil, events: []) == .never(.podGone))
  }

  @Test func wordsOfEvents() {
    var pod = Pod(namespace: "demo", name: "web")
    var container = Container(name: "c", role: .ephemeral)
    container.state = .waiting(reason: "ContainerCreating", message: nil)
    pod.ephemeralContainers = [container]
    func event(_ reason: String, _ message: String, of name: String? = "c", warns: Bool = false)
      -> PodEvent
    {
      var event = PodEvent()
      event.reason = reason
      event.message = message
      event.container = name
      event.isWarning = warns
      return event
    }
    func start(_ events: [PodEvent]) -> ContainerStart {
      ContainerStart("c", of: pod, uid: nil, events: events)
    }
    let pulling = event("Pulling", "Pulling image \"nicolaka/netshoot\"")
    #expect(start([pulling]) == .waiting("pulling image nicolaka/netshoot"))
    #expect(start([event("Pulled", "done"), pulling]) == .waiting("starting the container"))
    #expect(start([event("Pulling", "", of: "d")]) == .waiting("starting the container"))
    #expect(start([event("Pulling", "no quotes")]) == .waiting("pulling image "))
    #expect(
      start([event("FailedCreatePodSandBox", "no network", of: nil, warns: true), pulling])
        == .waiting("FailedCreatePodSandBox: no network"))
  }

  /// The recorded life of a pod with an ephemeral container that runs three seconds.
  @Test func aWatchedLife() throws {
    var wait = ContainerWait(container: "tap", uid: nil)
    var results: [String] = []
    let lines = String(decoding: try Recording.bytes("watch-pod-life.jsonl"), as: UTF8.self)
    for (second, line) in lines.split(separator: "\n").enumerated() {
      let change = try Array(line.utf8).withUnsafeBytes { try PodChange.read($0) }
      let pod: Pod?
      switch change {
      case .pod(let found): pod = found
      case .deleted: pod = nil
      case .over, nil:
        results.append("nothing")
        continue
      }
      let (verdict, news) = wait.take(pod, at: .seconds(second))
      switch verdict {
      case .goOn: results.append(news ?? "-")
      case .ready(let pod): results.append("ready \(pod.name)")
      case .giveUp(let trouble): results.append("\(trouble)")
      }
    }
    #expect(
      results == [
        "waiting for the kubelet", "-", "-", "-", "-", "-", "starting the container", "ready life",
        #"ended(reason: Optional("Completed"), exitCode: 0)"#, "podEnding", "podEnding",
        #"podFinished("Failed")"#, #"podFinished("Failed")"#, "podGone", "nothing", "nothing",
      ])
  }

  @Test func anImageIsGivenUpAfterAGrace() throws {
    let pod = try Recording.pod("pod-imagepullbackoff")
    var wait = ContainerWait(container: "badimage", uid: pod.uid)
    #expect(wait.take(pod, at: .seconds(3)).news == "ImagePullBackOff: \(Self.notFound)")
    guard case (.goOn, nil) = wait.take(pod, at: .seconds(17)) else {
      Issue.record("It was told twice, or given up too early.")
      return
    }
    // A pull that goes on in between starts the grace anew.
    var pulling = pod
    pulling.containers[0].state = .waiting(reason: "ContainerCreating", message: nil)
    #expect(wait.take(pulling, at: .seconds(17)).news == "starting the container")
    _ = wait.take(pod, at: .seconds(18))
    guard case .goOn = wait.take([], at: .seconds(32)).verdict,
      case .giveUp(.image) = wait.take([], at: .seconds(33)).verdict
    else {
      Issue.record("The grace is not fifteen seconds.")
      return
    }
  }

  @Test func reasonsAreBounded() throws {
    var wait = ContainerWait(container: "c", uid: nil)
    var told = 0
    for number in 0..<500 {
      var pod = Pod(namespace: "demo", name: "web")
      var container = Container(name: "c", role: .main)
      container.state = .waiting(
        reason: "Odd\(number)\n\u{1B}", message: String(repeating: "x", count: 9000))
      pod.containers = [container]
      guard let news = wait.take(pod, at: .zero).news else { continue }
      told += 1
      #expect(news.unicodeScalars.count <= 401)
      #expect(!news.contains("\n") && !news.contains("\u{1B}"))
    }
    #expect(told == 50)
  }

  /// A watch in pieces cut anywhere says the same.
  @Test func piecesOfAWatch() throws {
    let bytes = try Recording.bytes("watch-pod-life.jsonl")
    var generator = SeededGenerator(seed: 21)
    for _ in 0..<20 {
      let seen = Counter()
      var watch = PodWatch(what: "-") { change in
        seen.add(change)
        return true
      }
      var position = 0
      while position < bytes.count {
        let end = min(bytes.count, position + Int.random(in: 1...3000, using: &generator))
        try bytes[position..<end].withUnsafeBytes { try watch.consume($0) }
        position = end
      }
      #expect(seen.text == "pppppppppppppd")
    }
  }

  @Test func aWatchThatIsNone() throws {
    func feed(_ text: String) throws -> Bool {
      var watch = PodWatch(what: "-") { change in
        if case .over = change { false } else { true }
      }
      try Array(text.utf8).withUnsafeBytes { try watch.consume($0) }
      return watch.wantsMore
    }
    #expect(try feed("{}\n\n{\"type\":\"BOOKMARK\"}\n{\"type\":\"ADDED\"}\n{"))
    #expect(
      try !feed(
        #"{"type":"ERROR","object":{"kind":"Status","status":"Failure","code":410}}"# + "\n"))
    #expect(throws: Failure.self) { try feed("junk\n") }
    #expect(throws: Failure.self) {
      try feed(String(repeating: "x", count: ListReader.itemLimit + 1))
    }
  }
}

/// Collects letters from any thread.
final class Counter: Sendable {
  private let letters = Letters()

  func add(_ change: PodChange) {
    switch change {
    case .pod: letters.append("p")
    case .deleted: letters.append("d")
    case .over: letters.append("o")
    }
  }

  var text: String { letters.text }
}
