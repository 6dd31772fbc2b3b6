/// One complaint about an object that does not pass validation.
package struct FieldError: Error, Sendable, Equatable {
  /// `FieldValueRequired`, `FieldValueInvalid`, …
  package var reason: String
  package var field: String
  package var message: String

  package static func required(_ field: String, _ detail: String = "") -> FieldError {
    FieldError(
      reason: "FieldValueRequired", field: field,
      message: detail.isEmpty ? "Required value" : "Required value: \(detail)")
  }

  package static func invalid(_ field: String, _ value: JSON, _ detail: String) -> FieldError {
    FieldError(
      reason: "FieldValueInvalid", field: field, message: "Invalid value: \(value.text): \(detail)")
  }

  package static func duplicate(_ field: String, _ value: String) -> FieldError {
    FieldError(
      reason: "FieldValueDuplicate", field: field, message: "Duplicate value: \"\(value)\"")
  }

  package static func notFound(_ field: String, _ value: String) -> FieldError {
    FieldError(reason: "FieldValueNotFound", field: field, message: "Not found: \"\(value)\"")
  }

  package static func forbidden(_ field: String, _ detail: String) -> FieldError {
    FieldError(reason: "FieldValueForbidden", field: field, message: "Forbidden: \(detail)")
  }

  package static func notSupported(
    _ field: String, _ value: String, _ supported: [String]
  ) -> FieldError {
    FieldError(
      reason: "FieldValueNotSupported", field: field,
      message: "Unsupported value: \"\(value)\": supported values: "
        + supported.map { "\"\($0)\"" }.joined(separator: ", "))
  }

  package var json: JSON {
    ["reason": .string(reason), "message": .string(message), "field": .string(field)]
  }
}
