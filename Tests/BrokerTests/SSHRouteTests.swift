import Base
import Cluster
import Packets
import SSH
import Testing

@testable import Broker

/// What route ssh makes of facts and a request: the filter, the command line, the refusals.
@Suite struct SSHRouteTests {
  private static let own =
    "not (host 198.51.100.1 and host 198.51.100.11 and tcp port 50022 and tcp port 22)"

  /// A pod with its node's network that declares a port.
  private static var hostNetwork: PodOnNode {
    var ground = PodOnNode()
    ground.pod.isHostNetwork = true
    ground.pod.podIPs = ["198.51.100.11"]
    ground.pod.containers[0].ports = [
      ContainerPort(protocolName: "tcp", number: 8080),
      ContainerPort(protocolName: "sctp", number: 3868),
    ]
    return ground
  }

  private static var lastResort: PodOnNode {
    var ground = PodOnNode()
    ground.node.nsenter = nil
    ground.pod.podIPs = ["198.51.100.66", "2001:db8::66"]
    return ground
  }

  private static var routed: PodOnNode {
    var ground = PodOnNode()
    ground.byRoute()
    return ground
  }

  private static func node(
    _ facts: NodeFacts = PodOnNode().node, _ change: (inout CaptureRequest) -> Void = { _ in }
  ) -> Verdict {
    var node = Node(name: "n1")
    node.addresses = [
      .init(type: "InternalIP", address: "198.51.100.11"),
      .init(type: "ExternalIP", address: "203.0.113.7"), .init(type: "Hostname", address: "n1"),
    ]
    var request = CaptureRequest(target: nil)
    change(&request)
    let login = NodeLogin(
      destination: "root@198.51.100.11", engine: .libssh2, command: Command("/usr/bin/ssh", []))
    return judge(
      .ssh, request, facts: Facts(subject: .node(node), login: login, node: .success(facts)),
      tools: .none)
  }

  private static func plan(_ verdict: Verdict) throws(Failure) -> Plan {
    switch verdict {
    case .usable(let plan): return plan
    case .refused(let failure): throw failure
    }
  }

  // MARK: - Filters

  @Test(
    arguments: [
      (routed, "", ""), (routed, "udp port 53", "udp port 53"),
      (hostNetwork, "", "(\(own)) and (tcp port 8080 or sctp port 3868)"),
      (
        hostNetwork, "tcp or icmp",
        "(\(own)) and (tcp port 8080 or sctp port 3868) and (tcp or icmp)"
      ),
      (lastResort, "", "(\(own)) and (host 198.51.100.66 or host 2001:db8::66)"),
      (
        lastResort, "port 1 or port 2",
        "(\(own)) and (host 198.51.100.66 or host 2001:db8::66) and (port 1 or port 2)"
      ),
    ] as [(PodOnNode, String, String)])
  func filtersAreJoined(_ ground: PodOnNode, _ filter: String, _ expected: String) throws {
    let plan = try ground.plan { $0.filter = filter }
    #expect(plan.filter == expected)
    try CaptureFilter.check(plan.filter)
    let end = expected.isEmpty ? ["-w", "-"] : ["-w", "-", "--", expected]
    #expect(Array(plan.engineArguments.suffix(end.count)) == end)
    #expect(Array(plan.remoteArguments.dropFirst(2)) == plan.engineArguments)
  }

  @Test(
    arguments: [
      ([], "", ""), (["a"], "", "a"), ([], "b", "b"),
      (["a or b"], "c or d", "(a or b) and (c or d)"),
      (["a", "b"], "", "(a) and (b)"),
    ] as [([String], String, String)])
  func conjunctions(_ conditions: [String], _ filter: String, _ expected: String) {
    #expect(SSHRoute.conjunction(conditions, filter) == expected)
  }

  @Test func ownTrafficIsKeptOnRequestAndSaidSo() throws {
    let plan = try Self.hostNetwork.plan {
      $0.includesOwnTraffic = true
      $0.filter = "tcp"
    }
    #expect(plan.filter == "(tcp port 8080 or sctp port 3868) and (tcp)")
    #expect(plan.notes.contains("The capture's own connection is among the packets."))
    #expect(!(try Self.hostNetwork.plan()).notes.contains { $0.contains("own connection") })
    // On an interface that only the pod has, the flag means nothing.
    let other = try Self.routed.plan { $0.includesOwnTraffic = true }
    #expect(other.filter == "" && other.notes.isEmpty)
  }

  @Test func ownTrafficByIPv6() throws {
    var ground = Self.hostNetwork
    ground.node.connection = .init(
      client: NodeFactsTests.address("2001:db8::1"), clientPort: 65535,
      server: NodeFactsTests.address("2001:db8::2"), serverPort: 2222)
    let filter = try ground.plan().filter
    #expect(
      filter.hasPrefix(
        "(not (host 2001:db8::1 and host 2001:db8::2 and tcp port 65535 and tcp port 2222)) and "))
    try CaptureFilter.check(filter)
  }

  @Test func whereItsOwnConnectionIsUnknownThePlanSaysSo() throws {
    var ground = Self.hostNetwork
    ground.node.connection = nil
    let plan = try ground.plan()
    #expect(plan.filter == "tcp port 8080 or sctp port 3868")
    #expect(plan.notes.contains { $0.contains("own connection") }, "\(plan.notes)")
  }

  // MARK: - Nodes

  @Test(
    arguments: [
      (nil, "ens3", "ens3 of node n1, the one with its address"),
      ("cni0", "cni0", "cni0 of node n1"),
      ("any", "any", "all interfaces of node n1"), ("lo", "lo", "lo of node n1"),
    ] as [(String?, String, String)])
  func aNodesInterface(_ asked: String?, _ interface: String, _ reason: String) throws {
    let plan = try Self.plan(Self.node { $0.interface = asked })
    #expect(plan.interface == interface && plan.point == reason)
    #expect(plan.interfaceName == "n1/\(interface)")
    #expect(plan.target == "node n1 (interface \(interface))")
    #expect(plan.filter == Self.own)
    #expect(Array(plan.engineArguments.prefix(3)) == ["/usr/bin/tcpdump", "-i", interface])
    try CaptureFilter.check(plan.filter)
  }

  @Test func aNodeBehindAnotherAddress() throws {
    var facts = PodOnNode().node
    facts.addresses = [
      .init(interface: "cni0", address: NodeFactsTests.address("198.51.100.97")),
      .init(interface: "ens3", address: NodeFactsTests.address("203.0.113.99")),
    ]
    facts.connection?.server = NodeFactsTests.address("203.0.113.99")
    let plan = try Self.plan(Self.node(facts))
    #expect(plan.interface == "ens3")
    #expect(plan.point == "ens3 of node n1, the one with the connection's address")
    facts.connection = nil
    #expect(try Self.plan(Self.node(facts)).interface == "any")
  }

  @Test func anInterfaceThatTheNodeDoesNotHave() throws {
    let failure = try #require(
      #expect(throws: Failure.self) { try Self.plan(Self.node { $0.interface = "net7" }) })
    #expect(failure.kind == .notFound && failure.what == "Cannot capture from node n1.")
    #expect(failure.why == "It has no interface net7.")
    #expect(
      failure.fix == "Choose one of lo, ens3, cni0, cali0d7763386da, veth8, any with -i.")
    var blind = PodOnNode().node
    blind.nodeLinks = []
    #expect(try Self.plan(Self.node(blind) { $0.interface = "net7" }).interface == "net7")
  }

  @Test func aRecordedNode() throws {
    let plan = try Self.plan(Self.node(NodeFactsTests.recorded("node")))
    #expect(plan.interface == "eth0")
    #expect(plan.filter == Self.own.replacing("198.51.100.11", with: "198.51.100.12"))
  }

  // MARK: - Privileges

  @Test func whatAUserWithoutRootMay() throws {
    var ground = Self.routed
    ground.asUser()
    let none = #expect(throws: Failure.self) { try ground.plan() }
    #expect(none?.kind == .denied && none?.why?.contains("The user ops is not root on n1") == true)

    ground.node.mayOnlyRunTcpdump = true
    let only = #expect(throws: Failure.self) { try ground.plan() }
    #expect(only?.kind == .denied && only?.why?.contains("nothing that could end it") == true)
    #expect(only?.fix?.contains("--ttl 0") == true)
    let bare = try ground.plan { $0.ttl = 0 }
    #expect(Array(bare.engineArguments.prefix(4)) == ["sudo", "-n", "/usr/bin/tcpdump", "-i"])
    #expect(bare.leaves != "nothing")

    ground.node.mayOnlyRunTcpdump = false
    ground.node.tcpdumpOpens = true
    let capable = try ground.plan()
    #expect(capable.engineArguments.first == "/usr/bin/tcpdump" && capable.leaves == "nothing")
    #expect(!capable.engineArguments.contains("-Z"))
  }

  @Test func nothingIsPlannedBlindly() {
    let facts = Facts(subject: .pod(PodOnNode().pod, Container(name: "web", role: .main)))
    guard
      case .refused(let failure) = judge(
        .ssh, CaptureRequest(target: nil), facts: facts, tools: .none)
    else {
      Issue.record("A plan from nothing.")
      return
    }
    #expect(failure.why == "Nobody looked at the node.")
  }

  /// tcpdump's words come from the node's own PATH, and nsenter's before them.
  @Test func insideThePodTheWholeCommandIsWordByWord() throws {
    let plan = try PodOnNode().plan { $0.filter = "port 80" }
    #expect(
      plan.engineArguments == [
        "nsenter", "-t", "111", "-n", "/usr/bin/tcpdump", "-i", "eth0", "-U", "--immediate-mode",
        "-B", "32768", "-s", "65535", "-w", "-", "--", "port 80",
      ])
    #expect(NodeScript.order(plan.remoteArguments)?.hasPrefix("19\n86415\n20\nnsenter\n") == true)
  }
}
