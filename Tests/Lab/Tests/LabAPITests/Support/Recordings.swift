import Foundation
import Testing
@testable import LabAPI

/// What the real API server said.
enum Recordings {
  private static func data(_ path: String) throws -> Data {
    let directory = Bundle.module.bundleURL.appendingPathComponent("Recordings")
    return try Data(contentsOf: directory.appendingPathComponent(path))
  }

  static func json(_ path: String) throws -> JSON {
    try JSON(parsing: data(path))
  }

  /// The lines of a recorded watch that hold an event.
  static func events(_ path: String) throws -> [JSON] {
    try data(path).split(separator: UInt8(ascii: "\n")).compactMap { line in
      try JSON(parsing: line)["event"]
    }
  }

  /// An entry of `errors.json`.
  static func error(_ id: String) throws -> JSON {
    let entries = try ["errors.json", "routes.json"].flatMap {
      try json($0)["errors"]?.array ?? []
    }
    guard let entry = entries.first(where: { $0["id"]?.string == id }) else {
      throw Missing(what: "no recorded error \(id)")
    }
    return entry
  }

  struct Missing: Error {
    var what: String
  }
}

/// The shape of a JSON value: the path and type of everything in it, items of lists all alike.
func shape(of json: JSON) -> Set<String> {
  func walk(_ json: JSON, _ path: String, _ shape: inout Set<String>) {
    switch json {
    case .object(let object):
      if object.members.isEmpty { shape.insert(path + " {}") }
      for member in object.members { walk(member.value, path + "." + member.name, &shape) }
    case .array(let items):
      if items.isEmpty { shape.insert(path + " []") }
      for item in items { walk(item, path + "[]", &shape) }
    case .string: shape.insert(path + " string")
    case .integer, .real: shape.insert(path + " number")
    case .bool: shape.insert(path + " bool")
    case .null: shape.insert(path + " null")
    }
  }
  var result: Set<String> = []
  walk(json, "", &result)
  return result
}

/// Expects two values to be the same, and says so briefly when they are not: a large value taken
/// apart by reflection fills the screen and takes minutes.
func expectSame(
  _ actual: JSON?, _ expected: JSON?, _ comment: String = "",
  sourceLocation: SourceLocation = #_sourceLocation
) {
  let isSame = actual == expected
  #expect(
    isSame, "\(comment) \(actual?.text ?? "nil")\nis not \(expected?.text ?? "nil")",
    sourceLocation: sourceLocation)
}
