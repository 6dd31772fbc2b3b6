import Base
import Cluster
import SSH

@testable import Broker

/// A pod on its node, as the facts have it: the pod's eth0 is the node's number 7.
struct PodOnNode: Sendable {
  var pod = Pod(namespace: "shop", name: "web")
  var node = NodeFacts()
  var asked: String?
  var choice = PointChoice.auto

  /// The address of the pod's eth0.
  static let hardware = "96:f6:fa:40:80:c3"

  /// The host side confirmed by nothing but the numbers, which agree.
  init() {
    pod.node = "n1"
    pod.podIPs = ["198.51.100.66"]
    pod.hostIP = "198.51.100.11"
    pod.containers = [Container(name: "web", role: .main)]
    node.tools.tcpdump = "/usr/bin/tcpdump"
    node.tools.bash = "/usr/bin/bash"
    node.tools.hasSleep = true
    node.tools.uid = 0
    node.tools.effective = 0x1ff_ffff_ffff
    node.nsenter = ["nsenter"]
    node.pid = 111
    node.way = .cgroup
    node.isConfirmed = true
    node.nodeNamespace = "net:[4026531840]"
    node.podNamespace = "net:[4026532001]"
    node.podLinks = [
      Link(index: 1, name: "lo"),
      Link(index: 2, name: "eth0", peer: 7, peerNamespace: 0, address: Self.hardware),
    ]
    node.nodeLinks = [
      Link(index: 1, name: "lo"), Link(index: 2, name: "ens3"), Link(index: 3, name: "cni0"),
      Link(index: 7, name: "cali0d7763386da", peer: 2), Link(index: 8, name: "veth8", peer: 2),
    ]
    node.addresses = [
      .init(interface: "lo", address: NodeFactsTests.address("127.0.0.1")),
      .init(interface: "ens3", address: NodeFactsTests.address("198.51.100.11")),
    ]
    node.connection = .init(
      client: NodeFactsTests.address("198.51.100.1"), clientPort: 50022,
      server: NodeFactsTests.address("198.51.100.11"), serverPort: 22)
  }

  /// The node's route to the pod leads to number 7.
  mutating func byRoute() { node.routes = ["cali0d7763386da"] }

  /// The route leads to a bridge, which has the pod behind number 7.
  mutating func byBridge() {
    rename("veth7")
    node.routes = ["cni0"]
    node.neighbour = Self.hardware
    node.bridgePorts = [Self.hardware: "veth7", "aa:aa:aa:aa:aa:aa": "veth8"]
  }

  /// Gives number 7 another name.
  mutating func rename(_ name: String) { change(7) { $0.name = name } }

  /// Changes the node's link of a number.
  mutating func change(_ index: Int, _ change: (inout Link) -> Void) {
    for place in node.nodeLinks.indices where node.nodeLinks[place].index == index {
      change(&node.nodeLinks[place])
    }
  }

  /// Nothing of the pod can be looked into.
  mutating func asUser() {
    node.tools.uid = 1001
    node.podLinks = []
    node.podNamespace = nil
    node.nodeNamespace = nil
  }

  /// Other users' processes are hidden from a user.
  mutating func hidden() {
    asUser()
    node.hidesProcesses = true
    node.pid = nil
    node.way = nil
    node.isConfirmed = false
  }

  func find() throws(Failure) -> CapturePoint {
    try PodPoint(pod: pod, node: node, asked: asked, choice: choice).find()
  }

  /// What route ssh says, and what a request may change before.
  func plan(_ change: (inout CaptureRequest) -> Void = { _ in }) throws(Failure) -> Plan {
    var request = CaptureRequest(target: nil)
    request.interface = asked
    request.point = choice
    change(&request)
    let login = NodeLogin(
      destination: "ops@198.51.100.11", engine: .libssh2, command: Command("/usr/bin/ssh", []))
    let facts = Facts(
      subject: .pod(pod, pod.containers[0]), login: login, node: .success(node))
    return try SSHRoute.plan(request, facts: facts, tools: .none)
  }
}
