/// Why kubectl failed, read from its words; those have been the same from 1.20 to 1.36 in the parts
/// that are matched here.
package enum KubectlCause: Sendable, Equatable {
  case noKubeconfig
  /// A file named by --kubeconfig or KUBECONFIG that is not there.
  case missingKubeconfig(String)
  case brokenKubeconfig(String)
  case unknownContext(String)
  /// A cluster or user that the kubeconfig does not describe.
  case unknownEntry(String)
  case refused(host: String)
  case timedOut
  case unreachable(String)
  /// A connection that stood has broken.
  case connectionLost(String)
  case insecure(String)
  /// Something answers that is no API server, or http and https are mixed up.
  case wrongProtocol
  case overloaded(String)
  /// 401, or no credentials at all.
  case notLoggedIn
  /// A login program that kubectl wants to start is not installed.
  case loginProgramMissing(String)
  /// A login program failed; its own words, if it had any.
  case loginFailed(String, words: String?)
  /// A right that is missing, or another reason for 403.
  case forbidden(AccessDenial)
  case notFound(String)
  case noSuchContainer(String)
  case containerNotRunning(String)
  case podFinished(phase: String)
  case podNotScheduled
  case noProgram(name: String, why: MissingProgram)
  /// The container has no process, or no memory, left for another one.
  case processLimit
  case kubeletUnreachable
  /// What the API server refuses whoever asks: webhooks, policies, quotas, rules of the API.
  case rejected(AdmissionRefusal.Cause)
  /// What was asked for is too old to be answered (410).
  case expired
  /// An image's name that kubectl does not accept.
  case badImageName(String)
  /// A flag that this kubectl does not know.
  case oldKubectl(flag: String)
  case badSelector(String)
  case unknown(String)

  /// Why a program cannot be started in a container.
  package enum MissingProgram: Sendable, Equatable {
    case missing, notExecutable, wrongFormat, other
  }

  /// What kubectl's words mean.
  ///
  /// - Parameter errors: Its stderr, or the end of it.
  package init(errors: String) {
    let message = KubectlMessage(errors)
    self =
      Self.login(message) ?? Self.configuration(message)
      // Before all that is read from an exec or a connection: a webhook's words may quote either.
      ?? AdmissionRefusal.Cause.admission(message).map(KubectlCause.rejected)
      ?? Self.exec(message) ?? Self.connection(message) ?? Self.answer(message)
      ?? .unknown(message.quotation)
  }

  private static func login(_ message: KubectlMessage) -> KubectlCause? {
    if message.has("auth plugin has been removed") {
      let wanted = message.between("Please use the \"", "\"")
      return .loginProgramMissing(wanted ?? "named in the kubeconfig")
    }
    if let program = message.between("exec: executable ", " not found") {
      return .loginProgramMissing(program)
    }
    if message.has("getting credentials: ") || message.has("exec plugin: ")
      || message.has("default token source")
    {
      let words = message.quotation.trimmingPrefix("getting credentials: ")
      return .loginFailed(String(words), words: message.before)
    }
    if message.has("You must be logged in to the server") || message.has("Unauthorized")
      || message.text == "error: EOF" || message.text.hasPrefix("error: Please enter Username")
    {
      return .notLoggedIn
    }
    return nil
  }

  private static func configuration(_ message: KubectlMessage) -> KubectlCause? {
    if let name = message.between("context was not found for specified context: ", "")
      ?? message.between("error: context \"", "\" does not exist")
    {
      return .unknownContext(name)
    }
    if message.has("no server found for cluster") || message.has("auth info \"")
      || message.has("error: cluster \"")
    {
      return .unknownEntry(message.quotation)
    }
    if message.has("server localhost:8080 was refused") { return .noKubeconfig }
    if message.has("Error in configuration") {
      let lines = message.text.split(separator: "\n").dropFirst()
      return .brokenKubeconfig(lines.map { $0.trimmingPrefix("* ") }.joined(separator: "; "))
    }
    if message.has("error loading config file ") {
      let words = message.quotation.trimmingPrefix("error loading config file ")
      return .brokenKubeconfig(String(words))
    }
    if let path = message.between("error: stat ", ": no such file or directory") {
      return .missingKubeconfig(path)
    }
    if message.has("host must be a URL")
      || message.text.hasPrefix("error: stat ") || message.has("invalid configuration")
    {
      return .brokenKubeconfig(message.quotation)
    }
    return nil
  }

  private static func connection(_ message: KubectlMessage) -> KubectlCause? {
    if message.has("x509: ") || message.has("tls: ") { return .insecure(message.quotation) }
    if message.has("server gave HTTP response to HTTPS client")
      || message.has("the server rejected our request for an unknown reason")
    {
      return .wrongProtocol
    }
    if let host = message.between("The connection to the server ", " was refused") {
      return .refused(host: host)
    }
    let timeouts = [
      "context deadline exceeded", "Client.Timeout", "i/o timeout", "TLS handshake timeout",
    ]
    if timeouts.contains(where: message.has) { return .timedOut }
    let breaks = [
      "connection reset by peer", "connection lost", "lost connection", "unexpected EOF",
      "broken pipe", "use of closed network connection", "websocket: close", "stream error: ",
    ]
    if breaks.contains(where: message.has) { return .connectionLost(message.quotation) }
    let signs = [
      "Unable to connect to the server", "no route to host", "connection refused",
      "no such host", "proxyconnect", "error sending request",
    ]
    return signs.contains(where: message.has) ? .unreachable(message.quotation) : nil
  }

  private static func answer(_ message: KubectlMessage) -> KubectlCause? {
    if message.has("is forbidden: ") || message.has("(Forbidden)")
      || message.has("Forbidden (user=")
    {
      return .forbidden(AccessDenial(message.quotation))
    }
    if message.has("(Expired)") { return .expired }
    if let name = message.between("invalid image name \"", "\"") { return .badImageName(name) }
    if let flag = message.between("error: unknown flag: ", "") { return .oldKubectl(flag: flag) }
    if message.has("(NotFound)") || message.has("doesn't have a resource type")
      || message.has(" not found") || message.has("pod does not exist")
      || message.has("without a selector")
    {
      return .notFound(message.between("(NotFound): ", "") ?? message.quotation)
    }
    if message.has("unable to parse requirement") || message.has("field label not supported")
      || message.has("that match label selector")
    {
      return .badSelector(message.quotation)
    }
    if message.has("(ServiceUnavailable)") || message.has("(TooManyRequests)")
      || message.has("currently unable to handle the request")
      || message.has("(Timeout)") || message.has("etcdserver: ")
    {
      return .overloaded(message.quotation)
    }
    return AdmissionRefusal.Cause(message).map(KubectlCause.rejected)
  }

  private static func exec(_ message: KubectlMessage) -> KubectlCause? {
    if message.has("error dialing backend") || message.has(":10250/") {
      return .kubeletUnreachable
    }
    if message.has(" is not valid for pod ") {
      return .noSuchContainer(message.between("container ", " is not valid") ?? "")
    }
    if let name = message.between("container not found (\"", "\")") {
      return .containerNotRunning(name)
    }
    if let phase = message.between("in a completed pod; current phase is ", "") {
      return .podFinished(phase: phase)
    }
    if message.has("does not have a host assigned") { return .podNotScheduled }
    return program(message)
  }

  /// What container runtimes say about a program that cannot be started: containerd and runc as
  /// recorded, crun 1.8.1 as measured.
  private static func program(_ message: KubectlMessage) -> KubectlCause? {
    let isMissing = message.has("executable file ") && message.has(" not found")
    guard
      isMissing || message.has("error executing command in container")
        || message.has("unable to start container process") || message.has("open executable: ")
    else { return nil }
    // runc's helper was killed, or could not start a thread, before it reached the program.
    if message.has("read init-p: connection reset by peer")
      || message.text.lowercased().contains("resource temporarily unavailable")
    {
      return .processLimit
    }
    let name = message.between("exec: \"", "\"") ?? message.between("executable file `", "`") ?? ""
    let why: MissingProgram =
      message.text.contains("xec format error")
      ? .wrongFormat
      : message.has("ermission denied") || message.has("Operation not permitted")
        ? .notExecutable
        : isMissing || message.has("no such file or directory") ? .missing : .other
    return .noProgram(name: name, why: why)
  }
}
