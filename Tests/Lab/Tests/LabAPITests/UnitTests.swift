import NIOCore
import Testing

@testable import LabAPI

/// The parts that are pure functions.
struct UnitTests {
  // MARK: JSON

  @Test(arguments: [
    (#"{"a":[1,-2,true,false,null,"x"],"b":{}}"#, #"{"a":[1,-2,true,false,null,"x"],"b":{}}"#),
    (#" { "a" : 1.5 } "#, #"{"a":1.5}"#),
    (#""\u00e9\ud83d\ude00\n\"\\\/""#, "\"é😀\\n\\\"\\\\/\""),
    (#""<a&b>""#, #""\u003ca\u0026b\u003e""#), (#""\u0001""#, #""\u0001""#),
    (#""\ud800x""#, "\"\u{fffd}x\""), ("[]", "[]"),
  ])
  func `JSON is read and written`(_ text: String, _ written: String) throws {
    #expect(try JSON(parsing: text.utf8).text == written)
  }

  @Test(arguments: [
    ("", "unexpected end of JSON input"),
    ("hello", "invalid character 'h' looking for beginning of value"),
    ("[1", "unexpected end of JSON input"), ("{\"a\"}", "invalid character '}' after object key"),
    ("1 2", "invalid character '2' after top-level value"),
    ("\"\\q\"", "invalid character 'q' in string escape code"),
    ("tru", "invalid character 't' in literal true"),
    (String(repeating: "[", count: 200), "exceeded max depth"),
  ])
  func `what is no JSON is refused`(_ text: String, _ message: String) {
    #expect(throws: JSONError(description: message)) { try JSON(parsing: text.utf8) }
  }

  @Test func `mangled JSON neither crashes nor is taken for something else`() throws {
    let good = try Recordings.json("objects/pod-hostnetwork.json")
    let bytes = good.bytes
    var random = SeededGenerator(seed: 7)
    for _ in 0..<400 {
      var mangled = bytes
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        let index = Int.random(in: 0..<mangled.count, using: &random)
        mangled[index] = UInt8.random(in: 0...255, using: &random)
      }
      if let json = try? JSON(parsing: mangled) {
        #expect(try JSON(parsing: json.bytes) == json)
      }
      let cut = Int.random(in: 0..<bytes.count, using: &random)
      #expect(throws: JSONError.self) { try JSON(parsing: bytes[..<cut]) }
    }
    expectSame(try JSON(parsing: bytes), good)
  }

  // MARK: Selectors

  @Test(arguments: [
    ("", true), ("app=web", true), ("app==web", true), ("app!=web", false), ("app", true),
    ("!app", false), ("!other", true), ("app in (web, db)", true), ("app in (db)", false),
    ("app notin (db),tier", true), ("other notin (x)", true), ("app=web,tier=front", true),
    ("app=web,tier=back", false), ("tier=", false), (" app = web ", true), ("other!=x", true),
  ])
  func `label selectors select`(_ text: String, _ matches: Bool) throws {
    let labels = ["app": "web", "tier": "front"]
    #expect(try LabelSelector(text).matches(labels) == matches)
  }

  @Test(arguments: ["a=b=c", "a in b", "a in (b", ",", "(", "a b", "=a", "a in (b))"])
  func `broken label selectors are refused`(_ text: String) {
    #expect(throws: SelectorError.self) { try LabelSelector(text) }
  }

  @Test(arguments: [
    ("", true), ("metadata.name=web", true), ("metadata.name!=web", false),
    ("spec.nodeName==n1,status.phase=Running", true), ("status.phase!=Running", false),
    ("spec.hostNetwork=false", true),
  ])
  func `field selectors select`(_ text: String, _ matches: Bool) throws {
    let fields = [
      "metadata.name": "web", "spec.nodeName": "n1", "status.phase": "Running",
      "spec.hostNetwork": "false",
    ]
    let selector = try FieldSelector(text, fields: ResourceType.pods.selectableFields)
    #expect(selector.matches(fields) == matches)
  }

  // MARK: Paths

  @Test(
    arguments: [
      ("GET", "/api/v1/pods", "list", nil, nil, ""),
      ("GET", "/api/v1/pods?watch=true", "watch", nil, nil, ""),
      ("GET", "/api/v1/namespaces/shop/pods/web", "get", "shop", "web", ""),
      ("GET", "/api/v1/namespaces/shop/pods/web/exec?command=a", "get", "shop", "web", "exec"),
      ("POST", "/api/v1/namespaces/shop/pods/web/exec", "create", "shop", "web", "exec"),
      ("DELETE", "/apis/apps/v1/namespaces/a/deployments/b", "delete", "a", "b", ""),
      ("DELETE", "/api/v1/namespaces/a/pods", "deletecollection", "a", nil, ""),
      ("GET", "/api/v1/namespaces/shop", "get", "shop", "shop", ""),
      ("PATCH", "/api/v1/nodes/n1/status", "patch", nil, "n1", "status"),
    ] as [(String, String, String, String?, String?, String)])
  func `paths are read as Kubernetes reads them`(
    _ method: String, _ uri: String, _ verb: String, _ namespace: String?, _ name: String?,
    _ subresource: String
  ) {
    let info = RequestInfo(Request(method: method, uri: uri))
    #expect(info.isResource)
    #expect(info.verb == verb)
    #expect(info.namespace == namespace)
    #expect(info.name == name)
    #expect(info.subresource == subresource)
  }

  @Test func `queries are decoded`() {
    let request = Request(method: "GET", uri: "/a%20b?command=sh&command=-c&command=a+b%2B%26&x")
    #expect(request.path == "/a b")
    #expect(request.query.map(\.value) == ["sh", "-c", "a b+&", ""])
  }

  // MARK: Tokens of lists

  @Test func `continue tokens are like the recorded ones`() throws {
    let list = try Recordings.json("objects/podlist-chunk-1-of-n.json")
    let text = try #require(list[path: ["metadata", "continue"]]?.string)
    let token = try ContinueToken(text)
    #expect(token.revision == 24748)
    #expect(token.last(namespace: "demo") == ObjectKey(namespace: "demo", name: "agent-zddlg"))
    let own = ContinueToken(
      revision: 24748, last: ObjectKey(namespace: "demo", name: "agent-zddlg"), namespace: "demo")
    #expect(own.text == text)
    let all = ContinueToken(
      revision: 1, last: ObjectKey(namespace: "a", name: "b"), namespace: nil)
    #expect(
      try ContinueToken(all.text).last(namespace: nil) == ObjectKey(namespace: "a", name: "b"))
  }

  // MARK: Protobuf

  @Test func `kubectl's protobuf is read`() throws {
    // auth can-i create pods --subresource=exec, as recorded.
    let recorded =
      "azhzAAoyChdhdXRob3JpemF0aW9uLms4cy5pby92MRIXU2VsZlN1YmplY3RBY2Nlc3NSZXZpZXcSQAoQCgASABoAIgAqADIAOABCABIiCiAKBGRlbW8SBmNyZWF0ZRoAIgAqBHBvZHMyBGV4ZWM6ABoICAASABoAIAAaACIA"
    let bytes = try #require(decodeBase64(recorded))
    let attributes = try Protobuf(envelope: bytes).message(2).message(1)
    #expect(attributes.string(1) == "demo")
    #expect(attributes.string(2) == "create")
    #expect(attributes.string(3) == nil)
    #expect(attributes.string(5) == "pods")
    #expect(attributes.string(6) == "exec")
    var random = SeededGenerator(seed: 3)
    for _ in 0..<2000 {
      var mangled = bytes
      mangled[Int.random(in: 0..<mangled.count, using: &random)] = .random(
        in: 0...255, using: &random)
      _ = try? Protobuf(envelope: mangled).message(2).message(1).string(2)
      _ = try? Protobuf(envelope: mangled.prefix(.random(in: 0..<mangled.count, using: &random)))
    }
  }

  // MARK: The start of a program

  private static let complaint =
    #"time="2026-11-23T09:17:48Z" level=error msg="exec failed: unable to start container process: "#
    + #"exec: \"nosuch\": executable file not found in $PATH""# + "\n"

  @Test func `runc's complaint is recognised however it is cut`() {
    var random = SeededGenerator(seed: 5)
    for _ in 0..<200 {
      var failure = StartFailure()
      var rest = Array(Self.complaint.utf8)[...]
      while !rest.isEmpty {
        let piece = rest.prefix(Int.random(in: 1...40, using: &random))
        rest = rest.dropFirst(piece.count)
        #expect(failure.pass(piece).isEmpty)
      }
      #expect(
        failure.complaint(exitCode: 255)
          == #"unable to start container process: exec: "nosuch": executable file not found in $PATH"#
      )
      #expect(failure.complaint(exitCode: 1) == nil)
    }
  }

  @Test(arguments: [
    "hello\n", "time=\"x\" level=info msg=\"exec failed: \"\n", "t", "time",
    "time=\"2026-11-23T09:17:48Z\" level=error msg=\"other\"\n", "",
    UnitTests.complaint + "more", "x" + UnitTests.complaint,
    "time=\"" + String(repeating: "1", count: 5000),
    "time=\"2026\" level=error msg=\"exec failed: " + String(repeating: "1", count: 5000),
  ])
  func `other words on stderr pass through unchanged`(_ text: String) {
    var random = SeededGenerator(seed: 11)
    for _ in 0..<50 {
      var failure = StartFailure()
      var passed: [UInt8] = []
      var rest = Array(text.utf8)[...]
      while !rest.isEmpty {
        let piece = rest.prefix(Int.random(in: 1...700, using: &random))
        rest = rest.dropFirst(piece.count)
        passed += failure.pass(piece)
      }
      #expect(failure.complaint(exitCode: 255) == nil)
      passed += failure.release()
      #expect(String(decoding: passed, as: UTF8.self) == text)
    }
  }

  // MARK: Time

  @Test func `times are written and read`() throws {
    let time = Timestamp(seconds: 1_795_414_234)
    #expect(time.description == "2026-11-23T06:10:34Z")
    #expect(Timestamp(time.description) == time)
    #expect(Timestamp("yesterday") == nil)
  }

  @Test(arguments: [
    (0, "0s"), (119, "119s"), (120, "2m"), (125, "2m5s"), (600, "10m"), (1020, "17m"),
    (10_800, "3h"), (12_000, "3h20m"), (36_000, "10h"), (200_000, "2d7h"), (864_000, "10d"),
  ])
  func `ages are as kubectl prints them`(_ seconds: Int, _ age: String) {
    let now = Timestamp.now
    #expect((now + -seconds).age(at: now) == age)
  }
}

/// Random numbers that are the same each time (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}
