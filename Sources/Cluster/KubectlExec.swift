package import Base

extension Kubectl {
  /// The command line that runs a program in a container, its standard streams joined to kubectl's.
  ///
  /// kubectl hands the words over untouched, without a shell. There is no terminal: one would turn
  /// 0x0a into 0x0d 0x0a.
  ///
  /// - Throws: `Failure` of kind `usage` when a name is none.
  package func execCommand(
    namespace: String, pod: String, container: String, argv: [String]
  ) throws(Failure) -> Command {
    command(try Self.exec(["-i"], namespace, pod, container, argv))
  }

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
    within patience: Patience? = nil
  ) async throws(Failure) -> KubectlExecEnd {
    let end = try await run(
      what, try Self.exec([], namespace, pod, container, argv), within: patience,
      into: CollectedOutput(what: what, limit: 64 << 10))
    return KubectlCause.execEnd(what, status: end.status, errors: end.errors)
  }

  private static func exec(
    _ flags: [String], _ namespace: String, _ pod: String, _ container: String, _ argv: [String]
  ) throws(Failure) -> [String] {
    try Target.check(namespace: namespace)
    try check(pod, isValid: ResourceName.isSubdomain(pod), "pod")
    try check(container, isValid: ResourceName.isLabel(container), "container")
    return ["exec"] + flags + ["-n", namespace, pod, "-c", container, "--"] + argv
  }
}
