import Foundation
import TestSupport
import Testing

@testable import Broker

/// Answers as real nodes gave them, and answers that no honest node gives.
@Suite struct NodeFactsTests {
  /// A recorded answer: the script's, run on a node with real pods.
  static func text(_ name: String) throws -> String {
    String(decoding: try Recording.bytes("node/\(name).txt"), as: UTF8.self)
  }

  static func recorded(_ name: String) throws -> NodeFacts {
    try #require(NodeFacts(answer: text(name)))
  }

  private static let ssh = NodeFacts.Connection(
    client: address("198.51.100.1"), clientPort: 50022, server: address("198.51.100.11"),
    serverPort: 22)

  static func address(_ text: String) -> IPAddress {
    guard let address = IPAddress(text) else { preconditionFailure("\(text) is no address") }
    return address
  }

  // MARK: - Recorded

  @Test func bashAndIproute2WithANamedNamespace() throws {
    let facts = try Self.recorded("bash-iproute2")
    #expect(facts.isRoot && facts.tools.tcpdump == "/usr/bin/tcpdump")
    #expect(facts.tools.bash == "/usr/bin/bash" && facts.tools.shTimesReads && facts.tools.hasSleep)
    #expect(facts.tools.effective == 0x1ff_feff_ffff)
    #expect(facts.connection == Self.ssh)
    #expect(facts.nsenter == ["nsenter"] && !facts.hidesProcesses)
    #expect(!facts.mayOnlyRunTcpdump && !facts.tcpdumpOpens)
    #expect(facts.pid == 111 && facts.way == .cgroup && facts.isConfirmed)
    #expect(facts.nodeNamespace == "net:[4026534022]" && facts.podNamespace == "net:[4026534313]")
    #expect(!facts.sharesNetwork)
    #expect(facts.namespaceName == "cni-9d669a15-6cfd-4708-a973-fd6724465a2b")
    #expect(facts.namespaceNumber == 1)
    #expect(
      facts.podLinks == [
        Link(index: 1, name: "lo"),
        Link(index: 2, name: "eth0", peer: 3, peerNamespace: 0, address: "96:f6:fa:40:80:c3"),
      ])
    #expect(facts.nodeLinks.count == 14)
    #expect(
      facts.nodeLinks[1]
        == Link(index: 2, name: "eth0", peer: 4, peerNamespace: 0, address: "d6:f2:b9:8c:8b:32"))
    #expect(
      facts.nodeLinks[2]
        == Link(
          index: 3, name: "cali551b05c3e54", peer: 2, peerNamespaceName: facts.namespaceName,
          address: "ee:ee:ee:ee:ee:ee"))
    #expect(facts.addresses.map(\.interface) == ["lo", "eth0"])
    #expect(facts.addresses.map(\.address.text) == ["127.0.0.1", "198.51.100.11"])
    #expect(facts.routes == ["cali551b05c3e54"])
    #expect(facts.neighbour == "96:f6:fa:40:80:c3")
    #expect(facts.bridgePorts.isEmpty && facts.hash == "551b05c3e54")
  }

  @Test func aNamespaceByNumber() throws {
    let facts = try Self.recorded("namespace-number")
    #expect(facts.namespaceNumber == 1 && facts.namespaceName == nil)
    let link = try #require(facts.nodeLinks.first { $0.name == "cali551b05c3e54" })
    #expect(link.peer == 2 && link.peerNamespace == 1 && link.peerNamespaceName == nil)
  }

  /// busybox writes `cali551b05c3e54@eth0`, for eth0 is what number 2 is called on the node.
  @Test func busyboxWritesAPeerAsALocalName() throws {
    let facts = try Self.recorded("busybox")
    #expect(facts.tools.bash == nil && facts.tools.shTimesReads && facts.tools.hasSleep)
    #expect(
      facts.podLinks.last == Link(index: 2, name: "eth0", peer: 3, address: "96:f6:fa:40:80:c3"))
    let link = try #require(facts.nodeLinks.first { $0.name == "cali551b05c3e54" })
    #expect(link.index == 3 && link.peer == 2 && link.hasNamedPeer)
    #expect(link.peerNamespace == nil && link.peerNamespaceName == nil)
    #expect(facts.nodeLinks.first { $0.name == "eth0" }?.peer == 4)
    #expect(facts.routes == ["cali551b05c3e54"] && facts.neighbour == "96:f6:fa:40:80:c3")
    #expect(facts.addresses.map(\.interface) == ["lo", "eth0"])
  }

  @Test func withoutIpTheLinksAreReadFromSysfs() throws {
    let facts = try Self.recorded("no-ip")
    #expect(facts.tools.bash == nil && !facts.tools.shTimesReads)
    let own = try #require(facts.podLinks.first { $0.name == "eth0" })
    #expect(own == Link(index: 2, name: "eth0", peer: 3, address: "96:f6:fa:40:80:c3"))
    #expect(facts.podLinks.first { $0.name == "lo" }?.peer == nil)
    let link = try #require(facts.nodeLinks.first { $0.name == "cali551b05c3e54" })
    #expect(link.index == 3 && link.peer == 2 && link.address == "ee:ee:ee:ee:ee:ee")
    #expect(facts.routes.isEmpty && facts.addresses.isEmpty && facts.neighbour == nil)
  }

  @Test func aPodWithTheNodesNetwork() throws {
    let facts = try Self.recorded("host-network")
    #expect(facts.sharesNetwork && facts.isConfirmed && facts.pid == 226)
    #expect(facts.podLinks == facts.nodeLinks)
    #expect(facts.namespaceNumber == nil && facts.routes == ["lo"])
  }

  @Test func aUserWithoutPrivileges() throws {
    let facts = try Self.recorded("unprivileged")
    #expect(!facts.isRoot && facts.tools.uid == 1001)
    #expect(!facts.mayOnlyRunTcpdump && !facts.tcpdumpOpens && !facts.hidesProcesses)
    #expect(facts.pid == 111 && facts.isConfirmed)
    #expect(facts.podLinks.isEmpty && facts.podNamespace == nil && facts.nodeNamespace == nil)
    #expect(!facts.sharesNetwork)
    #expect(facts.routes == ["cali551b05c3e54"] && facts.nodeLinks.count == 14)
  }

  /// The asker's own processes are all that can be seen; the node's route to the pod is in their network.
  @Test func hiddenProcessesAreNotMistaken() throws {
    let facts = try Self.recorded("hidepid")
    #expect(facts.hidesProcesses && facts.pid == nil && facts.way == nil && !facts.isConfirmed)
    #expect(facts.podLinks.isEmpty && facts.routes == ["cali551b05c3e54"])
  }

  @Test func aBridge() throws {
    let facts = try Self.recorded("bridge")
    #expect(facts.routes == ["cni0"] && facts.neighbour == "b6:9c:de:fb:4f:4b")
    #expect(facts.bridgePorts["b6:9c:de:fb:4f:4b"] == "vethed3287d0")
    #expect(facts.bridgePorts.count == 17)
    #expect(facts.podLinks.last?.address == "b6:9c:de:fb:4f:4b")
    #expect(facts.addresses.map(\.interface) == ["lo", "eth0", "cni0"])
  }

  @Test func byAddressAlone() throws {
    let facts = try Self.recorded("by-address")
    #expect(facts.way == .address && facts.isConfirmed && !facts.sharesNetwork)
    #expect(facts.podLinks.last?.peer == 10)
  }

  @Test func nobodyThere() throws {
    let facts = try Self.recorded("absent")
    #expect(facts.pid == nil && facts.way == nil && !facts.isConfirmed && facts.podLinks.isEmpty)
    #expect(!facts.hidesProcesses && facts.nodeLinks.count == 14)
  }

  @Test func aNodeByItself() throws {
    let facts = try Self.recorded("node")
    #expect(facts.pid == nil && facts.podLinks.isEmpty && facts.hash == nil && facts.routes.isEmpty)
    #expect(facts.connection?.server.text == "198.51.100.12")
    #expect(facts.addresses.first { $0.address.text == "198.51.100.12" }?.interface == "eth0")
  }

  // MARK: - The shell

  @Test(arguments: [
    ("shell=4711 815", NodeFacts.Process(pid: 4711, start: 815)),
    ("shell=4711 ", nil), ("shell=4711", nil), ("shell=a b", nil), ("shell=1 2 3", nil),
    ("shell=4711 -1", nil), ("shell=99999999999999999999 1", nil),
  ])
  func theShellSaysWhichProcessItIs(_ line: String, _ process: NodeFacts.Process?) throws {
    let answer = "\(NodeScript.greeting)\n\(line)\nend=\n"
    #expect(try #require(NodeFacts(answer: answer)).shell == process)
  }

  // MARK: - Greetings

  @Test(arguments: ["Welcome to n1!\n", "Welcome to n1! ", "\u{1b}[2J", "a=b\npid=7\n\nend=\n", ""])
  func aGreetingBeforeTheAnswerIsNoPartOfIt(_ greeting: String) throws {
    let answer = try Self.text("bash-iproute2")
    #expect(NodeFacts(answer: greeting + answer) == NodeFacts(answer: answer))
  }

  @Test func withoutTheFirstLineThereIsNoAnswer() throws {
    let lines = try Self.text("bash-iproute2").split(separator: "\n").dropFirst()
    #expect(NodeFacts(answer: lines.joined(separator: "\n")) == nil)
  }
}
