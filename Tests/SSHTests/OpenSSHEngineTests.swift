import Base
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import SSH

@Suite(.ownThreads) struct OpenSSHEngineTests {
  /// Runs a command to its end.
  static func run(
    _ server: LocalSSHD, _ options: SSHOptions, _ command: String, input: String = ""
  ) async throws -> (output: String, errors: String, end: RemoteEnd) {
    let ssh = try Programs.path("ssh")
    let settings = try await SSHSettings.effective(name: "127.0.0.1", options: options, ssh: ssh)
    return try await withOpenSSHProcess(
      settings, options: options, ssh: ssh, command: command, note: "because"
    ) { process throws(Failure) in
      #expect(process.engine == .openssh)
      #expect(process.note == "because")
      let bytes = Array(input.utf8)
      #expect(write(process.streams.input.raw, bytes, bytes.count) == bytes.count)
      process.streams.input.close()
      async let errors = readText(process.streams.errors)
      let output = try await readText(process.streams.output)
      let words: String
      do { words = try await errors } catch { words = "\(error)" }
      return (output, words, await process.end(errors: words))
    }
  }

  /// Waits for "up", the command's first words: until then ssh is still connecting.
  static func waitForOutput(_ process: SSHProcess) async throws(Failure) {
    let count = try await onOwnThread("test", stop: {}) { () throws(Failure) in
      var bytes = [UInt8](repeating: 0, count: 3)
      return read(process.streams.output.raw, &bytes, 3)
    }
    #expect(count == 3)
  }

  /// The failure of a run that is expected to fail.
  static func failure(_ server: LocalSSHD, _ options: SSHOptions) async throws -> Failure {
    let (output, _, end) = try await run(server, options, "echo IN")
    #expect(output == "")
    guard case .failed(let failure) = end else { throw LocalSSHD.CannotStart(log: "\(end)") }
    return failure
  }

  @Test func streamsAndStatus() async throws {
    let server = try await LocalSSHD()
    let (output, errors, end) = try await Self.run(
      server, try server.options(), "cat; echo no >&2; exit 3", input: "hello\n\u{0}\r\n~.\n")
    #expect(output == "hello\n\u{0}\r\n~.\n")
    #expect(errors == "no\n")
    #expect(end == .exited(3))
  }

  @Test func theCommandsOwn255IsItsOwn() async throws {
    let server = try await LocalSSHD()
    let options = try server.options()
    #expect(try await Self.run(server, options, "echo no >&2; exit 255").end == .exited(255))
    #expect(try await Self.run(server, options, "kill -TERM $$").end == .exited(255))
  }

  @Test func hostKeys() async throws {
    let server = try await LocalSSHD()
    var options = try server.options()

    try server.folder.text("known_hosts", "")
    var failure = try await Self.failure(server, options)
    #expect(failure.kind == .denied)
    #expect(failure.why == HostKeyRefusal.unknown(key: "ED25519", add: nil).why)

    for policy in HostKeyPolicy.allCases {
      options.hostKeys = policy
      try server.folder.text("known_hosts", "# c\n\(server.place) \(try server.row("other"))\n")
      failure = try await Self.failure(server, options)
      #expect(failure.kind == .denied)
      #expect(failure.why?.contains("CHANGED: \(server.knownHosts):2") == true, "\(failure)")

      try server.folder.text(
        "known_hosts",
        "@revoked * \(try server.row("host"))\n\(server.place) \(try server.row("host"))\n")
      failure = try await Self.failure(server, options)
      #expect(failure.why?.contains("REVOKED") == true, "\(failure)")
    }

    options.hostKeys = .acceptNew
    try server.folder.text("known_hosts", "")
    let run = try await Self.run(server, options, "echo IN")
    #expect(run.output == "IN\n")
    #expect(run.errors.contains("Permanently added"))
    // What OpenSSH wrote down, hashed or not, is known to us as well.
    let known = try KnownHosts(files: [server.knownHosts])
    #expect(known.algorithms(for: "127.0.0.1", port: server.port) == ["ssh-ed25519"])
  }

  @Test func whatWeWriteDownIsKnownToOpenSSH() async throws {
    let server = try await LocalSSHD()
    let options = try server.options()
    try server.folder.text("known_hosts", "")
    let blob = try #require(
      Base64.decode(Array(try server.row("host").split(separator: " ")[1].utf8)))
    _ = try KnownHosts.add(
      host: "127.0.0.1", port: server.port, key: blob, fingerprint: "", to: server.knownHosts)
    #expect(try await Self.run(server, options, "echo IN").output == "IN\n")
  }

  @Test func aWrongKeyIsDenied() async throws {
    let server = try await LocalSSHD()
    var options = try server.options()
    options.key = server.folder.path + "/other"
    let failure = try await Self.failure(server, options)
    #expect(failure.kind == .denied)
    #expect(failure.why?.contains("(the server takes publickey") == true, "\(failure)")
    options.key = server.folder.path + "/missing"
    #expect(try await Self.failure(server, options).why?.contains("does not exist") == true)
  }

  @Test func nobodyIsThere() async throws {
    let server = try await LocalSSHD()
    var options = try server.options()
    options.port = 1
    #expect(try await Self.failure(server, options).kind == .unreachable)
  }

  @Test func aSessionThatIsKilledIsAFailure() async throws {
    let server = try await LocalSSHD()
    let options = try server.options()
    let ssh = try Programs.path("ssh")
    let settings = try await SSHSettings.effective(name: "127.0.0.1", options: options, ssh: ssh)
    let end = try await withOpenSSHProcess(
      settings, options: options, ssh: ssh, command: "echo up; exec sleep 60", note: nil
    ) { process throws(Failure) in
      try await Self.waitForOutput(process)
      server.killSessions()
      let errors = try await readText(process.streams.errors)
      return await process.end(errors: errors)
    }
    guard case .failed(let failure) = end else {
      Issue.record("\(end)")
      return
    }
    #expect(failure.kind == .unreachable)
    #expect(failure.why?.hasPrefix("The connection broke: Connection to 127.0.0.1 closed") == true)
  }

  /// Works with a command while it runs, and measures how long the scope takes from `release` on.
  static func idle<R: Sendable>(
    _ command: String, _ body: @escaping @Sendable (SSHProcess) async throws(Failure) -> R
  ) async throws -> R {
    let server = try await LocalSSHD()
    let options = try server.options()
    let ssh = try Programs.path("ssh")
    let settings = try await SSHSettings.effective(name: "127.0.0.1", options: options, ssh: ssh)
    let result: Result<R, Failure>
    do throws(Failure) {
      result = .success(
        try await withOpenSSHProcess(
          settings, options: options, ssh: ssh, command: command, note: nil, body))
    } catch {
      result = .failure(error)
    }
    // The server sees the end as well: no session is left.
    #expect(try await eventually { server.descendants.isEmpty })
    return try result.get()
  }

  @Test func itEndsWhileTheBodyRuns() async throws {
    let ends = try await Self.idle("echo up; cat; exit 4") { process throws(Failure) in
      try await Self.waitForOutput(process)
      let first = await process.end(errors: "")
      return [first, await process.end(errors: "Host key verification failed.")]
    }
    #expect(ends == [.exited(4), .exited(4)])
  }

  @Test func whatDoesNotEndIsEnded() async throws {
    let start = ContinuousClock.now
    let end = try await Self.idle("echo up; exec sleep 60") { process throws(Failure) in
      try await Self.waitForOutput(process)
      return await process.end(errors: "")
    }
    guard case .failed(let failure) = end else {
      Issue.record("\(end)")
      return
    }
    #expect(failure.why == "The far end did not end in time once its input was closed.")
    #expect(start.duration(to: .now) < .seconds(20))
  }

  @Test func aBodyThatThrowsEndsIt() async throws {
    let mine = Failure(.other, "Enough.")
    await #expect(throws: mine) {
      try await Self.idle("exec cat") { (_) async throws(Failure) -> Int in throw mine }
    }
  }

  @Test func cancellationEndsIt() async throws {
    let started = Promise<Void>()
    let task = Task {
      try await Self.idle("echo up; exec sleep 60") { process throws(Failure) in
        try await Self.waitForOutput(process)
        started.give(())
        return try await readText(process.streams.errors)
      }
    }
    await started.value
    task.cancel()
    let start = ContinuousClock.now
    _ = try? await task.value
    #expect(start.duration(to: .now) < .seconds(20))
  }

  @Test func aProgramThatIsNotThereIsAFailure() async throws {
    let settings = SSHSettings(name: "n", hostName: "n", user: "u")
    await #expect(throws: Failure.self) {
      try await withOpenSSHProcess(
        settings, options: SSHOptions(), ssh: "/nonexistent/ssh", command: "true", note: nil
      ) { _ in Issue.record("It ran.") }
    }
  }
}
