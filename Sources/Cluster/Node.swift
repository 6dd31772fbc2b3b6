/// What poddump wants to know of a node.
package struct Node: Sendable, Equatable {
  /// One of a node's addresses; the type is "InternalIP", "ExternalIP", "Hostname", …
  package struct Address: Sendable, Equatable {
    package var type: String
    package var address: String

    package init(type: String, address: String) {
      self.type = type
      self.address = address
    }
  }

  package var name: String
  package var addresses: [Address] = []
  package var isReady = false
  /// kubectl's STATUS column: "Ready", "NotReady,SchedulingDisabled", …
  package var status = ""
  /// kubectl's ROLES column, one by one.
  package var roles: [String] = []
  /// "v1.36.2".
  package var kubeletVersion = ""
  /// "linux".
  package var operatingSystem = ""
  /// "amd64", "arm64".
  package var architecture = ""
  /// "containerd://1.6.20".
  package var containerRuntime = ""
  /// Seconds since 1970.
  package var created: Int?

  package init(name: String) {
    self.name = name
  }

  /// The first address of a type.
  package func address(_ type: String) -> String? {
    addresses.first { $0.type == type }?.address
  }

  /// Reads one node.
  ///
  /// - Parameter json: The object's bytes; borrowed.
  /// - Returns: nil for an object without a name.
  /// - Throws: `JSONError` when the bytes are no JSON object.
  package static func read(_ json: UnsafeRawBufferPointer) throws(JSONError) -> Node? {
    var node = Node(name: "")
    var conditions: [Condition] = []
    var isUnschedulable = false
    var reader = JSONReader(json)
    let isObject = try reader.object { (key, reader) throws(JSONError) in
      switch key {
      case "metadata": try node.readMetadata(&reader)
      case "spec":
        try reader.object { (key, reader) throws(JSONError) in
          guard case "unschedulable" = key else { return }
          isUnschedulable = try reader.bool() ?? false
        }
      case "status":
        try reader.object { (key, reader) throws(JSONError) in
          switch key {
          case "addresses": try node.readAddresses(&reader)
          case "conditions": conditions = try reader.conditions()
          case "nodeInfo": try node.readInfo(&reader)
          default: break
          }
        }
      default: break
      }
    }
    guard isObject else { throw .malformed(at: 0) }
    try reader.end()
    let ready = conditions.first { $0.type == "Ready" }
    node.isReady = ready?.status == "True"
    node.status = ready == nil ? "Unknown" : node.isReady ? "Ready" : "NotReady"
    if isUnschedulable { node.status += ",SchedulingDisabled" }
    return node.name.isEmpty ? nil : node
  }

  private mutating func readMetadata(_ reader: inout JSONReader) throws(JSONError) {
    try reader.object { (key, reader) throws(JSONError) in
      switch key {
      case "name": name = try reader.string() ?? ""
      case "creationTimestamp": created = try reader.string().flatMap(Timestamp.unixSeconds)
      case "labels": roles = Self.roles(in: try reader.strings())
      default: break
      }
    }
  }

  /// The label `node-role.kubernetes.io/ROLE`, and the older `kubernetes.io/role=ROLE`.
  private static func roles(in labels: [String: String]) -> [String] {
    let prefix = "node-role.kubernetes.io/"
    var roles: Set<String> = []
    for (key, value) in labels {
      if key.hasPrefix(prefix), key.utf8.count > prefix.utf8.count {
        roles.insert(String(key.dropFirst(prefix.count)))
      } else if key == "kubernetes.io/role", !value.isEmpty {
        roles.insert(value)
      }
    }
    return roles.sorted()
  }

  private mutating func readAddresses(_ reader: inout JSONReader) throws(JSONError) {
    var found: [Address] = []
    try reader.array { (reader) throws(JSONError) in
      var address = Address(type: "", address: "")
      try reader.object { (key, reader) throws(JSONError) in
        switch key {
        case "type": address.type = try reader.string() ?? ""
        case "address": address.address = try reader.string() ?? ""
        default: break
        }
      }
      if !address.address.isEmpty { found.append(address) }
    }
    addresses = found
  }

  private mutating func readInfo(_ reader: inout JSONReader) throws(JSONError) {
    try reader.object { (key, reader) throws(JSONError) in
      switch key {
      case "kubeletVersion": kubeletVersion = try reader.string() ?? ""
      case "operatingSystem": operatingSystem = try reader.string() ?? ""
      case "architecture": architecture = try reader.string() ?? ""
      case "containerRuntimeVersion": containerRuntime = try reader.string() ?? ""
      default: break
      }
    }
  }
}
