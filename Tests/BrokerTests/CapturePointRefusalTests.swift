import Base
import Cluster
import Testing

@testable import Broker

/// Where there is no place to capture a pod's packets, or only the node's own interface.
@Suite struct CapturePointRefusalTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let kind: Failure.Kind
    let why: String
    var ground = PodOnNode()

    init(
      _ name: String, _ kind: Failure.Kind, _ why: String, _ change: (inout PodOnNode) -> Void
    ) {
      testDescription = name
      self.kind = kind
      self.why = why
      change(&ground)
    }
  }

  static let cases: [Case] = [
    Case("no process", .notFound, "No process of it was found on n1.") { $0.node.pid = nil },
    Case("no process, forced", .notFound, "No process of it was found on n1.") {
      $0.byRoute()
      $0.node.pid = nil
      $0.choice = .host
    },
    Case("another's process", .noRoute, "does not have its address") {
      $0.byRoute()
      $0.node.isConfirmed = false
    },
    Case("another's process, inside", .noRoute, "does not have its address") {
      $0.node.isConfirmed = false
      $0.choice = .pod
    },
    Case("unknown interface", .notFound, "The pod has no interface net7.") {
      $0.byRoute()
      $0.asked = "net7"
    },
    Case("unknown interface, inside", .notFound, "The pod has no interface net7.") {
      $0.asked = "net7"
      $0.choice = .pod
    },
    Case("host, unconfirmed", .noRoute, "nothing else confirms") { $0.choice = .host },
    Case("host, lo", .noRoute, "lo has no other end") {
      $0.byRoute()
      $0.choice = .host
      $0.asked = "lo"
    },
    Case("host, any", .noRoute, "any has no other end") {
      $0.byRoute()
      $0.choice = .host
      $0.asked = "any"
    },
    Case("pod, no root", .denied, "Only root may enter") {
      $0.byRoute()
      $0.asUser()
      $0.choice = .pod
    },
    Case("pod, no nsenter", .noRoute, "n1 has no nsenter.") {
      $0.byRoute()
      $0.node.nsenter = nil
      $0.choice = .pod
    },
    Case("pod, hidepid", .denied, "hidepid") {
      $0.byRoute()
      $0.hidden()
      $0.choice = .pod
    },
    Case("hidepid, no route", .denied, "hidepid") { $0.hidden() },
    Case("hidepid, the uplink", .denied, "hidepid") {
      $0.hidden()
      $0.node.routes = ["ens3"]
      $0.change(2) { $0.peer = 4 }
    },
    Case("hidepid, a tunnel", .denied, "hidepid") {
      $0.hidden()
      $0.node.nodeLinks.append(Link(index: 9, name: "flannel.1"))
      $0.node.routes = ["flannel.1", "tunl0"]
    },
    Case("hidepid, a macvlan of the node's", .denied, "hidepid") {
      $0.hidden()
      $0.node.nodeLinks.append(Link(index: 9, name: "shim", peer: 2, hasNamedPeer: true))
      $0.node.routes = ["shim"]
    },
    Case("hidepid, a bridge that does not know it", .denied, "hidepid") {
      $0.byBridge()
      $0.hidden()
      $0.node.bridgePorts = [:]
    },
    Case("hidepid, asked for an interface", .denied, "hidepid") {
      $0.byRoute()
      $0.hidden()
      $0.asked = "eth0"
    },
    Case("no root, no route", .noRoute, "could not be found on n1") { $0.asUser() },
    Case("macvlan, no root", .noRoute, "could not be found on n1") {
      $0.asUser()
      $0.node.routes = ["ens3"]
    },
    Case("no nsenter, asked for an interface", .noRoute, "nothing else confirms") {
      $0.node.nsenter = nil
      $0.asked = "eth0"
    },
    Case("no nsenter, address of the node unknown", .noRoute, "nothing else confirms") {
      $0.node.nsenter = nil
      $0.node.addresses = []
    },
    Case("hostNetwork, unknown interface", .notFound, "has no interface net7") {
      $0.pod.isHostNetwork = true
      $0.asked = "net7"
    },
    Case("hostNetwork, lo on the host's side", .usage, "lo is no interface") {
      $0.pod.isHostNetwork = true
      $0.asked = "lo"
      $0.choice = .host
    },
  ]

  @Test(arguments: cases)
  func refusal(_ it: Case) throws {
    let failure = try #require(#expect(throws: Failure.self) { try it.ground.find() })
    #expect(failure.kind == it.kind, "\(failure.sentence)")
    #expect(failure.what == "Cannot capture from shop/web by ssh.")
    #expect(failure.why?.contains(it.why) == true, "\(failure.sentence)")
    for part in [failure.why, failure.fix].compactMap(\.self) { #expect(part.hasSuffix(".")) }
  }

  // MARK: - The node's own interface

  @Test(arguments: [true, false], [nil, "lo", "any", "cni0"] as [String?])
  func aPodWithTheNodesNetwork(_ hasPorts: Bool, _ asked: String?) throws {
    var ground = PodOnNode()
    ground.pod.isHostNetwork = true
    ground.pod.podIPs = ["198.51.100.11"]
    ground.asked = asked
    if hasPorts {
      ground.pod.containers[0].ports = [
        ContainerPort(protocolName: "tcp", number: 8080),
        ContainerPort(protocolName: "udp", number: 53),
        ContainerPort(protocolName: "sctp", number: 3868),
        ContainerPort(protocolName: "tcp", number: 8080),
      ]
    }
    let point = try ground.find()
    #expect(point.isNodes && point.prefix.isEmpty)
    #expect(point.interface == asked ?? "ens3" && point.targetInterface == point.interface)
    #expect(point.reason == "\(asked ?? "ens3") of node n1, whose network the pod shares")
    let filter = "tcp port 8080 or udp port 53 or sctp port 3868"
    #expect(point.conditions == (hasPorts ? [filter] : []))
    #expect(point.notes.count == 1)
    let note = hasPorts ? "tcp 8080, udp 53, sctp 3868" : "the whole node n1"
    #expect(point.notes[0].contains(note), "\(point.notes)")
  }

  @Test func sharingANetworkIsSeenInTheFactsToo() throws {
    var ground = PodOnNode()
    ground.pod.podIPs = ["198.51.100.11"]
    ground.node = try NodeFactsTests.recorded("host-network")
    let point = try ground.find()
    #expect(point.isNodes && point.interface == "eth0")
  }

  @Test func withoutAnAddressOfTheNodeAllInterfacesAreTaken() throws {
    var ground = PodOnNode()
    ground.pod.isHostNetwork = true
    ground.node.addresses = []
    #expect(try ground.find().interface == "any")
  }

  /// Neither side: no nsenter, and no other end.
  @Test func theLastResortIsTheNodesInterfaceByAddress() throws {
    var ground = PodOnNode()
    ground.node.nsenter = nil
    ground.node.podLinks[1].peer = nil
    ground.pod.podIPs = ["198.51.100.66", "2001:DB8::66", "not an address"]
    let point = try ground.find()
    #expect(point.isNodes && point.interface == "ens3" && point.prefix.isEmpty)
    #expect(point.conditions == ["host 198.51.100.66 or host 2001:db8::66"])
    #expect(point.notes.count == 1 && point.notes[0].contains("its own node is not seen"))
    #expect(
      point.reason == "ens3 of node n1, by the pod's address (the pod's eth0 has no other end on "
        + "the node; n1 has no nsenter)")
  }
}
