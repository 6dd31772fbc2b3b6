import Base
import Foundation
import Testing

@testable import Cluster

/// Waiting for a container with the real kubectl.
@Suite(.serialized) struct WaitTests {
  static let pod = PodReference(namespace: "demo", name: "life")
  let real: RealKubectlTests

  init() throws {
    real = try RealKubectlTests()
  }

  static func lines() throws -> [String] {
    String(decoding: try Recording.bytes("watch-pod-life.jsonl"), as: UTF8.self)
      .split(separator: "\n").map(String.init)
  }

  /// The object of one line of the recorded watch.
  static func object(_ line: Int) throws -> [UInt8] {
    let json = try JSONSerialization.jsonObject(with: Data(lines()[line].utf8)) as? [String: Any]
    return Array(try JSONSerialization.data(withJSONObject: #require(json?["object"])))
  }

  func wait(
    _ server: TinyServer, seconds: Int = 60, _ pod: PodReference = pod, _ name: String = "tap",
    _ told: Letters = Letters()
  ) async throws(Failure) -> Pod {
    let kubectl: Kubectl
    do {
      kubectl = try real.kubectl(server.kubeconfig)
    } catch {
      throw Failure(.other, "\(error)")
    }
    return try await kubectl.wait(
      for: name, of: pod, deadline: .now + .seconds(seconds), tell: { told.append($0) })
  }

  static func kind(_ request: TinyServer.Request) -> String {
    if request.target.contains("watch=true") { return "watch" }
    return request.target.contains("/events") ? "events" : "pod"
  }

  @Test func aWatchTellsAtOnce() async throws {
    let lines = try Self.lines()
    let early = try Self.object(5)
    let server = try TinyServer.answering { request in
      switch Self.kind(request) {
      case "watch": TinyServer.Answer(lines: Array(lines.prefix(8)), pause: 0.05)
      case "events": TinyServer.Answer(Array(#"{"kind":"EventList","items":[]}"#.utf8))
      default: TinyServer.Answer(early)
      }
    }
    defer { server.stop() }
    let told = Letters()
    let pod = try await wait(server, Self.pod, "tap", told)
    #expect(pod.container(named: "tap")?.state == .running)
    #expect(told.all == ["waiting for the kubelet", "starting the container"])
    #expect(
      server.requests.contains {
        $0.hasPrefix(
          "GET /api/v1/namespaces/demo/pods?fieldSelector=metadata.name%3Dlife&timeoutSeconds=")
      })
  }

  /// A user who may not watch, or not read events either.
  @Test(arguments: [true, false])
  func withoutAWatchThePodIsRead(_ seesEvents: Bool) async throws {
    let pods = try [5, 6, 6, 7].map(Self.object)
    let count = Letters()
    let events =
      #"{"kind":"EventList","items":[{"reason":"Pulling","message":"Pulling image \"lab/netshoot:1\"","type":"Normal","involvedObject":{"fieldPath":"spec.ephemeralContainers{tap}"}}]}"#
    let server = try TinyServer.answering { request in
      switch Self.kind(request) {
      case "pod":
        count.append("p")
        return TinyServer.Answer(pods[min(count.all.count, pods.count) - 1])
      case "events" where seesEvents: return TinyServer.Answer(Array(events.utf8))
      default: return PutTests.status(403, "Forbidden", "pods is forbidden: no")
      }
    }
    defer { server.stop() }
    let told = Letters()
    let pod = try await wait(server, Self.pod, "tap", told)
    #expect(pod.container(named: "tap")?.state == .running)
    #expect(
      told.all
        == (seesEvents
          ? ["waiting for the kubelet", "pulling image lab/netshoot:1"]
          : ["waiting for the kubelet", "starting the container"]))
    #expect(count.all.count == 4)
  }

  @Test func whatCannotBecomeRunningEndsTheWait() async throws {
    let names = [
      "errimageneverpull", "createcontainerconfigerror", "completed",
      "terminating-on-not-ready-node",
    ]
    for name in names {
      let json = try Recording.bytes("objects/pod-\(name).json")
      let pod = try Recording.pod("pod-\(name)")
      let server = try TinyServer.answering { request in
        switch Self.kind(request) {
        case "watch":
          TinyServer.Answer(
            lines: [#"{"type":"ADDED","object":"# + Self.line(json) + "}"], pause: 20)
        default: TinyServer.Answer(json)
        }
      }
      defer { server.stop() }
      let container = try #require(pod.containers.first)
      let (failure, seconds) = try await failure { () throws(Failure) in
        try await wait(server, pod.reference, container.name)
      }
      #expect(
        failure.what == "Container \(container.name) of pod \(pod.reference.text) does not start.")
      #expect(failure.why != nil)
      #expect(seconds < farBelowAMinute)
    }
  }

  static func line(_ json: [UInt8]) -> String {
    String(decoding: json, as: UTF8.self).replacing("\n", with: " ")
  }

  @Test func aPodThatIsReplacedOrGone() async throws {
    let json = try Self.object(5)
    let gone = try TinyServer.answering { request in
      Self.kind(request) == "watch"
        ? TinyServer.Answer(lines: [], pause: 0)
        : PutTests.status(404, "NotFound", "pods \\\"life\\\" not found")
    }
    defer { gone.stop() }
    let (missing, _) = try await failure { () throws(Failure) in try await wait(gone) }
    #expect(missing.why == "The pod has been deleted.")
    #expect(missing.kind == .notFound)
    let server = try TinyServer.answering { _ in TinyServer.Answer(json) }
    defer { server.stop() }
    let other = PodReference(namespace: "demo", name: "life", uid: "another")
    let (replaced, _) = try await failure { () throws(Failure) in try await wait(server, other) }
    #expect(replaced.why == "The pod has been replaced by another of the same name.")
  }

  @Test func theDeadlineEndsTheWait() async throws {
    let json = try Self.object(6)
    let lines = Array(try Self.lines().prefix(7))
    let server = try TinyServer.answering { request in
      switch Self.kind(request) {
      case "watch": TinyServer.Answer(lines: lines + [" "], pause: 1)
      case "events": TinyServer.Answer(Array(#"{"kind":"EventList","items":[]}"#.utf8))
      default: TinyServer.Answer(json)
      }
    }
    defer { server.stop() }
    let (failure, seconds) = try await failure { () throws(Failure) in
      try await wait(server, seconds: 2)
    }
    #expect(failure.why?.hasPrefix("It does not run in time. Last: ") == true)
    #expect(seconds >= 1.9 && seconds < farBelowAMinute)
  }

  @Test func aUserWhoMayNotReadThePod() async throws {
    let server = try TinyServer { _ in
      PutTests.status(
        403, "Forbidden",
        "pods \\\"life\\\" is forbidden: User \\\"dev\\\" cannot get resource \\\"pods\\\" in API group \\\"\\\" in the namespace \\\"demo\\\""
      )
    }
    defer { server.stop() }
    let (failure, _) = try await failure { () throws(Failure) in try await wait(server) }
    #expect(failure.kind == .denied)
  }

  @Test func cancellationEndsTheWait() async throws {
    let json = try Self.object(6)
    let server = try TinyServer.answering { request in
      Self.kind(request) == "watch"
        ? TinyServer.Answer(lines: [" "], pause: 20) : TinyServer.Answer(json)
    }
    defer { server.stop() }
    let clock = ContinuousClock()
    let start = clock.now
    let task = Task { try await wait(server) }
    try await Task.sleep(for: .milliseconds(300))
    task.cancel()
    await #expect(throws: Failure.self) { try await task.value }
    #expect(clock.now - start < .seconds(farBelowAMinute))
  }
}
