import Foundation
import Testing

@testable import Cluster

@Suite struct NodeWorkloadTests {
  static func items<T>(
    _ path: String, _ read: (UnsafeRawBufferPointer) throws(JSONError) -> T?
  ) throws -> [T] {
    var result: [T] = []
    var reader = ListReader()
    try Recording.bytes(path).withUnsafeBytes { bytes in
      try reader.feed(bytes) { (json) throws(JSONError) in
        if let item = try read(json) { result.append(item) }
      }
    }
    _ = try reader.finish()
    return result
  }

  @Test func nodesAreThoseOfTheTable() throws {
    let nodes = try Self.items("objects/nodelist.json") { (json) throws(JSONError) in
      try Node.read(json)
    }
    let rows = try #require(
      try Recording.json("objects/table-nodes.json")["rows"] as? [[String: Any]])
    #expect(nodes.count == rows.count)
    for (node, row) in zip(nodes, rows) {
      let cells = try #require(row["cells"] as? [Any])
      #expect(node.name == cells[0] as? String)
      #expect(node.status == cells[1] as? String)
      #expect(
        (node.roles.isEmpty ? "<none>" : node.roles.joined(separator: ",")) == cells[2] as? String)
      #expect(node.kubeletVersion == cells[4] as? String)
      #expect(node.address("InternalIP") == cells[5] as? String)
      #expect(node.containerRuntime == cells[9] as? String)
      #expect(node.operatingSystem == "linux")
      #expect(node.architecture == "amd64")
    }
  }

  @Test(
    arguments: [
      ("{}", "Unknown", []),
      (
        #"{"spec":{"unschedulable":true},"status":{"conditions":[{"type":"Ready","status":"True"}]}}"#,
        "Ready,SchedulingDisabled", []
      ),
      (#"{"status":{"conditions":[{"type":"Ready","status":"Unknown"}]}}"#, "NotReady", []),
      (
        #"{"metadata":{"labels":{"node-role.kubernetes.io/worker":"","node-role.kubernetes.io/control-plane":"","kubernetes.io/role":"old","node-role.kubernetes.io/":""}}}"#,
        "Unknown", ["control-plane", "old", "worker"]
      ),
    ] as [(String, String, [String])])
  func nodeColumns(_ json: String, _ status: String, _ roles: [String]) throws {
    let named =
      json.contains("metadata")
      ? json.replacing(#""metadata":{"#, with: #""metadata":{"name":"n","#)
      : #"{"metadata":{"name":"n"}"# + (json == "{}" ? "}" : "," + json.dropFirst())
    let node = try Array(named.utf8).withUnsafeBytes { try Node.read($0) }
    #expect(node?.status == status)
    #expect(node?.roles == roles)
  }

  @Test func notReadyNode() throws {
    let node = try Recording.bytes("objects/node-not-ready.json").withUnsafeBytes {
      try Node.read($0)
    }
    #expect(node?.status.hasPrefix("NotReady") == true)
    #expect(node?.isReady == false)
  }

  @Test(
    arguments: [
      ("deployments-list", .deployment), ("statefulsets-list", .statefulSet),
      ("daemonsets-list", .daemonSet), ("replicasets-list", .replicaSet), ("jobs-list", .job),
      ("servicelist", .service),
    ] as [(String, WorkloadKind)])
  func listedWorkloads(_ name: String, _ kind: WorkloadKind) throws {
    let path = "objects/\(name).json"
    let workloads = try Self.items(path) { (json) throws(JSONError) in
      try Workload.read(json, kind)
    }
    let objects = try #require(try Recording.json(path)["items"] as? [[String: Any]])
    #expect(workloads.count == objects.count)
    #expect(!workloads.isEmpty)
    for (workload, object) in zip(workloads, objects) {
      let metadata = object["metadata"] as? [String: Any]
      let spec = object["spec"] as? [String: Any]
      let status = object["status"] as? [String: Any]
      #expect(workload.name == metadata?["name"] as? String)
      #expect(workload.namespace == metadata?["namespace"] as? String)
      let selector = spec?["selector"] as? [String: Any]
      let labels = (kind == .service ? selector : selector?["matchLabels"] as? [String: Any]) ?? [:]
      let text = labels.map { "\($0.key)=\($0.value)" }.sorted().joined(separator: ",")
      #expect(workload.selector?.text ?? "" == text)
      let ready: Any?
      let desired: Any?
      switch kind {
      case .service: (ready, desired) = (0, 0)
      case .daemonSet:
        (ready, desired) = (status?["numberReady"], status?["desiredNumberScheduled"])
      case .job: (ready, desired) = (status?["succeeded"], spec?["completions"])
      default: (ready, desired) = (status?["readyReplicas"], spec?["replicas"])
      }
      #expect(workload.ready == ready as? Int ?? 0)
      #expect(workload.desired == desired as? Int ?? 1)
    }
  }

  @Test func aServiceWithoutSelectorHasNoPods() throws {
    let service = try Recording.bytes("objects/service-without-selector.json").withUnsafeBytes {
      try Workload.read($0, .service)
    }
    #expect(service?.name == "external")
    #expect(service?.selector == nil)
  }
}
