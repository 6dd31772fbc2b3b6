import Base
import Foundation
import Testing

@testable import Cluster

/// The real kubectl, with nothing behind it or a server that says what was recorded. A machine without
/// kubectl fails these tests.
@Suite(.serialized) struct RealKubectlTests {
  let scratch: Scratch
  let plain: Kubectl

  init() throws {
    signal(SIGPIPE, SIG_IGN)
    scratch = try Scratch()
    var kubectl = try Kubectl.find()
    // A machine that is busy with other tests is not what these are about.
    kubectl.patience = Patience(silence: .seconds(60), total: .seconds(60))
    plain = kubectl
  }

  /// kubectl with no configuration but the given one.
  func kubectl(_ config: String? = nil) throws -> Kubectl {
    var result = plain
    result.environment = [
      "HOME": scratch.path, "KUBECONFIG": nil, "KUBERNETES_SERVICE_HOST": nil,
      "http_proxy": nil, "HTTP_PROXY": nil, "https_proxy": nil, "HTTPS_PROXY": nil,
    ]
    if let config { result.kubeconfig = try scratch.write("config-\(UUID().uuidString)", config) }
    return result
  }

  static func config(server: String) -> String {
    """
    {"apiVersion":"v1","kind":"Config","current-context":"lab",
    "clusters":[{"name":"c","cluster":{"server":"\(server)"}}],"users":[{"name":"u","user":{"token":"t"}}],
    "contexts":[{"name":"lab","context":{"cluster":"c","user":"u","namespace":"demo"}}]}
    """
  }

  @Test func version() async throws {
    #expect(try await plain.clientVersion().hasPrefix("v1."))
  }

  @Test func configurationIsRead() async throws {
    let config = try await kubectl(Self.config(server: "https://198.51.100.1:6443")).config()
    #expect(try config.context().namespace == "demo")
    #expect(config.servers["c"] == "https://198.51.100.1:6443")
  }

  @Test func noKubeconfig() async throws {
    let kubectl = try kubectl()
    let config = try await kubectl.config()
    #expect { try config.context() } throws: {
      ($0 as? Failure)?.why?.contains("No kubeconfig") == true
    }
    let (failure, _) = try await failure { () throws(Failure) in try await kubectl.serverVersion() }
    #expect(failure.kind == .other)
    #expect(failure.why?.contains("No kubeconfig") == true)
  }

  @Test func missingKubeconfig() async throws {
    var kubectl = try kubectl()
    kubectl.kubeconfig = "\(scratch.path)/missing"
    let bound = kubectl
    let (config, _) = try await failure { () throws(Failure) in try await bound.config() }
    #expect(config.why == "The file \(scratch.path)/missing does not exist.")
    let (direct, _) = try await failure { () throws(Failure) in try await bound.serverVersion() }
    #expect(direct.kind == .other)
  }

  @Test func brokenYAML() async throws {
    let kubectl = try kubectl("{a: [1")
    let (config, _) = try await failure { () throws(Failure) in try await kubectl.config() }
    let (direct, _) = try await failure { () throws(Failure) in try await kubectl.serverVersion() }
    for failure in [config, direct] {
      #expect(failure.kind == .other)
      #expect(failure.why?.contains("yaml: line 1") == true)
    }
  }

  @Test func unknownContext() async throws {
    var kubectl = try kubectl(Self.config(server: "https://127.0.0.1:1"))
    kubectl.context = "gone"
    let bound = kubectl
    let config = try await bound.config()
    #expect { try config.context(named: "gone") } throws: { ($0 as? Failure)?.kind == .notFound }
    let (failure, _) = try await failure { () throws(Failure) in try await bound.pods() }
    #expect(failure.kind == .notFound)
    #expect(failure.what == "Cannot list pods in context gone.")
    #expect(failure.why?.contains("\"gone\"") == true)
  }

  @Test func refusedPort() async throws {
    let kubectl = try kubectl(Self.config(server: "https://127.0.0.1:1"))
    let (failure, seconds) = try await failure { () throws(Failure) in try await kubectl.pods() }
    #expect(failure.kind == .unreachable)
    #expect(failure.why?.contains("127.0.0.1:1") == true)
    #expect(seconds < farBelowAMinute)
  }

  @Test func serverThatIsSilent() async throws {
    let server = try TinyServer(nil)
    defer { server.stop() }
    var patient = try kubectl(server.kubeconfig)
    patient.patience = .standard
    let kubectl = patient
    let (failure, seconds) = try await failure { () throws(Failure) in try await kubectl.pods() }
    #expect(failure.kind == .unreachable)
    #expect(seconds < farBelowAMinute)
  }

  @Test func serverThatIsSilentForASecond() async throws {
    let server = try TinyServer(nil)
    defer { server.stop() }
    let kubectl = try kubectl(server.kubeconfig)
    let (failure, seconds) = try await failure { () throws(Failure) in
      try await kubectl.nodes(within: Patience(.seconds(1)))
    }
    #expect(failure.kind == .unreachable)
    #expect(seconds < farBelowAMinute)
  }

  @Test func podsAreListedWithOneRequest() async throws {
    let body = try Recording.bytes("objects/podlist-selector-api.json")
    let server = try TinyServer { _ in TinyServer.Answer(body) }
    defer { server.stop() }
    let query = PodQuery(
      namespace: "demo", labels: LabelSelector("app=api, tier in (a)"), node: "node1", limit: 5,
      keepsLabels: true)
    let listed = try await kubectl(server.kubeconfig).pods(query)
    #expect(listed.items.count == 3)
    #expect(listed.isComplete)
    #expect(listed.items.allSatisfy { $0.labels["app"] == "api" && $0.status == "Running" })
    #expect(
      server.requests == [
        // kubectl sorts and encodes the query anew and adds its own limit.
        "GET /api/v1/namespaces/demo/pods?fieldSelector=spec.nodeName%3Dnode1&labelSelector=app%3Dapi%2C+tier+in+%28a%29&limit=5&timeout=1m0s"
      ])
  }

  @Test func aChunkIsNotComplete() async throws {
    let body = try Recording.bytes("objects/podlist-chunk-1-of-n.json")
    let server = try TinyServer { _ in TinyServer.Answer(body) }
    defer { server.stop() }
    #expect(try await kubectl(server.kubeconfig).pods().isComplete == false)
  }

  @Test func onePodIsOneRequest() async throws {
    let body = try Recording.bytes("objects/pod-running.json")
    let server = try TinyServer { _ in TinyServer.Answer(body) }
    defer { server.stop() }
    let pod = try await kubectl(server.kubeconfig).pod(namespace: "demo", name: "web")
    #expect(pod.name == "web")
    #expect(server.requests == ["GET /api/v1/namespaces/demo/pods/web?timeout=1m0s"])
  }

  @Test func aWorkloadAndItsPods() async throws {
    let deployment = try Recording.bytes("objects/deployment.json")
    let pods = try Recording.bytes("objects/podlist-selector-api.json")
    let server = try TinyServer { target in
      TinyServer.Answer(target.contains("/deployments/") ? deployment : pods)
    }
    defer { server.stop() }
    let found = try await kubectl(server.kubeconfig)
      .workloadPods(.deployment, namespace: "demo", name: "api")
    #expect(found.workload.desired == 3)
    #expect(found.pods.count == 3)
    #expect(
      server.requests == [
        "GET /apis/apps/v1/namespaces/demo/deployments/api?timeout=1m0s",
        "GET /api/v1/namespaces/demo/pods?labelSelector=app%3Dapi&timeout=1m0s",
      ])
  }

  @Test func workloadsOfSeveralKinds() async throws {
    let lists = [
      "deployments": try Recording.bytes("objects/deployments-list.json"),
      "jobs": try Recording.bytes("objects/jobs-list.json"),
    ]
    let server = try TinyServer { target in
      let name = target.prefix { $0 != "?" }.split(separator: "/").last.map(String.init) ?? ""
      return lists[name].map { TinyServer.Answer($0) }
        ?? TinyServer.Answer([], status: "404 Not Found")
    }
    defer { server.stop() }
    let kubectl = try kubectl(server.kubeconfig)
    let found = try await kubectl.workloads(of: [.job, .deployment], namespace: "demo")
    let kinds = found.map(\.kind)
    #expect(kinds.first == .job && kinds.last == .deployment)
    #expect(
      kinds.firstIndex(of: .deployment).map { kinds[$0...].allSatisfy { $0 == .deployment } }
        == true)
    let (failure, _) = try await failure { () throws(Failure) in
      try await kubectl.workloads(of: [.deployment, .daemonSet])
    }
    #expect(failure.kind == .notFound)
    #expect(failure.what == "Cannot list daemonsets.")
  }

  @Test func aServiceWithoutPodsIsRefused() async throws {
    let body = try Recording.bytes("objects/service-without-selector.json")
    let server = try TinyServer { _ in TinyServer.Answer(body) }
    defer { server.stop() }
    let kubectl = try kubectl(server.kubeconfig)
    let (failure, _) = try await failure { () throws(Failure) in
      try await kubectl.workloadPods(.service, namespace: "demo", name: "external")
    }
    #expect(failure.kind == .noRoute)
  }

  @Test func nodesNamespacesAndVersion() async throws {
    let nodes = try Recording.bytes("objects/nodelist.json")
    let namespaces = try Recording.bytes("objects/namespacelist.json")
    let version = Array(#"{"major":"1","gitVersion":"v1.36.2"}"#.utf8)
    let server = try TinyServer { target in
      switch target.prefix(while: { $0 != "?" }) {
      case "/api/v1/nodes": TinyServer.Answer(nodes)
      case "/api/v1/namespaces": TinyServer.Answer(namespaces)
      case "/version": TinyServer.Answer(version)
      default: TinyServer.Answer([], status: "404 Not Found")
      }
    }
    defer { server.stop() }
    let kubectl = try kubectl(server.kubeconfig)
    #expect(try await kubectl.nodes().map(\.name) == ["node1", "node2"])
    #expect(try await kubectl.namespaces().contains("demo"))
    #expect(try await kubectl.serverVersion() == "v1.36.2")
  }

  @Test(
    arguments: [
      ("401 Unauthorized", "Unauthorized", "Unauthorized", .denied),
      (
        "403 Forbidden", "Forbidden",
        "pods is forbidden: User \\\"dev\\\" cannot list resource \\\"pods\\\" in API group \\\"\\\" at the cluster scope",
        .denied
      ),
      ("404 Not Found", "NotFound", "the server could not find the requested resource", .notFound),
      (
        "400 Bad Request", "BadRequest",
        "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt", .usage
      ),
      (
        "503 Service Unavailable", "ServiceUnavailable",
        "the server is currently unable to handle the request", .unreachable
      ),
    ] as [(String, String, String, Failure.Kind)])
  func refusals(_ status: String, _ reason: String, _ message: String, _ kind: Failure.Kind)
    async throws
  {
    let json = """
      {"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"\(message)",
      "reason":"\(reason)","code":\(status.prefix(3))}
      """
    let server = try TinyServer { _ in TinyServer.Answer(Array(json.utf8), status: status) }
    defer { server.stop() }
    let kubectl = try kubectl(server.kubeconfig)
    let (failure, _) = try await failure { () throws(Failure) in try await kubectl.pods() }
    #expect(failure.kind == kind, "\(failure.sentence) \(failure.detail ?? "")")
  }

  @Test(
    arguments: [
      (#"{"kind":"Status","status":"Failure","reason":"Forbidden","message":"no"}"#, .denied),
      (#"{"kind":"Pod","metadata":{"name":"x"}}"#, .other), ("[]", .other), ("", .other),
      (#"{"kind":"PodList","items":[{"metadata":{"name":"a"}},"#, .other),
    ] as [(String, Failure.Kind)])
  func answersThatAreNoList(_ json: String, _ kind: Failure.Kind) async throws {
    let server = try TinyServer { _ in TinyServer.Answer(Array(json.utf8)) }
    defer { server.stop() }
    let kubectl = try kubectl(server.kubeconfig)
    let (failure, _) = try await failure { () throws(Failure) in try await kubectl.pods() }
    #expect(failure.kind == kind, "\(failure.sentence)")
  }

  @Test func aConnectionThatBreaksIsNoList() async throws {
    let body = Array(try Recording.bytes("objects/podlist-selector-api.json").prefix(9000))
    let server = try TinyServer { _ in TinyServer.Answer(body, missing: 100) }
    defer { server.stop() }
    let kubectl = try kubectl(server.kubeconfig)
    let (failure, _) = try await failure { () throws(Failure) in try await kubectl.pods() }
    #expect(failure.kind == .unreachable, "\(failure.sentence) \(failure.detail ?? "")")
    #expect(failure.why?.contains("broke") == true)
  }

  @Test func whatACallerRefusesEndsTheListing() async throws {
    let body = try Recording.bytes("objects/podlist-selector-api.json")
    let server = try TinyServer { _ in TinyServer.Answer(body) }
    defer { server.stop() }
    let kubectl = try kubectl(server.kubeconfig)
    let (failure, _) = try await failure { () throws(Failure) in
      try await kubectl.pods { (pod) throws(Failure) in
        throw Failure(.filter, "Enough of \(pod.name).")
      }
    }
    #expect(failure.what == "Enough of api-cb57fb7d4-24mhc.")
  }
}
