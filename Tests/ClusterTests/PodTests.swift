import Foundation
import Testing

@testable import Cluster

@Suite struct PodTests {
  /// Pods that restart all the time: table and object were not recorded in the same second.
  static let flapping: Set<String> = [
    "badregistry", "crash", "oomer", "runerr", "limits", "badimage",
  ]

  static func recordedPods() throws -> [String: Pod] {
    var pods: [String: Pod] = [:]
    for path in try Recording.names("objects", "pod-") {
      let pod = try Recording.bytes(path).withUnsafeBytes { try PodReader().pod($0) }
      if let pod, pod.namespace == "demo" { pods[pod.name] = pod }
    }
    return pods
  }

  @Test func columnsAreThoseOfTheAPIServer() throws {
    let pods = try Self.recordedPods()
    let rows = try #require(
      try Recording.json("objects/table-pods-no-object.json")["rows"] as? [[String: Any]])
    var compared = 0
    for row in rows {
      let cells = try #require(row["cells"] as? [Any])
      let name = try #require(cells[0] as? String)
      guard let pod = pods[name], !Self.flapping.contains(name) else { continue }
      compared += 1
      #expect(pod.status == cells[2] as? String, "\(name)")
      #expect(pod.ready == cells[1] as? String, "\(name)")
      #expect("\(pod.restarts)" == cells[3] as? String, "\(name)")
      #expect(pod.podIPs.first ?? "<none>" == cells[5] as? String, "\(name)")
      #expect(pod.node ?? "<none>" == cells[6] as? String, "\(name)")
    }
    #expect(compared >= 28)
  }

  /// What the columns must be for the state in the recording itself.
  @Test(arguments: [
    ("pod-crashloopbackoff", "0/1", "CrashLoopBackOff"),
    ("pod-oomkilled", "0/1", "OOMKilled"),
    ("pod-runcontainererror", "0/1", "CrashLoopBackOff"),
    ("pod-restarting-after-exit-0", "0/1", "Completed"),
    ("pod-imagepullbackoff", "0/1", "ImagePullBackOff"),
    ("pod-resources-burstable", "1/1", "Running"),
    ("pod-terminating-on-not-ready-node", "1/1", "Terminating"),
    ("pod-static-mirror", "1/1", "Running"),
    ("pod-restricted", "1/1", "Running"),
  ])
  func columnsOfPodsThatFlap(_ name: String, _ ready: String, _ status: String) throws {
    let pod = try Recording.pod(name)
    #expect(pod.status == status)
    #expect(pod.ready == ready)
  }

  /// The rules of printPod that no recording shows, on objects made for each.
  @Test(arguments: [
    (#"{"phase":"Failed","reason":"Evicted"}"#, "{}", "Evicted"),
    (
      #"{"phase":"Running","reason":"NodeLost"}"#, #"{"deletionTimestamp":"2026-01-01T00:00:00Z"}"#,
      "Unknown"
    ),
    (#"{"phase":"Succeeded"}"#, #"{"deletionTimestamp":"2026-01-01T00:00:00Z"}"#, "Succeeded"),
    (#"{"phase":"Pending"}"#, #"{"deletionTimestamp":"2026-01-01T00:00:00Z"}"#, "Terminating"),
    (
      #"{"phase":"Pending","conditions":[{"type":"PodScheduled","status":"False","reason":"SchedulingGated"}]}"#,
      "{}", "SchedulingGated"
    ),
    (
      #"{"phase":"Failed","containerStatuses":[{"name":"c","state":{"terminated":{"exitCode":3}}}]}"#,
      "{}", "ExitCode:3"
    ),
    (
      #"{"phase":"Failed","containerStatuses":[{"name":"c","state":{"terminated":{"exitCode":0,"signal":9}}}]}"#,
      "{}", "Signal:9"
    ),
    (
      #"{"phase":"Running","containerStatuses":[{"name":"c","state":{"waiting":{"reason":"B"}}},{"name":"d","state":{"waiting":{"reason":"D"}}}]}"#,
      "{}", "B"
    ),
    (
      #"{"phase":"Pending","initContainerStatuses":[{"name":"i","state":{"terminated":{"exitCode":1,"reason":"Error"}}}]}"#,
      "{}", "Init:Error"
    ),
    (
      #"{"phase":"Pending","initContainerStatuses":[{"name":"i","state":{"terminated":{"exitCode":1}}}]}"#,
      "{}", "Init:ExitCode:1"
    ),
    (
      #"{"phase":"Pending","initContainerStatuses":[{"name":"i","state":{"terminated":{"exitCode":1,"signal":6}}}]}"#,
      "{}", "Init:Signal:6"
    ),
    (
      #"{"phase":"Pending","initContainerStatuses":[{"name":"i","state":{"waiting":{"reason":"ImagePullBackOff"}}}]}"#,
      "{}", "Init:ImagePullBackOff"
    ),
    (
      #"{"phase":"Pending","initContainerStatuses":[{"name":"i","state":{"waiting":{"reason":"PodInitializing"}}}]}"#,
      "{}", "Init:0/2"
    ),
    (
      #"{"phase":"Pending","initContainerStatuses":[{"name":"i","state":{"terminated":{"exitCode":0}}},{"name":"s","state":{"running":{}}}]}"#,
      "{}", "Init:1/2"
    ),
    (
      #"{"phase":"Running","conditions":[{"type":"Ready","status":"True"}],"containerStatuses":[{"name":"c","state":{"terminated":{"exitCode":0,"reason":"Completed"}}},{"name":"d","ready":true,"state":{"running":{}}}]}"#,
      "{}", "Running"
    ),
    (
      #"{"phase":"Running","containerStatuses":[{"name":"c","state":{"terminated":{"exitCode":0,"reason":"Completed"}}},{"name":"d","ready":true,"state":{"running":{}}}]}"#,
      "{}", "NotReady"
    ),
  ])
  func statusRules(_ status: String, _ metadata: String, _ expected: String) throws {
    let json = """
      {"metadata":\(metadata.dropLast())\(metadata.count > 2 ? "," : "")"name":"p","namespace":"n"},
      "status":\(status),"spec":{"containers":[{"name":"c"},{"name":"d"}],
      "initContainers":[{"name":"i"},{"name":"s","restartPolicy":"Always"}]}}
      """
    let pod = try #require(try Self.pod(json))
    #expect(pod.status == expected)
    #expect(pod.totalContainers == 3)
  }

  @Test func sidecarsCountAsContainers() throws {
    let json = """
      {"metadata":{"name":"p"},"spec":{"containers":[{"name":"c"}],"initContainers":[{"name":"i"},
      {"name":"s","restartPolicy":"Always"}]},"status":{"phase":"Running",
      "initContainerStatuses":[{"name":"i","restartCount":5,"state":{"terminated":{"exitCode":0}}},
      {"name":"s","restartCount":2,"ready":true,"started":true,"state":{"running":{}}}],
      "containerStatuses":[{"name":"c","restartCount":1,"ready":true,"state":{"running":{}}}]}}
      """
    let pod = try #require(try Self.pod(json))
    #expect(pod.ready == "2/2")
    #expect(pod.status == "Running")
    #expect(pod.restarts == 3)
    #expect(pod.initContainers.map(\.role) == [.initial, .sidecar])
  }

  @Test(arguments: try Recording.names("objects", "pod-"))
  func fieldsAreThoseOfTheObject(_ path: String) throws {
    let pod = try #require(
      try Recording.bytes(path).withUnsafeBytes { try PodReader(keepsLabels: true).pod($0) })
    let object = try Recording.json(path)
    func value<T>(_ keyPath: String, _ type: T.Type = T.self) -> T? {
      keyPath.split(separator: ".").reduce(object as Any?) { value, key in
        (value as? [String: Any])?[String(key)]
      } as? T
    }
    #expect(pod.name == value("metadata.name"))
    #expect(pod.namespace == value("metadata.namespace"))
    #expect(pod.uid == value("metadata.uid"))
    #expect(pod.labels == value("metadata.labels") ?? [:])
    #expect(pod.node == value("spec.nodeName"))
    #expect(pod.phase == value("status.phase"))
    #expect(pod.hostIP == value("status.hostIP"))
    #expect(pod.isHostNetwork == value("spec.hostNetwork") ?? false)
    #expect((pod.deletion != nil) == (value("metadata.deletionTimestamp", String.self) != nil))
    let date = try #require(value("metadata.creationTimestamp", String.self))
    let seconds = ISO8601DateFormatter().date(from: date)?.timeIntervalSince1970
    #expect(pod.created.map(Double.init) == seconds)
    let addresses = value("status.podIPs", [[String: String]].self) ?? []
    #expect(pod.podIPs == addresses.compactMap { $0["ip"] })
    for (ours, kind, statusKind) in [
      (pod.containers, "containers", "containerStatuses"),
      (pod.initContainers, "initContainers", "initContainerStatuses"),
      (pod.ephemeralContainers, "ephemeralContainers", "ephemeralContainerStatuses"),
    ] {
      let specs = value("spec.\(kind)", [[String: Any]].self) ?? []
      let statuses = value("status.\(statusKind)", [[String: Any]].self) ?? []
      #expect(ours.map(\.name) == specs.compactMap { $0["name"] as? String })
      #expect(ours.map(\.image) == specs.compactMap { $0["image"] as? String })
      for container in ours {
        let status = statuses.first { $0["name"] as? String == container.name }
        #expect(
          container.containerID
            == (status?["containerID"] as? String).flatMap { $0.isEmpty ? nil : $0 })
        let state = (status?["state"] as? [String: Any])?.keys.first
        switch container.state {
        case .running: #expect(state == "running")
        case .waiting: #expect(state == "waiting")
        case .terminated: #expect(state == "terminated")
        case .unknown: #expect(state == nil)
        }
      }
    }
  }

  @Test func particularFields() throws {
    let annotated = try Recording.pod("pod-default-container-annotation")
    #expect(annotated.defaultContainer?.name == annotated.defaultContainerName)
    #expect(annotated.defaultContainerName != nil)
    let replica = try Recording.pod("pod-deployment-replica")
    #expect(replica.ownerKind == "ReplicaSet")
    #expect(replica.ownerName == "api-cb57fb7d4")
    let mirror = try Recording.pod("pod-static-mirror")
    #expect(mirror.isStatic && mirror.configHash == "ae46c98068dd389ad9624d1d7e70e39a")
    #expect(mirror.configHash != mirror.uid && replica.configHash == nil)
    #expect(try Recording.pod("pod-completed").isFinished)
    #expect(!(try Recording.pod("pod-completed").isRunning))
    #expect(try Recording.pod("pod-running").isRunning)
    #expect(try Recording.pod("pod-hostnetwork").isHostNetwork)
    #expect(try Recording.pod("pod-readonly-root-emptydir").containers[0].hasReadOnlyRoot)
    #expect(try Recording.pod("pod-resources-burstable").containers[0].memoryLimit != nil)
    let ephemeral = try Recording.pod("pod-ephemeral-containers")
    #expect(ephemeral.ephemeralContainers.allSatisfy { $0.role == .ephemeral })
    #expect(ephemeral.ephemeralContainers.contains { $0.state.isRunning })
  }

  @Test func networkStatusIsRead() throws {
    let json = #"""
      {"metadata":{"name":"p","annotations":{"k8s.v1.cni.cncf.io/network-status":
      "[{\n \"name\": \"cbr0\", \"interface\":\"eth0\",\"ips\": [\"203.0.113.9\"],\"default\": true},{\"name\":\"n/macvlan\",\"interface\":\"net1\",\"dns\":{}}]"}}}
      """#
    let pod = try #require(try Self.pod(json))
    #expect(
      pod.networks == [
        PodNetwork(name: "cbr0", interface: "eth0", ips: ["203.0.113.9"]),
        PodNetwork(name: "n/macvlan", interface: "net1"),
      ])
    let broken = json.replacing("[{", with: "{{")
    #expect(try Self.pod(broken)?.networks == [])
  }

  @Test(arguments: [
    #"{"metadata":{"name":"p"}}"#,
    #"{"metadata":{"name":"p","labels":null,"annotations":[],"ownerReferences":{},"uid":7},"spec":null,"status":"?"}"#,
    #"{"metadata":{"name":"p"},"spec":{"containers":{"name":"c"},"nodeName":["n"],"hostNetwork":"yes","securityContext":1},"status":{"phase":null,"podIPs":[1,null,{"ip":2}],"conditions":"x","containerStatuses":[null,1,{"state":[],"ready":"x","restartCount":"9"}]}}"#,
  ])
  func oddObjectsAreRead(_ json: String) throws {
    let pod = try #require(try Self.pod(json))
    #expect(pod.name == "p")
    #expect(pod.containers.isEmpty)
    #expect(pod.podIPs.isEmpty)
    #expect(pod.node == nil)
  }

  @Test func anObjectWithoutNameIsNone() throws {
    #expect(try Self.pod("{}") == nil)
    #expect(throws: JSONError.malformed(at: 0)) { try Self.pod("[]") }
  }

  @Test func hugeRestartCountsDoNotTrap() throws {
    let status = #"{"name":"c","restartCount":9223372036854775807,"state":{}}"#
    let json = """
      {"metadata":{"name":"p"},"status":{"containerStatuses":[\(status),\(status)],
      "initContainerStatuses":[\(status),\(status)]}}
      """
    #expect(try Self.pod(json) != nil)
  }

  static func pod(_ json: String) throws -> Pod? {
    var text = json
    return try text.withUTF8 { try PodReader(keepsLabels: true).pod(UnsafeRawBufferPointer($0)) }
  }
}
