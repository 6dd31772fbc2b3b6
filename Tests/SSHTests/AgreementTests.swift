import Base
import Foundation
import TestSupport
import Testing

@testable import SSH

/// A real ssh, given the same files, decides as we do.
@Suite(.ownThreads) struct AgreementTests {
  /// The cases of `KnownHostsTests` whose host is looked up without a port: a host key alias is.
  @Test func hostKeys() async throws {
    let server = try await LocalSSHD()
    let ssh = try Programs.path("ssh")
    // In place of the made-up keys, real ones: OpenSSH passes over rows whose key is none.
    let keys = [
      (TestKey.ours.row, try server.row("host")), (TestKey.other.row, try server.row("other")),
      (TestKey.ecdsa.row, try server.row("ecdsa")),
    ]
    for test in KnownHostsTests.cases where test.port == 22 {
      let text = keys.reduce(test.text) { $0.replacingOccurrences(of: $1.0, with: $1.1) }
      try server.folder.text("known_hosts", text)
      let words = [
        "-F", "/dev/null", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes",
        "-o", "HostKeyAlias=\(test.host)", "-o", "UserKnownHostsFile=\(server.knownHosts)",
        "-o", "GlobalKnownHostsFile=/dev/null", "-o", "PreferredAuthentications=none",
        "-p", "\(server.port)", "--", "127.0.0.1", "true",
      ]
      let answer = try await runProgram([ssh] + words)
      let cause = SSHCause(errors: answer.errors)
      switch test.verdict {
      case .known:
        guard case .denied = cause else {
          Issue.record("\(test.name): \(answer.errors)")
          continue
        }
      case .unknown, .onlyAuthority:
        #expect(cause == .hostKeyUnknown(type: "ED25519"), "\(test.name)")
      case .changed(let place):
        guard case .hostKeyChanged(_, "\(server.knownHosts):\(place.line)") = cause else {
          Issue.record("\(test.name): \(answer.errors)")
          continue
        }
      case .revoked:
        #expect(cause == .hostKeyRevoked(type: "ED25519"), "\(test.name)")
      }
    }
  }

  /// A stand-in for the user's own files, which a test must not depend on: ssh with a file of ours.
  private func ssh(_ folder: Scratch, _ configuration: String) throws -> String {
    try folder.text("config", configuration)
    let data = try #require(Bundle.module.url(forResource: "Data", withExtension: nil))
    let link = folder.path + "/ssh"
    try FileManager.default.createSymbolicLink(
      atPath: link, withDestinationPath: data.appendingPathComponent("ssh-with-files").path)
    return link
  }

  @Test func effectiveSettings() async throws {
    let folder = try Scratch()
    let ssh = try ssh(
      folder,
      """
      Host n1
        HostName 127.0.0.1
        User bob
        Port 2222
        HostKeyAlias foo
        IdentityFile \(folder.path)/%h_%r
        IdentityFile "\(folder.path)/with blank"
        IdentityAgent none
        UserKnownHostsFile \(folder.path)/kh_%h
        GlobalKnownHostsFile \(folder.path)/global
        StrictHostKeyChecking yes
        ConnectTimeout 7
      Host n2
        ProxyJump a@b:22,c
        Ciphers aes256-gcm@openssh.com,aes128-ctr
        KnownHostsCommand /bin/echo %H
      """)
    var options = SSHOptions()
    options.hostKeys = .acceptNew
    let settings = try await SSHSettings.effective(name: "n1", options: options, ssh: ssh)
    var expected = SSHSettings(name: "n1", hostName: "127.0.0.1", user: "bob")
    expected.port = 2222
    expected.hostKeyAlias = "foo"
    expected.identityFiles = ["127.0.0.1_bob", "with blank"].map { "\(folder.path)/\($0)" }
    expected.knownHosts = ["kh_127.0.0.1", "global"].map { "\(folder.path)/\($0)" }
    expected.connectTimeout = 7
    #expect(settings == expected)

    options.user = "root"
    options.port = 23
    options.key = "~/k"
    options.jump = "j"
    options.knownHosts = "\(folder.path)/k h"
    expected.user = "root"
    expected.port = 23
    expected.identitiesOnly = true
    expected.identityFiles = ["\(LocalUser.current.home)/k"]
    expected.knownHosts[0] = "\(folder.path)/k h"
    expected.proxyJump = "j"
    expected.needsOpenSSH = ["ProxyJump"]
    #expect(try await SSHSettings.effective(name: "n1", options: options, ssh: ssh) == expected)

    let second = try await SSHSettings.effective(name: "n2", options: SSHOptions(), ssh: ssh)
    #expect(second.needsOpenSSH == ["ProxyJump", "KnownHostsCommand"])
    #expect(second.hasOwnCiphers)
    #expect(second.hostKeys == .strict)
  }

  @Test(
    arguments: [
      ("", false), ("Ciphers ^aes128-gcm@openssh.com", false),
      ("Ciphers aes128-gcm@openssh.com", true), ("Ciphers -aes128-gcm@openssh.com", true),
      ("Ciphers ^aes256-gcm@openssh.com", true), ("Ciphers -aes128-ctr", true),
    ])
  func ciphersOfTheUsersOwn(_ line: String, _ own: Bool) async throws {
    let folder = try Scratch()
    let ssh = try ssh(folder, "Host *\n  \(line)\n")
    let settings = try await SSHSettings.effective(name: "n", options: SSHOptions(), ssh: ssh)
    #expect(settings.hasOwnCiphers == own)
  }

  @Test func anOldSSHThatPutsNoCipherFirstKeepsItsOwn() async throws {
    let folder = try Scratch()
    try folder.text("is-old", "")
    let ssh = try ssh(folder, "")
    let settings = try await SSHSettings.effective(name: "n", options: SSHOptions(), ssh: ssh)
    #expect(settings.hasOwnCiphers)
  }

  @Test func whatKeyFilesShow() async throws {
    let folder = try Scratch()
    let ssh = try Programs.path("ssh")
    let keygen = [try Programs.path("ssh-keygen"), "-q", "-N", "", "-f", folder.path + "/key"]
    #expect(try await runProgram(keygen + ["-t", "ed25519"]).end == .exited(0))
    var options = SSHOptions()
    options.key = folder.path + "/key"
    options.knownHosts = folder.path + "/known_hosts"
    for program in [nil, ssh] {
      let settings = try await SSHSettings.effective(name: "n", options: options, ssh: program)
      #expect(settings.needsOpenSSH == [])
      #expect(settings.identityFiles.first == options.key)
    }
    #expect(KeyType(file: folder.path + "/key")?.name == "ssh-ed25519")
    #expect(KeyType(file: folder.path + "/key.pub") == nil)

    try folder.text("key-cert.pub", "")
    try folder.text("known_hosts", "@cert-authority n \(TestKey.ours.row)\n")
    // The handle of a hardware key, as ssh-keygen -t ed25519-sk writes it, up to what is looked at.
    let blob = TestKey("sk-ssh-ed25519@openssh.com", 1).blob
    let none: [UInt8] = [0, 0, 0, 4] + Array("none".utf8)
    let handle =
      Array("openssh-key-v1\0".utf8) + none + none + [0, 0, 0, 0] + [0, 0, 0, 1]
      + [0, 0, 0, UInt8(blob.count)] + blob
    let lines = Data(handle).base64EncodedString(options: [
      .lineLength64Characters, .endLineWithLineFeed,
    ])
    let name = "OPENSSH PRIVATE KEY-----\n"
    try folder.text("key", "-----BEGIN \(name)\(lines)\n-----END \(name)", mode: 0o600)
    for program in [nil, ssh] {
      let settings = try await SSHSettings.effective(name: "n", options: options, ssh: program)
      #expect(settings.needsOpenSSH == ["certificates", "hardware keys", "host certificates"])
    }
  }

  @Test func filesThatSSHCannotReadAreAFailure() async throws {
    let folder = try Scratch()
    let ssh = try ssh(folder, "Host *\n  Nonsense yes\n")
    await #expect {
      try await SSHSettings.effective(name: "n", options: SSHOptions(), ssh: ssh)
    } throws: { error in
      (error as? Failure)?.why?.contains("line 2: Bad configuration option: nonsense") == true
    }
    #expect(await SSHSettings.hasOwnSettings(name: "n", ssh: ssh) == false)
  }

  @Test func anSSHThatHangsIsGivenUp() async throws {
    let folder = try Scratch()
    let ssh = try ssh(folder, "Match exec \"sleep 60\"\n  User x\n")
    let start = ContinuousClock.now
    await #expect {
      try await SSHSettings.effective(name: "n", options: SSHOptions(), ssh: ssh)
    } throws: { error in
      (error as? Failure)?.why == "It took too long."
    }
    #expect(start.duration(to: .now) < .seconds(15))
  }

  @Test(
    arguments: [
      ("n1", true), ("N1", false), ("n2", true), ("n3", false), ("n4", false), ("10.0.0.1", true),
      ("10.1.0.1", false),
    ])
  func settingsOfTheUsersOwn(_ name: String, _ own: Bool) async throws {
    let folder = try Scratch()
    let ssh = try ssh(
      folder,
      """
      Host n1
        User bob
      Host n2
        HostName 127.0.0.1
      Host 10.0.*
        IdentityFile /k
      Host *
        ServerAliveInterval 7
        ControlPath /tmp/cm-%C-%h
        UserKnownHostsFile \(folder.path)/known_hosts
      """)
    #expect(await SSHSettings.hasOwnSettings(name: name, ssh: ssh) == own)
    #expect(await SSHSettings.hasOwnSettings(name: name, ssh: nil) == false)
  }
}
