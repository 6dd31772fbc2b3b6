/// A label selector in the form that the API takes as `labelSelector` and kubectl as `-l`.
package struct LabelSelector: Sendable, Equatable {
  /// "app=api,tier in (a,b)"; never empty, since an empty selector would mean every pod.
  package let text: String
  /// The same taken apart, all of which must hold; nil for a user's words, which only the API takes apart.
  package let requirements: [Requirement]?

  /// One condition on the labels of an object.
  package enum Requirement: Sendable, Equatable {
    case equal(key: String, value: String)
    case among(key: String, values: [String])
    case notAmong(key: String, values: [String])
    case present(key: String)
    case absent(key: String)
  }

  /// Makes a selector of a user's words; nil when there are none.
  package init?(_ text: String) {
    guard text.contains(where: { !$0.isWhitespace }) else { return nil }
    self.text = text
    requirements = nil
  }

  /// Makes a selector of conditions; nil when there are none.
  package init?(_ requirements: [Requirement]) {
    guard !requirements.isEmpty else { return nil }
    text = requirements.map(\.text).joined(separator: ",")
    self.requirements = requirements
  }

  package static func == (a: LabelSelector, b: LabelSelector) -> Bool { a.text == b.text }

  /// Whether an object with these labels is selected; false where only the API could tell.
  package func matches(_ labels: [String: String]) -> Bool {
    requirements?.allSatisfy { $0.matches(labels) } ?? false
  }

  /// Reads a map of labels, all of which must match.
  static func readPlain(_ reader: inout JSONReader) throws(JSONError) -> LabelSelector? {
    LabelSelector(equalities(try reader.strings()))
  }

  /// Reads a `LabelSelector` object: `matchLabels` and `matchExpressions`, all of which must match.
  static func read(_ reader: inout JSONReader) throws(JSONError) -> LabelSelector? {
    var labels: [Requirement] = []
    var expressions: [Requirement] = []
    var isUnknown = false
    try reader.object { (key, reader) throws(JSONError) in
      switch key {
      case "matchLabels": labels = equalities(try reader.strings())
      case "matchExpressions":
        expressions = []
        try reader.array { (reader) throws(JSONError) in
          if let expression = try expression(&reader) {
            expressions.append(expression)
          } else {
            isUnknown = true
          }
        }
      default: break
      }
    }
    // An expression left out would select more pods than the workload has.
    return isUnknown ? nil : LabelSelector(labels + expressions)
  }

  private static func equalities(_ labels: [String: String]) -> [Requirement] {
    labels.map { .equal(key: $0.key, value: $0.value) }.sorted { $0.text < $1.text }
  }

  private static func expression(_ reader: inout JSONReader) throws(JSONError) -> Requirement? {
    var name = ""
    var relation = ""
    var values: [String] = []
    try reader.object { (key, reader) throws(JSONError) in
      switch key {
      case "key": name = try reader.string() ?? ""
      case "operator": relation = try reader.string() ?? ""
      case "values": values = try reader.stringArray()
      default: break
      }
    }
    guard !name.isEmpty else { return nil }
    switch relation {
    case "In": return .among(key: name, values: values)
    case "NotIn": return .notAmong(key: name, values: values)
    case "Exists": return .present(key: name)
    case "DoesNotExist": return .absent(key: name)
    default: return nil
    }
  }
}

extension LabelSelector.Requirement {
  /// As the API takes it.
  package var text: String {
    switch self {
    case .equal(let key, let value): "\(key)=\(value)"
    case .among(let key, let values): "\(key) in (\(values.joined(separator: ",")))"
    case .notAmong(let key, let values): "\(key) notin (\(values.joined(separator: ",")))"
    case .present(let key): key
    case .absent(let key): "!\(key)"
    }
  }

  /// Whether it holds; an absent label is among no values (apimachinery, labels.Requirement.Matches).
  func matches(_ labels: [String: String]) -> Bool {
    switch self {
    case .equal(let key, let value): labels[key] == value
    case .among(let key, let values): labels[key].map(values.contains) ?? false
    case .notAmong(let key, let values): labels[key].map { !values.contains($0) } ?? true
    case .present(let key): labels[key] != nil
    case .absent(let key): labels[key] == nil
    }
  }
}
