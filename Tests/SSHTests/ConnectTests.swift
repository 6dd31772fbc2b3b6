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

/// Connecting by libssh2: to servers that it lacks something for, and to what is no server.
@Suite(.serialized) struct ConnectTests {
  @Test(arguments: [
    (
      ["Ciphers aes128-gcm@openssh.com,chacha20-poly1305@openssh.com"], ["host-ed25519"],
      "AEAD ciphers"
    ),
    (["MACs hmac-sha2-256-etm@openssh.com"], ["host-ed25519"], "ETM MACs"),
    ([], ["host-rsa"], "host keys"),
    (["KexAlgorithms sntrup761x25519-sha512@openssh.com"], ["host-ed25519"], "key exchanges"),
  ]) func `what libssh2 lacks is named`(
    options: [String], hostKeys: [String], part: String
  ) async throws {
    let server = try TestServer(options, hostKeys: hostKeys)
    let error = try #require(await server.settings().refusal())
    #expect(error.failure.kind == .unreachable)
    #expect(
      error.needsOpenSSH?.hasPrefix("the server offers only \(part) that libssh2 lacks (") == true,
      "\(error)")
  }

  @Test func `the host key is shown, and refused without a word about OpenSSH`() async throws {
    let server = try TestServer()
    var settings = try server.settings()
    settings.hostKeyAlias = "alias"
    let shown = Mutex<HostKeyOffer?>(nil)
    let refusal = Failure(.denied, "Not this one.")
    do throws(SSHConnectError) {
      _ = try await settings.connect { offer in
        shown.withLock { $0 = offer }
        return refusal
      }
      Issue.record("it connected")
    } catch {
      #expect(error == SSHConnectError(refusal))
    }
    let offer = try #require(shown.withLock { $0 })
    let path = try TestKeys.shared.get().path("host-ed25519.pub")
    let listed = try await runProgram([Programs.path("ssh-keygen"), "-l", "-f", path])
    #expect(offer.host == "alias" && offer.port == server.port && offer.type == "ssh-ed25519")
    #expect(listed.text.contains(" \(offer.fingerprint) "))
    let line = String(decoding: try contents(path), as: UTF8.self)
    #expect(line.contains(Data(offer.blob).base64EncodedString()))
  }

  @Test(arguments: [
    (["ssh-ed25519"], "ssh-ed25519"), (["ecdsa-sha2-nistp256"], "ecdsa-sha2-nistp256"),
    ([], "ecdsa-sha2-nistp256"), (["ssh-dss", "ssh-ed25519"], "ssh-ed25519"),
  ]) func `the server is asked for the key that is on file`(
    preferred: [String], type: String
  ) async throws {
    let server = try TestServer(hostKeys: ["host-ed25519", "host-ecdsa", "host-rsa"])
    let shown = Mutex("")
    _ = try await server.settings().connect(preferred: preferred) { offer in
      shown.withLock { $0 = offer.type }
      return nil
    }
    #expect(shown.withLock { $0 } == type || preferred.isEmpty)
  }

  @Test func `a key on file that libssh2 cannot check is OpenSSH's, not a mismatch`() async throws {
    let server = try TestServer(hostKeys: ["host-ed25519", "host-rsa"])
    let error = try #require(await server.settings().refusal(preferred: ["ssh-rsa"]))
    #expect(
      error.needsOpenSSH
        == "the host key on file is one that libssh2 cannot check (rsa-sha2-512)")
  }

  /// What is no SSH server, and the sentence about it.
  enum Stranger: CaseIterable {
    case nobody, silent, closing, resetting, web, garbage, zeros, endless, afterGreeting

    var why: String {
      switch self {
      case .nobody: "127.0.0.1 refused the connection on port"
      case .silent: "sent no SSH greeting within 2 s."
      case .closing: "Before any SSH greeting came, the server hung up."
      case .resetting:
        "Before any SSH greeting came, the connection broke (Connection reset by peer)."
      case .web: "no SSH server; it began with \"HTTP/1.1 400 Bad Request\"."
      case .garbage: "no SSH server; it began with \"�[2Jhello�\"."
      case .zeros, .endless: "is no SSH server"
      case .afterGreeting:
        "During the key exchange the connection broke (Connection reset by peer)."
      }
    }

    func talk(_ connection: Int32) {
      func say(_ text: String) { writeAll(Array(text.utf8), to: keep) }
      let keep = OwnedFD(dup(connection))
      var patience = timeval(tv_sec: 3, tv_usec: 0)
      setsockopt(
        connection, SOL_SOCKET, SO_SNDTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
      func reset() {
        var now = linger(l_onoff: 1, l_linger: 0)
        setsockopt(connection, SOL_SOCKET, SO_LINGER, &now, socklen_t(MemoryLayout<linger>.size))
      }
      switch self {
      case .nobody: break
      case .closing:
        // What is not read would make a reset of the close.
        var greeting = [UInt8](repeating: 0, count: 256)
        _ = read(connection, &greeting, greeting.count)
      case .silent: sleep(4)
      case .resetting:
        // Not before it was accepted.
        usleep(200_000)
        reset()
      case .web: say("HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n")
      case .garbage: say("\u{1B}[2Jhello\u{7}\n" + String(repeating: "x", count: 20_000) + "\n")
      case .zeros: writeAll([0, 0, 0, 0], to: keep)
      case .endless: for _ in 0..<200_000 { say("and so on\n") }
      case .afterGreeting:
        say("SSH-2.0-Stranger\r\n")
        usleep(300_000)
        reset()
      }
      if self == .web || self == .garbage || self == .zeros { usleep(300_000) }
    }
  }

  @Test(arguments: Stranger.allCases) func `what is no SSH server is said`(
    stranger: Stranger
  ) async throws {
    var settings = SSHSettings(name: "node-1", hostName: "127.0.0.1", user: "nobody")
    settings.connectTimeout = 2
    let start = ContinuousClock.now
    if stranger == .nobody {
      settings.port = try Loopback.freePort()
      let error = try #require(await settings.refusal())
      #expect((error.failure.why ?? "").contains(stranger.why))
    } else {
      let (server, port) = try Loopback.serve { stranger.talk($0) }
      settings.port = port
      let error = try #require(await settings.refusal())
      #expect((error.failure.why ?? "").contains(stranger.why))
      #expect(error.failure.kind == .unreachable && error.needsOpenSSH == nil)
      withExtendedLifetime(server) {}
    }
    #expect(ContinuousClock.now - start < .seconds(4))
  }

  @Test func `a listening socket that never answers is given up in time`() async throws {
    let (listener, port) = try Loopback.listen()
    var settings = SSHSettings(name: "node-1", hostName: "127.0.0.1", user: "nobody")
    settings.port = port
    settings.connectTimeout = 1
    let start = ContinuousClock.now
    let error = try #require(await settings.refusal())
    #expect(error.failure.kind == .unreachable)
    #expect(ContinuousClock.now - start < .seconds(2))
    withExtendedLifetime(listener) {}
  }

  @Test func `cancelling ends connecting at once`() async throws {
    let (listener, port) = try Loopback.listen()
    var settings = SSHSettings(name: "node-1", hostName: "127.0.0.1", user: "nobody")
    settings.port = port
    let stuck = settings
    let task = Task { await stuck.refusal() }
    try await Task.sleep(for: .milliseconds(300))
    let start = ContinuousClock.now
    task.cancel()
    #expect(await task.value?.failure.why == "It was cancelled.")
    #expect(ContinuousClock.now - start < .milliseconds(100))
    withExtendedLifetime(listener) {}
  }

  @Test func `a name without an address is said`() async throws {
    var settings = SSHSettings(name: "node-1", hostName: "no-such-host.invalid", user: "nobody")
    settings.connectTimeout = 5
    let error = try #require(await settings.refusal())
    #expect(error.failure.kind == .unreachable)
    #expect(error.failure.what == "Cannot connect to node-1 by ssh.")
    #expect(error.failure.why?.contains("no-such-host.invalid") == true)
  }
}
