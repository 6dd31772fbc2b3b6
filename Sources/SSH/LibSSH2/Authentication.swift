internal import Base
internal import CSSH2

/// What a keyboard-interactive server wants to know (RFC 4256, 3.2), all safe to show.
struct KeyboardQuestions {
  struct Question {
    let text: String
    let echo: Bool
  }
  let title: String
  let instruction: String
  let questions: [Question]
}

/// How a server answered to one way of logging in.
enum LogInAnswer: Equatable {
  case accepted, refused
  /// libssh2 could not read the key's file (-16): a wrong passphrase, or something it lacks.
  case unreadable
}

/// The requests of RFC 4252, one each.
extension LibSSH2Session {
  /// Asks which methods there are, by the method "none".
  ///
  /// - Returns: Nil when the server lets the user in without any.
  mutating func methods(user: String) throws(SSHConnectError) -> [String]? {
    var list: UnsafeMutablePointer<CChar>?
    let code = try complete { handle in
      list = libssh2_userauth_list(handle, user, UInt32(user.utf8.count))
      return list == nil ? libssh2_session_last_errno(handle) : 0
    }
    if libssh2_userauth_authenticated(handle) == 1 { return nil }
    // libssh2 owns the list, and keeps it until the next one.
    guard code == 0, let list else { throw logInFailure(code) }
    return String(cString: list).split(separator: ",").map(String.init)
  }

  /// Offers a public key; `sign` is called when the server would accept it.
  ///
  /// - Parameters:
  ///   - blob: The public key.
  ///   - user: Who logs in.
  ///   - sign: Signs the bytes by the algorithm of this name; nil gives up.
  /// - Returns: What the server says about it.
  /// - Throws: `SSHConnectError` when the connection is gone, or time is over.
  mutating func authenticate(
    _ blob: [UInt8], user: String,
    sign: @escaping (UnsafeRawBufferPointer, String) -> [UInt8]?
  ) throws(SSHConnectError) -> LogInAnswer {
    transport.signer = { data in
      SignedRequest.algorithm(data).flatMap { sign(data, $0) }
    }
    defer { transport.signer = nil }
    let code = try complete { handle in
      libssh2_userauth_publickey(
        handle, user, blob, blob.count,
        { session, signature, count, data, dataCount, _ in
          guard let session, let transport = socketTransport(libssh2_session_abstract(session)),
            let made = transport.signer?(UnsafeRawBufferPointer(start: data, count: dataCount)),
            let copy = transport.copy(made)
          else { return -1 }
          signature?.pointee = copy
          count?.pointee = made.count
          return 0
        }, nil)
    }
    return try answer(code)
  }

  /// Logs in with a private key's file, read by libssh2.
  mutating func authenticate(
    file: String, user: String, passphrase: Secret?
  ) throws(SSHConnectError) -> LogInAnswer {
    let code = try complete { handle in
      let call = { (secret: UnsafePointer<CChar>?) in
        libssh2_userauth_publickey_fromfile_ex(
          handle, user, UInt32(user.utf8.count), nil, file, secret)
      }
      return passphrase.flatMap { $0.withCString(call) } ?? call(nil)
    }
    return try answer(code)
  }

  mutating func authenticate(
    user: String, password: Secret
  ) throws(SSHConnectError) -> LogInAnswer {
    let code = try complete { handle in
      password.withCString { words in
        libssh2_userauth_password_ex(
          handle, user, UInt32(user.utf8.count), words, UInt32(password.count), nil)
      } ?? LIBSSH2_ERROR_ALLOC
    }
    return try answer(code)
  }

  /// Lets `answerer` answer the server's questions (RFC 4256).
  mutating func authenticateByKeyboard(
    user: String, answerer: @escaping (KeyboardQuestions) -> [[UInt8]]?
  ) throws(SSHConnectError) -> LogInAnswer {
    let transport = transport
    transport.answerer = { [unowned transport] questions in
      let start = ContinuousClock.now
      defer { transport.pause += .now - start }
      return answerer(questions)
    }
    defer { transport.answerer = nil }
    let code = try complete { handle in
      libssh2_userauth_keyboard_interactive_ex(
        handle, user, UInt32(user.utf8.count),
        { title, titleCount, text, textCount, count, prompts, responses, abstract in
          guard let transport = socketTransport(abstract) else { return }
          let words = { (start: UnsafeRawPointer?, count: Int) in
            let bytes = UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : count)
            return printable(String(decoding: bytes, as: UTF8.self), limit: 500)
          }
          var questions: [KeyboardQuestions.Question] = []
          for index in 0..<Int(count) {
            guard let prompt = prompts?[index] else { break }
            questions.append(
              .init(text: words(prompt.text, Int(prompt.length)), echo: prompt.echo != 0))
          }
          let asked = KeyboardQuestions(
            title: words(title, Int(titleCount)), instruction: words(text, Int(textCount)),
            questions: questions)
          guard var answers = transport.answerer?(asked) else { return }
          for index in answers.indices where index < Int(count) {
            if let copy = transport.copy(answers[index]) {
              responses?[index].text = UnsafeMutableRawPointer(copy)
                .assumingMemoryBound(to: CChar.self)
              responses?[index].length = UInt32(answers[index].count)
            }
            wipe(&answers[index])
          }
        })
    }
    return try answer(code)
  }

  private func answer(_ code: Int32) throws(SSHConnectError) -> LogInAnswer {
    if code == 0, libssh2_userauth_authenticated(handle) == 1 { return .accepted }
    if lost() != nil { throw logInFailure(code) }
    switch code {
    case 0, LIBSSH2_ERROR_AUTHENTICATION_FAILED, LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED,
      LIBSSH2_ERROR_METHOD_NONE, LIBSSH2_ERROR_PASSWORD_EXPIRED:
      return .refused
    case LIBSSH2_ERROR_FILE, LIBSSH2_ERROR_KEYFILE_AUTH_FAILED, LIBSSH2_ERROR_METHOD_NOT_SUPPORTED,
      LIBSSH2_ERROR_INVAL, LIBSSH2_ERROR_PROTO:
      return .unreadable
    default: throw logInFailure(code)
    }
  }

  func logInFailure(_ code: Int32) -> SSHConnectError {
    lost()
      ?? failures.unreachable(
        "The log-in ended in an error of the protocol.", detail: "libssh2: \(lastWords) (\(code))")
  }
}

/// What a client signs to log in with a key (RFC 4252, 7).
enum SignedRequest {
  /// The algorithm that the request names.
  static func algorithm(_ data: some Sequence<UInt8>) -> String? {
    var reader = WireReader(data)
    // Session identifier, SSH_MSG_USERAUTH_REQUEST, user, service, "publickey", TRUE, algorithm.
    guard reader.string() != nil, reader.byte() == 50, reader.string() != nil,
      reader.string() != nil, reader.text() == "publickey", reader.byte() == 1
    else { return nil }
    return reader.text()
  }
}
