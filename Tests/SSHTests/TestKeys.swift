import Foundation
import TestSupport

/// Keys for all tests, made once.
struct TestKeys: Sendable {
  static let shared: Result<TestKeys, any Error> = Result {
    // What is static is never given back.
    atexit {
      guard case .success(let keys) = TestKeys.shared else { return }
      try? FileManager.default.removeItem(atPath: keys.folder.path)
    }
    return try TestKeys()
  }

  let folder: Scratch
  static let passphrase = "correct horse"

  private static let kinds: [(String, [String])] = [
    ("ed25519", ["-t", "ed25519"]),
    ("ecdsa", ["-t", "ecdsa"]),
    ("rsa", ["-t", "rsa", "-b", "2048"]),
    ("rsa-pem", ["-t", "rsa", "-b", "2048", "-m", "PEM"]),
    ("rsa-pkcs8", ["-t", "rsa", "-b", "2048", "-m", "PKCS8"]),
    ("ecdsa-pem", ["-t", "ecdsa", "-m", "PEM"]),
    ("ed25519-locked", ["-t", "ed25519", "-N", passphrase]),
    ("ed25519-gcm", ["-t", "ed25519", "-N", passphrase, "-Z", "aes256-gcm@openssh.com"]),
    ("rsa-pem-locked", ["-t", "rsa", "-b", "2048", "-m", "PEM", "-N", passphrase]),
    ("rsa-locked", ["-t", "rsa", "-b", "2048", "-N", passphrase]),
    ("stranger", ["-t", "ed25519"]),
    ("stranger2", ["-t", "ed25519"]),
    ("stranger3", ["-t", "ed25519"]),
    ("host-ed25519", ["-t", "ed25519"]),
    ("host-ecdsa", ["-t", "ecdsa"]),
    ("host-rsa", ["-t", "rsa", "-b", "2048"]),
  ]

  private init() throws {
    folder = try Scratch()
    for (name, words) in Self.kinds {
      let passphrase = words.contains("-N") ? [] : ["-N", ""]
      let maker = try Spawned(
        [Programs.path("ssh-keygen"), "-q", "-C", name, "-f", folder.path + "/" + name] + words
          + passphrase)
      try maker.input.close()
      let answer = maker.answer()
      guard answer.end == .exited(0) else { throw Broken(description: name + answer.errors) }
    }
    let open = try Self.kinds.map(\.0).filter { !$0.hasPrefix("stranger") && !$0.hasPrefix("host") }
      .map { try contents(folder.path + "/" + $0 + ".pub") }
    try folder.file("authorized_keys", Array(open.joined()), mode: 0o600)
  }

  struct Broken: Error, CustomStringConvertible { let description: String }

  func path(_ name: String) -> String { folder.path + "/" + name }
}
