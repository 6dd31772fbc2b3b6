import Base
import Foundation
import Testing

@testable import Cluster

/// The real kubectl against a server that answers as recorded: what is sent, and what is made of the
/// answers.
@Suite(.serialized) struct PutTests {
  static let pod = PodReference(
    namespace: "demo", name: "web", uid: "e2ba7d50-121f-45a7-b971-cb9080571d53")
  static let container = EphemeralContainer(
    name: "poddump-7f3a", image: "lab/netshoot:1", command: ["sleep", "5"])
  static let conflict = status(
    409, "Conflict",
    "Operation cannot be fulfilled on pods \\\"web\\\": the object has been modified; please apply your changes to the latest version and try again"
  )

  let real: RealKubectlTests

  init() throws {
    real = try RealKubectlTests()
  }

  static func status(_ code: Int, _ reason: String, _ message: String) -> TinyServer.Answer {
    let json =
      #"{"kind":"Status","apiVersion":"v1","status":"Failure","message":"\#(message)","reason":"\#(reason)","code":\#(code)}"#
    return TinyServer.Answer(Array(json.utf8), status: "\(code) \(reason)")
  }

  static func path(_ request: TinyServer.Request) -> String {
    String(request.target.prefix { $0 != "?" })
  }

  @Test func anEntryIsPut() async throws {
    let json = try Recording.bytes("objects/pod-running.json")
    let pod = try Recording.pod("pod-running")
    let server = try TinyServer.answering { _ in TinyServer.Answer(json) }
    defer { server.stop() }
    let kubectl = try real.kubectl(server.kubeconfig)
    for dryRun in [true, false] {
      #expect(
        try await kubectl.put(Self.container, into: pod.reference, dryRun: dryRun) == .accepted)
    }
    let query = ["?dryRun=All&timeout=1m0s", "?timeout=1m0s"]
    let path = "/api/v1/namespaces/demo/pods/\(pod.name)"
    #expect(
      server.requests == [
        "GET \(path)?timeout=1m0s", "PUT \(path)/ephemeralcontainers\(query[0])",
        "GET \(path)?timeout=1m0s", "PUT \(path)/ephemeralcontainers\(query[1])",
      ])
    let expected = try json.withUnsafeBytes {
      try PodPatch($0).adding(Self.container.manifest.line, to: $0)
    }
    #expect(server.received[1].body == expected)
    #expect(server.received[3].body == expected)
  }

  @Test(arguments: [0, 1, 4, 5])
  func aChangeInBetweenIsTriedAgain(_ conflicts: Int) async throws {
    let json = try Recording.bytes("objects/pod-running.json")
    let puts = Letters()
    let server = try TinyServer.answering { request in
      guard request.method == "PUT" else { return TinyServer.Answer(json) }
      puts.append("p")
      return puts.all.count <= conflicts ? Self.conflict : TinyServer.Answer(json)
    }
    defer { server.stop() }
    let answer = try await real.kubectl(server.kubeconfig)
      .put(Self.container, into: Recording.pod("pod-running").reference, dryRun: false)
    #expect(answer == (conflicts < 5 ? .accepted : .refused(AdmissionRefusal(.conflict))))
    #expect(server.requests.count == 2 * min(conflicts + 1, 5))
  }

  @Test func refusalsOfPut() async throws {
    let json = try Recording.bytes("objects/pod-ephemeral-containers.json")
    let found = try Recording.pod("pod-ephemeral-containers").reference
    let server = try TinyServer.answering { request in
      switch (request.method, Self.path(request)) {
      case ("GET", "/api/v1/namespaces/demo/pods/gone"):
        Self.status(404, "NotFound", "pods \\\"gone\\\" not found")
      case ("PUT", _):
        Self.status(
          403, "Forbidden",
          "pods \\\"eph\\\" is forbidden: User \\\"dev\\\" cannot update resource \\\"pods/ephemeralcontainers\\\" in API group \\\"\\\" in the namespace \\\"demo\\\""
        )
      default: TinyServer.Answer(json)
      }
    }
    defer { server.stop() }
    let kubectl = try real.kubectl(server.kubeconfig)
    func cause(
      _ pod: PodReference, _ name: String = "new"
    ) async throws -> AdmissionRefusal.Cause? {
      var container = Self.container
      container.name = name
      return try await kubectl.put(container, into: pod, dryRun: false).refusal?.cause
    }
    var other = found
    other.uid = "11111111-2222-3333-4444-555555555555"
    #expect(try await cause(other) == .replaced)
    #expect(try await cause(found, "dbg136c1") == .exists)
    #expect(server.requests.allSatisfy { $0.hasPrefix("GET") })
    let gone = PodReference(namespace: "demo", name: "gone")
    #expect(try await cause(gone) == .notFound("pods \"gone\" not found"))
    guard case .forbidden(let denial) = try await cause(found) else {
      Issue.record("It is not refused.")
      return
    }
    #expect(denial.verb == "update")
    for (pod, name) in [
      (PodReference(namespace: "-A", name: "web"), "new"),
      (PodReference(namespace: "demo", name: "a/b"), "new"), (found, "--all"), (found, "a.b"),
    ] {
      let (failure, _) = try await failure { () throws(Failure) in
        var container = Self.container
        container.name = name
        return try await kubectl.put(container, into: pod, dryRun: true)
      }
      #expect(failure.kind == .usage)
    }
  }

  @Test func aServerThatIsGoneIsAFailure() async throws {
    let kubectl = try real.kubectl(RealKubectlTests.config(server: "https://127.0.0.1:1"))
    let (put, _) = try await failure { () throws(Failure) in
      try await kubectl.put(Self.container, into: Self.pod, dryRun: true)
    }
    let (create, _) = try await failure { () throws(Failure) in
      try await kubectl.create(pod: .object([]), namespace: "demo", dryRun: true)
    }
    let (delete, _) = try await failure { () throws(Failure) in
      try await kubectl.delete(Self.pod)
    }
    for failure in [put, create, delete] { #expect(failure.kind == .unreachable) }
    #expect(delete.what == "Cannot delete pod demo/web.")
  }

  /// `kubectl debug` sends what `put` would have sent, by PATCH.
  @Test func debugPatchesTheSame() async throws {
    let json = try Recording.bytes("objects/pod-running.json")
    let versions = Array(#"{"kind":"APIVersions","versions":["v1"]}"#.utf8)
    let resources = Array(
      #"{"kind":"APIResourceList","groupVersion":"v1","resources":[{"name":"pods","singularName":"pod","namespaced":true,"kind":"Pod","verbs":["get","patch"],"shortNames":["po"]},{"name":"pods/ephemeralcontainers","singularName":"","namespaced":true,"kind":"Pod","verbs":["get","patch","update"]}]}"#
        .utf8)
    let empty = Array(#"{"kind":"APIGroupList","apiVersion":"v1","groups":[]}"#.utf8)
    let server = try TinyServer.answering { request in
      switch Self.path(request) {
      case "/api": TinyServer.Answer(versions)
      case "/apis": TinyServer.Answer(empty)
      case "/api/v1": TinyServer.Answer(resources)
      default: TinyServer.Answer(json)
      }
    }
    defer { server.stop() }
    let kubectl = try real.kubectl(server.kubeconfig)
    for security in [EphemeralContainer.Security.capturing, .default] {
      var container = Self.container
      container.security = security
      #expect(
        try await kubectl.debug(
          PodReference(namespace: "demo", name: "web"), container: container) == .accepted)
      let patch = try #require(server.received.last { $0.method == "PATCH" })
      #expect(Self.path(patch).hasSuffix("/ephemeralcontainers"))
      let sent = try #require(
        JSONSerialization.jsonObject(with: Data(patch.body)) as? [String: Any])
      let spec = try #require(sent["spec"] as? [String: Any])
      let entries = try #require(spec["ephemeralContainers"] as? [[String: Any]])
      var entry = try #require(entries.first)
      entry["resources"] = nil
      entry["terminationMessagePolicy"] = nil
      let wanted = try #require(
        JSONSerialization.jsonObject(with: Data(container.manifest.line.utf8)) as? NSDictionary)
      #expect(entry as NSDictionary == wanted)
    }
  }

  @Test func createAndDelete() async throws {
    let server = try TinyServer.answering { request in
      switch (request.method, Self.path(request)) {
      case ("DELETE", "/api/v1/namespaces/demo/pods/gone"):
        Self.status(404, "NotFound", "pods \\\"gone\\\" not found")
      case ("DELETE", "/api/v1/namespaces/demo/pods/other"):
        Self.status(
          409, "Conflict",
          "Operation cannot be fulfilled on Pod \\\"other\\\": the UID in the precondition (a) does not match the UID in record (b). The object might have been deleted and then recreated"
        )
      case ("DELETE", "/api/v1/namespaces/demo/pods/kept"):
        Self.status(
          403, "Forbidden",
          "pods \\\"kept\\\" is forbidden: User \\\"dev\\\" cannot delete resource \\\"pods\\\" in API group \\\"\\\" in the namespace \\\"demo\\\""
        )
      case ("POST", "/api/v1/namespaces/quota/pods"):
        Self.status(
          403, "Forbidden",
          "pods \\\"tap\\\" is forbidden: exceeded quota: team, requested: pods=1, used: pods=1, limited: pods=1"
        )
      default: TinyServer.Answer(Array("{}".utf8))
      }
    }
    defer { server.stop() }
    let kubectl = try real.kubectl(server.kubeconfig)
    let manifest = JSONText.object([("kind", .string("Pod"))])
    for dryRun in [true, false] {
      #expect(
        try await kubectl.create(pod: manifest, namespace: "demo", dryRun: dryRun) == .accepted)
    }
    let refused = try await kubectl.create(pod: manifest, namespace: "quota", dryRun: true)
    #expect(
      refused.refusal?.cause
        == .quota("exceeded quota: team, requested: pods=1, used: pods=1, limited: pods=1"))
    try await kubectl.delete(Self.pod)
    try await kubectl.delete(PodReference(namespace: "demo", name: "web"))
    for name in ["gone", "other"] {
      try await kubectl.delete(PodReference(namespace: "demo", name: name, uid: "a"))
    }
    let (failure, _) = try await failure { () throws(Failure) in
      try await kubectl.delete(PodReference(namespace: "demo", name: "kept"))
    }
    #expect(failure.kind == .denied)
    #expect(failure.fix == "Ask for the right to delete pods in namespace demo.")
    let path = "/api/v1/namespaces/demo/pods"
    #expect(
      Array(server.requests.prefix(5)) == [
        "POST \(path)?dryRun=All&timeout=1m0s", "POST \(path)?timeout=1m0s",
        "POST /api/v1/namespaces/quota/pods?dryRun=All&timeout=1m0s",
        "DELETE \(path)/web?timeout=1m0s", "DELETE \(path)/web?timeout=1m0s",
      ])
    let bodies = server.received.map { String(decoding: $0.body, as: UTF8.self) }
    #expect(bodies[0] == #"{"kind":"Pod"}"#)
    #expect(
      bodies[3]
        == #"{"apiVersion":"v1","kind":"DeleteOptions","gracePeriodSeconds":0,"preconditions":{"uid":"e2ba7d50-121f-45a7-b971-cb9080571d53"}}"#
    )
    #expect(bodies[4] == #"{"apiVersion":"v1","kind":"DeleteOptions","gracePeriodSeconds":0}"#)
  }

  @Test func rightsAreAskedForWithoutDiscovery() async throws {
    let server = try TinyServer.answering { request in
      let body = String(decoding: request.body, as: UTF8.self)
      return TinyServer.Answer(
        Array("{\"status\":{\"allowed\":\(body.contains("\"exec\""))}}".utf8))
    }
    defer { server.stop() }
    let kubectl = try real.kubectl(server.kubeconfig)
    let exec = Right("create", "pods/exec", namespace: "shop")
    let rights = [
      exec, Right("update", "pods/ephemeralcontainers", namespace: "shop"),
      Right("get", "nodes", namespace: nil), Right("create", "pods", namespace: "a"),
      Right("delete", "pods", namespace: "a"), Right("delete", "pods", namespace: "a"),
    ]
    let allowed = try await kubectl.areAllowed(rights)
    #expect(allowed.count == 5)
    #expect(allowed.filter(\.value).map(\.key) == [exec])
    #expect(server.requests.count == 5)
    #expect(
      Set(server.requests) == [
        "POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews?timeout=1m0s"
      ])
    let bodies = Set(server.received.map { String(decoding: $0.body, as: UTF8.self) })
    #expect(
      bodies.contains(
        #"{"apiVersion":"authorization.k8s.io/v1","kind":"SelfSubjectAccessReview","spec":{"resourceAttributes":{"verb":"create","group":"","resource":"pods","subresource":"exec","namespace":"shop"}}}"#
      ))
    #expect(rights[1].text == "update pods/ephemeralcontainers in namespace shop")
    #expect(rights[2].text == "get nodes in the whole cluster")
  }

  @Test func levelsOfNamespaces() async throws {
    let baseline = try Recording.bytes("objects/namespace-baseline.json")
    let server = try TinyServer { target in
      switch target.prefix(while: { $0 != "?" }).split(separator: "/").last {
      case "baseline": TinyServer.Answer(baseline)
      case "plain": TinyServer.Answer(Array(#"{"metadata":{"name":"plain"}}"#.utf8))
      case "odd":
        TinyServer.Answer(
          Array(#"{"metadata":{"labels":{"pod-security.kubernetes.io/enforce":"x"}}}"#.utf8))
      case "hidden": Self.status(403, "Forbidden", "namespaces \\\"hidden\\\" is forbidden: no")
      default: Self.status(404, "NotFound", "namespaces \\\"x\\\" not found")
      }
    }
    defer { server.stop() }
    let kubectl = try real.kubectl(server.kubeconfig)
    #expect(try await kubectl.podSecurityLevel(namespace: "baseline") == .baseline)
    for name in ["plain", "odd"] {
      #expect(try await kubectl.podSecurityLevel(namespace: name) == nil)
    }
    for (name, kind) in [("nons", Failure.Kind.notFound), ("hidden", .denied)] {
      let (failure, _) = try await failure { () throws(Failure) in
        try await kubectl.podSecurityLevel(namespace: name)
      }
      #expect(failure.kind == kind)
    }
  }

  @Test func eventsAreNewestFirst() async throws {
    let json = try Recording.bytes("objects/events-badimage.json")
    let server = try TinyServer { _ in TinyServer.Answer(json) }
    defer { server.stop() }
    let events = try await real.kubectl(server.kubeconfig).events(of: Self.pod)
    #expect(
      events.map(\.reason) == ["Failed", "BackOff", "Failed", "Failed", "Pulling", "Scheduled"])
    #expect(events[0].message == "Error: ImagePullBackOff" && events[0].isWarning)
    #expect(events[0].container == "badimage" && events[5].container == nil)
    #expect(events[5].last == 1_795_414_234)
    #expect(
      server.requests == [
        "GET /api/v1/namespaces/demo/events?fieldSelector=involvedObject.kind%3DPod%2CinvolvedObject.name%3Dweb%2CinvolvedObject.uid%3De2ba7d50-121f-45a7-b971-cb9080571d53&limit=500&timeout=1m0s"
      ])
  }
}
