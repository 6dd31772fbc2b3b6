package import Base

/// What one of several concurrent questions gave, and which it was.
private struct RightAnswer: Sendable {
  let right: Right
  var result: Result<Bool, Failure>
}

extension Kubectl {
  /// How many questions are asked side by side; each is a kubectl of some 50 MB.
  private static let questionsAtOnce = 4

  /// Asks the API server whether the user may do something.
  ///
  /// - Throws: `Failure` when there is no answer; "no" is one.
  package func isAllowed(_ right: Right, within patience: Patience? = nil) async throws(Failure)
    -> Bool
  {
    let what = "Cannot find out whether you may \(right.text)\(whereText)."
    if let namespace = right.namespace { try Target.check(namespace: namespace) }
    let answer = try await raw(
      what, "create", APIPath("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"),
      sending: Array(right.review.line.utf8), within: patience)
    switch answer {
    case .refused(let refusal): throw refusal.failure(what)
    case .accepted(let json):
      let allowed: Result<Bool?, JSONError> = json.withUnsafeBytes { bytes in
        Result { () throws(JSONError) in try Right.isAllowed(bytes) }
      }
      guard case .success(let found?) = allowed else {
        throw .unreadable(what, "The answer says neither yes nor no.")
      }
      return found
    }
  }

  /// Asks for several rights, four at a time.
  ///
  /// - Returns: For each right whether the user has it.
  /// - Throws: The first `Failure` there was.
  package func areAllowed(
    _ rights: [Right], within patience: Patience? = nil
  ) async throws(Failure) -> [Right: Bool] {
    var rest = Set(rights)
    let results = await withTaskGroup(of: RightAnswer.self) { group in
      func ask() {
        guard let right = rest.popFirst() else { return }
        group.addTask {
          var answer = RightAnswer(right: right, result: .success(false))
          do throws(Failure) {
            answer.result = .success(try await isAllowed(right, within: patience))
          } catch {
            answer.result = .failure(error)
          }
          return answer
        }
      }
      for _ in 0..<Self.questionsAtOnce { ask() }
      var results: [RightAnswer] = []
      for await answer in group {
        results.append(answer)
        ask()
      }
      return results
    }
    var allowed: [Right: Bool] = [:]
    for answer in results { allowed[answer.right] = try answer.result.get() }
    return allowed
  }
}
