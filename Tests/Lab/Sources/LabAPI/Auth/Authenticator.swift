internal import Synchronization

/// Who is behind a token or a client certificate.
package final class Authenticator: Sendable {
  private struct State: Sendable {
    var tokens: [String: User] = [:]
    /// By the certificate's DER bytes.
    var certificates: [[UInt8]: User] = [:]
    var tokensAreExpired = false
  }

  private let state = Mutex(State())

  package init() {}

  package func add(token: String, user: User) {
    state.withLock { $0.tokens[token] = user }
  }

  package func add(certificate: [UInt8], user: User) {
    state.withLock { $0.certificates[certificate] = user }
  }

  /// From now on no token is good any more, or all are again.
  package func setTokensExpired(_ expired: Bool) {
    state.withLock { $0.tokensAreExpired = expired }
  }

  /// Finds out who sent a request.
  /// - Parameters:
  ///   - authorization: the header of that name.
  ///   - certificate: the DER bytes of the client's certificate, which TLS has verified.
  /// - Returns: the user; ``User/anonymous`` without any credentials.
  /// - Throws: ``Status/unauthorized`` for credentials that are no good.
  package func user(authorization: String?, certificate: [UInt8]?) throws(Status) -> User {
    let found: User?? = state.withLock { state in
      if let certificate { return state.certificates[certificate] }
      guard let authorization else { return .some(.some(.anonymous)) }
      let parts = authorization.split(separator: " ", maxSplits: 1).map(String.init)
      guard parts.count == 2, parts[0].lowercased() == "bearer", !state.tokensAreExpired else {
        return .some(nil)
      }
      return state.tokens[parts[1]]
    }
    guard case .some(.some(let user)) = found else { throw .unauthorized }
    return user
  }
}
