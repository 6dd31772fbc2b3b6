package import NIOCore

/// The name of an object within its kind.
package struct ObjectKey: Sendable, Hashable, Comparable {
  package var namespace: String?
  package var name: String

  package init(namespace: String? = nil, name: String) {
    (self.namespace, self.name) = (namespace, name)
  }

  /// The end of the key in etcd, whose order lists follow.
  package var path: String { namespace.map { $0 + "/" + name } ?? name }

  package static func < (left: ObjectKey, right: ObjectKey) -> Bool { left.path < right.path }
}

/// An object as the store keeps it: already written out, with what selectors and tables need.
package struct StoredObject: Sendable {
  package let type: ResourceType
  package let key: ObjectKey
  package let revision: Int
  package let labels: [String: String]
  package let fields: [String: String]
  package let cells: [TableCell]

  /// The object as an item of a list: without `kind` and `apiVersion`, beginning with `metadata`.
  package let item: ByteBuffer

  /// The length of `metadata` in ``item``.
  private let metadataLength: Int

  private static let opening = #"{"metadata":"#

  /// Writes out an object with a member `metadata`, whose `resourceVersion` becomes `revision`.
  package init(_ json: JSON, type: ResourceType, revision: Int) {
    var metadata = json["metadata"] ?? [:]
    metadata["resourceVersion"] = .string(String(revision))
    var rest: [UInt8] = []
    for member in json.object?.members ?? []
    where !["kind", "apiVersion", "metadata"].contains(member.name) {
      rest.append(UInt8(ascii: ","))
      var object = JSONObject()
      object.append(member.name, member.value)
      rest.append(contentsOf: JSON.object(object).bytes.dropFirst().dropLast())
    }
    self.init(
      type: type,
      key: ObjectKey(
        namespace: metadata["namespace"]?.string, name: metadata["name"]?.string ?? ""),
      revision: revision, labels: metadata["labels"]?.stringMap ?? [:],
      fields: type.selectableValues(of: json), cells: Table.cells(of: json, type: type),
      metadata: metadata.bytes, rest: rest)
  }

  /// Takes an object that somebody else has written out.
  package init(
    type: ResourceType, key: ObjectKey, revision: Int, labels: [String: String],
    fields: [String: String], cells: [TableCell], metadata: some Collection<UInt8>,
    rest: some Collection<UInt8>
  ) {
    (self.type, self.key, self.revision) = (type, key, revision)
    (self.labels, self.fields, self.cells) = (labels, fields, cells)
    var item = ByteBuffer()
    item.reserveCapacity(Self.opening.utf8.count + metadata.count + rest.count + 1)
    item.writeString(Self.opening)
    item.writeBytes(metadata)
    item.writeBytes(rest)
    item.writeString("}")
    self.item = item
    metadataLength = metadata.count
  }

  /// `metadata` alone.
  package var metadata: ByteBufferView {
    let all = item.readableBytesView
    return all.dropFirst(Self.opening.utf8.count).prefix(metadataLength)
  }

  /// The whole object.
  package var whole: ByteBuffer {
    var buffer = ByteBuffer()
    buffer.writeString(#"{"kind":"\#(type.kind)","apiVersion":"\#(type.apiVersion)","#)
    buffer.writeBytes(item.readableBytesView.dropFirst())
    return buffer
  }

  /// The object's metadata as an object of its own kind.
  package var partialMetadata: ByteBuffer {
    var buffer = ByteBuffer(
      string: #"{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":"#)
    buffer.writeBytes(metadata)
    buffer.writeString("}")
    return buffer
  }

  /// The object as a tree; read again from the text, because hardly anybody asks for it.
  package var json: JSON {
    (try? JSON(parsing: whole.readableBytesView)) ?? [:]
  }
}
