/// A label selector in the form that the API takes as `labelSelector` and kubectl as `-l`.
package struct LabelSelector: Sendable, Equatable {
  /// "app=api,tier in (a,b)"; never empty, since an empty selector would mean every pod.
  package let text: String

  /// Makes a selector of a user's words; nil when there are none.
  package init?(_ text: String) {
    guard text.contains(where: { !$0.isWhitespace }) else { return nil }
    self.text = text
  }

  private init?(requirements: [String]) {
    self.init(requirements.joined(separator: ","))
  }

  /// Reads a map of labels, all of which must match.
  static func readPlain(_ reader: inout JSONReader) throws(JSONError) -> LabelSelector? {
    LabelSelector(requirements: equalities(try reader.strings()))
  }

  /// Reads a `LabelSelector` object: `matchLabels` and `matchExpressions`, all of which must match.
  static func read(_ reader: inout JSONReader) throws(JSONError) -> LabelSelector? {
    var labels: [String] = []
    var expressions: [String] = []
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
    return isUnknown ? nil : LabelSelector(requirements: labels + expressions)
  }

  private static func equalities(_ labels: [String: String]) -> [String] {
    labels.map { "\($0.key)=\($0.value)" }.sorted()
  }

  private static func expression(_ reader: inout JSONReader) throws(JSONError) -> String? {
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
    case "In": return "\(name) in (\(values.joined(separator: ",")))"
    case "NotIn": return "\(name) notin (\(values.joined(separator: ",")))"
    case "Exists": return name
    case "DoesNotExist": return "!\(name)"
    default: return nil
    }
  }
}
