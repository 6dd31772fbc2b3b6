/// Expands what ssh_config(5) allows in a file's name: a leading `~`, `${VARIABLE}` and `%` tokens
/// ("TOKENS"). `ssh -G` leaves them in for key files.
struct PathTokens: Sendable {
  let user: LocalUser
  /// The values of the tokens by their letters. `%C`, a hash, is not among them.
  private let values: [Character: String]

  init(settings: SSHSettings, user: LocalUser) {
    self.user = user
    values = [
      "%": "%", "d": user.home, "h": settings.hostName, "i": "\(user.id)",
      "j": settings.proxyJump ?? "", "k": settings.hostKeyAlias ?? settings.name,
      "L": String(user.machine.prefix { $0 != "." }), "l": user.machine, "n": settings.name,
      "p": "\(settings.port)", "r": settings.user, "u": user.login,
    ]
  }

  /// The file's path; nil when it has a token or a variable that is not known, or another user's `~`.
  func expand(_ text: String) -> String? {
    var rest = text[...]
    var path = ""
    if rest.first == "~" {
      rest.removeFirst()
      guard rest.isEmpty || rest.first == "/" else { return nil }
      path = user.home
    }
    while let character = rest.popFirst() {
      if character == "%" {
        guard let letter = rest.popFirst(), let value = values[letter] else { return nil }
        path += value
      } else if character == "$", rest.first == "{" {
        guard let end = rest.firstIndex(of: "}"),
          let value = user.variable(String(rest[..<end].dropFirst()))
        else { return nil }
        path += value
        rest = rest[end...].dropFirst()
      } else {
        path.append(character)
      }
    }
    return path
  }
}
