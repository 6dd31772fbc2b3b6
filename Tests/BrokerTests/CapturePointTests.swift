import Base
import Cluster
import Testing

@testable import Broker

/// Where a pod's packets are taken, for every sort of node and pod.
@Suite struct CapturePointTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    var ground = PodOnNode()
    var interface: String
    /// "host", "pod" or "node".
    var side: String
    var reason: String

    init(
      _ name: String, _ side: String, _ interface: String, _ reason: String,
      _ change: (inout PodOnNode) -> Void = { _ in }
    ) {
      testDescription = name
      self.side = side
      self.interface = interface
      self.reason = reason
      change(&ground)
    }
  }

  private static let cali = "cali0d7763386da"

  static let hostSide: [Case] = [
    Case("route", "host", cali, "the node's route to the pod leads there") { $0.byRoute() },
    Case("bridge", "host", "veth7", "the bridge has the pod behind it") { $0.byBridge() },
    Case("bridge, other case", "host", "veth7", "the bridge has the pod behind it") {
      $0.byBridge()
      $0.node.routes = []
      $0.node.neighbour = nil
    },
    Case("namespace number", "host", cali, "its other end is in the pod's network namespace") {
      $0.node.namespaceNumber = 4
      $0.change(7) { $0.peerNamespace = 4 }
    },
    Case("namespace number 0", "host", cali, "its other end is in the pod's network namespace") {
      $0.node.namespaceNumber = 0
      $0.change(7) { $0.peerNamespace = 0 }
    },
    Case("namespace name", "host", cali, "its other end is in the pod's network namespace") {
      $0.node.namespaceName = "cni-1"
      $0.change(7) { $0.peerNamespaceName = "cni-1" }
    },
    Case("computed name too", "host", cali, "and so it is named") {
      $0.byRoute()
      $0.node.hash = "0d7763386da"
    },
    Case("eni", "host", "eni0d7763386da", "and so it is named") {
      $0.rename("eni0d7763386da")
      $0.node.routes = ["eni0d7763386da"]
      $0.node.hash = "0d7763386da"
    },
    Case("forced", "host", cali, "the numbers agree both ways") {
      $0.byRoute()
      $0.choice = .host
    },
    Case("Cilium forced", "host", "lxc12345", "the numbers agree both ways") {
      $0.rename("lxc12345")
      $0.node.routes = ["lxc12345"]
      $0.choice = .host
    },
    Case("second interface", "host", "veth8", "the other end of the pod's net1") {
      $0.node.podLinks.append(Link(index: 3, name: "net1", peer: 8))
      $0.change(8) {
        $0.peer = 3
        $0.peerNamespaceName = "cni-1"
      }
      $0.node.namespaceName = "cni-1"
      $0.asked = "net1"
    },
    Case("no root, route", "host", cali, "the node's route to the pod leads there") {
      $0.byRoute()
      $0.asUser()
    },
    Case("no root, bridge", "host", "veth7", "the bridge cni0 has the pod behind it") {
      $0.byBridge()
      $0.asUser()
    },
    Case("hidepid, route", "host", cali, "the node's route to the pod leads there") {
      $0.byRoute()
      $0.hidden()
    },
    Case("hidepid, bridge", "host", "veth7", "the bridge cni0 has the pod behind it") {
      $0.byBridge()
      $0.hidden()
    },
    Case("two routes, one of a pair", "host", cali, "the node's route to the pod leads there") {
      $0.hidden()
      $0.node.routes = ["tunl0", "ens3", Self.cali]
    },
  ]

  static let podSide: [Case] = [
    Case("nothing but numbers", "pod", "eth0", "nothing else confirms"),
    Case("the other's namespace number", "pod", "eth0", "nothing else confirms") {
      $0.node.namespaceNumber = 4
      $0.change(7) { $0.peerNamespace = 5 }
    },
    Case("the other's namespace name", "pod", "eth0", "nothing else confirms") {
      $0.node.namespaceName = "cni-1"
      $0.change(7) { $0.peerNamespaceName = "decoy" }
    },
    Case("a route elsewhere", "pod", "eth0", "nothing else confirms") {
      $0.node.routes = ["veth8"]
    },
    Case("the bridge says another port", "pod", "eth0", "nothing else confirms") {
      $0.byBridge()
      $0.node.bridgePorts[PodOnNode.hardware] = "veth8"
    },
    Case("a right name alone", "pod", "eth0", "nothing else confirms") {
      $0.node.hash = "0d7763386da"
    },
    Case("one way only", "pod", "eth0", "is not one of a pair") {
      $0.byRoute()
      $0.change(7) { $0.peer = 3 }
    },
    Case("no such number", "pod", "eth0", "is not one of a pair") {
      $0.byRoute()
      $0.node.nodeLinks.removeAll { $0.index == 7 }
    },
    Case("iflink 0", "pod", "eth0", "has no other end on the node") {
      $0.byRoute()
      $0.node.podLinks[1].peer = nil
    },
    Case("macvlan", "pod", "eth0", "is not one of a pair") {
      $0.node.podLinks[1].peer = 2
      $0.node.routes = ["ens3"]
    },
    Case("macvlan on a node that is a container", "pod", "eth0", "is not one of a pair") {
      $0.node.podLinks[1].peer = 2
      $0.change(2) { $0.peer = 2 }
      $0.node.routes = ["ens3"]
    },
    Case("Cilium", "pod", "eth0", "Cilium's lxc12345 does not see all") {
      $0.rename("lxc12345")
      $0.node.routes = ["lxc12345"]
    },
    Case("lo", "pod", "lo", "lo has no other end on the node") { $0.asked = "lo" },
    Case("any", "pod", "any", "any has no other end on the node") { $0.asked = "any" },
    Case("net1, macvlan", "pod", "net1", "is not one of a pair") {
      $0.node.podLinks.append(Link(index: 3, name: "net1", peer: 2))
      $0.asked = "net1"
    },
    Case("forced", "pod", "eth0", "eth0 in the pod's network namespace on node n1") {
      $0.byRoute()
      $0.choice = .pod
    },
    Case("no eth0", "pod", "any", "The pod has no interface eth0") {
      $0.node.podLinks = [Link(index: 1, name: "lo"), Link(index: 2, name: "net0")]
    },
    Case("links unknown", "pod", "eth0", "could not be found") { $0.node.podLinks = [] },
  ]

  @Test(arguments: hostSide + podSide)
  func place(_ it: Case) throws {
    let point = try it.ground.find()
    #expect(point.interface == it.interface)
    let reason = point.reason.lowercased()
    #expect(reason.contains(it.reason.lowercased()), "\(point.reason)")
    #expect(point.reason.contains("node n1") && !point.reason.contains(".)"))
    #expect(!point.isNodes && point.conditions.isEmpty)
    #expect(point.prefix == (it.side == "pod" ? ["nsenter", "-t", "111", "-n"] : []))
    #expect(point.targetInterface == it.ground.asked ?? (it.interface == "any" ? "any" : "eth0"))
  }

  @Test func busyboxEntersTheNamespaceToo() throws {
    var ground = PodOnNode()
    ground.node.nsenter = ["busybox", "nsenter"]
    #expect(try ground.find().prefix == ["busybox", "nsenter", "-t", "111", "-n"])
  }

  /// Its name is the one that Calico would compute, its number is the right one, and it is another's.
  @Test(arguments: PointChoice.allCases)
  func theDecoyIsNeverChosen(_ choice: PointChoice) throws {
    var ground = PodOnNode()
    ground.pod.name = "moved"
    ground.pod.podIPs = ["198.51.100.73"]
    ground.choice = choice
    ground.node = try NodeFactsTests.recorded("decoy")
    let decoy = "cali9c250d13ce7"
    #expect(
      ground.node.nodeLinks.contains { $0.name == decoy } && ground.node.hash == "9c250d13ce7")
    let honest = try ground.find()
    #expect(honest.interface == (choice == .pod ? "eth0" : "calib64434ee793"))
    #expect(!honest.reason.contains("so it is named"))
    // Not even where the right one is gone, or the pod cannot be looked into.
    ground.node.nodeLinks.removeAll { $0.name == "calib64434ee793" }
    #expect((try? ground.find().interface) == (choice == .host ? nil : "eth0"))
    ground.asUser()
    #expect((try? ground.find().interface) == nil)
    ground.hidden()
    #expect((try? ground.find().interface) == nil)
  }

  /// Number 2 is eth0 of the node, and of every pod.
  @Test(arguments: [
    "bash-iproute2", "namespace-number", "busybox", "no-ip", "unprivileged", "hidepid",
  ])
  func whateverToolsTheNodeHas(_ recording: String) throws {
    var ground = PodOnNode()
    ground.node = try NodeFactsTests.recorded(recording)
    if recording == "no-ip" {
      // Neither routes nor namespaces can be asked for there.
      let point = try ground.find()
      #expect(point.interface == "eth0" && !point.prefix.isEmpty)
    } else {
      #expect(try ground.find().interface == "cali551b05c3e54")
    }
  }

  @Test func aRecordedBridge() throws {
    var ground = PodOnNode()
    ground.pod.podIPs = ["198.51.100.99"]
    ground.pod.hostIP = "198.51.100.12"
    ground.node = try NodeFactsTests.recorded("bridge")
    #expect(try ground.find().interface == "vethed3287d0")
    ground.hidden()
    #expect(try ground.find().interface == "vethed3287d0")
    ground.node.bridgePorts = [:]
    #expect(throws: Failure.self) { try ground.find() }
  }
}
