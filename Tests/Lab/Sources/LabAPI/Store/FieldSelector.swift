/// A field selector: terms `field=value`, `field==value` or `field!=value` that must all hold
/// (Kubernetes documentation, "Field Selectors").
package struct FieldSelector: Sendable, Equatable {
  package struct Term: Sendable, Equatable {
    package var field: String
    package var value: String
    package var isEqual: Bool
  }

  package var terms: [Term] = []

  /// Selects everything.
  package init() {}

  /// Reads a selector.
  /// - Parameters:
  ///   - text: the terms, with commas between them; may be empty.
  ///   - fields: the fields that the kind of object can be selected by.
  /// - Throws: ``SelectorError``
  package init(_ text: String, fields: [String]) throws(SelectorError) {
    for part in text.split(separator: ",") {
      guard let sign = ["!=", "==", "="].first(where: { part.contains($0) }),
        let range = part.firstRange(of: sign)
      else {
        throw SelectorError(
          message: "invalid selector: '\(text)'; can't understand '\(part)'")
      }
      let term = Term(
        field: String(part[..<range.lowerBound]), value: String(part[range.upperBound...]),
        isEqual: sign != "!=")
      guard fields.contains(term.field) else {
        throw SelectorError(message: "field label not supported: \(term.field)")
      }
      terms.append(term)
    }
  }

  package func matches(_ fields: [String: String]) -> Bool {
    terms.allSatisfy { term in (fields[term.field] ?? "" == term.value) == term.isEqual }
  }
}

extension ResourceType {
  /// The fields that objects of this kind can be selected by.
  package var selectableFields: [String] {
    let common = isNamespaced ? ["metadata.name", "metadata.namespace"] : ["metadata.name"]
    switch kind {
    case "Pod":
      return common + [
        "spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName",
        "spec.hostNetwork", "status.phase", "status.podIP", "status.nominatedNodeName",
      ]
    case "Node": return common + ["spec.unschedulable"]
    case "Namespace": return common + ["status.phase"]
    case "Event":
      return common + [
        "involvedObject.kind", "involvedObject.namespace", "involvedObject.name",
        "involvedObject.uid", "involvedObject.apiVersion", "involvedObject.resourceVersion",
        "involvedObject.fieldPath", "reason", "reportingComponent", "source", "type",
      ]
    default: return common
    }
  }

  /// The values of those fields in an object.
  package func selectableValues(of object: JSON) -> [String: String] {
    var values: [String: String] = [:]
    for field in selectableFields {
      let value =
        kind == "Event" && field == "source"
        ? object[path: ["source", "component"]]
        : object[path: field.split(separator: ".").map(String.init)]
      switch value {
      case .string(let text): values[field] = text
      case .bool(let holds): values[field] = String(holds)
      default:
        values[field] = ["spec.hostNetwork", "spec.unschedulable"].contains(field) ? "false" : ""
      }
    }
    return values
  }
}
