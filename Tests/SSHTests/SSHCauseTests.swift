import Base
import Foundation
import TestSupport
import Testing

@testable import SSH

/// What a real ssh, sshd and sudo said.
struct RecordedMessage: Decodable, Sendable, CustomTestStringConvertible {
  let id: String
  let exit_code: Int32
  let stderr: String

  var testDescription: String { id }

  static func all() throws -> [RecordedMessage] {
    struct Recording: Decodable { let messages: [RecordedMessage] }
    let folder = try #require(Bundle.module.url(forResource: "Data", withExtension: nil))
    let data = try Data(contentsOf: folder.appendingPathComponent("messages.json"))
    return try JSONDecoder().decode(Recording.self, from: data).messages
  }
}

@Suite struct SSHCauseTests {
  static let causes: [String: SSHCause] = [
    "connection-refused": .refused("127.0.0.1 port 1"),
    "no-route-to-host": .unreachable("198.51.100.99 port 22: No route to host"),
    "network-unreachable": .unreachable("203.0.113.250 port 22: Invalid argument"),
    "connect-timeout": .timedOut("127.0.0.1 port 8227"),
    "banner-timeout": .silent,
    "closed-before-banner": .closedEarly("Connection closed by 127.0.0.1 port 8321"),
    "reset-before-banner": .closedEarly("Connection reset by 127.0.0.1 port 8222"),
    "not-ssh": .closedEarly("Connection closed by 127.0.0.1 port 8324"),
    "closed-after-banner": .closedEarly("Connection closed by 127.0.0.1 port 8325"),
    "max-startups": .closedEarly("Connection closed by 127.0.0.1 port 8326"),
    "host-key-changed": .hostKeyChanged(
      key: "ED25519 SHA256:xe0WiYiBDseDQl/bR6YecJHlTKCFJjKeSTdabpLsJPA",
      place: "/home/user/ssh/changed:1"),
    "host-key-changed-accept-new": .hostKeyChanged(
      key: "ED25519 SHA256:xe0WiYiBDseDQl/bR6YecJHlTKCFJjKeSTdabpLsJPA",
      place: "/home/user/ssh/changed:1"),
    "host-key-unknown-strict": .hostKeyUnknown(type: "ED25519"),
    "host-key-unknown-ask-batch": .hostKeyUnknown(type: nil),
    "host-key-unknown-ask-no-tty": .hostKeyUnknown(type: nil),
    "host-key-revoked": .hostKeyRevoked(type: "ED25519"),
    "host-key-type-mismatch": .negotiation("host key type"),
    "kex-mismatch": .negotiation("key exchange method"),
    "permission-denied-publickey": .denied(
      who: "root@198.51.100.11", methods: "publickey", key: nil),
    "permission-denied-user": .denied(who: "nobody@198.51.100.11", methods: "publickey", key: nil),
    "too-many-authentication-failures": .tooManyKeys,
    "identity-missing": .denied(
      who: "root@198.51.100.11", methods: "publickey", key: .missing("/home/user/.ssh/nokey")),
    "identity-too-open": .denied(
      who: "root@198.51.100.11", methods: "publickey", key: .readableByOthers("/home/user/ssh/open")
    ),
    "identity-locked-batch": .denied(who: "root@198.51.100.11", methods: "publickey", key: nil),
    "identity-junk": .denied(
      who: "root@198.51.100.11", methods: "publickey",
      key: .unreadable("/home/user/ssh/known_hosts")),
    "bad-option": .badSetting("command-line: line 0: Bad configuration option: nonsense"),
    "bad-hostname": .badSetting("hostname contains invalid characters"),
    "bad-port": .badSetting("Bad port '99999'"),
    "jump-refused": .proxy("ssh: connect to host 127.0.0.1 port 1: Connection refused"),
    "proxycommand-missing": .proxy("/bin/bash: line 1: exec: nosuchproxy: not found"),
    "bad-config-file": .badSetting(
      "/home/user/ssh/badconfig: line 2: Bad configuration option: nonsense"),
    "unknown-hostname": .unknownName("node9.example"),
    "session-killed": .connectionLost("Connection to 198.51.100.11 closed by remote host"),
    "keepalive-timeout": .connectionLost("Timeout, server 198.51.100.11 not responding"),
    "protocol-1": .wrongProtocol,
  ]

  @Test(arguments: try RecordedMessage.all())
  func everyRecordingHasItsCause(_ message: RecordedMessage) throws {
    let end = SSHCause.end("-", status: .exited(message.exit_code), errors: message.stderr)
    guard let cause = Self.causes[message.id] else {
      // ssh did its part; what the command did is the command's.
      #expect(end == .exited(message.exit_code))
      return
    }
    #expect(SSHCause(errors: message.stderr) == cause)
    guard case .failed(let failure) = end else {
      Issue.record("\(end)")
      return
    }
    #expect([.unreachable, .denied, .other].contains(failure.kind))
    for sentence in [try #require(failure.why), try #require(failure.fix)] {
      #expect(sentence.hasSuffix(".") && !sentence.hasSuffix("..") && !sentence.contains("\r"))
    }
  }

  @Test func everyCauseHasARecording() throws {
    let ids = Set(try RecordedMessage.all().map(\.id))
    #expect(Set(Self.causes.keys).subtracting(ids) == [])
  }

  /// Every sentence that the recordings lead to, to be read by people.
  @Test func wordings() throws {
    var text = ""
    for message in try RecordedMessage.all() {
      let end = SSHCause.end("-", status: .exited(message.exit_code), errors: message.stderr)
      guard case .failed(let failure) = end else { continue }
      text += "\(message.id)\n  \(failure.kind): \(failure.why ?? "")\n    \(failure.fix ?? "")\n"
    }
    try Golden().check(text, "ssh-messages.txt")
  }

  /// Words that no recording has, and what must not be taken for ssh's own.
  @Test(
    arguments: [
      ("", nil),
      ("my command failed\n", nil),
      // The far end's own words, with more behind them.
      ("Host key verification failed.\nand on it goes\n", nil),
      ("Permission denied (publickey).\n", nil),
      (
        "cat: noise\nclient_loop: send disconnect: Broken pipe\r\n",
        .connectionLost("client_loop: send disconnect: Broken pipe")
      ),
      (
        "Connection to node1 closed by remote host.\r\n",
        .connectionLost("Connection to node1 closed by remote host")
      ),
      ("ssh: something new\r\n", .unknown("ssh: something new")),
      (
        "ssh: connect to host n port 22: Operation timed out\r\n", .timedOut("n port 22")
      ),
      (
        "ssh: connect to host \u{1B}[31m port 22: Connection refused\r\n",
        .refused("\u{FFFD}[31m port 22")
      ),
      (
        "No ED25519 host key is known for jump and you have requested strict checking.\r\n"
          + "Host key verification failed.\r\n"
          + "kex_exchange_identification: Connection closed by remote host\r\n"
          + "Connection closed by UNKNOWN port 65535\r\n", .hostKeyUnknown(type: "ED25519")
      ),
      (
        "ssh_askpass: exec(/usr/bin/ssh-askpass): No such file or directory\r\n"
          + "Host key verification failed.\r\n"
          + "kex_exchange_identification: Connection closed by remote host\r\n"
          + "Connection closed by UNKNOWN port 65535\r\n", .hostKeyUnknown(type: nil)
      ),
      ("Connection closed by UNKNOWN port 65535\r\n", .proxy(nil)),
      (
        "kex_exchange_identification: banner line contains invalid characters\r\n"
          + "banner exchange: Connection to 127.0.0.1 port 1: invalid format\r\n", .wrongProtocol
      ),
    ] as [(String, SSHCause?)])
  func otherWords(_ errors: String, _ cause: SSHCause?) {
    #expect(SSHCause(errors: errors) == cause)
  }

  @Test func whatEndsByASignalIsAFailure() {
    guard case .failed(let failure) = SSHCause.end("-", status: .signalled(9), errors: "x") else {
      Issue.record("no failure")
      return
    }
    #expect(failure.why == "The ssh client was ended by signal 9.")
    #expect(failure.detail == "x")
  }

  @Test func mutatedWordsDoNotTrap() throws {
    var random = SeededGenerator(0xCA5E)
    for message in try RecordedMessage.all() {
      for _ in 0..<40 {
        var bytes = Array(message.stderr.utf8)
        guard !bytes.isEmpty else { break }
        for _ in 0..<3 {
          bytes[Int.random(in: 0..<bytes.count, using: &random)] = .random(
            in: 0...255, using: &random)
        }
        bytes.removeLast(Int.random(in: 0..<bytes.count, using: &random))
        let errors = String(decoding: bytes, as: UTF8.self)
        guard let why = SSHCause(errors: errors)?.failure("-", detail: errors).why else { continue }
        #expect(!why.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" })
      }
    }
  }
}
