import Base
import Testing

@testable import Cluster

@Suite struct AddressOwnerTests {
  static func read(_ json: String, _ kind: AddressOwner.Kind) throws -> AddressOwner? {
    try Array(json.utf8).withUnsafeBytes { bytes in try AddressOwner.read(bytes, kind) }
  }

  static func change(_ json: String) throws -> OwnerChange? {
    try Array(json.utf8).withUnsafeBytes { bytes in try OwnerChange.read(bytes) }
  }

  static let pod = """
    {"metadata":{"name":"web","namespace":"shop","resourceVersion":"17",
      "annotations":{"k8s.v1.cni.cncf.io/network-status":
        "[{\\"name\\":\\"storage\\",\\"interface\\":\\"net1\\",\\"ips\\":[\\"198.51.100.200\\"]}]"}},
     "spec":{"nodeName":"n1"},
     "status":{"phase":"Running","hostIP":"198.51.100.2","podIP":"198.51.100.7",
       "podIPs":[{"ip":"198.51.100.7"},{"ip":"2001:db8::7"}]}}
    """

  @Test func aPodsAddresses() throws {
    let owner = try #require(try Self.read(Self.pod, .pod))
    #expect(owner.namespace == "shop")
    #expect(owner.name == "web")
    #expect(owner.addresses == ["198.51.100.200", "198.51.100.7", "2001:db8::7"])
    #expect(owner.node == "n1")
    #expect(owner.hostIP == "198.51.100.2")
    #expect(owner.version == "17")
    #expect(!owner.isHostNetwork && !owner.isFinished)
  }

  @Test func aServicesAndANodesAddresses() throws {
    let service = try Self.read(
      """
      {"metadata":{"name":"api","namespace":"shop"},
       "spec":{"clusterIP":"198.51.100.90","clusterIPs":["198.51.100.90","2001:db8::90"]}}
      """, .service)
    #expect(service?.addresses == ["198.51.100.90", "2001:db8::90"])
    let headless = try Self.read(
      #"{"metadata":{"name":"db"},"spec":{"clusterIP":"None","clusterIPs":["None"]}}"#, .service)
    #expect(headless?.addresses == [])
    let node = try Self.read(
      """
      {"metadata":{"name":"n1"},"spec":{"podCIDR":"198.51.100.0/24"},
       "status":{"addresses":[{"type":"InternalIP","address":"198.51.100.2"},
         {"type":"Hostname","address":"n1"}]}}
      """, .node)
    #expect(node?.addresses == ["198.51.100.2", "n1"])
    #expect(try Self.read(#"{"metadata":{}}"#, .pod) == nil)
  }

  @Test func whatIsOddIsLeftOutAndBounded() throws {
    let many = (0..<1000).map { #"{"ip":"198.51.100.\#($0)"}"# }.joined(separator: ",")
    let owner = try Self.read(
      #"{"metadata":{"name":"x","namespace":7},"spec":null,"status":{"podIPs":[\#(many)]}}"#, .pod)
    #expect(owner?.addresses.count == AddressOwner.addressLimit)
    let long = String(repeating: "1", count: 100_000)
    #expect(
      try Self.read(#"{"metadata":{"name":"x"},"status":{"podIP":"\#(long)"}}"#, .pod)?.addresses
        == [])
  }

  @Test func changesAreRead() throws {
    let pod = try #require(try Self.read(Self.pod, .pod))
    #expect(try Self.change(#"{"type":"ADDED","object":\#(Self.pod)}"#) == .there(pod))
    #expect(try Self.change(#"{"type":"MODIFIED","object":\#(Self.pod)}"#) == .there(pod))
    #expect(try Self.change(#"{"type":"DELETED","object":\#(Self.pod)}"#) == .gone(pod))
    #expect(
      try Self.change(
        #"{"type":"BOOKMARK","object":{"kind":"Pod","metadata":{"resourceVersion":"99"}}}"#)
        == .version("99"))
    #expect(
      try Self.change(
        #"{"type":"ERROR","object":{"kind":"Status","code":410,"message":"too old"}}"#) == nil)
  }

  @Test func piecesOfAWatchAreTheWhole() throws {
    let lines = (0..<20).map { number in
      #"{"type":"ADDED","object":{"metadata":{"name":"p\#(number)"}}}"# + "\n"
    }.joined()
    var random = SystemRandomNumberGenerator()
    for _ in 0..<100 {
      let seen = Locked<[String]>([])
      var watch = OwnerWatch(what: "x") { change in
        if case .there(let owner) = change { seen.withLock { $0.append(owner.name) } }
      }
      var rest = Array(lines.utf8)[...]
      while !rest.isEmpty {
        let piece = rest.prefix(Int.random(in: 1...200, using: &random))
        try piece.withUnsafeBytes { try watch.consume($0) }
        rest = rest.dropFirst(piece.count)
      }
      #expect(seen.value == (0..<20).map { "p\($0)" })
    }
  }

  @Test func noiseIsRefusedAndNeverCrashes() {
    var random = SystemRandomNumberGenerator()
    for _ in 0..<3000 {
      var bytes = Array(Self.pod.utf8)
      for _ in 0..<Int.random(in: 1...8, using: &random) {
        bytes[Int.random(in: 0..<bytes.count, using: &random)] = .random(
          in: 0...255, using: &random)
      }
      bytes.withUnsafeBytes { bytes in
        for kind in AddressOwner.Kind.allCases {
          if let owner = try? AddressOwner.read(bytes, kind) {
            #expect(owner.addresses.count <= AddressOwner.addressLimit)
          }
        }
        _ = try? OwnerChange.read(bytes)
      }
    }
  }
}
