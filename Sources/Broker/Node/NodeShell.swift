internal import Base

extension FarShell {
  /// How long the answer may take, in seconds: the runtimes' commands may hang for three each.
  private static let patience = Duration.seconds(25)
  /// The most bytes of an answer.
  private static let limit = 1 << 20

  /// Asks a node's shell and waits for the answer.
  ///
  /// - Throws: `Failure` when there is none: the connection failed, or something else answers than a shell.
  func ask(_ question: NodeQuestion) async throws(Failure) -> NodeFacts {
    // A far end that is gone already says why when its streams are read.
    let script = Array(NodeScript.text(question).utf8)
    let answer = try await Exchange(script, end: NodeScript.answered, limit: Self.limit)
      .run(streams, within: Self.patience)
    if answer.isComplete, var facts = NodeFacts(answer: answer.text) {
      let lines = answer.errors.split(whereSeparator: \.isNewline)
      facts.sudoSays = lines.last { $0.hasPrefix("sudo: ") }.map { printable($0, limit: 200) }
      return facts
    }
    throw await failure(answer)
  }

  /// Why there is no answer.
  private func failure(_ answer: Exchange) async -> Failure {
    let end = await end(answer.errors)
    let said = excerpt(answer.text.isEmpty ? answer.errors : answer.text)
    let detail = printable(answer.errors + answer.text, limit: 2000)
    func refusal(_ why: String, _ fix: String) -> Failure {
      Failure(.noRoute, what, why: why, fix: fix, detail: detail.isEmpty ? nil : detail)
    }
    if answer.isTooLong {
      return refusal(
        "It answered with more than \(Self.limit >> 20) MiB, which no shell of ours does.",
        "See what the login shell there prints: ssh to it, and run true.")
    }
    // Before the end, which is then of our own making.
    if answer.isLate {
      return Failure(
        .unreachable, what,
        why: "It took longer than \(Self.patience.components.seconds) s to answer.",
        fix: "See whether the node is overloaded,\(suspicion) and try again.",
        detail: detail.isEmpty ? nil : detail)
    }
    switch end {
    case .failed(let failure): return failure
    case .exited(let code):
      if answer.errors.contains("restricted") || code == 127 || code == 126 {
        return refusal(
          "The login shell there may not start sh (exit status \(code)): \(said).",
          "Log in as a user with an ordinary shell: user in [ssh] of the configuration.")
      }
      if answer.text.contains(NodeScript.greeting) {
        return Failure(
          .unreachable, what, why: "Its answer broke off (exit status \(code)).",
          fix: "Try again; see whether something on the node ends the login's processes.",
          detail: detail.isEmpty ? nil : detail)
      }
      return refusal(
        said.isEmpty
          ? "The login there ended with exit status \(code) and without a word."
          : "Something else than a shell answered: \(said).",
        "Log in as a user whose shell runs commands, without a forced command: user in [ssh] of the "
          + "configuration.")
    }
  }
}
