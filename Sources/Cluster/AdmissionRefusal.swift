package import Base

/// What the API server said to an object that was, or would have been, created or changed.
package enum AdmissionAnswer: Sendable, Equatable {
  case accepted
  case refused(AdmissionRefusal)

  /// The refusal, nil when there is none.
  package var refusal: AdmissionRefusal? {
    if case .refused(let refusal) = self { refusal } else { nil }
  }
}

/// Why the API server did not take an object. Reaching it, and logging in, are no part of this.
package struct AdmissionRefusal: Sendable, Equatable {
  /// Who refused, and with which words.
  package enum Cause: Sendable, Equatable {
    /// The namespace's Pod Security level. The level is nil when it is none that this program knows.
    case podSecurity(level: PodSecurityLevel?, violations: [String])
    /// None of OpenShift's security context constraints that the user may use takes it; what each says.
    case securityContext(String)
    /// A resource quota or a limit range of the namespace.
    case quota(String)
    /// A webhook that was asked and said no.
    case webhook(name: String, message: String)
    /// A webhook that should have been asked and cannot be.
    case webhookUnreachable(name: String, message: String)
    /// A ValidatingAdmissionPolicy.
    case policy(name: String, message: String)
    /// A right that is missing, or another reason for 403.
    case forbidden(AccessDenial)
    /// The object breaks a rule of the API.
    case invalid(String)
    /// Static pods take no ephemeral containers.
    case staticPod
    /// The object was changed by somebody else in the meantime.
    case conflict
    /// The pod has been replaced by another of the same name.
    case replaced
    /// An object of this name is there already.
    case exists
    /// The pod, or the namespace, is not there.
    case notFound(String)
    /// Anything else that the API server said.
    case other(String)
  }

  package var cause: Cause
  /// The far end's own words, printable and bounded.
  package var words: String

  package init(_ cause: Cause, words: String = "") {
    self.cause = cause
    self.words = words
  }

  /// Reads kubectl's words.
  ///
  /// - Returns: nil when they are not about a refusal of the API server.
  package init?(errors: String) {
    let message = KubectlMessage(errors)
    guard let cause = Cause(message) else { return nil }
    self.init(cause, words: printable(message.text, limit: 2000))
  }

  /// The failure that the user sees.
  ///
  /// - Parameter what: What was tried, a full sentence.
  /// - Returns: What, why and what to do.
  package func failure(_ what: String) -> Failure {
    Failure(
      cause.kind, what, why: printable(cause.why, limit: 1000),
      fix: printable(cause.fix, limit: 600),
      detail: words.isEmpty ? nil : words)
  }
}

extension AdmissionRefusal.Cause {
  /// Reads kubectl's last message; nil when it is of another kind.
  init?(_ message: KubectlMessage) {
    guard let cause = Self.admission(message) ?? Self.answer(message) else { return nil }
    self = cause
  }

  /// Refusals that every request to the API server may meet, exec included.
  static func admission(_ message: KubectlMessage) -> Self? {
    if let rest = message.between("violates PodSecurity \"", "") {
      let level = rest.prefix { $0 != ":" && $0 != "\"" }
      let list = rest.firstIndex(of: "\"").map { rest[$0...].dropFirst(3) } ?? ""
      return .podSecurity(
        level: PodSecurityLevel(rawValue: String(level)), violations: violations(list))
    }
    // OpenShift's admission plugin SecurityContextConstraint: no right is missing, though it answers 403 as well.
    // Its list, a reason for each constraint, is in brackets.
    if let rest = message.between(
      "unable to validate against any security context constraint: ", "")
    {
      let list =
        rest.hasPrefix("[") && rest.hasSuffix("]") ? rest.dropFirst().dropLast() : rest[...]
      return .securityContext(String(list))
    }
    for sign in ["exceeded quota: ", "failed quota: "] {
      if let words = message.between(sign, "") { return .quota("\(sign)\(words)") }
    }
    if let list = message.between("is forbidden: [", ""), list.contains(" usage per ") {
      return .quota(String(list.last == "]" ? list.dropLast() : list[...]))
    }
    if let words = message.between("is forbidden: ", ""), words.contains(" usage per ") {
      return .quota(words)
    }
    if let rest = message.between("admission webhook \"", "") {
      let name = rest.prefix { $0 != "\"" }
      let denied = rest.ranges(of: " denied the request").first.map { rest[$0.upperBound...] } ?? ""
      return .webhook(
        name: String(name), message: String(denied.trimmingPrefix { ": ".contains($0) }))
    }
    if let rest = message.between("failed calling webhook \"", "") {
      let name = rest.prefix { $0 != "\"" }
      let words = rest.dropFirst(name.count + 1).trimmingPrefix(": ")
      return .webhookUnreachable(
        name: String(name), message: String(words.trimmingPrefix("failed to call webhook: ")))
    }
    if let rest = message.between("ValidatingAdmissionPolicy '", "") {
      let name = rest.prefix { $0 != "'" }
      let denied = rest.ranges(of: "denied request: ").first.map { rest[$0.upperBound...] } ?? ""
      return .policy(name: String(name), message: String(denied))
    }
    return nil
  }

  /// What the API itself says to an object.
  private static func answer(_ message: KubectlMessage) -> Self? {
    if message.has("static pods do not support ephemeral containers") { return .staticPod }
    if message.has("(AlreadyExists)") { return .exists }
    if message.has("Precondition failed: UID in precondition")
      || message.has("the UID in the precondition")
    {
      return .replaced
    }
    if message.has("(Conflict)") { return .conflict }
    if message.has("(Forbidden)") || message.has("is forbidden: ") {
      return .forbidden(AccessDenial(message.quotation))
    }
    if message.has("(NotFound)") {
      return .notFound(message.between("(NotFound): ", "") ?? message.quotation)
    }
    if let words = message.between(" is invalid: ", ""), message.text.hasPrefix("The ") {
      return .invalid(printable(words, limit: 300))
    }
    if message.has("(BadRequest)") || message.has("(Invalid)")
      || message.has("(RequestEntityTooLarge)") || message.has("(UnsupportedMediaType)")
    {
      return .invalid(words(message))
    }
    if message.text.hasPrefix("Error from server (InternalError)")
      || message.text.hasPrefix("Error from server: ")
    {
      return .other(words(message))
    }
    return nil
  }

  /// The server's words without kubectl's before them.
  private static func words(_ message: KubectlMessage) -> String {
    let words = message.quotation
    guard words.hasPrefix("Error from server ("), let head = words.ranges(of: "): ").first else {
      return words
    }
    return String(words[head.upperBound...])
  }

  /// The list behind the level: "a (x, y), b (z)" is two; commas within brackets or quotes divide nothing.
  private static func violations(_ list: Substring) -> [String] {
    var result: [String] = []
    var depth = 0
    var isQuoted = false
    var word = ""
    for character in list {
      switch character {
      case "\"": isQuoted.toggle()
      case "(" where !isQuoted: depth += 1
      case ")" where !isQuoted: depth -= 1
      default: break
      }
      if character == ",", depth == 0, !isQuoted {
        result.append(word)
        word = ""
      } else if !(word.isEmpty && character == " ") {
        word.append(character)
      }
    }
    return word.isEmpty ? result : result + [word]
  }
}
