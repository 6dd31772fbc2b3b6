/// Why a selector cannot be read; the words are the API server's where a recording shows them.
package struct SelectorError: Error, Equatable {
  package var message: String
}

/// A label selector: requirements that must all hold
/// (Kubernetes documentation, "Labels and Selectors").
package struct LabelSelector: Sendable, Equatable {
  package enum Requirement: Sendable, Equatable {
    case exists(String)
    case missing(String)
    case isIn(String, Set<String>)
    case isNotIn(String, Set<String>)
  }

  package var requirements: [Requirement] = []

  /// Selects everything.
  package init() {}

  /// Selects what has all of these labels.
  package init(matching labels: [String: String]) {
    requirements = labels.map { .isIn($0.key, [$0.value]) }
  }

  /// Reads `a=b,c!=d,e in (f,g),h notin (i),j,!k`.
  /// - Throws: ``SelectorError``
  package init(_ text: String) throws(SelectorError) {
    var tokens = Tokens(text)
    guard tokens.next != .end else { return }
    while true {
      requirements.append(try Self.requirement(&tokens))
      switch tokens.take() {
      case .end: return
      case .comma: continue
      case let other:
        throw SelectorError(message: "found '\(other.text)', expected: ',' or 'end of string'")
      }
    }
  }

  package func matches(_ labels: [String: String]) -> Bool {
    requirements.allSatisfy { requirement in
      switch requirement {
      case .exists(let key): labels[key] != nil
      case .missing(let key): labels[key] == nil
      case .isIn(let key, let values): labels[key].map(values.contains) ?? false
      case .isNotIn(let key, let values): labels[key].map { !values.contains($0) } ?? true
      }
    }
  }

  private static func requirement(_ tokens: inout Tokens) throws(SelectorError) -> Requirement {
    if tokens.next == .not {
      _ = tokens.take()
      return .missing(try key(&tokens))
    }
    let key = try key(&tokens)
    switch tokens.next {
    case .end, .comma: return .exists(key)
    case .equals, .notEquals:
      let operation = tokens.take()
      var value = ""
      if case .word(let word) = tokens.next {
        value = word
        _ = tokens.take()
      }
      return operation == .equals ? .isIn(key, [value]) : .isNotIn(key, [value])
    case .word("in"), .word("notin"):
      let operation = tokens.take()
      let values = try values(&tokens)
      return operation == .word("in") ? .isIn(key, values) : .isNotIn(key, values)
    case let other:
      throw SelectorError(
        message:
          "unable to parse requirement: found '\(other.text)', expected: in, notin, =, ==, !=, gt, lt"
      )
    }
  }

  private static func key(_ tokens: inout Tokens) throws(SelectorError) -> String {
    guard case .word(let key) = tokens.next else {
      throw SelectorError(
        message: "unable to parse requirement: found '\(tokens.next.text)', expected: identifier")
    }
    _ = tokens.take()
    return key
  }

  private static func values(_ tokens: inout Tokens) throws(SelectorError) -> Set<String> {
    guard tokens.take() == .open else {
      throw SelectorError(message: "unable to parse requirement: expected: '('")
    }
    var values: Set<String> = []
    while true {
      switch tokens.take() {
      case .word(let value): values.insert(value)
      case .comma: continue
      case .close: return values
      case let other:
        throw SelectorError(
          message: "unable to parse requirement: found '\(other.text)', expected: ',', or ')'")
      }
    }
  }
}

/// The words and signs of a selector.
private struct Tokens {
  enum Token: Equatable {
    case word(String)
    case equals, notEquals, not, comma, open, close, end

    var text: String {
      switch self {
      case .word(let word): word
      case .equals: "="
      case .notEquals: "!="
      case .not: "!"
      case .comma: ","
      case .open: "("
      case .close: ")"
      case .end: ""
      }
    }
  }

  private var rest: Substring
  private(set) var next: Token = .end

  init(_ text: String) {
    rest = Substring(text)
    next = scan()
  }

  /// The next token, which is thereby consumed.
  mutating func take() -> Token {
    defer { next = scan() }
    return next
  }

  private mutating func scan() -> Token {
    rest = rest.drop { $0.isWhitespace }
    for (sign, token) in [
      ("==", Token.equals), ("=", .equals), ("!=", .notEquals), ("!", .not), (",", .comma),
      ("(", .open), (")", .close),
    ] where rest.hasPrefix(sign) {
      rest = rest.dropFirst(sign.count)
      return token
    }
    let word = rest.prefix { !$0.isWhitespace && !"=!,()".contains($0) }
    rest = rest.dropFirst(word.count)
    return word.isEmpty ? .end : .word(String(word))
  }
}
