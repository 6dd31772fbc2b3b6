import Base
import Cluster
import Foundation
import SSH
import TestSupport
import Testing

@testable import Broker
@testable import poddump

/// What `poddump plan` prints for route ssh, as golden texts: for people and as data.
@Suite struct SSHPlanTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let name: String
    var request = Broker.CaptureRequest(target: nil)
    var pod = Pod(namespace: "shop", name: "web")
    var node = NodeFacts()
    var engine = SSHEngine.libssh2
    var note: String?
    /// Why the node could not be looked at.
    var refusal: Failure?
    var usesSudo = true
    var isNode = false
    /// The routes that are asked; exec is refused, for the container has no tcpdump.
    var routes = [RouteName.ssh]

    var testDescription: String { name }

    /// A pod behind a `cali…` that the node has a route to, and root there.
    init(_ name: String, _ change: (inout Case) -> Void = { _ in }) {
      self.name = name
      pod.node = "n1"
      pod.hostIP = "198.51.100.11"
      pod.podIPs = ["198.51.100.66"]
      pod.containers = [Container(name: "web", role: .main)]
      node.tools.tcpdump = "/usr/bin/tcpdump"
      node.tools.bash = "/usr/bin/bash"
      node.tools.hasSleep = true
      node.tools.uid = 0
      node.tools.effective = 0x1ff_ffff_ffff
      node.nsenter = ["nsenter"]
      node.pid = 111
      node.isConfirmed = true
      node.nodeNamespace = "net:[4026531840]"
      node.podNamespace = "net:[4026532001]"
      node.namespaceName = "cni-1"
      node.podLinks = [Link(index: 1, name: "lo"), Link(index: 2, name: "eth0", peer: 7)]
      node.nodeLinks = [
        Link(index: 1, name: "lo"), Link(index: 2, name: "ens3"),
        Link(index: 7, name: "cali551b05c3e54", peer: 2, peerNamespaceName: "cni-1"),
      ]
      node.routes = ["cali551b05c3e54"]
      node.hash = "551b05c3e54"
      if let address = IPAddress("198.51.100.11"), let client = IPAddress("198.51.100.1") {
        node.addresses = [.init(interface: "ens3", address: address)]
        node.connection = .init(
          client: client, clientPort: 50022, server: address, serverPort: 22)
      }
      change(&self)
    }

    /// A user who is not root, and cannot become root.
    mutating func asUser() {
      node.tools.uid = 1001
      node.podLinks = []
      node.podNamespace = nil
      node.nodeNamespace = nil
    }

    var decision: Decision {
      var kubernetesNode = Node(name: "n1")
      kubernetesNode.addresses = [.init(type: "InternalIP", address: "198.51.100.11")]
      var login = NodeLogin(
        destination: "ops@198.51.100.11", engine: engine, note: note,
        command: Command("/usr/bin/ssh", ["-T", "--", "ops@198.51.100.11", "LOADER"]))
      login.usesSudo = usesSudo
      var facts = Facts(
        subject: isNode ? .node(kubernetesNode) : .pod(pod, pod.containers[0]),
        inside: .success(ContainerFacts()), login: login, node: .success(node))
      if let refusal {
        facts.login = nil
        facts.node = .failure(refusal)
      }
      return decide(
        request, facts: facts, routes: routes,
        tools: RouteTools(kubectl: Kubectl(executable: "/usr/bin/kubectl")))
    }
  }

  static let cases: [Case] = [
    Case("root"),
    Case("filter-and-limits") {
      $0.request.filter = "tcp port 80"
      $0.request.count = 10
      $0.request.snapLength = 96
      $0.request.throughput = true
      $0.request.ttl = 60
    },
    Case("pod-side") { $0.request.point = .pod },
    Case("unconfirmed") {
      $0.node.namespaceName = nil
      $0.node.routes = []
    },
    Case("named-interface") {
      $0.request.interface = "lo"
    },
    Case("last-resort") {
      $0.node.nsenter = nil
      $0.node.podLinks[1].peer = nil
    },
    Case("host-network") {
      $0.pod.isHostNetwork = true
      $0.pod.podIPs = ["198.51.100.11"]
    },
    Case("host-network-with-ports") {
      $0.pod.isHostNetwork = true
      $0.pod.podIPs = ["198.51.100.11"]
      $0.pod.containers[0].ports = [
        ContainerPort(protocolName: "tcp", number: 8080),
        ContainerPort(protocolName: "udp", number: 53),
      ]
      $0.request.filter = "host 198.51.100.66"
    },
    Case("own-traffic") {
      $0.isNode = true
      $0.request.includesOwnTraffic = true
    },
    Case("node") { $0.isNode = true },
    Case("node-any-dash") {
      $0.isNode = true
      $0.request.interface = "any"
      $0.node.tools.bash = nil
    },
    Case("sudo-tcpdump") {
      $0.asUser()
      $0.node.mayOnlyRunTcpdump = true
    },
    Case("sudo-tcpdump-ttl-0") {
      $0.asUser()
      $0.node.mayOnlyRunTcpdump = true
      $0.request.ttl = 0
    },
    Case("tcpdump-with-capabilities") {
      $0.asUser()
      $0.node.tcpdumpOpens = true
    },
    Case("not-root") { $0.asUser() },
    Case("sudo-forbidden") {
      $0.asUser()
      $0.usesSudo = false
    },
    Case("hidepid") {
      $0.asUser()
      $0.node.hidesProcesses = true
      $0.node.pid = nil
      $0.node.tcpdumpOpens = true
      $0.node.routes = []
    },
    Case("no-tcpdump") { $0.node.tools.tcpdump = nil },
    Case("no-sleep") { $0.node.tools.hasSleep = false },
    Case("no-sleep-ttl-0") {
      $0.node.tools.hasSleep = false
      $0.request.ttl = 0
    },
    Case("dash") { $0.node.tools.bash = nil },
    Case("dash-ttl-0") {
      $0.node.tools.bash = nil
      $0.request.ttl = 0
    },
    Case("openssh") {
      $0.engine = .openssh
      $0.note = "the OpenSSH client, since libssh2 has no ProxyJump"
    },
    Case("openssh-asked-for") { $0.engine = .openssh },
    Case("terminating") { $0.pod.deletion = 1_700_000_000 },
    Case("no-process") { $0.node.pid = nil },
    Case("refused-look") {
      $0.refusal = Failure(
        .denied, "Cannot log in to n1.", why: "No key was accepted for ops@198.51.100.11.",
        fix: "Add your key there.")
    },
    Case("after-exec") { $0.routes = [.exec, .ssh] },
    Case("node-before-exec") {
      $0.isNode = true
      $0.routes = [.exec, .ssh]
    },
  ]

  /// The library's version is this machine's.
  private static func shortened(_ text: String) -> String {
    text.replacing("libssh2 \(SSHLibrary.version)", with: "libssh2 VERSION")
  }

  @Test(arguments: cases)
  func printsForPeople(_ it: Case) throws {
    let text = Self.shortened(PlanText(decision: it.decision).text)
    try Golden().check(text, "plan-ssh-\(it.name).txt")
  }

  @Test(arguments: cases)
  func printsAsData(_ it: Case) throws {
    let text = PlanText(decision: it.decision).json.text()
    _ = try JSONSerialization.jsonObject(with: Data(text.utf8))
    try Golden().check(Self.shortened(text), "plan-ssh-\(it.name).json")
  }

  @Test(arguments: [
    ("no-tcpdump", Failure.Kind.noRoute), ("not-root", .denied), ("sudo-tcpdump", .denied),
    ("no-sleep", .noRoute), ("hidepid", .denied), ("no-process", .notFound),
    ("refused-look", .denied),
  ])
  func refusalsHaveTheirKind(_ name: String, _ kind: Failure.Kind) throws {
    let it = try #require(Self.cases.first { $0.name == name })
    let failure = #expect(throws: Failure.self) { try it.decision.chosen() }
    #expect(failure?.kind == kind)
    for sentence in [failure?.what, failure?.why, failure?.fix] {
      #expect(sentence?.hasSuffix(".") == true, "\(sentence ?? "nil")")
    }
  }
}
