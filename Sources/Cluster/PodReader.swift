/// Reads a `Pod` from the API's JSON. Whatever is missing, null or of another type than expected is
/// left at its default: a listing does not fail because one object is odd.
package struct PodReader: Sendable {
  /// Whether labels are kept.
  package var keepsLabels: Bool

  /// The most entries kept of a list that has no bound of its own.
  private static let listLimit = 16

  package init(keepsLabels: Bool = false) {
    self.keepsLabels = keepsLabels
  }

  /// Reads one pod.
  ///
  /// - Parameter json: The object's bytes; borrowed.
  /// - Returns: nil for an object without a name.
  /// - Throws: `JSONError` when the bytes are no JSON object.
  package func pod(_ json: UnsafeRawBufferPointer) throws(JSONError) -> Pod? {
    var raw = RawPod()
    var reader = JSONReader(json)
    let isObject = try reader.object { (key, reader) throws(JSONError) in
      switch key {
      case "metadata": try metadata(&reader, &raw)
      case "spec": try spec(&reader, &raw)
      case "status": try status(&reader, &raw)
      default: break
      }
    }
    guard isObject else { throw .malformed(at: 0) }
    try reader.end()
    return raw.pod.name.isEmpty ? nil : raw.finished()
  }

  private func metadata(_ reader: inout JSONReader, _ raw: inout RawPod) throws(JSONError) {
    try reader.object { (key, reader) throws(JSONError) in
      switch key {
      case "name": raw.pod.name = try reader.string() ?? ""
      case "namespace": raw.pod.namespace = try reader.string() ?? ""
      case "uid": raw.pod.uid = try reader.string() ?? ""
      case "creationTimestamp":
        raw.pod.created = try reader.string().flatMap(Timestamp.unixSeconds)
      case "deletionTimestamp":
        raw.pod.deletion = try reader.string().flatMap(Timestamp.unixSeconds)
      case "labels" where keepsLabels: raw.pod.labels = try reader.strings()
      case "annotations": try annotations(&reader, &raw)
      case "ownerReferences": try owners(&reader, &raw)
      default: break
      }
    }
  }

  private func annotations(_ reader: inout JSONReader, _ raw: inout RawPod) throws(JSONError) {
    try reader.object { (key, reader) throws(JSONError) in
      switch key {
      case "kubectl.kubernetes.io/default-container":
        raw.pod.defaultContainerName = try reader.string()
      case "kubernetes.io/config.hash": raw.pod.configHash = try reader.string()
      case "kubernetes.io/config.mirror": raw.pod.isMirror = try reader.string() != nil
      case "k8s.v1.cni.cncf.io/network-status":
        // Written by the CNI plugin; a text that is no JSON is as good as none.
        let text = try reader.string() ?? ""
        raw.pod.networks = (try? PodNetwork.list(text)) ?? []
      case _ where key.hasPrefix("poddump/"):
        guard raw.pod.ownAnnotations.count < Self.listLimit else { return }
        let name = try key.text()
        raw.pod.ownAnnotations[name] = try reader.string()
      default: break
      }
    }
  }

  /// The controller among the owners, else the first.
  private func owners(_ reader: inout JSONReader, _ raw: inout RawPod) throws(JSONError) {
    var found = false
    try reader.array { (reader) throws(JSONError) in
      var kind: String?
      var name: String?
      var isController = false
      try reader.object { (key, reader) throws(JSONError) in
        switch key {
        case "kind": kind = try reader.string()
        case "name": name = try reader.string()
        case "controller": isController = try reader.bool() ?? false
        default: break
        }
      }
      guard !found, isController || raw.pod.ownerKind == nil else { return }
      raw.pod.ownerKind = kind
      raw.pod.ownerName = name
      found = isController
    }
  }

  private func spec(_ reader: inout JSONReader, _ raw: inout RawPod) throws(JSONError) {
    try reader.object { (key, reader) throws(JSONError) in
      switch key {
      case "nodeName":
        let name = try reader.string()
        raw.pod.node = name == "" ? nil : name
      case "hostNetwork": raw.pod.isHostNetwork = try reader.bool() ?? false
      case "os":
        try reader.object { (key, reader) throws(JSONError) in
          if case "name" = key { raw.pod.operatingSystem = try reader.string() }
        }
      case "nodeSelector": raw.selectedSystem = try reader.strings()["kubernetes.io/os"]
      case "volumes": raw.emptyDirectories = try reader.emptyDirectories()
      case "containers":
        raw.pod.containers = try reader.containers(.main, mounts: &raw.mounts)
      case "initContainers":
        raw.pod.initContainers = try reader.containers(.initial, mounts: &raw.mounts)
      case "ephemeralContainers":
        raw.pod.ephemeralContainers = try reader.containers(.ephemeral, mounts: &raw.mounts)
      default: break
      }
    }
  }

  private func status(_ reader: inout JSONReader, _ raw: inout RawPod) throws(JSONError) {
    try reader.object { (key, reader) throws(JSONError) in
      switch key {
      case "phase": raw.pod.phase = try reader.string() ?? ""
      case "reason":
        let reason = try reader.string()
        raw.pod.reason = reason == "" ? nil : reason
      case "hostIP": raw.pod.hostIP = try reader.string()
      case "podIP": raw.podIP = try reader.string()
      case "podIPs":
        var addresses: [String] = []
        try reader.array { (reader) throws(JSONError) in
          try reader.object { (key, reader) throws(JSONError) in
            if case "ip" = key, let address = try reader.string() { addresses.append(address) }
          }
        }
        raw.pod.podIPs = addresses
      case "conditions": raw.conditions = try reader.conditions()
      case "containerStatuses": raw.statuses = try reader.containerStatuses()
      case "initContainerStatuses": raw.initStatuses = try reader.containerStatuses()
      case "ephemeralContainerStatuses": raw.ephemeralStatuses = try reader.containerStatuses()
      default: break
      }
    }
  }
}

/// A pod whose parts have not been put together yet: spec and status come in either order.
private struct RawPod {
  var pod = Pod(namespace: "", name: "")
  var podIP: String?
  /// The operating system that the pod's nodeSelector asks for.
  var selectedSystem: String?
  var emptyDirectories: Set<String> = []
  var mounts: [String: [VolumeMount]] = [:]
  var conditions: [Condition] = []
  var statuses: [ContainerStatus] = []
  var initStatuses: [ContainerStatus] = []
  var ephemeralStatuses: [ContainerStatus] = []

  func finished() -> Pod {
    var pod = pod
    if pod.podIPs.isEmpty, let podIP, !podIP.isEmpty { pod.podIPs = [podIP] }
    pod.operatingSystem = pod.operatingSystem ?? selectedSystem
    let printer = PodStatusPrinter(
      pod: pod, conditions: conditions, statuses: statuses, initStatuses: initStatuses)
    let columns = printer.columns()
    pod.status = columns.status
    pod.readyContainers = columns.ready
    pod.totalContainers = columns.total
    pod.restarts = columns.restarts
    join(&pod.containers, statuses)
    join(&pod.initContainers, initStatuses)
    join(&pod.ephemeralContainers, ephemeralStatuses)
    return pod
  }

  private func join(_ containers: inout [Container], _ statuses: [ContainerStatus]) {
    let byName = Dictionary(statuses.map { ($0.name, $0) }) { _, last in last }
    for index in containers.indices {
      containers[index].writableMounts = (mounts[containers[index].name] ?? [])
        .filter { emptyDirectories.contains($0.volume) }.map(\.path)
      byName[containers[index].name]?.apply(to: &containers[index])
    }
  }
}
