import Foundation
import NIOCore
import Testing

@testable import LabAPI

/// Ephemeral containers and created pods: what is accepted and refused, in the recorded words.
struct RouteFidelityTests {
  /// An API with the recorded pod demo/eph, the static pod demo/guard-node2, and a namespace per
  /// Pod Security level.
  private static func api(kubelet: LabFile.Kubelet? = nil, directory: String? = nil) throws -> API {
    let cluster = Cluster()
    var file = LabFile.example()
    file.namespaces = ["default", "demo", "denied", "quota"].map {
      LabFile.Namespace(name: $0, uid: Digest.uid(of: $0))
    }
    file.namespaces[2].webhook = ["create", "ephemeralcontainers", "exec"]
    file.namespaces[3].quota = LabFile.Quota(
      name: "team", hard: ["limits.cpu": "100m", "limits.memory": "64Mi", "pods": "1"])
    for level in ["baseline", "restricted"] {
      file.namespaces.append(
        LabFile.Namespace(
          name: level, uid: Digest.uid(of: level),
          labels: [
            "pod-security.kubernetes.io/enforce": level,
            "pod-security.kubernetes.io/enforce-version": "latest",
          ]))
    }
    file.namespaces.append(
      LabFile.Namespace(
        name: "warned", uid: Digest.uid(of: "warned"),
        labels: [
          "pod-security.kubernetes.io/warn": "restricted",
          "pod-security.kubernetes.io/warn-version": "latest",
        ]))
    for index in file.pods.indices { file.pods[index].namespace = "demo" }
    (file.kubelet, file.directory) = (kubelet, directory)
    file.images = ["busybox", "netshoot"]
    cluster.load(file)
    for name in ["pod-ephemeral-containers", "pod-static-mirror"] {
      let pod = try Recordings.json("objects/\(name).json")
      let key = ObjectKey(
        namespace: "demo", name: try #require(pod[path: ["metadata", "name"]]?.string))
      cluster.store.put(.pods, key) { revision, _ in
        StoredObject(pod, type: .pods, revision: revision)
      }
    }
    let authenticator = Authenticator()
    authenticator.add(token: "lab-admin", user: .admin)
    return API(cluster: cluster, authenticator: authenticator)
  }

  private typealias Answer = StatusFidelityTests.Answer

  private static func answer(
    _ api: API, _ method: String, _ uri: String, _ body: String
  ) throws -> Answer {
    try StatusFidelityTests.answer(api, method, uri, contentType: "application/json", body: body)
  }

  private static let eph = "/api/v1/namespaces/demo/pods/eph"

  /// The recorded pod after a change of its list of ephemeral containers.
  private static func changed(_ api: API, _ change: (inout [JSON]) -> Void) throws -> JSON {
    var pod = try answer(api, "GET", eph, "").json()
    var containers = pod[path: ["spec", "ephemeralContainers"]]?.array ?? []
    // As many as when the refusals were recorded.
    while containers.count < 10 {
      var another = containers[0]
      another["name"] = .string("more\(containers.count)")
      containers.append(another)
    }
    pod.update("spec") { $0["ephemeralContainers"] = .array(containers) }
    _ = try answer(api, "PUT", eph + "/ephemeralcontainers", pod.text)
    pod = try answer(api, "GET", eph, "").json()
    change(&containers)
    pod.update("spec") { $0["ephemeralContainers"] = .array(containers) }
    return pod
  }

  private static func container(_ members: (String, JSON?)...) -> JSON {
    var object: JSON = ["name": "x", "image": "lab/netshoot:1", "command": ["sleep", "600"]]
    for (name, value) in members { object[name] = value }
    return object
  }

  @Test(arguments: [
    ("put-ephemeral-name-of-container", container(("name", "eph"))),
    (
      "put-ephemeral-resources",
      container(("name", "res"), ("resources", ["limits": ["memory": "16Mi"]]))
    ),
    ("put-ephemeral-target", container(("name", "tgt"), ("targetContainerName", "nope"))),
  ])
  func `a container that is no good is refused`(_ id: String, _ container: JSON) throws {
    let api = try Self.api()
    let pod = try Self.changed(api) { $0.append(container) }
    let answer = try Self.answer(api, "PUT", Self.eph + "/ephemeralcontainers", pod.text)
    try expectSame(answer.json(), Recordings.error(id)["status"], id)
  }

  @Test func `the list only grows`() throws {
    let api = try Self.api()
    let without = try Self.changed(api) { $0.removeFirst() }
    let removal = try Self.answer(api, "PUT", Self.eph + "/ephemeralcontainers", without.text)
    try expectSame(removal.json(), Recordings.error("put-ephemeral-remove")["status"])
    let other = try Self.changed(api) { $0[0]["image"] = "lab/other:1" }
    let change = try Self.answer(api, "PUT", Self.eph + "/ephemeralcontainers", other.text)
    let recorded = try Recordings.error("put-ephemeral-change")["status"]
    // The difference that follows is Go's own.
    let message = try #require(change.json()["message"]?.string)
    #expect(change.code == 422)
    #expect(recorded?["message"]?.string?.hasPrefix(message) == true, "\(message)")
  }

  @Test func `versions, identities and kinds are checked`() throws {
    let api = try Self.api()
    let path = Self.eph + "/ephemeralcontainers"
    var old = try Self.changed(api) { $0.append(Self.container()) }
    #expect(try Self.answer(api, "PUT", path, old.text).code == 200)
    let conflict = try Self.answer(api, "PUT", path, old.text)
    try expectSame(conflict.json(), Recordings.error("put-ephemeral-conflict")["status"])
    old.update("metadata") {
      $0["resourceVersion"] = nil
      $0["uid"] = "11111111-2222-3333-4444-555555555555"
    }
    let other = try Self.answer(api, "PUT", path, old.text)
    try expectSame(other.json(), Recordings.error("put-ephemeral-uid")["status"])
    let missing = try Self.answer(
      api, "PUT", "/api/v1/namespaces/demo/pods/nopod/ephemeralcontainers", old.text)
    try expectSame(missing.json(), Recordings.error("put-ephemeral-pod-missing")["status"])
    let kind = try Self.answer(
      api, "PUT", path, #"{"kind":"EphemeralContainers","apiVersion":"v1"}"#)
    try expectSame(kind.json(), Recordings.error("put-ephemeral-old-kind")["status"])
    let junk = try Self.answer(api, "PUT", path, "hello")
    try expectSame(junk.json(), Recordings.error("replace-raw-junk")["status"])
  }

  @Test func `other changes are ignored, and a dry run changes nothing`() throws {
    let api = try Self.api()
    let before = try Self.answer(api, "GET", Self.eph, "").json()
    var pod = before
    pod.update("spec") { $0["nodeName"] = "elsewhere" }
    let answer = try Self.answer(api, "PUT", Self.eph + "/ephemeralcontainers", pod.text)
    #expect(answer.code == 200)
    try expectSame(answer.json(), before)
    var containers = pod[path: ["spec", "ephemeralContainers"]]?.array ?? []
    containers.append(Self.container())
    pod.update("spec") { $0["ephemeralContainers"] = .array(containers) }
    let dry = try Self.answer(api, "PUT", Self.eph + "/ephemeralcontainers?dryRun=All", pod.text)
    #expect(dry.code == 200 && dry.body.contains(#""name":"x""#))
    try expectSame(Self.answer(api, "GET", Self.eph, "").json(), before)
  }

  @Test func `a static pod takes none`() throws {
    let api = try Self.api()
    let patch = JSON.object(("spec", ["ephemeralContainers": [Self.container()]]))
    let answer = try StatusFidelityTests.answer(
      api, "PATCH", "/api/v1/namespaces/demo/pods/guard-node2/ephemeralcontainers",
      contentType: "application/strategic-merge-patch+json", body: patch.text)
    #expect(answer.code == 422)
    let recorded = try #require(Recordings.error("static-pod-ephemeral")["stderr"]?.string)
    let message = try #require(answer.json()["message"]?.string)
    #expect(recorded == "The \(message)\n")
  }

  // MARK: Pods

  private static func post(_ api: API, _ namespace: String, _ pod: JSON) throws -> Answer {
    try answer(
      api, "POST", "/api/v1/namespaces/\(namespace)/pods?fieldValidation=Strict", pod.text)
  }

  private static func pod(_ name: String, _ spec: JSON) -> JSON {
    ["apiVersion": "v1", "kind": "Pod", "metadata": ["name": .string(name)], "spec": spec]
  }

  private static let privileged: JSON = [
    "hostNetwork": true,
    "containers": [
      ["name": "tap", "image": "lab/netshoot:1", "securityContext": ["privileged": true]]
    ],
  ]

  @Test func `a created pod has the recorded shape`() throws {
    let recorded = try Recordings.json("objects/created-pod.json")
    let answer = try Self.post(Self.api(), "demo", try #require(recorded["request"]))
    #expect(answer.code == 201)
    func comparable(_ pod: JSON?) throws -> Set<String> {
      var pod = try #require(pod)
      pod.update("metadata") { $0["managedFields"] = nil }
      return shape(of: pod)
    }
    try #expect(comparable(answer.json()) == comparable(recorded["response"]))
    let spec = try answer.json()["spec"]
    for member in ["restartPolicy", "terminationGracePeriodSeconds", "tolerations", "priority"] {
      expectSame(spec?[member], recorded[path: ["response", "spec", member]], member)
    }
  }

  @Test(arguments: [
    ("psa-baseline-pod", "baseline", pod("tap", privileged)),
    ("psa-restricted-pod", "restricted", pod("tap", privileged)),
    (
      "webhook-denies-pod", "denied",
      pod("plain", ["containers": [["name": "a", "image": "lab/busybox:1"]]])
    ),
    (
      "unknown-field", "demo",
      pod("x", ["hostNetwrk": true, "containers": [["name": "a", "image": "lab/busybox:1"]]])
    ),
    (
      "invalid-object", "demo",
      pod("Bad_Name", ["containers": [["name": "a", "image": "lab/busybox:1"]]])
    ),
  ])
  func `a pod is refused as recorded`(_ id: String, _ namespace: String, _ pod: JSON) throws {
    let answer = try Self.post(Self.api(), namespace, pod)
    try expectSame(answer.json(), Recordings.error(id)["status"], id)
  }

  @Test func `a quota counts`() throws {
    let api = try Self.api()
    func limited(_ name: String, _ cpu: JSON, _ memory: JSON) -> JSON {
      Self.pod(
        name,
        [
          "nodeName": "nowhere",
          "containers": [
            [
              "name": "a", "image": "lab/busybox:1",
              "resources": ["limits": ["cpu": cpu, "memory": memory]],
            ]
          ],
        ])
    }
    #expect(try Self.post(api, "quota", limited("small", "100m", "32Mi")).code == 201)
    let answer = try Self.post(api, "quota", limited("big", "1", "1Gi"))
    try expectSame(answer.json(), Recordings.error("quota-big")["status"])
  }

  // MARK: Pod Security

  /// As the profiles of kubectl debug make them.
  private static let profiles: [String: JSON] = [
    "general": ["capabilities": ["add": ["SYS_PTRACE"]]],
    "netadmin": ["capabilities": ["add": ["NET_ADMIN", "NET_RAW"]]],
    "sysadmin": ["privileged": true],
  ]

  @Test(arguments: [
    ("psa-restricted-ephemeral", "general", "x"),
    ("psa-restricted-ephemeral-netadmin", "netadmin", "x"),
    ("psa-baseline-ephemeral-netadmin", "netadmin", "x"),
    ("psa-baseline-ephemeral-sysadmin", "sysadmin", "x"),
    ("psa-baseline-ephemeral-general", "general", "g136b"),
  ])
  func `Pod Security says what was recorded`(
    _ id: String, _ profile: String, _ name: String
  ) throws {
    let recorded = try #require(Recordings.error(id)["stderr"]?.string)
    let level: PodSecurity.Level = id.contains("restricted") ? .restricted : .baseline
    // The pod itself fits its level.
    let fitting: JSON = [
      "allowPrivilegeEscalation": false, "runAsNonRoot": true,
      "capabilities": ["drop": ["ALL"]], "seccompProfile": ["type": "RuntimeDefault"],
    ]
    let spec: JSON = [
      "containers": [["name": "web", "securityContext": fitting]],
      "ephemeralContainers": [
        ["name": .string(name), "securityContext": Self.profiles[profile] ?? [:]]
      ],
    ]
    let violations = try #require(PodSecurity(spec: spec).violations(of: level))
    #expect(
      recorded.hasSuffix("violates PodSecurity \"\(level.rawValue):latest\": \(violations)\n"),
      "\(violations)")
  }

  @Test func `a warning is the recorded one`() throws {
    let names = ["web", "w136", "w132", "w136b"]
    let ephemeral = names.dropFirst().map { name -> JSON in
      ["name": .string(name), "securityContext": Self.profiles["general"] ?? [:]]
    }
    let spec: JSON = [
      "containers": [["name": "web"]], "ephemeralContainers": .array(Array(ephemeral)),
    ]
    let violations = try #require(PodSecurity(spec: spec).violations(of: .restricted))
    let reply = Reply.json([:]).warning([
      "would violate PodSecurity \"restricted:latest\": " + violations
    ])
    guard case .bytes(_, _, let headers, _) = reply else { throw Recordings.Missing(what: "reply") }
    let header = headers.first { $0.name == "Warning" }?.value
    let recorded = try Recordings.error("psa-warn-ephemeral")["warning_headers"]
    expectSame(header.map { [.string($0)] }, recorded)
  }

  @Test(
    arguments: [
      (
        JSON.object(("hostPID", true), ("hostIPC", true), ("hostNetwork", true)),
        "host namespaces (hostNetwork=true, hostPID=true, hostIPC=true)"
      ),
      (
        ["volumes": [["name": "a", "hostPath": ["path": "/"]]]], "hostPath volumes (volume \"a\")"
      ),
      (
        ["containers": [["name": "a", "ports": [["hostPort": 80]]]]],
        "hostPort (container \"a\" uses hostPort 80)"
      ),
      (
        ["securityContext": ["seccompProfile": ["type": "Unconfined"]]],
        "seccompProfile (pod must not set securityContext.seccompProfile.type to \"Unconfined\")"
      ),
      (["containers": [["name": "a"]]], nil),
    ] as [(JSON, String?)])
  func `baseline judges the whole pod`(_ spec: JSON, _ expected: String?) {
    #expect(PodSecurity(spec: spec).violations(of: .baseline) == expected)
    #expect(PodSecurity(spec: spec).violations(of: .privileged) == nil)
  }

  // MARK: The kubelet

  /// A kubelet whose containers are nothing but a script.
  private static func kubelet(_ script: String) -> LabFile.Kubelet {
    LabFile.Kubelet(command: ["/bin/sh", "-c", script, "kubelet"], exec: ["/usr/bin/env"])
  }

  @Test func `an ephemeral container's status goes through the recorded states`() async throws {
    let directory = try temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    // It runs until the test has seen that it does.
    let over = directory + "/over"
    let script =
      "[ $1 = run ] || exit 0; echo started 0; until [ -e '\(over)' ]; do sleep 0.1; done; exit 3"
    let api = try Self.api(kubelet: Self.kubelet(script), directory: directory)
    let path = "/api/v1/namespaces/demo/pods/web"
    var pod = try Self.answer(api, "GET", path, "").json()
    pod.update("spec") { $0["ephemeralContainers"] = [Self.container(("name", "tap"))] }
    #expect(try Self.answer(api, "PUT", path + "/ephemeralcontainers", pod.text).code == 200)
    func status() throws -> JSON? {
      try Self.answer(api, "GET", path, "").json()[path: ["status", "ephemeralContainerStatuses"]]?
        .array?.first
    }
    let recorded = try Recordings.events("watch/pod-life-with-ephemeral-container.jsonl")
      .compactMap { $0[path: ["object", "status", "ephemeralContainerStatuses"]]?.array?.first }
    for state in ["running", "terminated"] {
      #expect(try await eventually(within: 10) { try status()?["state"]?[state] != nil })
      let twin = try #require(recorded.first { $0["state"]?[state] != nil })
      #expect(try shape(of: status() ?? [:]) == shape(of: twin), "\(state)")
      #expect(FileManager.default.createFile(atPath: over, contents: nil))
    }
    #expect(try status()?[path: ["state", "terminated", "exitCode"]] == 3)
    #expect(try status()?[path: ["state", "terminated", "reason"]] == "Error")
    let events = api.cluster.store.list(Selection(type: .events, namespace: "demo")).objects
    #expect(events.map { $0.json["reason"] }.contains("Started"))
    var event = try #require(Recordings.json("objects/events-eph.json")["items"]?.array?.last)
    event.update("metadata") { $0["managedFields"] = nil }
    #expect(
      shape(of: events[0].json).subtracting([".kind string", ".apiVersion string"])
        == shape(of: event), "\(events[0].json.text)")
  }

  @Test func `an image that nobody has is waited for in the recorded words`() async throws {
    let directory = try temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let api = try Self.api(kubelet: Self.kubelet("exit 0"), directory: directory)
    let path = "/api/v1/namespaces/demo/pods/web"
    var pod = try Self.answer(api, "GET", path, "").json()
    pod.update("spec") {
      $0["ephemeralContainers"] = [Self.container(("image", "lab/nothere:1"))]
    }
    #expect(try Self.answer(api, "PUT", path + "/ephemeralcontainers", pod.text).code == 200)
    let recorded = try JSON(
      parsing: #require(Recordings.error("debug-image-missing-status")["stdout"]?.string).utf8)
    let isSame = try await eventually(within: 10) {
      let state = try Self.answer(api, "GET", path, "").json()[
        path: ["status", "ephemeralContainerStatuses"]]?.array?.first?["state"]?["waiting"]
      return state?["reason"] == recorded[path: ["waiting", "reason"]]
        && state?["message"] == recorded[path: ["waiting", "message"]]
    }
    #expect(isSame)
    // Ends the thread that would go on trying.
    #expect(try Self.answer(api, "DELETE", path, "").code == 200)
  }

  private func temporaryDirectory() throws -> String {
    let directory = NSTemporaryDirectory() + "lab-api-" + UUID().uuidString.prefix(8).lowercased()
    try FileManager.default.createDirectory(
      atPath: directory + "/kubelet", withIntermediateDirectories: true)
    return directory
  }

  // MARK: Names and rights

  @Test(arguments: [
    ("nicolaka/netshoot", "docker.io/nicolaka/netshoot:latest", "netshoot", 0),
    ("nicolaka/netshoot:v0.13", "docker.io/nicolaka/netshoot:v0.13", "netshoot", 0),
    ("busybox", "docker.io/library/busybox:latest", "busybox", 0),
    ("lab/busybox:1", "docker.io/lab/busybox:1", "busybox", 0),
    ("lab/slow:7", "docker.io/lab/slow:7", "netshoot", 7),
    ("quay.io/lab/nothere", "quay.io/lab/nothere:latest", nil, 0),
    ("localhost:5000/x", "localhost:5000/x:latest", nil, 0),
  ])
  func `images are found by their names`(
    _ text: String, _ canonical: String, _ name: String?, _ seconds: Int
  ) throws {
    let image = try #require(ImageReference(text))
    #expect(image.canonical == canonical)
    let found = image.resolved(images: ["netshoot", "busybox"])
    #expect(found?.name == name)
    #expect(found?.seconds ?? 0 == seconds)
  }

  @Test(arguments: ["Lab/UPPER:1", "", "a//b", "a b"])
  func `what is no image's name is none`(_ text: String) { #expect(ImageReference(text) == nil) }

  @Test func `rights are those of the manifest, where it gives them`() throws {
    let manifest: JSON = [
      "kind": "List",
      "items": [
        [
          "kind": "Role", "metadata": ["name": "a", "namespace": "shop"],
          "rules": [
            ["apiGroups": [""], "resources": ["pods/exec"], "verbs": ["create"]],
            [
              "apiGroups": [""], "resources": ["pods"], "verbs": ["get"], "resourceNames": ["web"],
            ],
          ],
        ],
        [
          "kind": "ClusterRole", "metadata": ["name": "b"],
          "rules": [["apiGroups": [""], "resources": ["nodes"], "verbs": ["get"]]],
        ],
        [
          "kind": "ClusterRole", "metadata": ["name": "c"],
          "rules": [["apiGroups": [""], "resources": ["*/ephemeralcontainers"], "verbs": ["*"]]],
        ],
        [
          "kind": "RoleBinding", "metadata": ["name": "d", "namespace": "odd"],
          "roleRef": ["kind": "ClusterRole", "name": "c"],
        ],
      ],
    ]
    let user = User.bound("x", rules: try RoleManifest.rules(manifest))
    func may(_ method: String, _ uri: String) -> Bool {
      user.may(RequestInfo(Request(method: method, uri: uri)))
    }
    #expect(may("POST", "/api/v1/namespaces/shop/pods/web/exec"))
    #expect(!may("POST", "/api/v1/namespaces/odd/pods/web/exec"))
    #expect(may("GET", "/api/v1/namespaces/shop/pods/web"))
    #expect(!may("GET", "/api/v1/namespaces/shop/pods/bb"))
    #expect(!may("GET", "/api/v1/namespaces/shop/pods"))
    #expect(may("GET", "/api/v1/nodes/n1"))
    #expect(may("PUT", "/api/v1/namespaces/odd/pods/web/ephemeralcontainers"))
    #expect(!may("PUT", "/api/v1/namespaces/shop/pods/web/ephemeralcontainers"))
    #expect(throws: RoleManifest.Failure.self) { try RoleManifest.rules(["kind": "Pod"]) }
  }
}
