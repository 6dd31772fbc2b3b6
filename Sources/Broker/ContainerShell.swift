internal import Base
internal import Cluster

/// The one piece of shell that a container runs: it says what there is, waits for its order, and becomes the
/// stanza or the engine. Constant; what it is asked about comes as parameters.
enum ContainerScript {
  /// The words that start it: in bash where there is one, which can time its reads.
  ///
  /// - Parameters:
  ///   - name: What its processes are called.
  ///   - directories: Where a file could be put.
  static func arguments(name: String = "poddump", directories: [String]) -> [String] {
    ["sh", "-c", loader, "sh", text, name] + directories
  }

  private static let loader =
    #"command -v bash >/dev/null && exec bash -c "$@"; exec sh -c "$@""#

  private static let text = """
    \(ContainerFacts.questions)
    \(ContainerFacts.directoryQuestions)
    echo \(NodeScript.answered)
    \(NodeScript.order)
    \(Stanza.script)
    """
}

extension FarShell {
  /// Reads what a container's shell says.
  ///
  /// - Throws: `Failure` when it does not answer as a shell does.
  func askContainer() async throws(Failure) -> ContainerFacts {
    let answer = try await Exchange([], end: NodeScript.answered)
      .run(streams, within: Patience.standard.silence)
    if answer.isComplete, let facts = ContainerFacts(answer: answer.text) { return facts }
    let detail = printable(answer.errors + answer.text, limit: 2000)
    if answer.isLate {
      _ = await end(answer.errors)
      throw KubectlCause.silence(
        what, after: .standard, errors: answer.errors)
    }
    if case .failed(let failure) = await end(answer.errors) { throw failure }
    throw Failure(
      .other, what, why: "The container's shell did not answer as a POSIX shell does.",
      fix: "Choose another container with -c.", detail: detail.isEmpty ? nil : detail)
  }
}
