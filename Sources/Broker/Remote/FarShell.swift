internal import Base
internal import Cluster
internal import SSH

/// A shell at the far end that has one connection and does everything in it: it answers a question with facts,
/// takes an engine if there is one to put there, waits for its order, and becomes the stanza, or the engine
/// itself.
struct FarShell: Sendable {
  /// Our ends of its streams.
  let streams: RemoteStreams
  /// The first sentence of a failure to ask it: "Cannot look at node n1 by ssh."
  let what: String
  /// What may be the matter where nothing answers, beside a node that has too much to do; a sentence's part.
  let suspicion: String
  private let finish: @Sendable (String) async -> RemoteEnd
  private let ended = Locked(false)
  /// Whether a capture has it already.
  private let isTaken = Locked(false)

  /// A shell at the end of an ssh connection.
  init(process: SSHProcess, place: String) {
    streams = process.streams
    what = "Cannot look at \(place) by ssh."
    suspicion =
      process.engine == .openssh ? " or the ssh agent does not answer (SSH_AUTH_SOCK)," : ""
    finish = { await process.end(errors: $0) }
  }

  /// A shell at the end of a kubectl exec.
  init(child: Child, what: String) {
    streams = RemoteStreams(input: child.input, output: child.output, errors: child.errors)
    self.what = what
    suspicion = ""
    finish = { errors in
      // kubectl ends as soon as the far end has; the grace is for a connection that is dead.
      let status = await child.end(grace: .milliseconds(500))
      return switch KubectlCause.execEnd(what, status: status, errors: errors) {
      case .remoteExit(let code): .exited(code)
      case .failed(let failure): .failed(failure)
      }
    }
  }

  /// Closes its input and waits for its end.
  ///
  /// - Parameter errors: What it wrote to standard error.
  /// - Returns: The exit status, or why there is none.
  func end(_ errors: String) async -> RemoteEnd {
    let end = await finish(errors)
    if case .exited = end { ended.value = true }
    return end
  }

  /// Whether its end is known: where the connection was lost, it may still be there.
  var hasEnded: Bool { ended.value }

  /// Takes it for a capture; false when one has it, or had it.
  func take() -> Bool {
    isTaken.withLock { taken in
      defer { taken = true }
      return !taken
    }
  }

  /// Ends it, if no capture has it.
  func dismiss() {
    if take() { streams.input.close() }
  }

  /// Puts an engine there, through the same connection.
  ///
  /// - Returns: Why it cannot be run from there; nil when it can.
  /// - Throws: `Failure` when the connection is at fault.
  func put(
    _ bytes: [UInt8], digest: String, _ placement: Placement, at path: String, _ what: String
  ) async throws(Failure) -> Failure? {
    let request = NodeScript.put(path: path, size: bytes.count, isTap: placement.file.isTap)
    let answer = try await Exchange(Array(request.utf8) + bytes, end: NodeScript.placed)
      .run(streams, within: Placement.patience, silence: Placement.silence)
    guard answer.isComplete else {
      _ = await end(answer.errors)
      let detail = printable(answer.errors, limit: 1000)
      if answer.isLate {
        let seconds = (answer.isStuck ? Placement.silence : Placement.patience).components.seconds
        throw Failure(
          .unreachable, what,
          why: answer.isStuck
            ? "The shell there did not take the engine: nothing moved for \(seconds) s."
            : "The engine could not be put there within \(seconds) s.",
          fix: "See whether it or the connection is overloaded; or use another route.",
          detail: detail)
      }
      if answer.isTooLong {
        throw Failure(
          .other, what, why: "The shell there wrote without end while the engine was put there.",
          fix: "Use another route.", detail: detail)
      }
      throw Failure(
        .unreachable, what, why: "The connection broke while the engine was put there.",
        fix: "Try again.", detail: detail)
    }
    let said = printable(answer.text + answer.errors, limit: 300)
    switch placement.arrival(answer.text, digest: digest) {
    case .whole: return nil
    case .unusable: break
    case .other:
      throw Failure(
        .other, what, why: "What arrived in \(path) is not what was sent.",
        fix: "Try again; see whether the disk there is full.", detail: said)
    }
    let cause = ExitCause(status: 126, messages: said)
    if cause == .wrongArchitecture {
      return cause.failure(what, program: "The engine", place: path, detail: said)
    }
    let last = said.split(whereSeparator: \.isNewline).last { !$0.hasPrefix(NodeScript.placed) }
    return Failure(
      .noRoute, what,
      why: "A program cannot be put into \(path) and run there" + (last.map { ": \($0)." } ?? "."),
      fix: "Use another route.", detail: said)
  }
}

extension Kubectl {
  /// Starts a shell in a container and lends it to `body`.
  ///
  /// - Parameters:
  ///   - namespace: The pod's namespace.
  ///   - pod: The pod's name.
  ///   - container: The container's name.
  ///   - argv: The shell and its arguments.
  ///   - what: The first sentence of a failure.
  ///   - body: Asks it first.
  /// - Returns: What `body` returned.
  /// - Throws: `Failure` when kubectl cannot be started, or what `body` throws.
  func withShell<R: Sendable>(
    namespace: String, pod: String, container: String, argv: [String], _ what: String,
    _ body: @escaping @Sendable (FarShell) async throws(Failure) -> R
  ) async throws(Failure) -> R {
    try await withChild(
      execCommand(namespace: namespace, pod: pod, container: container, argv: argv),
      grace: .milliseconds(500)
    ) { child async throws(Failure) in
      try await body(FarShell(child: child, what: what))
    }.0
  }
}
