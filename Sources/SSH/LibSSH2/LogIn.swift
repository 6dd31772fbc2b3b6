internal import Base

/// Logs in, in OpenSSH's order: the agent's keys, those of the identity files first; then the identity
/// files; then, where there is a person to ask, keyboard-interactive and password.
struct LogIn {
  let settings: SSHSettings
  let failures: ConnectFailures
  let terminal: Terminal?
  let asking: Asking

  /// What happened, for the sentence when nothing is left.
  var record = LogInRecord()

  init(_ settings: SSHSettings, isInteractive: Bool) {
    self.settings = settings
    failures = ConnectFailures(settings)
    terminal = isInteractive ? Terminal() : nil
    asking = Asking.choose(hasTerminal: terminal != nil, environment: environmentValue)
  }

  mutating func run(on session: inout LibSSH2Session) throws(SSHConnectError) {
    do throws(SSHConnectError) {
      guard let methods = try session.methods(user: settings.user) else { return }
      if methods.contains("publickey"), try offerKeys(on: &session) { return }
      if methods.contains("keyboard-interactive"), try askQuestions(on: &session) { return }
      if methods.contains("password"), try askPassword(on: &session) { return }
      throw record.failure(failures, methods: methods, server: session.serverVersion)
    } catch {
      // Some servers end the connection after some keys: then that is the reason.
      guard session.transport.disconnect != nil || session.transport.isEnded,
        !record.offered.isEmpty
      else { throw error }
      throw record.tooMany(failures, words: session.transport.disconnect?.words)
    }
  }

  // MARK: - Keys

  private mutating func offerKeys(on session: inout LibSSH2Session) throws(SSHConnectError) -> Bool
  {
    var files: [IdentityFile] = []
    for path in settings.identityFiles {
      switch IdentityFile.look(path) {
      case .absent: record.absent.append(path)
      case .unusable(let why): record.skip(printable(path), why)
      case .usable(let file): files.append(file)
      }
    }
    let blobs = files.compactMap(\.publicBlob)
    let agentKeys = agentKeys(session.deadline)
    let first = blobs.compactMap { blob in agentKeys.first { $0.blob == blob } }
    let others = settings.identitiesOnly ? [] : agentKeys.filter { !blobs.contains($0.blob) }
    for key in first + others where try offer(key, on: &session) { return true }
    for file in files where !agentKeys.contains(where: { $0.blob == file.publicBlob }) {
      if try offer(file, on: &session) { return true }
    }
    return false
  }

  private mutating func agentKeys(_ deadline: Deadline) -> [AgentKey] {
    guard let path = settings.agent else {
      record.agent = .none
      return []
    }
    do {
      let patience = deadline.capped(at: Agent.patience)
      let keys = try Agent(path, deadline: patience).keys(deadline: patience)
      record.agent = .keys(keys.count)
      return keys
    } catch {
      record.agent = .unusable(error.why)
      return []
    }
  }

  private mutating func offer(
    _ key: AgentKey, on session: inout LibSSH2Session
  ) throws(SSHConnectError) -> Bool {
    let name = "the agent's \(KeyFile.shortName(key.type)) key \"\(key.comment)\""
    if let need = KeyFile.needsOpenSSH(type: key.type) {
      record.skip(name, "is \(need)", needs: need)
      return false
    }
    guard key.type != "ssh-dss", let path = settings.agent else { return false }
    let deadline = session.deadline
    let problem = Problem()
    record.offer(name, isRSA: key.type == "ssh-rsa")
    let answer = try session.authenticate(
      LibSSH2Session.offered(key.blob, type: key.type), user: settings.user
    ) { data, algorithm in
      do {
        return try Agent(path, deadline: deadline).sign(
          Array(data), with: key.blob, algorithm: algorithm, deadline: deadline)
      } catch let error as Agent.Unusable {
        problem.why = error.why
        return nil
      } catch {
        return nil
      }
    }
    if let why = problem.why { record.replaceLast(name, "the agent \(why)") }
    return answer == .accepted
  }

  private mutating func offer(
    _ file: IdentityFile, on session: inout LibSSH2Session
  ) throws(SSHConnectError) -> Bool {
    let path = printable(file.path)
    let name = "\(path) (\(KeyFile.shortName(file.type)))"
    if file.hasCertificate { record.need("a certificate") }
    guard file.key.format != .publicKey else {
      record.skip(path, "is a public key, and no agent holds its private key")
      return false
    }
    if file.type == "ssh-dss" {
      record.skip(path, "is a DSA key, which SSH servers no longer accept")
      return false
    }
    let lack = file.key.needsOpenSSH(hasRSASHA2: LibSSH2Session.hasRSASHA2)
    guard file.key.isEncrypted || lack != nil else {
      record.offer(name, isRSA: file.type == "ssh-rsa")
      let answer = try use(file, passphrase: nil, on: &session)
      if answer == .unreadable {
        record.replaceLast(name, "cannot be read by libssh2", needs: name)
      }
      return answer == .accepted
    }
    // Nobody is asked for the passphrase of a key that the server would refuse.
    if let blob = file.publicBlob, KeyFile.needsOpenSSH(type: file.type ?? "") == nil {
      record.offer(name, isRSA: false)
      let welcome = Problem()
      let offered = LibSSH2Session.offered(blob, type: file.type ?? "")
      _ = try session.authenticate(offered, user: settings.user) { _, _ in
        welcome.why = "accepted"
        return nil
      }
      guard welcome.why != nil else { return false }
      record.dropLast()
    }
    return try unlock(file, name, lack: lack, on: &session)
  }

  /// Asks for an encrypted key's passphrase and uses the key.
  private mutating func unlock(
    _ file: IdentityFile, _ name: String, lack: String?, on session: inout LibSSH2Session
  ) throws(SSHConnectError) -> Bool {
    let path = printable(file.path)
    if let lack {
      record.skip(path, "is \(lack)", needs: lack)
      return false
    }
    guard asking != .nobody else {
      record.skip(
        path,
        "is encrypted, and there is no terminal to ask for its passphrase; add it to an agent with ssh-add"
      )
      return false
    }
    // As often as ssh asks (ssh_config(5), NumberOfPasswordPrompts).
    for _ in 0..<3 {
      guard
        let passphrase = ask("Enter passphrase for key '\(path)': ", echo: false, &session.deadline)
      else {
        record.skip(path, "is encrypted, and no passphrase was given")
        return false
      }
      let answer = try use(file, passphrase: passphrase, on: &session)
      if answer == .accepted { return true }
      guard answer == .unreadable else {
        record.offer(name, isRSA: file.type == "ssh-rsa")
        return false
      }
    }
    record.skip(path, "is encrypted, and the passphrase was not the right one")
    return false
  }

  private func use(
    _ file: IdentityFile, passphrase: Secret?, on session: inout LibSSH2Session
  ) throws(SSHConnectError) -> LogInAnswer {
    if !LibSSH2Session.hasRSASHA2, let answer = try useRSA(file, passphrase, on: &session) {
      return answer
    }
    return try session.authenticate(
      file: file.path, user: settings.user, passphrase: passphrase)
  }

  /// Signs with an RSA key here; nil when the file holds another.
  private func useRSA(
    _ file: IdentityFile, _ passphrase: Secret?, on session: inout LibSSH2Session
  ) throws(SSHConnectError) -> LogInAnswer? {
    let key: RSAKey?
    if file.key.format == .pem {
      key = RSAKey(pem: file.bytes, passphrase: passphrase)
    } else {
      guard file.key.isRSA, var secret = KeyFile.secretPart(ofOpenSSH: file.bytes) else {
        return nil
      }
      key = RSAKey(openSSH: secret)
      wipe(&secret)
    }
    guard let key else { return file.key.isRSA ? .unreadable : nil }
    guard let blob = key.publicBlob else { return .unreadable }
    return try withRSA(key, blob, on: &session)
  }

  private func withRSA(
    _ key: consuming RSAKey, _ blob: [UInt8], on session: inout LibSSH2Session
  ) throws(SSHConnectError) -> LogInAnswer {
    let signer = RSASigner(key)
    return try session.authenticate(
      LibSSH2Session.offered(blob, type: "ssh-rsa"), user: settings.user
    ) { data, algorithm in signer.key.sign(data, algorithm: algorithm) }
  }

  // MARK: - Questions

  private func askQuestions(on session: inout LibSSH2Session) throws(SSHConnectError) -> Bool {
    guard let terminal else { return false }
    let bell = session.deadline.bell
    let user = failures.user
    let host = failures.hostName
    // As often as ssh asks; the server may wait for what the person confirms on another device.
    for _ in 0..<3 {
      session.deadline.extend(by: .seconds(120))
      let given = Problem()
      let answer = try session.authenticateByKeyboard(user: settings.user) { asked in
        var answers: [[UInt8]] = []
        for question in asked.questions {
          guard
            let secret = terminal.ask(
              "(\(user)@\(host)) \(question.text)", echo: question.echo, bell: bell)
          else { return nil }
          answers.append(secret.withBytes { Array($0) })
          given.why = "answered"
        }
        return answers
      }
      if answer == .accepted { return true }
      guard given.why != nil else { return false }
    }
    return false
  }

  private func askPassword(on session: inout LibSSH2Session) throws(SSHConnectError) -> Bool {
    guard terminal != nil else { return false }
    for _ in 0..<3 {
      let question = "\(failures.user)@\(failures.hostName)'s password: "
      guard let password = ask(question, echo: false, &session.deadline) else { return false }
      if try session.authenticate(user: settings.user, password: password) == .accepted {
        return true
      }
    }
    return false
  }

  /// Asks, and gives the connection the time back that the answer took.
  private func ask(_ question: String, echo: Bool, _ deadline: inout Deadline) -> Secret? {
    let start = ContinuousClock.now
    defer { deadline.extend(by: .now - start) }
    switch asking {
    case .nobody: return nil
    case .program(let program):
      return Askpass.ask(question, program: program, bell: deadline.bell)
    case .terminal: return terminal?.ask(question, echo: echo, bell: deadline.bell)
    }
  }

  /// What a callback found out.
  private final class Problem { var why: String? }

  /// Keeps a key where an escaping closure can reach it.
  private final class RSASigner {
    let key: RSAKey
    init(_ key: consuming RSAKey) { self.key = key }
  }
}

extension LibSSH2Session {
  /// A public key as it is offered: 1.10 takes the name of the signature's algorithm from it.
  static func offered(_ blob: [UInt8], type: String) -> [UInt8] {
    type == "ssh-rsa" && !hasRSASHA2 ? PublicBlob.renamed(blob, to: "rsa-sha2-256") : blob
  }
}
