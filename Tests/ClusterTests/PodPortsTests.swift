import Testing

@testable import Cluster

/// The ports that a pod's containers declare: what narrows a capture on its node's own interface.
@Suite struct PodPortsTests {
  private static func ports(_ containers: String, _ others: String = "") throws -> [String] {
    let pod = try #require(
      try PodTests.pod(
        #"{"metadata":{"name":"p"},"spec":{"containers":[\#(containers)]\#(others)}}"#))
    return pod.ports.map { "\($0.protocolName) \($0.number)" }
  }

  @Test func ofARecordedPod() throws {
    let pod = try Recording.pod("pod-running")
    #expect(pod.ports == [ContainerPort(protocolName: "tcp", number: 8080)])
    #expect(pod.containers[0].ports == pod.ports)
    #expect(try Recording.pod("pod-static-mirror").ports.isEmpty)
  }

  @Test func everyProtocolAndTheDefault() throws {
    let ports = try Self.ports(
      #"{"name":"a","ports":[{"containerPort":80},{"containerPort":53,"protocol":"UDP"},"#
        + #"{"containerPort":3868,"protocol":"SCTP","name":"x","hostPort":1,"hostIP":"y"},"#
        + #"{"protocol":"TCP","containerPort":65535},{"containerPort":1,"protocol":null}]}"#)
    #expect(ports == ["tcp 80", "udp 53", "sctp 3868", "tcp 65535", "tcp 1"])
  }

  @Test func ofAllContainersEachOnce() throws {
    let ports = try Self.ports(
      #"{"name":"a","ports":[{"containerPort":80},{"containerPort":80}]},"#
        + #"{"name":"b","ports":[{"containerPort":80,"protocol":"UDP"},{"containerPort":80}]}"#,
      #","initContainers":[{"name":"s","restartPolicy":"Always","ports":[{"containerPort":15001}]}]"#
    )
    #expect(ports == ["tcp 80", "udp 80", "tcp 15001"])
  }

  /// These become words of a capture filter.
  @Test(arguments: [
    "null", "7", "{}", "[null]", "[7]", "[{}]", #"[{"containerPort":0}]"#,
    #"[{"containerPort":65536}]"#, #"[{"containerPort":-1}]"#, #"[{"containerPort":"80"}]"#,
    #"[{"containerPort":1e99}]"#, #"[{"containerPort":80.5}]"#, #"[{"protocol":"TCP"}]"#,
    #"[{"containerPort":80,"protocol":"tcp) or (ip"}]"#,
    #"[{"containerPort":80,"protocol":"tcp"}]"#, #"[{"containerPort":80,"protocol":""}]"#,
    #"[{"containerPort":99999999999999999999}]"#,
  ])
  func whatIsNoPortIsSkipped(_ ports: String) throws {
    #expect(try Self.ports(#"{"name":"a","ports":\#(ports)}"#).isEmpty)
  }

  @Test(arguments: ["null", "7", "[]", "{}"])
  func anOddHashIsNone(_ value: String) throws {
    let pod = try PodTests.pod(
      #"{"metadata":{"name":"p","annotations":{"kubernetes.io/config.hash":\#(value)}}}"#)
    #expect(pod?.name == "p" && pod?.configHash == nil)
  }
}
