import Base
import Cluster
import SSH
import Testing

@testable import Broker

/// What captures on a node by ssh, where tcpdump is missing or an engine is to be brought along.
@Suite struct NodeEngineTests {
  private static let path = "/run/.poddump-7f3a0001"

  /// A node that takes a file.
  private static var node: PodOnNode {
    var ground = PodOnNode()
    ground.byRoute()
    ground.node.tools.machine = "x86_64"
    ground.node.tools.programs = ["cat", "chmod", "head", "rm", "sha256sum"]
    ground.node.tools.directories = ["/run", "/tmp"]
    return ground
  }

  private static func plan(
    _ ground: PodOnNode, _ engines: Engines = Engines(taps: [RouteGround.tap]),
    _ change: (inout CaptureRequest) -> Void = { _ in }
  ) throws(Failure) -> Plan {
    var request = CaptureRequest(target: nil)
    request.session = "7f3a0001"
    change(&request)
    let login = NodeLogin(
      destination: "ops@198.51.100.11", engine: .libssh2, command: Command("/usr/bin/ssh", []))
    var tools = RouteTools.none
    tools.engines = engines
    return try SSHRoute.plan(
      request,
      facts: Facts(
        subject: .pod(ground.pod, ground.pod.containers[0]), login: login,
        node: .success(ground.node)),
      tools: tools)
  }

  private static func refusal(
    _ ground: PodOnNode, _ engines: Engines = Engines(taps: [RouteGround.tap]),
    _ change: (inout CaptureRequest) -> Void = { _ in }
  ) -> Failure? {
    do throws(Failure) {
      _ = try plan(ground, engines, change)
      return nil
    } catch {
      return error
    }
  }

  @Test func withoutTcpdumpTheTapIsBrought() throws {
    var ground = Self.node
    ground.node.tools.tcpdump = nil
    let plan = try Self.plan(ground) { $0.filter = "tcp" }
    #expect(plan.engine == "tap" && plan.placement?.file == RouteGround.tap)
    #expect(plan.placement?.directories == ["/run", "/tmp"])
    #expect(Array(plan.engineArguments.prefix(3)) == [Self.path, "-i", "cali0d7763386da"])
    #expect(plan.remoteArguments == [NodeScript.direct] + plan.engineArguments)
    #expect(plan.engineArguments.contains("--unlink"))
    #expect(plan.leaves == "nothing: the file is removed as soon as it runs")
    #expect(
      plan.preparations.map(\.text) == [
        "puts tap (x86_64, 34 KiB) onto n1 as \(Self.path), through the same connection"
      ])
    #expect(
      NodeScript.order(plan.remoteArguments)?.hasPrefix("\(plan.remoteArguments.count)\ndirect\n")
        == true)
  }

  @Test func inThePodsNetworkToo() throws {
    var ground = Self.node
    ground.node.tools.tcpdump = nil
    let plan = try Self.plan(ground) { $0.point = .pod }
    #expect(
      Array(plan.engineArguments.prefix(7)) == [
        "nsenter", "-t", "111", "-n", Self.path, "-i", "eth0",
      ])
  }

  @Test func theTapOnRequest() throws {
    #expect(try Self.plan(Self.node).engine == "tcpdump")
    #expect(try Self.plan(Self.node) { $0.engine = .tap }.engine == "tap")
    #expect(try Self.plan(Self.node) { $0.engine = .tcpdump }.placement == nil)
  }

  @Test func aGivenTcpdumpRunsInsideTheStanza() throws {
    let plan = try Self.plan(Self.node, Engines(given: RouteGround.tcpdump))
    #expect(plan.engine == "tcpdump" && plan.placement?.file == RouteGround.tcpdump)
    #expect(
      Array(plan.engineArguments.prefix(5)) == [
        "sh", "-c", ContainerEngine.unlinking, Self.path, "-i",
      ])
    #expect(plan.remoteArguments == Stanza.parameters(plan.engineArguments, ttl: plan.ttl))
    // The order goes line by line.
    #expect(NodeScript.order(plan.remoteArguments) != nil)
  }

  private static let helpless: [(@Sendable (inout PodOnNode) -> Void, String)] = [
    ({ $0.node.tools.directories = [] }, "n1 has no tcpdump, and no directory where a file"),
    (
      { $0.node.tools.programs = ["head", "cat"] },
      "n1 has no tcpdump, and no chmod to take a file."
    ),
    (
      { $0.node.tools.programs = ["head", "chmod"] },
      "n1 has no tcpdump, and no cat to take a file."
    ),
    (
      { $0.node.tools.machine = "mips64" },
      "n1 has no tcpdump, and none can be brought: there is no tap for machines of the kind mips64."
    ),
    (
      { $0.node.tools.machine = nil },
      "n1 has no tcpdump, and none can be brought: nobody knows what kind of machine it is"
    ),
  ]

  @Test(arguments: helpless)
  func nothingToCaptureWith(_ change: @Sendable (inout PodOnNode) -> Void, _ why: String) {
    var ground = Self.node
    ground.node.tools.tcpdump = nil
    change(&ground)
    let failure = Self.refusal(ground)
    #expect(failure?.kind == .noRoute)
    #expect(failure?.why?.hasPrefix(why) == true, "\(failure?.sentence ?? "none")")
    #expect(failure?.why?.hasSuffix(".") == true && failure?.fix?.hasSuffix(".") == true)
  }

  @Test func withoutAnyTap() {
    var ground = Self.node
    ground.node.tools.tcpdump = nil
    #expect(Self.refusal(ground, Engines())?.why?.contains("is not installed beside it") == true)
    let tcpdump = Self.refusal(ground) { $0.engine = .tcpdump }
    #expect(tcpdump?.why == "n1 has no tcpdump.")
    // Asked for, it is the missing engine that is named.
    let asked = Self.refusal(Self.node, Engines()) { $0.engine = .tap }
    #expect(asked?.why?.hasPrefix("The tap, poddump's own engine, is not installed") == true)
  }

  @Test func whatIsMissingIsNamedWhereAnEngineIsAskedFor() {
    var ground = Self.node
    ground.node.tools.programs = ["cat", "chmod"]
    let failure = Self.refusal(ground) { $0.engine = .tap }
    #expect(failure?.why == "No engine can be brought: n1 has no head to take a file.")
  }

  @Test func aUserWhoMayOnlyRunTcpdumpBringsNothing() {
    var ground = Self.node
    ground.asUser()
    ground.node.mayOnlyRunTcpdump = true
    let failure = Self.refusal(ground) {
      $0.engine = .tap
      $0.ttl = 0
    }
    #expect(failure?.kind == .denied)
    #expect(failure?.why?.contains("run tcpdump and nothing else") == true)
  }
}
