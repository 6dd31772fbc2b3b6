// The parts of a pod's JSON that occur in several places.

/// One of the conditions of a pod's or node's status.
struct Condition: Equatable {
  var type = ""
  var status = ""
  var reason = ""
}

/// A mount of a volume that is not read-only.
struct VolumeMount: Equatable {
  var volume = ""
  var path = ""

  /// The most mounts of one container that are kept.
  static let limit = 16
}

/// One entry of `containerStatuses`, with everything that kubectl's STATUS column looks at.
struct ContainerStatus: Equatable {
  var name = ""
  var state = Container.State.unknown
  /// Since when it runs, in seconds since 1970.
  var started: Int?
  /// The signal that ended it, 0 for none.
  var signal = 0
  var isReady = false
  var hasStarted = false
  var restartCount = 0
  var containerID: String?

  func apply(to container: inout Container) {
    container.state = state
    container.started = started
    container.containerID = containerID
  }
}

extension JSONReader {
  /// Reads an object of strings.
  mutating func strings() throws(JSONError) -> [String: String] {
    var result: [String: String] = [:]
    try object { (key, reader) throws(JSONError) in
      let name = try key.text()
      result[name] = try reader.string()
    }
    return result
  }

  /// Reads an array of strings.
  mutating func stringArray() throws(JSONError) -> [String] {
    var result: [String] = []
    try array { (reader) throws(JSONError) in
      if let text = try reader.string() { result.append(text) }
    }
    return result
  }

  mutating func conditions() throws(JSONError) -> [Condition] {
    var result: [Condition] = []
    try array { (reader) throws(JSONError) in
      var condition = Condition()
      try reader.object { (key, reader) throws(JSONError) in
        switch key {
        case "type": condition.type = try reader.string() ?? ""
        case "status": condition.status = try reader.string() ?? ""
        case "reason": condition.reason = try reader.string() ?? ""
        default: break
        }
      }
      result.append(condition)
    }
    return result
  }

  /// Reads a container's security context: whether its root is read-only.
  private mutating func readOnlyRoot() throws(JSONError) -> Bool {
    var result = false
    try object { (key, reader) throws(JSONError) in
      if case "readOnlyRootFilesystem" = key { result = try reader.bool() ?? false }
    }
    return result
  }

  /// Reads one of the three lists of containers of a pod's spec.
  ///
  /// - Parameters:
  ///   - role: Which list.
  ///   - mounts: Receives what each container mounts, by its name.
  /// - Returns: The containers in the list's order, without their status.
  /// - Throws: `JSONError` where the bytes are no JSON.
  mutating func containers(
    _ role: Container.Role, mounts: inout [String: [VolumeMount]]
  ) throws(JSONError) -> [Container] {
    var result: [Container] = []
    try array { (reader) throws(JSONError) in
      var container = Container(name: "", role: role)
      var restartPolicy: String?
      var mounted: [VolumeMount] = []
      try reader.object { (key, reader) throws(JSONError) in
        switch key {
        case "name": container.name = try reader.string() ?? ""
        case "image": container.image = try reader.string() ?? ""
        case "command" where role == .ephemeral: container.command = try reader.stringArray()
        case "restartPolicy": restartPolicy = try reader.string()
        case "ports": container.ports = try reader.containerPorts()
        case "resources": container.memoryLimit = try reader.memoryLimit()
        case "securityContext": container.hasReadOnlyRoot = try reader.readOnlyRoot()
        case "volumeMounts": mounted = try reader.writableMounts()
        default: break
        }
      }
      if !mounted.isEmpty { mounts[container.name] = mounted }
      if role == .initial, restartPolicy == "Always" { container.role = .sidecar }
      result.append(container)
    }
    return result
  }

  private mutating func writableMounts() throws(JSONError) -> [VolumeMount] {
    var mounts: [VolumeMount] = []
    try array { (reader) throws(JSONError) in
      var mount = VolumeMount()
      var isReadOnly = false
      try reader.object { (key, reader) throws(JSONError) in
        switch key {
        case "name": mount.volume = try reader.string() ?? ""
        case "mountPath": mount.path = try reader.string() ?? ""
        case "readOnly": isReadOnly = try reader.bool() ?? false
        default: break
        }
      }
      guard !isReadOnly, mount.path.hasPrefix("/"), mounts.count < VolumeMount.limit else { return }
      mounts.append(mount)
    }
    return mounts
  }

  /// Reads a pod's volumes: the names of those of the kind emptyDir.
  mutating func emptyDirectories() throws(JSONError) -> Set<String> {
    var names: Set<String> = []
    try array { (reader) throws(JSONError) in
      var name = ""
      var isEmptyDirectory = false
      try reader.object { (key, reader) throws(JSONError) in
        switch key {
        case "name": name = try reader.string() ?? ""
        case "emptyDir": isEmptyDirectory = try reader.object { (_, _) throws(JSONError) in }
        default: break
        }
      }
      if isEmptyDirectory { names.insert(name) }
    }
    return names
  }

  private mutating func containerPorts() throws(JSONError) -> [ContainerPort] {
    var ports: [ContainerPort] = []
    try array { (reader) throws(JSONError) in
      var number = 0
      var name = "TCP"
      try reader.object { (key, reader) throws(JSONError) in
        switch key {
        case "containerPort": number = try reader.int() ?? 0
        case "protocol": name = try reader.string() ?? "TCP"
        default: break
        }
      }
      guard (1...65_535).contains(number), ["TCP", "UDP", "SCTP"].contains(name) else { return }
      ports.append(ContainerPort(protocolName: name.lowercased(), number: number))
    }
    return ports
  }

  private mutating func memoryLimit() throws(JSONError) -> Int? {
    var result: Int?
    try object { (key, reader) throws(JSONError) in
      guard case "limits" = key else { return }
      try reader.object { (key, reader) throws(JSONError) in
        guard case "memory" = key else { return }
        result = try reader.scalar().flatMap { Quantity.value($0) }
      }
    }
    return result
  }

  mutating func containerStatuses() throws(JSONError) -> [ContainerStatus] {
    var result: [ContainerStatus] = []
    try array { (reader) throws(JSONError) in
      var status = ContainerStatus()
      try reader.object { (key, reader) throws(JSONError) in
        switch key {
        case "name": status.name = try reader.string() ?? ""
        case "ready": status.isReady = try reader.bool() ?? false
        case "started": status.hasStarted = try reader.bool() ?? false
        case "restartCount": status.restartCount = try reader.int() ?? 0
        case "containerID":
          let id = try reader.string()
          status.containerID = id == "" ? nil : id
        case "state": try reader.state(&status)
        default: break
        }
      }
      result.append(status)
    }
    return result
  }

  private mutating func state(_ status: inout ContainerStatus) throws(JSONError) {
    try object { (kind, reader) throws(JSONError) in
      var reason: String?
      var message: String?
      var exitCode = 0
      var signal = 0
      var started: Int?
      let isObject = try reader.object { (key, reader) throws(JSONError) in
        switch key {
        case "reason": reason = try reader.string()
        case "message": message = try reader.string()
        case "exitCode": exitCode = try reader.int() ?? 0
        case "signal": signal = try reader.int() ?? 0
        case "startedAt": started = try reader.string().flatMap(Timestamp.unixSeconds)
        default: break
        }
      }
      guard isObject else { return }
      if reason == "" { reason = nil }
      switch kind {
      case "running":
        status.state = .running
        status.started = started
      case "waiting": status.state = .waiting(reason: reason, message: message)
      case "terminated":
        status.state = .terminated(reason: reason, exitCode: exitCode)
        status.signal = signal
      default: break
      }
    }
  }
}

extension PodNetwork {
  /// Reads the annotation's value, itself a JSON array.
  ///
  /// - Throws: `JSONError` when it is none.
  static func list(_ text: String) throws(JSONError) -> [PodNetwork] {
    var copy = text
    let result: Result<[PodNetwork], JSONError> = copy.withUTF8 { utf8 in
      Result { () throws(JSONError) in
        var reader = JSONReader(UnsafeRawBufferPointer(utf8))
        var networks: [PodNetwork] = []
        try reader.array { (reader) throws(JSONError) in
          var network = PodNetwork(name: "")
          try reader.object { (key, reader) throws(JSONError) in
            switch key {
            case "name": network.name = try reader.string() ?? ""
            case "interface": network.interface = try reader.string()
            case "ips": network.ips = try reader.stringArray()
            default: break
            }
          }
          networks.append(network)
        }
        try reader.end()
        return networks
      }
    }
    return try result.get()
  }
}
