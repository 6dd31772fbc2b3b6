internal import Base

/// Why a host key is not believed, in words: the same ones for both engines.
enum HostKeyRefusal: Sendable, Equatable {
  /// - Parameters:
  ///   - key: "ED25519 SHA256:…", as far as it is known.
  ///   - add: The command that puts the key on file.
  case unknown(key: String?, add: String?)
  /// - Parameters:
  ///   - key: "ED25519 SHA256:…", as far as it is known.
  ///   - place: File and line of the key on file, as in "/home/u/.ssh/known_hosts:3".
  case changed(key: String?, place: String?)
  case revoked(key: String?, place: String?)
  case onlyAuthority

  /// The failure's second sentence.
  var why: String {
    switch self {
    case .unknown(let key, _):
      "The host key" + (key.map { ", \($0)," } ?? "")
        + " is in no known_hosts file, and unknown ones are refused."
    case .changed(let key, let place):
      "THE HOST KEY HAS CHANGED: \(place ?? "a known_hosts file") has another one than the server"
        + " shows" + (key.map { ", \($0)" } ?? "")
        + ". The node was set up anew, or somebody stands in between."
    case .revoked(let key, let place):
      "THE HOST KEY IS REVOKED: \(place ?? "a known_hosts file") says so of the key that the server"
        + " shows" + (key.map { ", \($0)" } ?? "") + ". It may have been stolen."
    case .onlyAuthority:
      "The known_hosts files have only a @cert-authority for this host, and libssh2 knows no host"
        + " certificates."
    }
  }

  /// The failure's third sentence. A changed or revoked key has no way round.
  var fix: String {
    switch self {
    case .unknown(_, let add):
      "Compare its fingerprint with the node's own and add it"
        + (add.map { ": \($0), or connect once with ssh; or set" }
          ?? " by connecting once with ssh; or set")
        + " strict_host_key_checking = \"accept-new\" in [ssh]."
    case .changed:
      "Do not go on. Ask whoever runs the node; only once they confirm the new key, put it in the"
        + " old one's place."
    case .revoked: "Do not go on. Ask whoever runs the node; it needs a new host key."
    case .onlyAuthority: "Install the OpenSSH client, or put the host's key on file."
    }
  }

  func failure(_ what: String, detail: String? = nil) -> Failure {
    Failure(.denied, what, why: why, fix: fix, detail: detail)
  }
}

/// The names of key types that people know: "ED25519" for "ssh-ed25519".
func shownKeyType(_ type: String) -> String {
  switch type {
  case "ssh-ed25519": "ED25519"
  case "ssh-rsa", "rsa-sha2-256", "rsa-sha2-512": "RSA"
  case "ssh-dss": "DSA"
  case "sk-ssh-ed25519@openssh.com": "ED25519-SK"
  case "sk-ecdsa-sha2-nistp256@openssh.com": "ECDSA-SK"
  case _ where type.hasPrefix("ecdsa-sha2-"): "ECDSA"
  default: printable(type, limit: 60)
  }
}
