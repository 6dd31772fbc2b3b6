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
  /// - Returns: The shell and its arguments.
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

extension Kubectl {
  /// Looks into a container, and lends what was found and the shell that found it.
  ///
  /// - Parameters:
  ///   - container: The container.
  ///   - pod: Its pod.
  ///   - name: What the shell and what becomes of it are called.
  ///   - body: Works with the shell.
  /// - Returns: What `body` returned.
  /// - Throws: `Failure` when the container has no shell, or cannot be looked into; or what `body` throws.
  func withShell<R: Sendable>(
    in container: Container, of pod: Pod, name: String = "poddump",
    _ body: @escaping @Sendable (ContainerFacts, FarShell) async throws(Failure) -> R
  ) async throws(Failure) -> R {
    try await withShell(
      namespace: pod.namespace, pod: pod.name, container: container.name,
      argv: ContainerScript.arguments(
        name: name, directories: ContainerFacts.directories(of: container)),
      "Cannot look into \(pod.namespace)/\(pod.name) (container \(container.name)) by exec."
    ) { shell async throws(Failure) in
      try await body(try await shell.askContainer(self), shell)
    }
  }
}

extension FarShell {
  /// Reads what a container's shell says, through this kubectl.
  ///
  /// - Throws: `Failure` when it does not answer as a shell does.
  func askContainer(_ kubectl: Kubectl) async throws(Failure) -> ContainerFacts {
    let answer = try await Exchange([], end: NodeScript.answered)
      .run(streams, within: kubectl.patience.silence)
    if answer.isComplete, let facts = ContainerFacts(answer: answer.text) { return facts }
    let detail = printable(answer.errors + answer.text, limit: 2000)
    func refusal(_ why: String) -> Failure {
      Failure(
        .noRoute, what, why: why,
        fix:
          "Choose another container with -c, or a route that does not need its shell: debug, ssh "
          + "or node.", detail: detail.isEmpty ? nil : detail)
    }
    // Before the end, which is then of our own making.
    if answer.isTooLong {
      _ = await end(answer.errors)
      throw refusal(
        "The container's shell answered with more than 1 MiB, which no shell of ours does.")
    }
    // kubectl itself has no more than a few lines to say.
    if answer.errors.utf8.count >= Exchange.errorLimit {
      _ = await end(answer.errors)
      throw refusal(
        "The container's shell floods standard error: \(excerpt(answer.errors)).")
    }
    if answer.isLate {
      _ = await end(answer.errors)
      // bash tries again and again to start what it cannot.
      let cause = ExitCause(status: 1, messages: answer.errors)
      if cause == .processLimit {
        throw cause.failure(what, program: "sh", place: "the container", detail: detail)
      }
      guard answer.text.isEmpty else {
        throw refusal(
          "The container's shell began to answer and did not come to an end within "
            + "\(kubectl.patience.silenceText).")
      }
      throw KubectlCause.silence(
        what, after: kubectl.patience, isInteractive: kubectl.isInteractive, errors: answer.errors)
    }
    if case .failed(let failure) = await end(answer.errors) { throw failure }
    let words = answer.errors.split(whereSeparator: \.isNewline).filter {
      !$0.hasPrefix("command terminated with exit code ")
    }
    let said = excerpt(words.isEmpty ? answer.text : words.joined(separator: "\n"))
    throw refusal(
      "The container's shell did not answer as a POSIX shell does"
        + (said.isEmpty ? "." : ". It says: \(said)."))
  }
}
