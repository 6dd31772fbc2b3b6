/// Why something could not be done, in words for the person who asked: what, why, and what to do.
///
/// This is the only error type that leaves a module. Its kind becomes the exit code, in one place.
package struct Failure: Error, Sendable, Equatable {
  /// The sort of failure. Raw values are the exit codes of the command line.
  package enum Kind: Int32, Sendable, CaseIterable {
    /// Anything that none of the others names.
    case other = 1
    /// The request itself is wrong: an unknown option, a malformed name.
    case usage = 2
    /// The cluster or the node cannot be reached.
    case unreachable = 3
    /// Reached, but not allowed.
    case denied = 4
    /// The named thing does not exist.
    case notFound = 5
    /// No route can capture from this target.
    case noRoute = 6
    /// The capture filter is not valid.
    case filter = 7
  }

  /// The sort of failure; it becomes the exit code.
  package var kind: Kind
  /// What failed, one sentence: "Cannot capture from shop/web."
  package var what: String
  /// Why, one sentence: "The container has no tcpdump."
  package var why: String?
  /// What to do about it, one sentence: "Choose a container that has it with -c."
  package var fix: String?
  /// The far end's own words, shown with `-v` only. Already made printable.
  package var detail: String?

  /// Creates a failure; every text is expected to be a full sentence.
  package init(
    _ kind: Kind, _ what: String, why: String? = nil, fix: String? = nil, detail: String? = nil
  ) {
    self.kind = kind
    self.what = what
    self.why = why
    self.fix = fix
    self.detail = detail
  }

  /// The failure as one line: what, why and fix, for places that have one line only.
  package var sentence: String {
    [what, why, fix].compactMap(\.self).joined(separator: " ")
  }
}

extension Failure {
  /// A failure of a system call, in the system's words.
  ///
  /// - Parameters:
  ///   - what: What could not be done, a full sentence.
  ///   - code: The value of `errno`.
  ///   - fix: What to do about it.
  /// - Returns: A failure of kind `other`.
  package static func system(_ what: String, errno code: Int32, fix: String? = nil) -> Failure {
    Failure(.other, what, why: "The system says: \(errorText(code)).", fix: fix)
  }
}

extension Failure {
  /// What cannot happen as long as poddump has no fault.
  ///
  /// - Parameters:
  ///   - what: What could not be done, a full sentence.
  ///   - why: What was found instead of what must be, a full sentence.
  /// - Returns: A failure of kind `other`.
  package static func fault(_ what: String, _ why: String) -> Failure {
    Failure(
      .other, what, why: why, fix: "That is a fault of poddump: report it, with what -v says.")
  }
}
