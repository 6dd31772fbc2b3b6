/// What is wrong with bytes that should be JSON (RFC 8259).
package enum JSONError: Error, Sendable, Equatable {
  /// The text ends in the middle of a value.
  case truncated
  /// The byte at this offset cannot stand there.
  case malformed(at: Int)
  /// Arrays and objects are nested deeper than `JSONScanner.depthLimit`.
  case tooDeep
  /// One item or the text around the items is larger than this many bytes.
  case tooLarge(limit: Int)

  /// The error as the second sentence of a failure.
  package var sentence: String {
    switch self {
    case .truncated: "The answer ended too early."
    case .malformed(let offset): "The answer is no valid JSON (at byte \(offset))."
    case .tooDeep: "The answer is nested too deeply."
    case .tooLarge(let limit): "A part of the answer is larger than \(limit >> 10) KiB."
    }
  }
}
