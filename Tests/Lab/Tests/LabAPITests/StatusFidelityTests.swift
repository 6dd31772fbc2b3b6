import NIOCore
import Testing

@testable import LabAPI

/// Refusals say what the real server says, field by field, and so do lists and reviews. Without a
/// network: the API is asked directly.
struct StatusFidelityTests {
  /// A cluster with what the recordings speak of.
  private static func api() -> (api: API, cluster: Cluster) {
    let cluster = Cluster()
    var file = LabFile.example()
    file.namespaces = ["default", "demo", "baseline"].map {
      LabFile.Namespace(name: $0, uid: Digest.uid(of: $0))
    }
    for index in file.pods.indices { file.pods[index].namespace = "demo" }
    for index in file.workloads.indices { file.workloads[index].namespace = "demo" }
    for index in file.services.indices { file.services[index].namespace = "demo" }
    cluster.load(file)
    let authenticator = Authenticator()
    func user(_ name: String, _ rules: [Rule]) -> User {
      User(name: name, groups: ["system:authenticated"], rules: User.everybody + rules)
    }
    let pods = Rule(
      verbs: ["get", "list", "watch"], groups: [""], resources: ["pods", "namespaces"])
    for user in [
      User.admin, user("lab-viewer", [pods]), user("dev", []),
      user("listonly", [Rule(verbs: ["list"], groups: [""], resources: ["services"])]),
    ] {
      authenticator.add(token: user.name, user: user)
    }
    return (API(cluster: cluster, authenticator: authenticator), cluster)
  }

  struct Answer {
    var code: Int
    var contentType: String
    var body: String

    func json() throws -> JSON { try JSON(parsing: body.utf8) }
  }

  static func answer(
    _ api: API, _ method: String = "GET", _ uri: String, as user: String? = "lab-admin",
    accept: String = "application/json", contentType: String? = nil, body: String = ""
  ) throws -> Answer {
    var headers = [("Accept", accept)]
    if let user { headers.append(("Authorization", "Bearer \(user)")) }
    if let contentType { headers.append(("Content-Type", contentType)) }
    let request = Request(
      method: method, uri: uri, headers: headers, body: ByteBuffer(string: body))
    switch api.answer(request) {
    case .bytes(let code, let contentType, _, let bytes):
      return Answer(code: code, contentType: contentType, body: String(buffer: bytes))
    case .list(var list):
      var body = ""
      while let piece = list.piece(size: 1000) { body += String(buffer: piece) }
      return Answer(code: 200, contentType: "application/json", body: body)
    case .watch, .exec: throw Recordings.Missing(what: "a plan, no answer")
    }
  }

  /// Recorded entries; `user` is who sent the request.
  @Test(
    arguments: [
      ("anonymous", nil), ("bad-token", "bad"), ("bad-token-raw", "bad"),
      ("forbidden-list", "lab-viewer"), ("forbidden-get", "lab-viewer"),
      ("forbidden-list-pods-all", "dev"), ("forbidden-list-pods-ns", "listonly"),
      ("forbidden-get-pod-ns", "dev"), ("forbidden-namespace-missing", "dev"),
      ("forbidden-nodes", "lab-viewer"), ("forbidden-node", "lab-viewer"),
      ("forbidden-exec", "lab-viewer"), ("forbidden-create-pod", "lab-viewer"),
      ("forbidden-delete-pod", "lab-viewer"), ("notfound-pod", "lab-admin"),
      ("notfound-pod-ns", "lab-admin"), ("notfound-deploy", "lab-admin"),
      ("notfound-node", "lab-admin"), ("get-raw-404-path", "lab-admin"),
      ("get-raw-403", "lab-viewer"), ("expired-continue", "lab-admin"),
      ("continue-junk", "lab-admin"), ("rv-too-large", "lab-admin"),
      ("selector-invalid", "lab-admin"), ("field-selector-invalid", "lab-admin"),
      ("name-space", "lab-admin"),
    ] as [(String, String?)])
  func `refusals are as recorded`(_ id: String, _ user: String?) throws {
    let recorded = try Recordings.error(id)
    let line = try #require(recorded["request"]?.string).split(separator: " ")
    let answer = try Self.answer(Self.api().api, String(line[0]), String(line[1]), as: user)
    let code = try #require(recorded["http_status"]?.string).prefix { $0 != " " }
    #expect(String(answer.code) == code)
    guard var expected = recorded["status"], expected != .null else {
      #expect(answer.body == recorded["body_text"]?.string)
      #expect(answer.contentType == recorded["content_type"]?.string)
      return
    }
    var actual = try answer.json()
    if id == "rv-too-large" {
      // The present revision is another one.
      for member in ["message"] {
        let text = actual[member]?.string?.replacing(#/current: \d+/#, with: "current: N")
        actual[member] = text.map { .string($0) }
        let recordedText = expected[member]?.string?.replacing(#/current: \d+/#, with: "current: N")
        expected[member] = recordedText.map { .string($0) }
      }
    }
    expectSame(actual, expected)
  }

  @Test func `a pod that exists is not created again`() throws {
    let (api, _) = Self.api()
    let pod =
      #"{"kind":"Pod","apiVersion":"v1","metadata":{"name":"web"},"spec":{"containers":"#
      + #"[{"name":"a","image":"lab/busybox:1"}],"nodeName":"nowhere"}}"#
    let conflict = try Self.answer(api, "POST", "/api/v1/namespaces/demo/pods", body: pod)
    try expectSame(conflict.json(), Recordings.error("already-exists")["status"])
    let missing = try Self.answer(api, "POST", "/api/v1/namespaces/nons/pods", body: pod)
    try expectSame(missing.json(), Recordings.error("create-in-missing-ns")["status"])
    let made = try Self.answer(
      api, "POST", "/api/v1/namespaces/demo/pods", body: pod.replacing("web", with: "new"))
    #expect(made.code == 201)
    let found = try Self.answer(api, "/api/v1/namespaces/demo/pods/new")
    #expect(try found.json()[path: ["status", "phase"]] == "Pending")
  }

  private static func answer(_ api: API, _ uri: String, accept: String = "application/json") throws
    -> Answer
  {
    try answer(api, "GET", uri, accept: accept)
  }

  @Test func `an old version is not written over a new one`() throws {
    let (api, _) = Self.api()
    let path = "/api/v1/namespaces/demo/pods/web"
    var pod = try Self.answer(api, path).json()
    pod.update("metadata") { $0["labels"] = ["app": "changed"] }
    let first = try Self.answer(api, "PUT", path, body: pod.text)
    #expect(first.code == 200)
    let second = try Self.answer(api, "PUT", path, body: pod.text)
    let expected = try Recordings.error("put-ephemeral-conflict")["status"]?.text
    #expect(try second.json().text == expected?.replacing("eph", with: "web"))
    #expect(second.code == 409)
  }

  @Test func `patches change what they name`() throws {
    let (api, _) = Self.api()
    let path = "/api/v1/namespaces/demo/pods/web"
    let merged = try Self.answer(
      api, "PATCH", path, contentType: "application/merge-patch+json",
      body: #"{"metadata":{"labels":{"a":"b","app":null}},"status":{"phase":"Failed"}}"#)
    #expect(try merged.json()[path: ["metadata", "labels"]] == ["a": "b"])
    #expect(try merged.json()[path: ["status", "phase"]] == "Running", "only by the subresource")
    let patched = try Self.answer(
      api, "PATCH", path, contentType: "application/json-patch+json",
      body: #"[{"op":"add","path":"/metadata/labels/x~1y","value":"z"}]"#)
    #expect(try patched.json()[path: ["metadata", "labels"]] == ["a": "b", "x/y": "z"])
    let status = try Self.answer(
      api, "PATCH", path + "/status", contentType: "application/merge-patch+json",
      body: #"{"metadata":{"labels":{"c":"d"}},"status":{"phase":"Failed"}}"#)
    #expect(try status.json()[path: ["status", "phase"]] == "Failed")
    #expect(try status.json()[path: ["metadata", "labels", "c"]] == nil)
    let failed = try Self.answer(
      api, "PATCH", path, contentType: "application/json-patch+json",
      body: #"[{"op":"remove","path":"/metadata/labels/none"}]"#)
    #expect(failed.code == 422)
    let unknown = try Self.answer(api, "PATCH", path, contentType: "text/plain", body: "{}")
    #expect(unknown.code == 415)
  }

  // MARK: Reviews

  @Test(
    arguments: [
      ("selfsubjectaccessreview-allowed", "list", nil),
      ("selfsubjectaccessreview-denied", "create", "exec"),
    ] as [(String, String, String?)])
  func `access reviews are as recorded`(_ recording: String, _ verb: String, _ sub: String?) throws
  {
    let recorded = try Recordings.json("objects/\(recording).json")
    var request: JSON = [
      "kind": "SelfSubjectAccessReview", "apiVersion": "authorization.k8s.io/v1",
      "spec": recorded["spec"] ?? [:],
    ]
    request["metadata"] = [:]
    let authenticator = Authenticator()
    authenticator.add(token: "viewer", user: .viewer)
    let api = API(cluster: Cluster(), authenticator: authenticator)
    let answer = try Self.answer(
      api, "POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", as: "viewer",
      contentType: "application/json", body: request.text)
    #expect(answer.code == 201)
    var expected = recorded
    expected["metadata"] = [:]  // the recorded one names the program that asked
    try expectSame(answer.json(), expected)
    #expect(recorded[path: ["spec", "resourceAttributes", "verb"]]?.string == verb)
    #expect(recorded[path: ["spec", "resourceAttributes", "subresource"]]?.string == sub)
  }

  @Test func `the list of rules has the recorded shape`() throws {
    let recorded = try Recordings.json("objects/selfsubjectrulesreview-viewer.json")
    let answer = try Self.answer(
      Self.api().api, "POST", "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews",
      as: "lab-viewer", contentType: "application/json",
      body: #"{"kind":"SelfSubjectRulesReview","spec":{"namespace":"demo"}}"#)
    #expect(try shape(of: answer.json()) == shape(of: recorded))
  }

  // MARK: Lists and tables

  @Test func `lists have the recorded shape`() throws {
    let (api, _) = Self.api()
    let chunk = try Self.answer(api, "/api/v1/namespaces/demo/pods?limit=2").json()
    let recorded = try Recordings.json("objects/podlist-chunk-1-of-n.json")
    for member in ["kind", "apiVersion"] { #expect(chunk[member] == recorded[member]) }
    #expect(shape(of: chunk["metadata"] ?? [:]) == shape(of: recorded["metadata"] ?? [:]))
    #expect(
      chunk["items"]?.array?.first?.object?.members.map(\.name) == ["metadata", "spec", "status"])
    let empty = try Self.answer(api, "/api/v1/namespaces/nons/pods").json()
    var expected = try Recordings.json("objects/podlist-empty.json")
    expected["metadata"] = empty["metadata"]
    expectSame(empty, expected)
  }

  private static let tableAccept =
    "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;"
    + "g=meta.k8s.io,application/json"

  @Test(arguments: [
    ("table-pods-selector", "/api/v1/namespaces/demo/pods?labelSelector=app%3Dapi"),
    ("table-pods-no-object", "/api/v1/namespaces/demo/pods?includeObject=None"),
    ("table-nodes", "/api/v1/nodes?includeObject=None"),
    ("table-deployments", "/apis/apps/v1/namespaces/demo/deployments?includeObject=None"),
  ])
  func `tables have the recorded shape`(_ recording: String, _ uri: String) throws {
    let recorded = try Recordings.json("objects/\(recording).json")
    let table = try Self.answer(Self.api().api, uri, accept: Self.tableAccept).json()
    let columns = table["columnDefinitions"]?.array ?? []
    let expected = recorded["columnDefinitions"]?.array ?? []
    for member in ["name", "type", "format", "priority"] {
      expectSame(
        .array(columns.compactMap { $0[member] }), .array(expected.compactMap { $0[member] }))
    }
    #expect(shape(of: .array(columns)) == shape(of: .array(expected)))
    let row = try #require(table["rows"]?.array?.first)
    let recordedRow = try #require(recorded["rows"]?.array?.first)
    #expect(row["cells"]?.array?.count == columns.count)
    #expect(shape(of: row["cells"] ?? []) == shape(of: recordedRow["cells"] ?? []))
    #expect(
      row[path: ["object", "kind"]] == recordedRow[path: ["object", "kind"]])
  }

  @Test func `a watched table's event has the recorded shape`() throws {
    let recorded = try #require(Recordings.events("watch/table-events.jsonl").first?["object"])
    let stored = try #require(
      Self.api().cluster.store.object(.pods, ObjectKey(namespace: "demo", name: "duo")))
    let table = Representation.table(includeObject: "Metadata")
    let first = try JSON(parsing: table.document(stored).readableBytesView)
    #expect(first.object?.members.map(\.name) == recorded.object?.members.map(\.name))
    expectSame(first["kind"], recorded["kind"])
    #expect(shape(of: first["metadata"] ?? [:]) == shape(of: recorded["metadata"] ?? [:]))
    #expect(
      first["columnDefinitions"]?.array?.map { $0["name"] }
        == recorded["columnDefinitions"]?.array?.map { $0["name"] })
    #expect(first["rows"]?.array?.count == 1)
    // The columns are said only once.
    let next = try JSON(
      parsing: table.document(stored, withColumns: false).readableBytesView)
    #expect(next["columnDefinitions"] == [])
  }

  @Test func `the metadata alone has the recorded shape`() throws {
    let recorded = try Recordings.json("objects/partialmetadata-pod.json")
    let partial = try Self.answer(
      Self.api().api, "/api/v1/namespaces/demo/pods/web",
      accept: "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"
    ).json()
    #expect(partial.object?.members.map(\.name) == recorded.object?.members.map(\.name))
    #expect(partial["kind"] == recorded["kind"])
    #expect(partial["apiVersion"] == recorded["apiVersion"])
  }

  @Test func `exec over SPDY is refused like exec over WebSocket`() throws {
    let api = Self.api().api
    for (pod, container, code) in [
      ("nopod", "x", 404), ("pending", "pending", 400), ("web", "nope", 400),
      ("halfdone", "one", 500), ("duo", "", 400),
    ] {
      let uri = "/api/v1/namespaces/demo/pods/\(pod)/exec?command=true&container=\(container)"
      let get = try Self.answer(api, "GET", uri)
      let post = try Self.answer(api, "POST", uri)
      #expect(get.code == code, "\(pod)")
      #expect(get.body == post.body)
      #expect(get.contentType == post.contentType)
    }
  }
}
