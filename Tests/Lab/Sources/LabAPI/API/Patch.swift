/// Changes of an object by PATCH.
package enum Patch {
  /// A JSON merge patch (RFC 7396).
  package static func merge(_ patch: JSON, into target: JSON) -> JSON {
    guard case .object(let changes) = patch else { return patch }
    var result = target
    if target.object == nil { result = [:] }
    for change in changes.members {
      result[change.name] =
        change.value == .null ? nil : merge(change.value, into: result[change.name] ?? .null)
    }
    return result
  }

  /// Lists whose items a strategic merge patch tells apart by a member (`patchMergeKey` in
  /// k8s.io/api/core/v1/types.go). Other lists are replaced.
  private static let mergeKeys = [
    "containers": "name", "initContainers": "name", "ephemeralContainers": "name",
    "volumes": "name", "env": "name", "imagePullSecrets": "name", "ports": "containerPort",
    "volumeMounts": "mountPath", "conditions": "type", "taints": "key",
  ]

  /// A strategic merge patch (Kubernetes documentation, "Update API Objects in Place Using kubectl
  /// patch"); of its directives only `$patch: delete` in items of lists.
  package static func strategic(_ patch: JSON, into target: JSON) -> JSON {
    guard case .object(let changes) = patch else { return patch }
    var result = target
    if target.object == nil { result = [:] }
    for change in changes.members where !change.name.hasPrefix("$") {
      if change.value == .null {
        result[change.name] = nil
      } else if let key = mergeKeys[change.name], let items = change.value.array {
        result[change.name] = .array(
          merged(items, into: result[change.name]?.array ?? [], by: key))
      } else {
        result[change.name] = strategic(change.value, into: result[change.name] ?? .null)
      }
    }
    return result
  }

  private static func merged(_ items: [JSON], into old: [JSON], by key: String) -> [JSON] {
    var result = old
    for item in items {
      let index = result.firstIndex { $0[key] == item[key] }
      if item["$patch"] == "delete" {
        if let index { result.remove(at: index) }
      } else if let index {
        result[index] = strategic(item, into: result[index])
      } else {
        result.append(strategic(item, into: [:]))
      }
    }
    return result
  }

  /// A JSON patch (RFC 6902) of the operations add, replace, remove and test.
  /// - Throws: ``Status`` for an operation that is unknown or does not fit.
  package static func apply(_ operations: JSON, to target: JSON) throws(Status) -> JSON {
    guard let operations = operations.array else {
      throw .badRequest("error decoding patch: json: cannot unmarshal object into a list")
    }
    var result = target
    for operation in operations {
      let path = (operation["path"]?.string ?? "").split(separator: "/").map {
        String($0.replacing("~1", with: "/").replacing("~0", with: "~"))
      }
      result = try apply(operation, path: path[...], to: result)
    }
    return result
  }

  private static func apply(
    _ operation: JSON, path: ArraySlice<String>, to target: JSON
  ) throws(Status) -> JSON {
    let kind = operation["op"]?.string ?? ""
    guard let name = path.first else {
      if kind == "test", target != operation["value"] { throw failed(operation) }
      return kind == "test" ? target : operation["value"] ?? .null
    }
    var result = target
    let isLast = path.count == 1
    switch target {
    case .object(let object):
      if isLast, kind == "remove" {
        guard object[name] != nil else { throw failed(operation) }
        result[name] = nil
      } else if isLast, kind == "add" || kind == "replace" {
        guard kind == "add" || object[name] != nil else { throw failed(operation) }
        result[name] = operation["value"] ?? .null
      } else {
        guard let inner = object[name] else { throw failed(operation) }
        result[name] = try apply(operation, path: path.dropFirst(), to: inner)
      }
    case .array(var items):
      let index = name == "-" ? items.count : Int(name) ?? -1
      if isLast, kind == "add", (0...items.count).contains(index) {
        items.insert(operation["value"] ?? .null, at: index)
      } else if items.indices.contains(index) {
        if isLast, kind == "remove" {
          items.remove(at: index)
        } else {
          items[index] = try apply(operation, path: path.dropFirst(), to: items[index])
        }
      } else {
        throw failed(operation)
      }
      result = .array(items)
    default: throw failed(operation)
    }
    return result
  }

  private static func failed(_ operation: JSON) -> Status {
    Status(
      code: 422, reason: "Invalid",
      message: "the server rejected our request due to an error in our request: "
        + "\(operation["op"]?.string ?? "") \(operation["path"]?.string ?? "")", details: [:])
  }
}
