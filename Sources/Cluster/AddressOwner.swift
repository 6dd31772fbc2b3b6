/// Somebody in the cluster who has addresses: what a capture's names are made from.
///
/// Less than a `Pod`, since all pods of a cluster are kept for as long as a capture runs.
package struct AddressOwner: Sendable, Equatable {
  /// What it is.
  package enum Kind: Sendable, Equatable, CaseIterable {
    case pod, service, node
  }

  package var kind: Kind
  /// Empty for a node.
  package var namespace = ""
  package var name = ""
  /// What the API calls its addresses; checked by nobody yet.
  package var addresses: [String] = []
  /// Whether a pod's addresses are its node's.
  package var isHostNetwork = false
  /// A pod's node and that node's address: they name nodes for users who may not list them.
  package var node: String?
  package var hostIP: String?
  /// The version of the cluster's state that a watch goes on from.
  package var version: String?
  /// Whether a pod has ended: its addresses may be another's by now.
  package var isFinished = false

  /// The most addresses kept of one.
  static let addressLimit = 16

  package init(_ kind: Kind, namespace: String = "", name: String, addresses: [String] = []) {
    self.kind = kind
    self.namespace = namespace
    self.name = name
    self.addresses = addresses
  }

  /// Reads one object.
  ///
  /// - Parameters:
  ///   - json: The object's bytes; borrowed.
  ///   - kind: What was asked for; items of a list do not say it.
  /// - Returns: nil for an object without a name.
  /// - Throws: `JSONError` when the bytes are no JSON object.
  static func read(
    _ json: UnsafeRawBufferPointer, _ kind: Kind
  ) throws(JSONError) -> AddressOwner? {
    var owner = AddressOwner(kind, name: "")
    var reader = JSONReader(json)
    let isObject = try reader.object { (key, reader) throws(JSONError) in
      switch key {
      case "metadata": try owner.readMetadata(&reader)
      case "spec": try owner.readSpec(&reader)
      case "status": try owner.readStatus(&reader)
      default: break
      }
    }
    guard isObject else { throw .malformed(at: 0) }
    try reader.end()
    return owner.name.isEmpty ? nil : owner
  }

  private mutating func readMetadata(_ reader: inout JSONReader) throws(JSONError) {
    try reader.object { (key, reader) throws(JSONError) in
      switch key {
      case "name": name = try reader.string() ?? ""
      case "namespace" where kind != .node: namespace = try reader.string() ?? ""
      case "resourceVersion": version = try reader.string()
      case "annotations" where kind == .pod:
        try reader.object { (key, reader) throws(JSONError) in
          // Further networks of the pod (Multus); a text that is no JSON is as good as none.
          guard case "k8s.v1.cni.cncf.io/network-status" = key else { return }
          let text = try reader.string() ?? ""
          for network in (try? PodNetwork.list(text)) ?? [] { network.ips.forEach { add($0) } }
        }
      default: break
      }
    }
  }

  private mutating func readSpec(_ reader: inout JSONReader) throws(JSONError) {
    guard kind != .node else { return try reader.skip() }
    try reader.object { (key, reader) throws(JSONError) in
      switch key {
      case "nodeName" where kind == .pod: node = try reader.string()
      case "hostNetwork" where kind == .pod: isHostNetwork = try reader.bool() ?? false
      case "clusterIP" where kind == .service: add(try reader.string())
      case "clusterIPs" where kind == .service:
        for address in try reader.stringArray() { add(address) }
      default: break
      }
    }
  }

  private mutating func readStatus(_ reader: inout JSONReader) throws(JSONError) {
    try reader.object { (key, reader) throws(JSONError) in
      switch key {
      case "phase" where kind == .pod:
        let phase = try reader.string()
        isFinished = phase == "Succeeded" || phase == "Failed"
      case "hostIP" where kind == .pod: hostIP = try reader.string()
      case "podIP" where kind == .pod: add(try reader.string())
      case "podIPs" where kind == .pod: try readList("ip", &reader)
      case "addresses" where kind == .node: try readList("address", &reader)
      default: break
      }
    }
  }

  /// Reads an array of objects that have an address under `name`.
  private mutating func readList(
    _ name: StaticString, _ reader: inout JSONReader
  ) throws(JSONError) {
    let name = "\(name)"
    try reader.array { (reader) throws(JSONError) in
      try reader.object { (key, reader) throws(JSONError) in
        if try key.text() == name { add(try reader.string()) }
      }
    }
  }

  /// Keeps an address, once. A headless Service has "None", a node also a host's name; both are left to
  /// whoever reads addresses.
  private mutating func add(_ address: String?) {
    guard let address, !address.isEmpty, address.utf8.count <= 64, address != "None",
      addresses.count < Self.addressLimit, !addresses.contains(address)
    else { return }
    addresses.append(address)
  }
}
