internal import Base

/// What was tried to log in, for the sentence when nothing is left.
struct LogInRecord: Equatable {
  enum AgentState: Equatable {
    case none
    case keys(Int)
    /// The end of a sentence that begins with "the agent".
    case unusable(String)
  }

  struct Skipped: Equatable {
    let name: String
    let why: String
  }

  var agent = AgentState.none
  /// Identity files that do not exist.
  var absent: [String] = []
  /// The keys that the server was offered.
  private(set) var offered: [String] = []
  /// The keys that it was not.
  private(set) var skipped: [Skipped] = []
  private(set) var needsOpenSSH: [String] = []
  private var offeredRSA = false

  mutating func offer(_ name: String, isRSA: Bool) {
    offered.append(name)
    if isRSA { offeredRSA = true }
  }

  mutating func dropLast() { _ = offered.popLast() }

  mutating func skip(_ name: String, _ why: String, needs: String? = nil) {
    skipped.append(Skipped(name: name, why: why))
    if let needs { need(needs) }
  }

  mutating func need(_ what: String) {
    if !needsOpenSSH.contains(what) { needsOpenSSH.append(what) }
  }

  /// The key offered last was not used after all.
  mutating func replaceLast(_ name: String, _ why: String, needs: String? = nil) {
    dropLast()
    skip(name, why, needs: needs)
  }

  /// No key was accepted.
  func failure(
    _ failures: ConnectFailures, methods: [String], server: String
  ) -> SSHConnectError {
    var sentences: [String] = []
    if !methods.contains("publickey") {
      let shown = printable(methods.joined(separator: ", "), limit: 200)
      sentences.append("The server accepts no keys, only: \(shown).")
    } else if offered.isEmpty {
      sentences.append("There was no key to offer for user \(failures.user).")
    } else {
      sentences.append(
        "The server accepts none of these keys for user \(failures.user): \(Self.list(offered)).")
    }
    if offered.isEmpty, skipped.isEmpty, !absent.isEmpty {
      let files = Self.list(absent.map { printable($0, limit: 300) })
      sentences.append(
        absent.count == 1
          ? "The key file \(files) does not exist." : "None of the key files exists: \(files).")
    }
    for key in skipped.prefix(8) { sentences.append(Self.capital("\(key.name) \(key.why).")) }
    switch agent {
    case .none: sentences.append("There is no agent.")
    case .keys(0): sentences.append("The agent holds no keys.")
    case .keys: break
    case .unusable(let why): sentences.append("The agent \(why).")
    }
    var needs = needsOpenSSH
    // Tolerated by OpenSSH's server; others were never asked.
    if offeredRSA, !LibSSH2Session.hasRSASHA2, !server.contains("OpenSSH") {
      needs.append("an RSA key")
    }
    return failures.denied(
      sentences.joined(separator: " "),
      fix:
        offered.isEmpty && methods.contains("publickey")
        ? "Name the right key under [ssh], or add it to an agent with ssh-add."
        : "Add your public key to ~/.ssh/authorized_keys of \(failures.user) there, or name the right user and key under [ssh].",
      needsOpenSSH: needs.isEmpty ? nil : "libssh2 cannot use \(needs.joined(separator: ", "))")
  }

  /// The server ended the connection after some keys.
  func tooMany(_ failures: ConnectFailures, words: String?) -> SSHConnectError {
    let said = words.map { " It says: \(failures.sentence($0))" } ?? ""
    let keys = offered.count == 1 ? "one key" : "\(offered.count) keys"
    return failures.denied(
      "The server ended the log-in after \(keys): \(Self.list(offered)).\(said)",
      fix:
        "Name the right key under [ssh], or set IdentitiesOnly for \(failures.name) in ~/.ssh/config."
    )
  }

  private static func list(_ names: [String]) -> String {
    let rest = names.count > 8 ? " and \(names.count - 8) more" : ""
    return names.prefix(8).joined(separator: ", ") + rest
  }

  private static func capital(_ sentence: String) -> String {
    sentence.hasPrefix("the ") ? "T" + sentence.dropFirst() : sentence
  }
}
