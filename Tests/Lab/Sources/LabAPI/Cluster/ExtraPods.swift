/// Pods that exist in listings only, to see how a client copes with many. Each is as large as a real
/// one; only what differs between them is put into a text that is written once.
package struct ExtraPods: Sendable {
  private static let markers = [
    "@NAME@", "@NAMESPACE@", "@UID@", "@ADDRESS@", "@REVISION@", "@ID@",
  ]

  /// Text of a pod, cut at the markers: bytes, and the marker that follows.
  private typealias Pieces = [(bytes: [UInt8], marker: Int?)]

  private struct Template: Sendable {
    var metadata: Pieces
    var rest: Pieces
    var cells: [TableCell]
    var fields: [String: String]
  }

  private static let labels = ["app": "load", "pod-template-hash": "6d5f8b7c9"]
  private let templates: [Template]

  package static func namespace(_ number: Int) -> String { "load-\(number % 10)" }

  package static func key(_ number: Int) -> ObjectKey {
    let digits = String(number)
    let name = "load-" + String(repeating: "0", count: max(0, 5 - digits.count)) + digits
    return ObjectKey(namespace: namespace(number), name: name)
  }

  /// Writes the texts; the pods will be spread over the nodes.
  package init(nodes: [LabFile.Node], created: Timestamp) {
    var container = LabFile.Container(name: "app", image: "lab/load:1", state: "running")
    container.containerID = "containerd://@ID@"
    container.command = ["httpd", "-f", "-v", "-p", "8080", "-h", "/www"]
    container.ports = [LabFile.ContainerPort(name: "http", containerPort: 8080)]
    let nodes: [LabFile.Node?] = nodes.isEmpty ? [nil] : nodes
    templates = nodes.map { node in
      var pod = LabFile.Pod(
        namespace: "@NAMESPACE@", name: "@NAME@", uid: "@UID@", node: node?.name ?? "node",
        phase: "Running", podIP: "@ADDRESS@", labels: Self.labels, containers: [container])
      pod.annotations = ["lab/purpose": "one of many"]
      var json = PodObject(pod, hostIP: node?.internalIP ?? "198.51.100.10", created: created).json
      json.update("metadata") { $0["resourceVersion"] = "@REVISION@" }
      let object = StoredObject(json, type: .pods, revision: 0)
      var rest = json
      rest["kind"] = nil
      rest["apiVersion"] = nil
      rest["metadata"] = nil
      let text = "," + rest.text.dropFirst().dropLast()
      return Template(
        metadata: Self.cut((json["metadata"] ?? [:]).text), rest: Self.cut(text),
        cells: object.cells, fields: object.fields)
    }
  }

  /// One pod, written out.
  package func pod(_ number: Int, revision: Int) -> StoredObject {
    let template = templates[number % templates.count]
    let key = Self.key(number)
    let address = "203.0.\(113 + number / 65_000).\(number % 250 + 1)"
    let id = Digest.hexadecimal(of: key.path)
    let values = [
      key.name, key.namespace ?? "", Digest.uid(of: key.path), address, String(revision), id,
    ].map { Array($0.utf8) }
    func filled(_ pieces: Pieces) -> [UInt8] {
      var bytes: [UInt8] = []
      bytes.reserveCapacity(6000)
      for piece in pieces {
        bytes.append(contentsOf: piece.bytes)
        if let marker = piece.marker { bytes.append(contentsOf: values[marker]) }
      }
      return bytes
    }
    var fields = template.fields
    fields["metadata.name"] = key.name
    fields["metadata.namespace"] = key.namespace
    fields["status.podIP"] = address
    let cells = template.cells.map { cell in
      switch cell {
      case .value("@NAME@"): TableCell.value(.string(key.name))
      case .value("@ADDRESS@"): TableCell.value(.string(address))
      default: cell
      }
    }
    return StoredObject(
      type: .pods, key: key, revision: revision, labels: Self.labels, fields: fields,
      cells: cells, metadata: filled(template.metadata), rest: filled(template.rest))
  }

  private static func cut(_ text: String) -> Pieces {
    var pieces: Pieces = []
    var rest = Substring(text)
    while true {
      let next = markers.indices.compactMap { marker in
        rest.firstRange(of: markers[marker]).map { (marker: marker, range: $0) }
      }.min { $0.range.lowerBound < $1.range.lowerBound }
      guard let next else {
        pieces.append((Array(rest.utf8), nil))
        return pieces
      }
      pieces.append((Array(rest[..<next.range.lowerBound].utf8), next.marker))
      rest = rest[next.range.upperBound...]
    }
  }
}
