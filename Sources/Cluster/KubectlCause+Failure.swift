package import Base

/// How a `kubectl exec` ended.
package enum KubectlExecEnd: Sendable, Equatable {
  /// The program ran in the container and ended with this status.
  case remoteExit(Int32)
  /// kubectl did not get as far as that, or was cut off.
  case failed(Failure)
}

extension KubectlCause {
  /// What kubectl's end means for a call that was expected to succeed.
  ///
  /// - Parameters:
  ///   - what: What was tried, a full sentence.
  ///   - status: How kubectl ended.
  ///   - errors: Its stderr, or the end of it.
  /// - Returns: nil when kubectl succeeded.
  package static func failure(_ what: String, status: ChildStatus, errors: String) -> Failure? {
    switch status {
    case .exited(0): return nil
    case .signalled(let signal):
      return Failure(
        .other, what, why: "kubectl was ended by signal \(signal).",
        fix: "Start again; if nobody ended it, see whether memory is short: dmesg.",
        detail: detail(errors))
    case .exited(let code):
      guard !KubectlMessage(errors).text.isEmpty else {
        return Failure(
          .other, what, why: "kubectl ended with exit status \(code) and said nothing.",
          fix: "Try kubectl get pods; where that is silent too, kubectl is broken.")
      }
      return KubectlCause(errors: errors).failure(what, detail: detail(errors))
    }
  }

  /// What the end of `kubectl exec` means.
  ///
  /// Newer runtimes report a program that cannot be started as its exit status 126 or 127, with the
  /// runtime's words on stderr; older ones as an internal error. Both read as the same failure here.
  package static func execEnd(
    _ what: String, status: ChildStatus, errors: String
  ) -> KubectlExecEnd {
    if case .exited(let code) = status {
      // Only what the runtime itself says counts: a shell of the container has the same statuses.
      if let cause = KubectlCause(runtime: errors) {
        return .failed(cause.failure(what, detail: detail(errors)))
      }
      if code == 0 || KubectlMessage.remoteStatus(errors) == code { return .remoteExit(code) }
    }
    let failure = failure(what, status: status, errors: errors)
    return failure.map(KubectlExecEnd.failed) ?? .remoteExit(0)
  }

  /// How runtimes begin when they report that a program cannot be started.
  private static let runtimeHeads = [
    "OCI runtime exec failed", "executable file `", "open executable: ",
  ]

  /// The cause in the runtime's own words, without the line that kubectl ends every remote failure with;
  /// nil when the runtime said nothing.
  private init?(runtime errors: String) {
    guard errors.contains("command terminated with exit code ") else { return nil }
    let lines = errors.split(whereSeparator: \.isNewline)
    guard
      let line = lines.first(where: { line in Self.runtimeHeads.contains { line.hasPrefix($0) } })
    else { return nil }
    switch KubectlCause(errors: "error: \(line)") {
    case .noProgram(let name, let why): self = .noProgram(name: name, why: why)
    case .processLimit: self = .processLimit
    default: return nil
    }
  }

  /// Nothing came from kubectl for too long; `isInteractive` says whether somebody could have it wait longer.
  package static func silence(
    _ what: String, after patience: Patience, isInteractive: Bool, errors: String = ""
  ) -> Failure {
    // A login program that waits for the user may have said so.
    let words = KubectlMessage(errors).quotation
    return Failure(
      .unreachable, what,
      why: "kubectl had no answer for \(patience.silenceText)."
        + (words.isEmpty ? "" : " kubectl's last words: \(words)."),
      fix: "Check the network, the VPN and the login: kubectl get --raw /version."
        + (isInteractive ? " --request-timeout=1m waits longer." : ""),
      detail: detail(errors))
  }

  /// A Status that the API sent with an answer of success in place of a list.
  static func failure(_ what: String, status: ListHead) -> Failure {
    let message = status.message ?? status.reason ?? "no reason given"
    let cause = KubectlCause(errors: "Error from server (\(status.reason ?? "")): \(message)")
    return cause.failure(what, detail: detail(message))
  }

  private static func detail(_ errors: String) -> String? {
    let text = errors.split(whereSeparator: \.isNewline).suffix(20).joined(separator: "\n")
    // The end counts, and there is no telling how long a line is.
    return text.isEmpty ? nil : printable(String(text.unicodeScalars.suffix(2000)))
  }

  /// The failure that the user sees.
  package func failure(_ what: String, detail: String? = nil) -> Failure {
    Failure(
      kind, what, why: printable(why, limit: 600), fix: printable(fix, limit: 600),
      detail: detail)
  }

  package var kind: Failure.Kind {
    switch self {
    case .noKubeconfig, .missingKubeconfig, .brokenKubeconfig, .expired, .oldKubectl, .unknown:
      .other
    case .badSelector, .badImageName: .usage
    case .rejected(let refusal): refusal.kind
    case .refused, .timedOut, .unreachable, .connectionLost, .insecure, .wrongProtocol,
      .overloaded, .kubeletUnreachable:
      .unreachable
    case .notLoggedIn, .loginProgramMissing, .loginFailed, .forbidden: .denied
    case .unknownContext, .unknownEntry, .notFound, .noSuchContainer: .notFound
    case .containerNotRunning, .podFinished, .podNotScheduled, .noProgram, .processLimit: .noRoute
    }
  }

  /// The failure's second sentence.
  var why: String {
    switch self {
    case .noKubeconfig:
      "No kubeconfig with a current context was found; kubectl then tries localhost:8080."
    case .missingKubeconfig(let path): "The kubeconfig \(path) does not exist."
    case .brokenKubeconfig(let words): "The kubeconfig cannot be used: \(words)."
    case .unknownContext(let name): "The kubeconfig has no context \"\(name)\"."
    case .unknownEntry(let words): "The kubeconfig is incomplete: \(words)."
    case .refused(let host): "Nothing accepts connections at \(host)."
    case .timedOut: "The API server did not answer in time."
    case .unreachable(let words): "The API server cannot be reached: \(words)."
    case .connectionLost(let words): "The connection to the API server broke: \(words)."
    case .insecure(let words): "The API server's certificate is not trusted: \(words)."
    case .wrongProtocol: "What answers at the server's address does not speak to kubectl."
    case .overloaded(let words): "The API server is not able to answer now: \(words)."
    case .notLoggedIn: "The API server does not accept the login, or there is none."
    case .loginProgramMissing(let name): "The login program \(name) is not installed."
    case .loginFailed(let text, let words):
      "The login failed: \(text)." + (words.map { " Before that: \($0)." } ?? "")
    case .forbidden(let denial): "Not allowed: \(denial.words)."
    case .notFound(let words): "The API server says: \(words)."
    case .noSuchContainer(let name): "The pod has no container \"\(name)\"."
    case .containerNotRunning(let name): "The container \"\(name)\" is not running."
    case .podFinished(let phase): "The pod is finished (\(phase)); no container of it runs."
    case .podNotScheduled: "The pod has not been given a node yet."
    case .noProgram("", .missing): "The container does not have the program."
    case .noProgram(let name, .missing): "The container has no program \"\(name)\"."
    case .noProgram("", .notExecutable): "The program cannot be run there: permission denied."
    case .noProgram(let name, .notExecutable):
      "The container's \"\(name)\" cannot be run: permission denied."
    case .noProgram(_, .wrongFormat): "The program is built for another architecture."
    case .noProgram("", .other): "The program cannot be started in the container."
    case .noProgram(let name, .other): "The program \"\(name)\" cannot be started in the container."
    case .kubeletUnreachable: "The API server cannot reach the kubelet on the pod's node."
    case .processLimit:
      "The container can start no other process: its limit of processes or of memory is reached."
    case .rejected(let refusal): refusal.why
    case .expired: "The API server no longer has what was asked for."
    case .badImageName(let name): "\"\(name)\" is no name of an image."
    case .oldKubectl(let flag): "This kubectl is too old: it does not know \(flag)."
    case .badSelector(let words): "The selector is not valid: \(words)."
    case .unknown(let words): "kubectl says: \(words)."
    }
  }

  /// The failure's third sentence.
  var fix: String {
    switch self {
    case .noKubeconfig:
      "Put one into ~/.kube/config, name it with KUBECONFIG or --kubeconfig, or set its current context."
    case .missingKubeconfig: "Check --kubeconfig and KUBECONFIG."
    case .brokenKubeconfig: "Correct the file; kubectl config view shows whether it can be read."
    case .unknownContext, .unknownEntry: "kubectl config get-contexts shows what there is."
    case .refused, .timedOut, .unreachable:
      "Check the network, the VPN and the server's address: kubectl cluster-info."
    case .connectionLost: "Start again; check the network and what stands between."
    case .insecure:
      "Check certificate-authority and the server's name in the kubeconfig, and the system's clock."
    case .wrongProtocol: "Check the server's address in the kubeconfig: https, host and port."
    case .overloaded: "Try again in a moment."
    case .notLoggedIn: "Log in again; kubectl get pods must work."
    case .loginProgramMissing: "Install it, or put its directory into PATH."
    case .loginFailed: "Log in by hand until kubectl get pods works."
    case .forbidden(let denial):
      if let verb = denial.verb, let resource = denial.resource {
        "Ask for the right to \(verb) \(resource)"
          + (denial.namespace.map { " in namespace \($0)." } ?? " in the whole cluster.")
      } else {
        "Ask whoever runs the cluster for this right."
      }
    case .notFound: "poddump list -A shows what there is."
    case .noSuchContainer: "Choose one of the pod's containers with -c."
    case .containerNotRunning: "Choose a running container with -c, or wait until it runs."
    case .podFinished: "Choose a pod that runs; poddump list shows them."
    case .podNotScheduled: "Wait until it runs; kubectl describe pod says what it waits for."
    case .noProgram(_, .wrongFormat): "Choose a container of the node's architecture with -c."
    case .noProgram: "Choose another container with -c."
    case .processLimit: "Use a route that starts nothing in this container: debug, ssh or node."
    case .rejected(let refusal): refusal.fix
    case .expired: "Start again."
    case .badImageName: "Write it as HOST/NAME:TAG, in lower case."
    case .oldKubectl: "Install a newer kubectl."
    case .kubeletUnreachable: "Check the node: kubectl get nodes."
    case .badSelector: "Write it as for kubectl: -l app=api,tier!=cache."
    case .unknown: "Try the same with kubectl; -v shows all it said."
    }
  }
}
