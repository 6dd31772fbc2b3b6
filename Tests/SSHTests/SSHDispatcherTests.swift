import Base
import Foundation
import TestSupport
import Testing

@testable import SSH

/// An engine in this process that goes as far as it is told: the real ones are tested with the dispatcher
/// in the lab.
private struct FakeConnection: SSHConnection {
  func withProcess<R: Sendable>(
    _ command: String, _ body: @escaping @Sendable (SSHProcess) async throws(Failure) -> R
  ) async throws(Failure) -> R {
    let pipe = try Base.Pipe()
    let process = SSHProcess(
      streams: RemoteStreams(input: pipe.writer, output: pipe.reader, errors: OwnedFD(-1)),
      engine: .libssh2, note: nil, finish: { .exited(Int32($0.utf8.count)) })
    return try await body(process)
  }
}

@Suite(.ownThreads) struct SSHDispatcherTests {
  /// Which engine ran, and what is said about it.
  struct Outcome: Equatable, Sendable {
    let engine: SSHEngine
    let note: String?
    let end: RemoteEnd
  }

  static let offer = HostKeyOffer(
    host: "node1", port: 22, type: "ssh-ed25519", blob: TestKey.ours.blob, fingerprint: "SHA256:abc"
  )

  static func run(
    _ settings: SSHSettings, _ options: SSHOptions = SSHOptions(), ssh: String? = nil,
    open: SSHOpener
  ) async throws(Failure) -> Outcome {
    try await withSSHProcess(
      settings, options: options, ssh: ssh, command: "exit 3", isInteractive: false, open: open
    ) { process in
      let end = await process.end(errors: "")
      return Outcome(engine: process.engine, note: process.note, end: end)
    }
  }

  static func settings(_ folder: Scratch, _ known: String) throws -> SSHSettings {
    var settings = SSHSettings(name: "node1", hostName: "node1", user: "root")
    settings.knownHosts = [try folder.text("known_hosts", known)]
    return settings
  }

  @Test func aKnownHostIsReachedInThisProcess() async throws {
    let folder = try Scratch()
    let settings = try Self.settings(folder, "node1 \(TestKey.ours.row)\n")
    let outcome = try await Self.run(settings) {
      (given, isInteractive, algorithms, hostKey) throws(SSHConnectError) in
      #expect(given == settings)
      #expect(!isInteractive)
      #expect(algorithms == ["ssh-ed25519"])
      #expect(hostKey(Self.offer) == nil)
      return FakeConnection()
    }
    #expect(outcome == Outcome(engine: .libssh2, note: nil, end: .exited(0)))
  }

  @Test func aNewKeyIsWrittenDownAndSaid() async throws {
    let folder = try Scratch()
    var settings = try Self.settings(folder, "")
    settings.hostKeys = .acceptNew
    let file = try #require(settings.knownHosts.first)
    let outcome = try await Self.run(settings) {
      (_, _, _, hostKey) throws(SSHConnectError) in
      #expect(hostKey(Self.offer) == nil)
      return FakeConnection()
    }
    #expect(
      outcome.note == "The host key of node1, ED25519 SHA256:abc, was new and is in \(file) now.")
    #expect(
      String(decoding: try contents(file), as: UTF8.self) == "node1 \(TestKey.ours.row)\n")
  }

  @Test func aKeyThatCannotBeWrittenDownIsRefused() async throws {
    var settings = SSHSettings(name: "node1", hostName: "node1", user: "root")
    settings.hostKeys = .acceptNew
    for file in [nil, "/dev/null/known_hosts"] {
      settings.knownHosts = file.map { [$0] } ?? []
      await #expect(throws: Failure.self) {
        try await Self.run(settings) { (_, _, _, hostKey) throws(SSHConnectError) in
          guard let failure = hostKey(Self.offer) else { return FakeConnection() }
          throw SSHConnectError(failure)
        }
      }
    }
  }

  /// A refused host key is the end, even if the engine should say that OpenSSH may do better.
  @Test(
    arguments: [
      "", "node1 \(TestKey.other.row)\n", "node1 \(TestKey.ecdsa.row)\n",
      "@revoked * \(TestKey.ours.row)\n",
    ])
  func noOtherEngineAfterARefusedKey(_ known: String) async throws {
    let folder = try Scratch()
    let settings = try Self.settings(folder, known)
    await #expect {
      try await Self.run(settings, ssh: "/bin/false") {
        (_, _, _, hostKey) throws(SSHConnectError) in
        guard let failure = hostKey(Self.offer) else { return FakeConnection() }
        throw SSHConnectError(failure, needsOpenSSH: "more")
      }
    } throws: { error in
      (error as? Failure)?.kind == .denied
    }
  }

  @Test func whatLibssh2CannotDoOpenSSHDoes() async throws {
    let server = try await LocalSSHD()
    let ssh = try Programs.path("ssh")
    let options = try server.options()
    var settings = try await SSHSettings.effective(name: "127.0.0.1", options: options, ssh: ssh)
    let opener: SSHOpener = { (_, _, _, _) throws(SSHConnectError) in
      throw SSHConnectError(
        Failure(.other, "No.", fix: "-"), needsOpenSSH: "the server offers only AEAD ciphers")
    }
    let outcome = try await Self.run(settings, options, ssh: ssh, open: opener)
    #expect(
      outcome
        == Outcome(
          engine: .openssh, note: "the OpenSSH client, since the server offers only AEAD ciphers",
          end: .exited(3)))
    await #expect {
      try await Self.run(settings, options, ssh: nil, open: opener)
    } throws: { error in
      (error as? Failure)?.fix?.hasPrefix(
        "It takes the OpenSSH client, since the server offers only AEAD") == true
    }

    settings.needsOpenSSH = ["ProxyJump"]
    let chosen = try await Self.run(settings, options, ssh: ssh) {
      (_, _, _, _) throws(SSHConnectError) in
      Issue.record("libssh2 was asked.")
      return FakeConnection()
    }
    #expect(chosen.note == "the OpenSSH client, since libssh2 has no ProxyJump")
    #expect(chosen.end == .exited(3))
  }

  @Test func otherFailuresOfLibssh2Stay() async throws {
    let folder = try Scratch()
    let settings = try Self.settings(folder, "")
    let mine = Failure(.unreachable, "No.", why: "Nobody is there.")
    await #expect(throws: mine) {
      try await Self.run(settings, ssh: "/bin/false") { (_, _, _, _) throws(SSHConnectError) in
        throw SSHConnectError(mine)
      }
    }
  }
}
