import Base
import Foundation
import Testing

@testable import Cluster

@Suite struct EphemeralContainerTests {
  @Test func manifests() {
    let name = "poddump-7f3a"
    var container = EphemeralContainer(
      name: name, image: "IMG",
      command: ["sh", "-c", "trap 'exit 0' TERM INT; sleep 3600 & wait", name])
    #expect(
      container.manifest.line
        == #"{"name":"poddump-7f3a","image":"IMG","imagePullPolicy":"IfNotPresent","#
        + #""command":["sh","-c","trap 'exit 0' TERM INT; sleep 3600 & wait","poddump-7f3a"],"#
        + #""securityContext":{"runAsUser":0,"runAsNonRoot":false,"allowPrivilegeEscalation":false,"#
        + #""capabilities":{"drop":["ALL"],"add":["NET_RAW","SETUID","SETGID"]}}}"#)
    container.security = .default
    container.command = ["a\"\n\u{1}é"]
    #expect(
      container.manifest.line
        == #"{"name":"poddump-7f3a","image":"IMG","imagePullPolicy":"IfNotPresent","#
        + #""command":["a\"\n\u0001é"],"securityContext":{"runAsUser":0,"runAsNonRoot":false}}"#)
  }

  @Test func aLineSaysWhatTheTextSays() throws {
    let value = JSONText.object([
      ("a", .array([.number(-1), .null, .bool(true), .array([]), .object([])])),
      ("b \"", .string("\u{7f}/\\\t")), ("c", .object([("d", .strings(["x", "y"]))])),
    ])
    #expect(
      value.line
        == #"{"a":[-1,null,true,[],{}],"b \"":"\u007f/\\\t","c":{"d":["x","y"]}}"#)
    let parsed = try [value.line, value.text()].map {
      try #require(JSONSerialization.jsonObject(with: Data($0.utf8)) as? NSDictionary)
    }
    #expect(parsed[0] == parsed[1])
  }
}

/// The entry goes into the pod's JSON, and nothing else changes.
@Suite struct PodPatchTests {
  static func patched(_ json: String, _ entry: String = "{}") throws -> String {
    try Array(json.utf8).withUnsafeBytes {
      String(decoding: try PodPatch($0).adding(entry, to: $0), as: UTF8.self)
    }
  }

  @Test(arguments: [
    (#"{"spec":{}}"#, #"{"spec":{"ephemeralContainers":[{}]}}"#),
    (#"{"spec":{ } }"#, #"{"spec":{ "ephemeralContainers":[{}]} }"#),
    (#"{"spec":{"a":1 }}"#, #"{"spec":{"a":1 ,"ephemeralContainers":[{}]}}"#),
    (
      #"{"spec":{"ephemeralContainers":[],"z":[]}}"#,
      #"{"spec":{"ephemeralContainers":[{}],"z":[]}}"#
    ),
    (
      #"{"spec":{"ephemeralContainers": [ ] }}"#, #"{"spec":{"ephemeralContainers": [ {}] }}"#
    ),
    (
      #"{"spec":{"ephemeralContainers":[{"name":"x]"} ]},"status":{}}"#,
      #"{"spec":{"ephemeralContainers":[{"name":"x]"} ,{}]},"status":{}}"#
    ),
    (
      #"{"spec":{"ephemeralContainers":null,"z":1}}"#,
      #"{"spec":{"ephemeralContainers":[{}],"z":1}}"#
    ),
    (
      #"{"status":{"ephemeralContainers":[]},"spec":{"containers":[{"ephemeralContainers":[]}]}}"#,
      #"{"status":{"ephemeralContainers":[]},"spec":{"containers":[{"ephemeralContainers":[]}],"#
        + #""ephemeralContainers":[{}]}}"#
    ),
    // Of two the last counts, for the API server as for us.
    (
      #"{"spec":{"ephemeralContainers":[],"ephemeralContainers":[1]}}"#,
      #"{"spec":{"ephemeralContainers":[],"ephemeralContainers":[1,{}]}}"#
    ),
  ])
  func places(_ json: String, _ expected: String) throws {
    #expect(try Self.patched(json) == expected)
  }

  @Test(arguments: [
    "", "{", "[]", "null", "{}", #"{"spec":[]}"#, #"{"spec":null}"#, #"{"spec":{"#,
    #"{"spec":{}}x"#, #"{"spec":{"ephemeralContainers":{}}}"#,
    #"{"spec":{"ephemeralContainers":"x"}}"#, #"{"spec":{"ephemeralContainers":[}}"#,
  ])
  func noPlace(_ json: String) {
    #expect(throws: JSONError.self) { try Self.patched(json) }
  }

  @Test func uidAndNamesAreRead() throws {
    let json = try Recording.bytes("objects/pod-ephemeral-containers.json")
    let patch = try json.withUnsafeBytes { try PodPatch($0) }
    #expect(patch.uid == "ae86b374-db3a-4406-a396-70fc1945fffc")
    #expect(patch.names.first == "dbg136c1" && patch.names.count == 9)
  }

  /// Every recorded pod, and every one of them with random white space and random members.
  @Test func onlyTheListChanges() async throws {
    var generator = SeededGenerator(seed: 4)
    let entry = #"{"name":"poddump-x","command":["}]"]}"#
    let added = try #require(
      JSONSerialization.jsonObject(with: Data(entry.utf8)) as? NSDictionary)
    for name in try Recording.names("objects", "pod-") {
      await Task.yield()
      let recorded = try Recording.json(name)
      for _ in 0..<3 {
        let json = Self.text(recorded, &generator)
        let result = try Array(json.utf8).withUnsafeBytes {
          try PodPatch($0).adding(entry, to: $0)
        }
        var expected = recorded
        var spec = try #require(expected["spec"] as? [String: Any])
        let before = spec["ephemeralContainers"] as? [Any] ?? []
        spec["ephemeralContainers"] = before + [added]
        expected["spec"] = spec
        let found = try #require(
          JSONSerialization.jsonObject(with: Data(result)) as? NSDictionary)
        #expect(found == expected as NSDictionary)
        // Byte for byte: the result is the original with one insertion.
        let original = Array(json.utf8)
        let same = zip(original, result).prefix { $0 == $1 }.count
        let tail = original.count - same
        #expect(result.suffix(tail) == original.suffix(tail))
      }
    }
  }

  @Test func brokenPodsDoNotTrap() async throws {
    var generator = SeededGenerator(seed: 5)
    let json = try Recording.bytes("objects/pod-ephemeral-containers.json")
    for round in 0..<400 {
      if round % 50 == 0 { await Task.yield() }
      var bytes = mutated(json, &generator)
      if round % 3 == 0 {
        bytes = Array(json.prefix(Int.random(in: 0..<json.count, using: &generator)))
      }
      let result = bytes.withUnsafeBytes { bytes in
        Result { try PodPatch(bytes).adding("{}", to: bytes) }
      }
      guard case .success(let patched) = result else { continue }
      #expect(patched.count > bytes.count - 4)
      // What was valid stays valid.
      if (try? JSONSerialization.jsonObject(with: Data(bytes))) != nil {
        #expect((try? JSONSerialization.jsonObject(with: Data(patched))) != nil)
      }
    }
  }

  /// The value as JSON, its members in random order and with random white space.
  static func text(_ value: Any, _ generator: inout SeededGenerator) -> String {
    func blank(_ generator: inout SeededGenerator) -> String {
      String(["", "", " ", "\n", "\t "].randomElement(using: &generator) ?? "")
    }
    switch value {
    case let members as [String: Any]:
      let parts = members.shuffled(using: &generator).map { key, value in
        let name = text(key, &generator)
        return blank(&generator) + name + blank(&generator) + ":" + blank(&generator)
          + text(value, &generator) + blank(&generator)
      }
      return "{" + parts.joined(separator: ",") + blank(&generator) + "}"
    case let values as [Any]:
      let parts = values.map { blank(&generator) + text($0, &generator) + blank(&generator) }
      return "[" + parts.joined(separator: ",") + blank(&generator) + "]"
    default:
      let data = try? JSONSerialization.data(
        withJSONObject: value, options: [.fragmentsAllowed, .sortedKeys])
      return String(decoding: data ?? Data(), as: UTF8.self)
    }
  }
}
