import Foundation
import Testing

@testable import LabAPI

/// The lab's objects have the fields of real ones.
struct ObjectFidelityTests {
  private static let created = Timestamp(seconds: 1_795_414_234)

  /// A recorded object, what the lab makes of the same pod, and what may differ.
  struct Case: Sendable, CustomTestStringConvertible {
    var recording: String
    /// Which item, where the recording is a list.
    var item: Int?
    var make: @Sendable (JSON) throws -> JSON
    /// Paths, or the beginnings of paths, that only the recorded object has, with the reason.
    var missing: [String: String] = [:]
    /// Those that only the lab's object has, with the reason.
    var extra: [String: String] = [:]

    var testDescription: String { recording }
  }

  /// The pod of `lab.json` that says as much as it can about the recorded pod.
  static func labPod(of object: JSON) throws -> LabFile.Pod {
    let metadata = try #require(object["metadata"])
    let statuses = object[path: ["status", "containerStatuses"]]?.array ?? []
    let containers = (object[path: ["spec", "containers"]]?.array ?? []).map { recorded in
      let status = statuses.first { $0["name"] == recorded["name"] }
      var state = "running"
      if let reason = status?[path: ["state", "waiting", "reason"]]?.string {
        state = "waiting:" + reason
      }
      if let code = status?[path: ["state", "terminated", "exitCode"]]?.integer {
        state = "terminated:\(code)"
      }
      var container = LabFile.Container(
        name: recorded["name"]?.string ?? "", image: recorded["image"]?.string ?? "",
        state: state)
      container.containerID = status?["containerID"]?.string
      container.command = recorded["command"]?.array?.compactMap(\.string)
      container.memoryLimit = recorded[path: ["resources", "limits", "memory"]]?.string
      container.ports = recorded["ports"]?.array?.map {
        LabFile.ContainerPort(
          name: $0["name"]?.string, containerPort: $0["containerPort"]?.integer ?? 0)
      }
      container.securityContext = recorded["securityContext"].map { AnyJSON($0) }
      let mounts = (recorded["volumeMounts"]?.array ?? []).filter {
        $0["name"]?.string?.hasPrefix("kube-api-access") != true
      }
      container.volumeMounts = mounts.isEmpty ? nil : AnyJSON(.array(mounts))
      return container
    }
    var pod = LabFile.Pod(
      namespace: metadata["namespace"]?.string ?? "", name: metadata["name"]?.string ?? "",
      uid: metadata["uid"]?.string ?? "", node: object[path: ["spec", "nodeName"]]?.string,
      phase: object[path: ["status", "phase"]]?.string ?? "",
      podIP: object[path: ["status", "podIP"]]?.string, containers: containers)
    pod.hostNetwork = object[path: ["spec", "hostNetwork"]]?.bool
    pod.labels = metadata["labels"]?.stringMap
    let volumes = (object[path: ["spec", "volumes"]]?.array ?? []).filter {
      $0["name"]?.string?.hasPrefix("kube-api-access") != true
    }
    pod.volumes = volumes.isEmpty ? nil : AnyJSON(.array(volumes))
    if let owner = metadata["ownerReferences"]?.array?.first {
      pod.owner = LabFile.Owner(
        kind: owner["kind"]?.string ?? "", name: owner["name"]?.string ?? "",
        uid: owner["uid"]?.string ?? "")
    }
    return pod
  }

  @Sendable private static func pod(_ recorded: JSON) throws -> JSON {
    PodObject(
      try labPod(of: recorded), hostIP: recorded[path: ["status", "hostIP"]]?.string,
      created: created
    ).json
  }

  @Sendable private static func workload(_ recorded: JSON) throws -> JSON {
    workloadObject(recorded).json
  }

  private static func replicaSet(of deployment: JSON, like recorded: JSON) throws -> JSON {
    var object = workloadObject(deployment)
    object.workload.replicaSet?.uid = recorded[path: ["metadata", "uid"]]?.string ?? ""
    object.workload.uid = deployment[path: ["metadata", "uid"]]?.string ?? ""
    return try #require(object.replicaSet)
  }

  private static func workloadObject(_ recorded: JSON) -> WorkloadObject {
    let containers = (recorded[path: ["spec", "template", "spec", "containers"]]?.array ?? []).map {
      recorded in
      var container = LabFile.Container(
        name: recorded["name"]?.string ?? "", image: recorded["image"]?.string ?? "",
        state: "running")
      container.command = recorded["command"]?.array?.compactMap(\.string)
      return container
    }
    let workload = LabFile.Workload(
      kind: recorded["kind"]?.string ?? "", namespace: "demo",
      name: recorded[path: ["metadata", "name"]]?.string ?? "", uid: "u", replicas: 3,
      labels: recorded[path: ["metadata", "labels"]]?.stringMap,
      selector: recorded[path: ["spec", "selector", "matchLabels"]]?.stringMap ?? [:],
      replicaSet: LabFile.ReplicaSet(name: "api-cb57fb7d4", uid: "r"))
    return WorkloadObject(
      workload, containers: containers, replicas: 3, ready: 3, created: created)
  }

  static let debugged = [
    ".spec.ephemeralContainers": "somebody had added ephemeral containers before the recording",
    ".metadata.managedFields[].fieldsV1.f:spec.f:ephemeralContainers":
      "somebody had added ephemeral containers before the recording",
  ]

  static let restarted = [
    ".status.containerStatuses[].lastState.":
      "the recorded container had been restarted; the lab's never are"
  ]

  static let requests = [
    ".spec.containers[].resources.requests": "lab.json knows memory limits, not requests",
    ".metadata.managedFields[].fieldsV1.f:spec.f:containers.k:{\"name\":\"toobig\"}.f:resources.":
      "lab.json knows memory limits, not requests",
  ]

  /// lab.json knows memory limits, not processors.
  static let processor = Dictionary(
    uniqueKeysWithValues: [
      ".spec.containers[].resources.limits.cpu", ".spec.containers[].resources.requests.cpu",
      ".status.allocatedResources.cpu", ".status.containerStatuses[].allocatedResources.cpu",
      ".status.containerStatuses[].resources.limits.cpu",
      ".status.containerStatuses[].resources.requests.cpu", ".status.resources.limits.cpu",
      ".status.resources.requests.cpu",
      ".metadata.managedFields[].fieldsV1.f:spec.f:containers.k:{\"name\":\"limits\"}.f:resources.f:limits.f:cpu",
      ".metadata.managedFields[].fieldsV1.f:spec.f:containers.k:{\"name\":\"limits\"}.f:resources.f:requests.f:cpu",
      ".metadata.managedFields[].fieldsV1.f:status.f:allocatedResources.f:cpu",
      ".metadata.managedFields[].fieldsV1.f:status.f:resources.f:limits.f:cpu",
      ".metadata.managedFields[].fieldsV1.f:status.f:resources.f:requests.f:cpu",
    ].map { ($0, "lab.json knows memory limits, not processors") })

  static let cases: [Case] = [
    Case(recording: "pod-running", make: pod),
    Case(recording: "pod-two-containers", make: pod),
    Case(recording: "pod-hostnetwork", make: pod),
    Case(recording: "pod-deployment-replica", make: pod),
    Case(recording: "pod-statefulset-replica", make: pod),
    Case(recording: "pod-completed", make: pod, missing: debugged),
    Case(recording: "pod-failed", make: pod),
    Case(
      recording: "pod-pending-no-memory", make: pod, missing: requests,
      extra: [
        ".spec.containers[].resources {}": "the recorded container had a request, the lab's none",
        ".metadata.managedFields[].fieldsV1.f:spec.f:containers.k:{\"name\":\"toobig\"}.f:resources {}":
          "the recorded container had a request, the lab's none",
      ]),
    Case(recording: "pod-containercreating-secret-missing", make: pod),
    Case(recording: "pod-one-container-terminated", make: pod),
    Case(recording: "pod-readonly-root-emptydir", make: pod),
    Case(recording: "pod-runasnonroot", make: pod),
    Case(
      recording: "pod-resources-burstable", make: pod,
      missing: restarted.merging(processor) { $1 },
      extra: [".status.containerStatuses[].lastState {}": "the lab's containers never restart"]),
    Case(
      recording: "node",
      make: { recorded in
        let node = LabFile.Node(
          name: "node1", uid: "u", internalIP: "198.51.100.11", podCIDR: "203.0.113.0/26")
        return NodeObject(node, images: ["lab/busybox:1"], created: created).json
      }),
    Case(
      recording: "namespace-demo",
      make: { _ in
        NamespaceObject(LabFile.Namespace(name: "demo", uid: "u"), created: created).json
      }),
    Case(
      recording: "service",
      make: { _ in
        let service = LabFile.Service(
          namespace: "demo", name: "api", uid: "u", clusterIP: "203.0.113.228",
          selector: ["app": "api"],
          ports: [LabFile.ServicePort(name: "http", port: 80, targetPort: 8080)])
        return ServiceObject(service, created: created).json
      }),
    Case(
      recording: "endpointslices-api", item: 0,
      make: { _ in
        let service = LabFile.Service(
          namespace: "demo", name: "api", uid: "79e0f141-3315-400e-bfd0-3af1f7bc6a8c",
          clusterIP: "203.0.113.228", selector: ["app": "api"],
          ports: [LabFile.ServicePort(name: "http", port: 80, targetPort: 8080)])
        let pod = try Recordings.json("objects/pod-deployment-replica.json")
        return ServiceObject(service, created: created).endpointSlice(pods: [pod])
      }),
    Case(
      recording: "replicasets-list", item: 0,
      make: { recorded in
        try replicaSet(of: Recordings.json("objects/deployment.json"), like: recorded)
      }),
    Case(recording: "deployment", make: workload),
    Case(recording: "statefulset", make: workload),
    Case(recording: "daemonset", make: workload),
  ]

  @Test(arguments: cases)
  func `objects have the recorded fields`(_ test: Case) throws {
    var recorded = try Recordings.json("objects/\(test.recording).json")
    if let item = test.item { recorded = try #require(recorded["items"]?.array?[item]) }
    var made = try test.make(recorded)
    if test.item != nil {
      for member in ["kind", "apiVersion"] { made[member] = nil }  // items of lists have neither
    }
    made.update("metadata") { $0["resourceVersion"] = "1" }
    let (expected, actual) = (shape(of: recorded), shape(of: made))
    let missing = expected.subtracting(actual)
    let extra = actual.subtracting(expected)
    #expect(missing.filter { !Self.isExcused($0, test.missing) }.sorted() == [])
    #expect(extra.filter { !Self.isExcused($0, test.extra) }.sorted() == [])
    for excuse in test.missing.keys {
      #expect(missing.contains { Self.isExcused($0, [excuse: ""]) }, "needless: \(excuse)")
    }
    for excuse in test.extra.keys {
      #expect(extra.contains { Self.isExcused($0, [excuse: ""]) }, "needless: \(excuse)")
    }
  }

  private static func isExcused(_ path: String, _ excuses: [String: String]) -> Bool {
    excuses.keys.contains { path.hasPrefix($0) }
  }
}
