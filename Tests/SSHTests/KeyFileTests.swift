import Foundation
import TestSupport
import Testing

@testable import SSH

@Suite struct KeyFileTests {
  @Test(
    arguments: [
      ("ed25519", KeyFile.Format.openSSH, "ssh-ed25519", nil),
      ("ecdsa", .openSSH, "ecdsa-sha2-nistp256", nil),
      ("rsa", .openSSH, "ssh-rsa", nil),
      ("ed25519-locked", .openSSH, "ssh-ed25519", "aes256-ctr"),
      ("ed25519-gcm", .openSSH, "ssh-ed25519", "aes256-gcm@openssh.com"),
      ("rsa-pem", .pem, "ssh-rsa", nil),
      ("rsa-pem-locked", .pem, "ssh-rsa", "AES-128-CBC"),
      ("ecdsa-pem", .pem, "ecdsa", nil),
      ("rsa-pkcs8", .pem, nil, nil),
      ("ed25519.pub", .publicKey, "ssh-ed25519", nil),
    ] as [(String, KeyFile.Format, String?, String?)]) func `a file tells what it holds`(
      name: String, format: KeyFile.Format, type: String?, cipher: String?
    ) throws
  {
    let key = try KeyFile(parsing: contents(TestKeys.shared.get().path(name)))
    #expect(key.format == format)
    #expect(key.type == type)
    #expect(key.cipher == cipher)
    #expect((key.publicBlob != nil) == (format != .pem))
  }

  @Test(arguments: [
    ("", "is no private key"), ("hello\n", "is no private key"),
    ("ssh-ed25519 AAAA\n", "is no private key"),
    ("-----BEGIN CERTIFICATE-----\nAAAA\n", "holds something else than a private key"),
    (
      "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
      "is damaged: it begins as a key of OpenSSH's format and goes on otherwise"
    ),
  ]) func `what is no key is said`(text: String, why: String) {
    #expect(throws: KeyFile.Unusable(why: why)) { try KeyFile(parsing: Array(text.utf8)) }
  }

  @Test(
    arguments: [
      ("ssh-ed25519", nil, nil), ("ssh-ed25519", "aes256-ctr", nil),
      (
        "ssh-ed25519", "chacha20-poly1305@openssh.com",
        "a key that is encrypted with chacha20-poly1305"
      ),
      ("ssh-rsa", "aes256-ctr", "an encrypted RSA key of OpenSSH's format"),
      ("sk-ssh-ed25519@openssh.com", nil, "a hardware key"),
      ("ssh-ed25519-cert-v01@openssh.com", nil, "a certificate"),
    ] as [(String, String?, String?)]) func `what libssh2 lacks is told before it is tried`(
      type: String, cipher: String?, need: String?
    )
  {
    let key = KeyFile(format: .openSSH, type: type, cipher: cipher)
    #expect(key.needsOpenSSH(hasRSASHA2: false) == need)
  }

  /// Truncated and damaged files never do worse than being refused.
  @Test func `damage is survived`() throws {
    let keys = try TestKeys.shared.get()
    var chance = SeededGenerator(7)
    for name in ["ed25519", "rsa", "rsa-locked", "rsa-pem-locked", "ed25519.pub"] {
      let whole = try contents(keys.path(name))
      for _ in 0..<400 {
        var bytes = whole
        for _ in 0..<Int.random(in: 0...4, using: &chance) {
          bytes[Int.random(in: 0..<bytes.count, using: &chance)] = .random(
            in: .min ... .max, using: &chance)
        }
        bytes.removeLast(Int.random(in: 0..<bytes.count, using: &chance))
        if let key = try? KeyFile(parsing: bytes) {
          #expect(key.format != .openSSH || key.publicBlob != nil)
        }
        if let secret = KeyFile.secretPart(ofOpenSSH: bytes) { _ = RSAKey(openSSH: secret) }
        _ = RSAKey(pem: bytes, passphrase: nil)
      }
    }
  }

  @Test func `an RSA key's public part is the one that ssh-keygen wrote`() throws {
    let keys = try TestKeys.shared.get()
    for name in ["rsa-pem", "rsa-pkcs8", "rsa"] {
      let bytes = try contents(keys.path(name))
      let blob = try KeyFile(parsing: contents(keys.path(name + ".pub"))).publicBlob
      if let secret = KeyFile.secretPart(ofOpenSSH: bytes) {
        #expect(RSAKey(openSSH: secret)?.publicBlob == blob)
      } else {
        #expect(RSAKey(pem: bytes, passphrase: nil)?.publicBlob == blob)
      }
    }
  }
}
