import Cluster
import Testing

@testable import Broker
@testable import Packets

@Suite struct ClusterNamesTests {
  static func owner(
    _ kind: AddressOwner.Kind, _ place: String, _ addresses: String...
  ) -> AddressOwner {
    let parts = place.split(separator: "/").map(String.init)
    return AddressOwner(
      kind, namespace: parts.count == 2 ? parts[0] : "", name: parts.last ?? "",
      addresses: addresses)
  }

  static func subject(_ name: String, _ addresses: [String]) -> Subject {
    var pod = Pod(namespace: "shop", name: name)
    pod.podIPs = addresses
    pod.node = "n1"
    pod.hostIP = "198.51.100.2"
    return .pod(pod, Container(name: "web", role: .main))
  }

  static func name(_ names: ClusterNames, of address: String) -> String? {
    let wanted = NetworkAddress(address)
    return names.table().names.first { $0.address == wanted }?.name
  }

  @Test func whatIsCapturedNeedsNoListing() {
    var names = ClusterNames()
    #expect(names.table().isEmpty)
    names.add(Self.subject("web", ["198.51.100.7", "2001:db8::7"]))
    #expect(Self.name(names, of: "198.51.100.7") == "web.shop")
    #expect(Self.name(names, of: "2001:db8::7") == "web.shop")
    #expect(Self.name(names, of: "198.51.100.2") == "n1")
    #expect(names.namespaces == ["shop"])
  }

  @Test func everybodyHasAName() {
    var names = ClusterNames()
    names.set(.pod, [Self.owner(.pod, "shop/web", "198.51.100.7", "2001:db8::7")])
    names.set(.service, [Self.owner(.service, "shop/api", "198.51.100.90")])
    names.set(.node, [Self.owner(.node, "n1", "198.51.100.2", "n1.example")])
    #expect(names.table().count == 4)
    #expect(Self.name(names, of: "2001:db8::7") == "web.shop")
    #expect(Self.name(names, of: "198.51.100.90") == "api.shop.svc")
    #expect(Self.name(names, of: "198.51.100.2") == "n1")
  }

  @Test func aNodesAddressHasTheNodesName() {
    var shared = Self.owner(.pod, "kube-system/proxy", "198.51.100.2")
    shared.isHostNetwork = true
    shared.node = "n1"
    shared.hostIP = "198.51.100.2"
    // Also one that says of itself to be no such pod.
    let liar = Self.owner(.pod, "shop/liar", "198.51.100.2")
    var names = ClusterNames()
    names.set(.pod, [shared, liar])
    #expect(Self.name(names, of: "198.51.100.2") == "n1")
    #expect(names.table().count == 1)
    names.set(.node, [Self.owner(.node, "node-one", "198.51.100.2")])
    #expect(Self.name(names, of: "198.51.100.2") == "node-one")
  }

  @Test func aPodThatEndedHasGivenItsAddressBack() {
    var ended = Self.owner(.pod, "shop/a-job", "198.51.100.7")
    ended.isFinished = true
    var names = ClusterNames()
    names.set(.pod, [ended, Self.owner(.pod, "shop/web", "198.51.100.7")])
    #expect(Self.name(names, of: "198.51.100.7") == "web.shop")
  }

  @Test func changesCount() {
    var names = ClusterNames()
    names.set(.pod, [Self.owner(.pod, "shop/web", "198.51.100.7")])
    names.take(.there(Self.owner(.pod, "shop/new", "198.51.100.8")))
    #expect(Self.name(names, of: "198.51.100.8") == "new.shop")
    names.take(.gone(Self.owner(.pod, "shop/new", "198.51.100.8")))
    #expect(Self.name(names, of: "198.51.100.8") == nil)
    // Not yet given one, and its address moved on.
    names.take(.there(Self.owner(.pod, "shop/web")))
    #expect(names.table().isEmpty)
  }

  @Test func theNearestComeFirst() {
    var names = ClusterNames()
    names.set(
      .pod,
      (1...250).map { Self.owner(.pod, "aaa/p\($0)", "203.0.113.\($0)") }
        + [Self.owner(.pod, "shop/z", "198.51.100.9")])
    names.set(.service, [Self.owner(.service, "shop/api", "198.51.100.90")])
    names.add(Self.subject("web", ["198.51.100.7"]))
    names.add(Self.subject("web", ["198.51.100.8"]))
    #expect(
      names.table().names.prefix(4).map(\.name) == ["web.shop", "n1", "z.shop", "api.shop.svc"])
    // A restarted pod has one address, the last.
    #expect(names.table().names.count { $0.name == "web.shop" } == 1)
    for number in 0..<1000 { names.add(Self.subject("web-\(number)", ["198.51.100.8"])) }
    #expect(names.table().names.count <= 254)
  }
}
