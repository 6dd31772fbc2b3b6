package import Base

extension Kubectl {
  /// Runs a program in a container without input, whatever its exit status.
  ///
  /// - Parameters:
  ///   - what: What the caller tries, for the failure's first sentence.
  ///   - namespace: The pod's namespace.
  ///   - pod: The pod's name.
  ///   - container: The container's name.
  ///   - argv: The program there and its arguments.
  ///   - patience: How long it may take.
  /// - Returns: How it ended.
  /// - Throws: `Failure` when kubectl cannot be started, is silent too long, or prints too much.
  package func execEnd(
    _ what: String, namespace: String, pod: String, container: String, argv: [String],
    within patience: Patience = .standard
  ) async throws(Failure) -> KubectlExecEnd {
    // The same words, but for the flag that joins the standard input.
    let command = try execCommand(namespace: namespace, pod: pod, container: container, argv: argv)
    let words = command.arguments.drop { $0 != "exec" }.filter { $0 != "-i" }
    let end = try await run(
      what, words, within: patience, into: CollectedOutput(what: what, limit: 64 << 10))
    return KubectlCause.execEnd(what, status: end.status, errors: end.errors)
  }
}
