package import Base

extension SSHCause {
  /// How a process at the far end ended, from how the OpenSSH client did.
  ///
  /// Exit status 255 is ssh's own, but also that of a command that ends so or dies of a signal: without
  /// words of ssh's own it is the command's.
  ///
  /// - Parameters:
  ///   - what: What was tried, a full sentence.
  ///   - status: How ssh ended.
  ///   - errors: What came on standard error, or the end of it.
  /// - Returns: The command's exit status, or why there is none.
  package static func end(_ what: String, status: ChildStatus, errors: String) -> RemoteEnd {
    switch status {
    case .exited(255):
      guard let cause = SSHCause(errors: errors) else { return .exited(255) }
      return .failed(cause.failure(what, detail: errors))
    case .exited(let code): return .exited(code)
    case .signalled(let signal):
      let failure = Failure(
        .other, what, why: "The ssh client was ended by signal \(signal).",
        detail: errors.isEmpty ? nil : printable(errors))
      return .failed(failure)
    }
  }

  /// The failure in words.
  ///
  /// - Parameters:
  ///   - what: What was tried, a full sentence.
  ///   - detail: All that ssh said.
  /// - Returns: The failure.
  package func failure(_ what: String, detail: String = "") -> Failure {
    Failure(kind, what, why: why, fix: fix, detail: detail.isEmpty ? nil : printable(detail))
  }

  var kind: Failure.Kind {
    switch self {
    case .refused, .unknownName, .unreachable, .timedOut, .silent, .closedEarly, .wrongProtocol,
      .proxy, .connectionLost:
      .unreachable
    case .hostKeyUnknown, .hostKeyChanged, .hostKeyRevoked, .denied, .tooManyKeys: .denied
    case .negotiation, .badSetting, .unknown: .other
    }
  }

  private var refusal: HostKeyRefusal? {
    switch self {
    case .hostKeyUnknown(let type): .unknown(key: type, add: nil)
    case .hostKeyChanged(let key, let place): .changed(key: key, place: place)
    case .hostKeyRevoked(let type): .revoked(key: type, place: nil)
    default: nil
    }
  }

  /// The failure's second sentence.
  var why: String {
    switch self {
    case .refused(let place): "Nothing accepts ssh connections at \(place)."
    case .unknownName(let name): "No name server knows \"\(name)\"."
    case .unreachable(let words): "There is no way there: \(words)."
    case .timedOut(let place): "There is no answer from \(place)."
    case .silent: "The server took the connection and then said nothing."
    case .closedEarly(let words): "The server hung up before the login: \(words)."
    case .wrongProtocol: "What answers at this port does not speak SSH 2."
    case .proxy(let words):
      "The jump host or proxy command failed" + (words.map { ": \($0)." } ?? " and said nothing.")
    case .hostKeyUnknown, .hostKeyChanged, .hostKeyRevoked: refusal?.why ?? ""
    case .negotiation(let words): "The server and ssh have no \(words) in common."
    case .denied(let who, let methods, let key):
      "No key of yours opens \(who) (the server takes \(methods))."
        + (key.map { " \($0.words)" } ?? "")
    case .tooManyKeys: "The server hung up after too many keys that it does not know."
    case .badSetting(let words): "ssh does not take a setting: \(words)."
    case .connectionLost(let words): "The connection broke: \(words)."
    case .unknown(let words): words.isEmpty ? "ssh failed and said nothing." : "ssh says: \(words)."
    }
  }

  /// The failure's third sentence.
  var fix: String {
    switch self {
    case .refused, .wrongProtocol: "Check the address and the port: host and port in [ssh]."
    case .unknownName: "Check the name; host in [ssh] says how a node's address is made."
    case .unreachable, .timedOut: "Check the network, the VPN and the address: host in [ssh]."
    case .silent: "Check what stands between, and the server's load."
    case .closedEarly:
      "It may be overloaded (MaxStartups), refuse your address, or be no SSH server: try ssh by hand."
    case .proxy:
      "Try ssh by hand; check ProxyJump and ProxyCommand in ssh's files, and jump in [ssh]."
    case .hostKeyUnknown, .hostKeyChanged, .hostKeyRevoked: refusal?.fix ?? ""
    case .negotiation: "Try ssh by hand; ssh's own files may allow more, or the server too little."
    case .denied(_, _, .readableByOthers(let file)?):
      "Run \(printable(ShellWord.join(["chmod", "600", file]), limit: 400))."
    case .denied(_, _, .missing?): "Check key in [ssh] and IdentityFile in ssh's files."
    case .denied:
      "Check user and key in [ssh]; a key with a passphrase must be in the agent: ssh-add."
    case .tooManyKeys: "Name the right one: key in [ssh], or IdentityFile in ssh's files."
    case .badSetting: "Correct it; ssh -G shows whether ssh can read its files."
    case .connectionLost: "Start again; check the network and what stands between."
    case .unknown: "Try ssh by hand; -v shows all it said."
    }
  }
}

extension SSHCause.KeyProblem {
  var words: String {
    switch self {
    case .missing(let file): "The key file \(file) does not exist."
    case .readableByOthers(let file): "ssh did not use \(file), since others can read it."
    case .unreadable(let file): "ssh cannot read the key in \(file)."
    }
  }
}
