/// The host key that a server showed, for whoever decides about it.
package struct HostKeyOffer: Sendable, Equatable {
  /// The name under which it is looked up: HostKeyAlias, else the name that was connected to.
  package var host: String
  package var port: Int
  /// The key's type, such as "ssh-ed25519".
  package var type: String
  /// The public key (RFC 4253, 6.6).
  package var blob: [UInt8]
  /// As OpenSSH prints it: "SHA256:" and base 64 without padding.
  package var fingerprint: String

  package init(host: String, port: Int, type: String, blob: [UInt8], fingerprint: String) {
    self.host = host
    self.port = port
    self.type = type
    self.blob = blob
    self.fingerprint = fingerprint
  }
}

/// The order in which host key algorithms are asked for.
enum HostKeyPreference {
  /// The algorithms by which a key of this type may sign (RFC 8332, 3).
  static func algorithms(of type: String) -> [String] {
    type == "ssh-rsa" ? ["rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"] : [type]
  }

  /// The preferred ones first, as far as they are supported, then the others: a server that has none of
  /// the keys on file is to be told apart from one that is no match at all.
  static func order(preferred: [String], supported: [String]) -> [String] {
    let first = preferred.flatMap(algorithms(of:)).filter(supported.contains)
    var seen = Set<String>()
    return (first + supported).filter { seen.insert($0).inserted }
  }

  /// A preferred algorithm that the server has and libssh2 lacks, while another was agreed on: then the
  /// key on file was never shown, and the one that was means nothing.
  static func missed(preferred: [String], offered: [String], agreed: String) -> String? {
    let wanted = preferred.flatMap(algorithms(of:))
    guard !wanted.contains(agreed) else { return nil }
    return wanted.first(where: offered.contains)
  }
}
