package import NIOCore

/// The answer to a request, before it is put into HTTP.
package enum Reply: Sendable {
  case bytes(code: Int, contentType: String, headers: [(name: String, value: String)], ByteBuffer)
  case list(ListBody)
  case watch(WatchPlan)
  case exec(ExecPlan)

  /// A JSON document; like the API server's encoder with a line feed at its end.
  package static func json(_ json: JSON, code: Int = 200) -> Reply {
    document(ByteBuffer(bytes: json.bytes), code: code)
  }

  /// A JSON document that has been written out already.
  package static func document(_ bytes: ByteBuffer, code: Int = 200) -> Reply {
    var bytes = bytes
    bytes.writeString("\n")
    return .bytes(
      code: code, contentType: "application/json",
      headers: [("Cache-Control", "no-cache, private")], bytes)
  }

  /// The same with warnings, as kubectl prints them (RFC 7234, 5.5; code 299).
  package func warning(_ warnings: [String]) -> Reply {
    guard case .bytes(let code, let contentType, let headers, let bytes) = self else { return self }
    let fields = warnings.map { warning in
      let text = warning.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
      return (name: "Warning", value: "299 - \"\(text)\"")
    }
    return .bytes(code: code, contentType: contentType, headers: headers + fields, bytes)
  }

  package static func status(_ status: Status) -> Reply {
    guard status.code == 403,
      case .bytes(let code, let contentType, let headers, let bytes) = json(status.json, code: 403)
    else { return json(status.json, code: status.code) }
    return .bytes(
      code: code, contentType: contentType,
      headers: headers + [("X-Content-Type-Options", "nosniff")], bytes)
  }

  package static func text(
    _ text: String, code: Int = 200, contentType: String = "text/plain; charset=utf-8"
  ) -> Reply {
    .bytes(code: code, contentType: contentType, headers: [], ByteBuffer(string: text))
  }
}

/// How a client wants objects: as they are, as rows of a table, or only their metadata.
package enum Representation: Sendable, Equatable {
  case whole
  case partial
  case table(includeObject: String)

  /// The first form of the Accept header that the server has.
  /// - Throws: ``Status`` (406) when there is none.
  package init(_ request: Request) throws(Status) {
    for option in (request.header("accept") ?? "*/*").split(separator: ",") {
      let parts = option.split(separator: ";").map { $0.filter { $0 != " " } }
      let form = parts.first { $0.hasPrefix("as=") }?.dropFirst(3)
      let group = parts.first { $0.hasPrefix("g=") }?.dropFirst(2)
      let version = parts.first { $0.hasPrefix("v=") }?.dropFirst(2)
      guard ["application/json", "*/*", "application/*"].contains(parts.first ?? "") else {
        continue
      }
      switch form {
      case nil:
        self = .whole
        return
      case "Table" where group == "meta.k8s.io" && version == "v1":
        self = .table(includeObject: request.parameter("includeObject") ?? "Metadata")
        return
      case "PartialObjectMetadata" where group == "meta.k8s.io",
        "PartialObjectMetadataList" where group == "meta.k8s.io":
        self = .partial
        return
      default: continue
      }
    }
    throw Status(
      code: 406, reason: "NotAcceptable",
      message: "only the following media types are accepted: application/json", details: [:])
  }

  /// Appends one object in this form, as an item of a list or a row of a table.
  func append(_ object: StoredObject, to buffer: inout ByteBuffer, at now: Timestamp) {
    switch self {
    case .whole: buffer.writeImmutableBuffer(object.item)
    case .partial: buffer.writeImmutableBuffer(object.partialMetadata)
    case .table(let includeObject):
      let cells = JSON.array(object.cells.map { $0.json(at: now) })
      buffer.writeString(#"{"cells":"#)
      buffer.writeBytes(cells.bytes)
      buffer.writeString(#","object":"#)
      switch includeObject {
      case "None": buffer.writeString("null")
      case "Object": buffer.writeImmutableBuffer(object.whole)
      default: buffer.writeImmutableBuffer(object.partialMetadata)
      }
      buffer.writeString("}")
    }
  }

  /// One object alone in this form.
  func document(
    _ object: StoredObject, withColumns: Bool = true, at now: Timestamp = .now
  ) -> ByteBuffer {
    switch self {
    case .whole: return object.whole
    case .partial: return object.partialMetadata
    case .table:
      var buffer = ByteBuffer()
      let metadata: JSON = ["resourceVersion": .string(String(object.revision))]
      let columns = withColumns ? Table.columns(of: object.type) : []
      buffer.writeBytes(Self.opening(metadata: metadata, columns: columns))
      append(object, to: &buffer, at: now)
      buffer.writeString("]}")
      return buffer
    }
  }

  /// A table's beginning, up to the first row.
  static func opening(metadata: JSON, columns: [Table.Column]) -> [UInt8] {
    let table: JSON = [
      "kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata,
      "columnDefinitions": .array(columns.map(\.json)),
    ]
    return table.bytes.dropLast() + Array(#","rows":["#.utf8)
  }
}

/// A list, written piece by piece so that a long one never stands in memory as a whole.
package struct ListBody: Sendable {
  package var opening: ByteBuffer
  package var objects: [StoredObject]
  package var representation: Representation
  package var now = Timestamp.now
  private var next = 0

  /// A list of objects of a kind, with the list's own metadata.
  package init(
    _ objects: [StoredObject], type: ResourceType, metadata: JSON, representation: Representation
  ) {
    (self.objects, self.representation) = (objects, representation)
    switch representation {
    case .whole:
      let list: JSON = [
        "kind": .string(type.kind + "List"), "apiVersion": .string(type.apiVersion),
        "metadata": metadata,
      ]
      opening = ByteBuffer(bytes: list.bytes.dropLast() + Array(#","items":["#.utf8))
    case .partial:
      let list: JSON = [
        "kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": metadata,
      ]
      opening = ByteBuffer(bytes: list.bytes.dropLast() + Array(#","items":["#.utf8))
    case .table:
      opening = ByteBuffer(
        bytes: Representation.opening(metadata: metadata, columns: Table.columns(of: type)))
    }
  }

  /// The next piece, of about `size` bytes; nil when all has been said.
  package mutating func piece(size: Int) -> ByteBuffer? {
    guard next <= objects.count else { return nil }
    var buffer = ByteBuffer()
    buffer.reserveCapacity(size + 16_384)
    if next == 0 { buffer.writeImmutableBuffer(opening) }
    // At least one object each time, so that it comes to an end whatever the size.
    while next < objects.count {
      if next > 0 { buffer.writeString(",") }
      representation.append(objects[next], to: &buffer, at: now)
      next += 1
      if buffer.readableBytes >= size { break }
    }
    if next == objects.count {
      buffer.writeString("]}\n")
      next += 1
    }
    return buffer
  }
}

/// A watch to be begun.
package struct WatchPlan: Sendable {
  package var selection: Selection
  package var representation: Representation
  package var start: Store.WatchStart
  package var bookmarks: Bool
  /// Whether the existing objects are followed by a bookmark that says so.
  package var marksInitialEnd: Bool
  package var timeout: Int
}

/// A command to be run in a container.
package struct ExecPlan: Sendable {
  package var container: LabFile.Container
  package var command: [String]
  package var stdin: Bool
  package var stdout: Bool
  package var stderr: Bool
  /// `v5.channel.k8s.io` or `v4.channel.k8s.io`.
  package var subprotocol: String
}
