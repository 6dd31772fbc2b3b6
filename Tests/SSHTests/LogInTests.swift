import Base
import Foundation
import SSH
import Synchronization
import TestSupport
import Testing

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Logging in by libssh2, against a real sshd.
@Suite(.serialized) struct LogInTests {
  @Test(arguments: [
    "ed25519", "ecdsa", "rsa", "rsa-pem", "rsa-pkcs8", "ecdsa-pem",
  ]) func `a key file is accepted`(name: String) async throws {
    let server = try TestServer()
    let answer = try await server.settings([name]).run("echo in")
    #expect(answer.text == "in\n")
  }

  @Test(arguments: ["ed25519", "ecdsa", "rsa"]) func `an agent's key is accepted`(
    name: String
  ) async throws {
    let server = try TestServer()
    let agent = try TestAgent([name])
    var settings = try server.settings([])
    settings.agent = agent.socket
    #expect(try await settings.run("echo in").text == "in\n")
    // With IdentitiesOnly the public key's file chooses among the agent's keys.
    settings.identitiesOnly = true
    #expect(await settings.refusal()?.failure.kind == .denied)
    settings.identityFiles = [try TestKeys.shared.get().path(name + ".pub")]
    #expect(try await settings.run("echo in").text == "in\n")
  }

  @Test(arguments: ["ed25519-locked", "rsa-pem-locked"])
  func `an encrypted key is unlocked by askpass`(
    name: String
  ) async throws {
    let server = try TestServer()
    let folder = try Scratch()
    let log = folder.path + "/asked"
    let program = try folder.text(
      "askpass", "#!/bin/sh\necho \"$1\" >> \(log)\necho '\(TestKeys.passphrase)'\n", mode: 0o755)
    setenv("SSH_ASKPASS", program, 1)
    setenv("SSH_ASKPASS_REQUIRE", "force", 1)
    defer {
      unsetenv("SSH_ASKPASS")
      unsetenv("SSH_ASKPASS_REQUIRE")
    }
    let settings = try server.settings([name])
    #expect(try await settings.run("echo in").text == "in\n")
    let asked = String(decoding: try contents(log), as: UTF8.self)
    #expect(asked == "Enter passphrase for key '\(settings.identityFiles[0])': \n")
  }

  @Test func `a wrong passphrase is said`() async throws {
    let server = try TestServer()
    let folder = try Scratch()
    let program = try folder.text("askpass", "#!/bin/sh\necho wrong\n", mode: 0o755)
    setenv("SSH_ASKPASS", program, 1)
    setenv("SSH_ASKPASS_REQUIRE", "force", 1)
    defer {
      unsetenv("SSH_ASKPASS")
      unsetenv("SSH_ASKPASS_REQUIRE")
    }
    let error = try #require(await server.settings(["ed25519-locked"]).refusal())
    #expect(error.failure.kind == .denied)
    #expect(error.failure.why?.contains("the passphrase was not the right one") == true)
  }

  @Test func `an encrypted key without a terminal is named, with what to do`() async throws {
    let server = try TestServer()
    let error = try #require(await server.settings(["ed25519-locked"]).refusal())
    #expect(error.failure.kind == .denied)
    #expect(
      error.failure.why?.contains(
        "encrypted, and there is no terminal to ask for its passphrase; add it to an agent with ssh-add"
      ) == true)
    #expect(error.needsOpenSSH == nil)
  }

  @Test(arguments: [
    ("ed25519-gcm", "libssh2 cannot use a key that is encrypted with aes256-gcm"),
    ("rsa-locked", "libssh2 cannot use an encrypted RSA key of OpenSSH's format"),
  ]) func `a key that libssh2 cannot read needs OpenSSH`(name: String, need: String) async throws {
    let server = try TestServer()
    let error = try #require(await server.settings([name]).refusal())
    #expect(error.failure.kind == .denied)
    #expect(error.needsOpenSSH == need)
  }

  @Test func `a key that is not known there is refused, and named`() async throws {
    let server = try TestServer()
    let settings = try server.settings(["stranger"])
    let error = try #require(await settings.refusal())
    #expect(error.failure.kind == .denied)
    #expect(error.needsOpenSSH == nil)
    #expect(
      error.failure.why
        == "The server accepts none of these keys for user \(settings.user): \(settings.identityFiles[0]) (ed25519). There is no agent."
    )
  }

  @Test func `a key that others can read is not offered`() async throws {
    let server = try TestServer()
    let folder = try Scratch()
    let key = try folder.file(
      "open", try contents(TestKeys.shared.get().path("ed25519")), mode: 0o644)
    var settings = try server.settings([])
    settings.identityFiles = [key]
    let error = try #require(await settings.refusal())
    #expect(error.failure.why?.contains("can be read by others (mode 644)") == true)
  }

  @Test func `an agent that is absent or hangs is said, and files are used`() async throws {
    let server = try TestServer()
    let folder = try Scratch()
    var settings = try server.settings(["stranger"])
    settings.agent = folder.path + "/none"
    #expect(
      await settings.refusal()?.failure.why?.contains("The agent is not running.") == true)
    let hanging = try Spawned([
      Programs.path("python3"), "-c",
      "import socket,sys,time; s=socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(1); print(1,flush=True); c=s.accept(); time.sleep(60)",
      folder.path + "/silent",
    ])
    defer {
      kill(hanging.pid, SIGKILL)
      _ = hanging.wait()
    }
    #expect(
      try await eventually { FileManager.default.fileExists(atPath: folder.path + "/silent") })
    settings.agent = folder.path + "/silent"
    let start = ContinuousClock.now
    #expect(
      await settings.refusal()?.failure.why?.contains("The agent does not answer.") == true)
    #expect(ContinuousClock.now - start < .seconds(5))
    settings.identityFiles = try server.settings(["ed25519"]).identityFiles
    #expect(try await settings.run("echo in").text == "in\n")
  }

  @Test func `too many keys are said with their number`() async throws {
    let server = try TestServer(["MaxAuthTries 2"])
    let settings = try server.settings(["stranger", "stranger2", "stranger3", "ed25519"])
    let error = try #require(await settings.refusal())
    #expect(error.failure.kind == .denied)
    #expect(error.failure.why?.hasPrefix("The server ended the log-in after 2 keys: ") == true)
    #expect(error.failure.why?.contains("Too many authentication failures") == true)
    #expect(error.needsOpenSSH == nil)
  }

  @Test func `a server that wants a password is said`() async throws {
    let server = try TestServer(["PubkeyAuthentication no", "KbdInteractiveAuthentication no"])
    let error = try #require(await server.settings().refusal())
    #expect(error.failure.why?.contains("accepts no keys, only: password.") == true)
  }
}

/// A real ssh-agent that holds some of the test keys.
final class TestAgent: Sendable {
  let socket: String
  private let folder: Scratch
  private let agent: Spawned

  init(_ names: [String]) throws {
    folder = try Scratch()
    socket = folder.path + "/agent"
    agent = try Spawned([Programs.path("ssh-agent"), "-D", "-a", socket])
    let keys = try TestKeys.shared.get()
    for _ in 0..<200 where !FileManager.default.fileExists(atPath: socket) { usleep(10_000) }
    let adding = try Spawned(
      [Programs.path("ssh-add"), "-q"] + names.map(keys.path),
      environment: ["SSH_AUTH_SOCK": socket, "PATH": "/usr/bin:/bin"])
    try adding.input.close()
    let answer = adding.answer()
    guard answer.end == .exited(0) else { throw TestKeys.Broken(description: answer.errors) }
  }

  deinit {
    kill(agent.pid, SIGTERM)
    _ = agent.wait(atMost: 5)
  }
}
