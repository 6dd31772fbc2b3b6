import Testing

@testable import Cluster

@Suite struct RunningPodsTests {
  private static func workload(
    _ kind: WorkloadKind, _ name: String, in namespace: String = "shop", selector: String
  ) throws -> Workload {
    let json = """
      {"metadata": {"name": "\(name)", "namespace": "\(namespace)"}, "spec": {"selector": \(selector)}}
      """
    let read = try Array(json.utf8).withUnsafeBytes { try Workload.read($0, kind) }
    return try #require(read)
  }

  private static func pod(
    _ name: String, in namespace: String = "shop", _ labels: [String: String],
    isRunning: Bool = true
  ) -> Pod {
    var pod = Pod(namespace: namespace, name: name)
    pod.labels = labels
    pod.phase = isRunning ? "Running" : "Pending"
    var container = Container(name: "c", role: .main)
    if isRunning { container.state = .running }
    pod.containers = [container]
    return pod
  }

  @Test(
    arguments: [
      (#"{"matchLabels": {"app": "a"}}"#, [true, true, false, false]),
      (#"{"matchLabels": {"app": "a", "tier": "x"}}"#, [true, false, false, false]),
      (
        #"{"matchExpressions": [{"key": "app", "operator": "In", "values": ["a", "b"]}]}"#,
        [true, true, true, false]
      ),
      (
        #"{"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["a"]}]}"#,
        [false, false, true, true]
      ),
      (
        #"{"matchExpressions": [{"key": "tier", "operator": "Exists"}]}"#,
        [true, false, false, false]
      ),
      (
        #"{"matchExpressions": [{"key": "tier", "operator": "DoesNotExist"}]}"#,
        [false, true, true, true]
      ),
      (#"{}"#, [false, false, false, false]),
      (
        #"{"matchExpressions": [{"key": "app", "operator": "Newer", "values": ["a"]}]}"#,
        [false, false, false, false]
      ),
    ])
  func aSelectorSelectsAsTheAPIDoes(selector: String, selected: [Bool]) throws {
    let workload = try Self.workload(.deployment, "w", selector: selector)
    let labels: [[String: String]] = [
      ["app": "a", "tier": "x"], ["app": "a", "other": ""], ["app": "b"], [:],
    ]
    #expect(labels.map { workload.selector?.matches($0) ?? false } == selected)
    // And the count says the same, in whatever drawer the workload lies.
    let pods = labels.enumerated().map { Self.pod("p\($0)", $1) }
    #expect(RunningPods.counts(of: [workload], among: pods).first == selected.count { $0 })
  }

  @Test func runningPodsOfTheNamespaceAreCounted() throws {
    let workloads = [
      try Self.workload(.deployment, "api", selector: #"{"matchLabels": {"app": "api"}}"#),
      try Self.workload(.service, "api", selector: #"{"app": "api", "ready": "yes"}"#),
      try Self.workload(.service, "alias", selector: "null"),
      try Self.workload(.service, "other", in: "ops", selector: #"{"app": "api"}"#),
    ]
    let pods = [
      Self.pod("a", ["app": "api", "ready": "yes"]), Self.pod("b", ["app": "api"]),
      Self.pod("c", ["app": "api"], isRunning: false), Self.pod("d", in: "ops", ["app": "web"]),
      Self.pod("e", ["ready": "yes"]),
    ]
    #expect(RunningPods.counts(of: workloads, among: pods) == [2, 1, 0, 0])
    #expect(RunningPods.counts(of: [], among: pods) == [])
  }

  /// What a user writes is only taken apart by the API.
  @Test func aUsersWordsSelectNothingHere() {
    #expect(LabelSelector("app=api")?.matches(["app": "api"]) == false)
    #expect(LabelSelector([.equal(key: "app", value: "api")])?.text == "app=api")
  }
}
