internal import SSH

/// Who runs this poddump, as written on what it makes: "ann@desk".
package enum UserName {
  /// The login name and this machine's host name.
  package static var current: String {
    let user = LocalUser.current
    return "\(user.login)@\(user.machine)"
  }
}
