import Foundation
import Testing

@testable import Cluster

/// What routes ask of a pod beyond its columns.
@Suite struct PodFactsTests {
  static func pod(_ json: String) throws -> Pod {
    let pod = try Array(json.utf8).withUnsafeBytes { try PodReader().pod($0) }
    return try #require(pod)
  }

  @Test func recordedPods() throws {
    let mirror = try Recording.pod("pod-static-mirror")
    #expect(mirror.isMirror && mirror.isStatic)
    #expect(try !Recording.pod("pod-running").isMirror)
    let readOnly = try Recording.pod("pod-readonly-root-emptydir")
    #expect(readOnly.containers.first?.hasReadOnlyRoot == true)
    let json = try Recording.json("objects/pod-readonly-root-emptydir.json")
    let spec = try #require(json["spec"] as? [String: Any])
    let container = try #require((spec["containers"] as? [[String: Any]])?.first)
    let mount = try #require((container["volumeMounts"] as? [[String: Any]])?.first)
    let path = try #require(mount["mountPath"] as? String)
    #expect(readOnly.containers.first?.writableMounts == [path])
    #expect(try Recording.pod("pod-running").containers.first?.writableMounts == [])
    #expect(try Recording.pod("pod-pending-unschedulable").operatingSystem == nil)
  }

  @Test(
    arguments: [
      (#"{"os":{"name":"windows"}}"#, "windows"),
      (#"{"nodeSelector":{"kubernetes.io/os":"windows"}}"#, "windows"),
      (#"{"os":{"name":"linux"},"nodeSelector":{"kubernetes.io/os":"windows"}}"#, "linux"),
      (#"{"os":{}}"#, nil), (#"{"os":"windows","nodeSelector":[]}"#, nil), ("{}", nil),
    ] as [(String, String?)])
  func operatingSystems(_ spec: String, _ expected: String?) throws {
    let pod = try Self.pod(#"{"metadata":{"name":"a"},"spec":\#(spec)}"#)
    #expect(pod.operatingSystem == expected)
  }

  @Test func mountsAndVolumesComeInAnyOrder() throws {
    let volumes =
      #""volumes":[{"name":"e","emptyDir":{}},{"name":"m","emptyDir":{"medium":"Memory"}},{"name":"s","secret":{}},{"name":"n","emptyDir":null}]"#
    let containers =
      #""containers":[{"name":"a","volumeMounts":[{"name":"e","mountPath":"/e"},{"name":"m","mountPath":"/m","readOnly":true},{"name":"s","mountPath":"/s"},{"name":"n","mountPath":"/n"},{"name":"e","mountPath":"relative"}]},{"name":"b","volumeMounts":[{"name":"m","mountPath":"/m","readOnly":false}]},{"name":"c"}]"#
    for spec in ["\(volumes),\(containers)", "\(containers),\(volumes)"] {
      let pod = try Self.pod(#"{"metadata":{"name":"p"},"spec":{\#(spec)}}"#)
      #expect(pod.containers.map(\.writableMounts) == [["/e"], ["/m"], []])
    }
  }

  /// What tells whether a container that was added earlier will do.
  @Test func ephemeralContainersSaySinceWhenTheyRunAndWhat() throws {
    let pod = try Self.pod(
      #"""
      {"metadata":{"name":"p"},"spec":{"containers":[{"name":"a","command":["long"]}],
      "ephemeralContainers":[{"name":"e","command":["sh","-c","x"]},{"name":"f"}]},
      "status":{"ephemeralContainerStatuses":[
      {"name":"e","state":{"running":{"startedAt":"1970-01-02T00:00:01Z"}}},
      {"name":"f","state":{"terminated":{"startedAt":"1970-01-02T00:00:01Z","exitCode":0}}}]}}
      """#)
    #expect(pod.ephemeralContainers.map(\.command) == [["sh", "-c", "x"], []])
    #expect(pod.ephemeralContainers.map(\.started) == [86_401, nil])
    #expect(pod.containers[0].command == [])
  }

  @Test(
    arguments: [
      (#""containers":[{"name":"a","resources":{"limits":{"memory":"1Ki"}}}]"#, 1024),
      (#""containers":[{"name":"a","resources":{"limits":{"memory":"1Ki"}}},{"name":"b"}]"#, nil),
      (
        #""containers":[{"name":"a","resources":{"limits":{"memory":"1Ki"}}}],"initContainers":[{"name":"i"}]"#,
        nil
      ),
      (
        #""containers":[{"name":"a","resources":{"limits":{"memory":"1Ki"}}}],"initContainers":[{"name":"i","resources":{"limits":{"memory":"8Ki"}}},{"name":"s","restartPolicy":"Always","resources":{"limits":{"memory":"2Ki"}}}]"#,
        3072
      ), (#""containers":[]"#, nil),
    ] as [(String, Int?)])
  func memoryLimits(_ spec: String, _ expected: Int?) throws {
    let pod = try Self.pod(#"{"metadata":{"name":"p"},"spec":{\#(spec)}}"#)
    #expect(pod.memoryLimit == expected)
  }

  @Test func whatAPodBringsIsBounded() throws {
    let many = (0..<300).map { #"{"name":"e","mountPath":"/m\#($0)"}"# }.joined(separator: ",")
    let notes = (0..<300).map { #""poddump/n\#($0)":"x""# }.joined(separator: ",")
    let pod = try Self.pod(
      #"{"metadata":{"name":"p","annotations":{"other/user":"x",\#(notes)}},"spec":{"volumes":[{"name":"e","emptyDir":{}}],"containers":[{"name":"a","volumeMounts":[\#(many)]}]}}"#
    )
    #expect(pod.containers.first?.writableMounts.count == 16)
    #expect(pod.ownAnnotations.count == 16 && pod.ownAnnotations["poddump/n0"] == "x")
  }

  @Test func ownAnnotations() throws {
    let pod = try Self.pod(
      #"{"metadata":{"name":"p","uid":"u","namespace":"n","annotations":{"poddump/user":"kim","poddump/target":"shop/web","poddump/expires":"2026-01-01T00:00:00Z","poddumpx":"no"}}}"#
    )
    #expect(
      pod.ownAnnotations == [
        "poddump/user": "kim", "poddump/target": "shop/web",
        "poddump/expires": "2026-01-01T00:00:00Z",
      ])
    #expect(pod.reference == PodReference(namespace: "n", name: "p", uid: "u"))
  }
}
