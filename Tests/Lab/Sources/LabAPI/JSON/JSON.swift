/// A JSON value whose objects keep the order of their members, as the API server writes them.
package enum JSON: Sendable, Equatable {
  case null
  case bool(Bool)
  case integer(Int)
  case real(Double)
  case string(String)
  case array([JSON])
  case object(JSONObject)

  /// An object of the members that have a value; members that are nil are left out, as `omitempty`
  /// does in the Kubernetes types.
  package static func object(_ members: (String, JSON?)...) -> JSON {
    var object = JSONObject()
    for (name, value) in members {
      if let value { object.append(name, value) }
    }
    return .object(object)
  }

  /// An object with the members of a map in the order of their names.
  package static func map(_ map: [String: String]) -> JSON {
    var object = JSONObject()
    for (name, value) in map.sorted(by: { $0.key < $1.key }) { object.append(name, .string(value)) }
    return .object(object)
  }

  /// The member `name` of an object; nil for a missing one and for what is no object.
  package subscript(name: String) -> JSON? {
    get {
      guard case .object(let object) = self else { return nil }
      return object[name]
    }
    set {
      guard case .object(var object) = self else { return }
      self = .null  // gives up the reference, so that the object below is changed in place
      object[name] = newValue
      self = .object(object)
    }
  }

  /// The value at the end of a path of member names.
  package subscript(path path: [String]) -> JSON? {
    path.reduce(Optional(self)) { $0?[$1] }
  }

  package var string: String? {
    if case .string(let value) = self { value } else { nil }
  }

  package var integer: Int? {
    if case .integer(let value) = self { value } else { nil }
  }

  package var bool: Bool? {
    if case .bool(let value) = self { value } else { nil }
  }

  package var array: [JSON]? {
    if case .array(let value) = self { value } else { nil }
  }

  package var object: JSONObject? {
    if case .object(let value) = self { value } else { nil }
  }

  /// An object whose values are all strings, as labels and annotations are.
  package var stringMap: [String: String]? {
    guard let object else { return nil }
    var map: [String: String] = [:]
    for member in object.members {
      guard let value = member.value.string else { return nil }
      map[member.name] = value
    }
    return map
  }
}

/// The members of a JSON object in order.
package struct JSONObject: Sendable, Equatable {
  package struct Member: Sendable, Equatable {
    package var name: String
    package var value: JSON
  }

  package private(set) var members: [Member] = []

  package init() {}

  /// The value of a member; setting nil removes it, setting a new name appends it.
  package subscript(name: String) -> JSON? {
    get { members.first { $0.name == name }?.value }
    set {
      if let index = members.firstIndex(where: { $0.name == name }) {
        if let newValue {
          members[index].value = newValue
        } else {
          members.remove(at: index)
        }
      } else if let newValue {
        members.append(Member(name: name, value: newValue))
      }
    }
  }

  /// Sets a member; a new one goes behind the member `neighbour`.
  package mutating func set(_ name: String, _ value: JSON, after neighbour: String) {
    if members.contains(where: { $0.name == name }) {
      self[name] = value
    } else {
      let index = members.firstIndex { $0.name == neighbour } ?? members.endIndex - 1
      members.insert(Member(name: name, value: value), at: index + 1)
    }
  }

  /// Adds a member without looking for an older one of that name.
  package mutating func append(_ name: String, _ value: JSON) {
    members.append(Member(name: name, value: value))
  }
}

extension JSON: ExpressibleByStringLiteral, ExpressibleByStringInterpolation {
  package init(stringLiteral value: String) { self = .string(value) }
}

extension JSON: ExpressibleByIntegerLiteral {
  package init(integerLiteral value: Int) { self = .integer(value) }
}

extension JSON: ExpressibleByBooleanLiteral {
  package init(booleanLiteral value: Bool) { self = .bool(value) }
}

extension JSON: ExpressibleByArrayLiteral {
  package init(arrayLiteral elements: JSON...) { self = .array(elements) }
}

extension JSON: ExpressibleByDictionaryLiteral {
  package init(dictionaryLiteral elements: (String, JSON)...) {
    var object = JSONObject()
    for (name, value) in elements { object.append(name, value) }
    self = .object(object)
  }
}
