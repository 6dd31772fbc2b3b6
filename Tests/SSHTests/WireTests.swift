import Foundation
import TestSupport
import Testing

@testable import SSH

@Suite struct WireTests {
  @Test func `what is written is read, and what is short is not there`() {
    var writer = WireWriter()
    writer.byte(9)
    writer.uint32(70_000)
    writer.string(Array("a,b".utf8))
    for cut in 0..<writer.bytes.count {
      var reader = WireReader(writer.bytes.prefix(cut))
      let whole = reader.byte() == 9 && reader.uint32() == 70_000 && reader.names() == ["a", "b"]
      #expect(!whole)
    }
    var reader = WireReader(writer.bytes)
    #expect(reader.byte() == 9 && reader.uint32() == 70_000 && reader.names() == ["a", "b"])
    #expect(reader.count == 0)
    var huge = WireReader([0xFF, 0xFF, 0xFF, 0xFF, 1])
    #expect(huge.string() == nil)
  }

  @Test(arguments: [
    ("SSH-2.0-OpenSSH_9.2\r\n", ServerGreeting.State.version("SSH-2.0-OpenSSH_9.2", end: 21)),
    ("hello\r\nSSH-1.99-x\n", .version("SSH-1.99-x", end: 18)), ("SSH-1.5-x\n", .notSSH),
    ("HTTP/1.1 400\r\n", .notSSH), ("SSH-2.0-x", .incomplete), ("a\0b\n", .notSSH),
  ]) func `a greeting is found, however it is cut`(text: String, state: ServerGreeting.State) {
    let bytes = Array(text.utf8)
    for cut in 0...bytes.count {
      var greeting = ServerGreeting()
      greeting.take(bytes.prefix(cut))
      greeting.take(bytes.dropFirst(cut))
      #expect(greeting.state == state)
    }
  }

  @Test func `a greeting without an end is given up`() {
    var greeting = ServerGreeting()
    let taken = greeting.take(repeatElement(UInt8(ascii: "x"), count: 100_000))
    #expect(greeting.state == .notSSH && taken == ServerGreeting.limit)
  }

  private func packet(_ lists: [String]) -> [UInt8] {
    var payload = WireWriter()
    payload.byte(20)
    for _ in 0..<16 { payload.byte(7) }
    for list in lists { payload.string(Array(list.utf8)) }
    var packet = WireWriter()
    packet.uint32(UInt32(payload.bytes.count + 1 + 4))
    packet.byte(4)
    return packet.bytes + payload.bytes + [0, 0, 0, 0]
  }

  @Test func `a server's offer is compared part by part`() throws {
    let lists = ["k1", "h1,h2", "c1", "c1", "m-etm@x", "m-etm@x", "none", "none", "", ""]
    let bytes = packet(lists)
    let offer = try #require(ServerOffer(packet: bytes))
    var ours: [ServerOffer.Part: [String]] = [
      .keyExchange: ["k1"], .hostKey: ["h2"], .cipherToServer: ["c1"], .cipherToClient: ["c1"],
      .macToServer: ["m-etm@x"], .macToClient: ["m-etm@x"],
    ]
    #expect(offer.gap(to: ours) == nil)
    ours[.macToClient] = ["m"]
    #expect(offer.gap(to: ours) == "the server offers only ETM MACs that libssh2 lacks (m-etm@x)")
    for cut in 0..<(bytes.count - 4) {
      #expect(ServerOffer(packet: bytes.prefix(cut)) == nil)
    }
    var chance = SeededGenerator(3)
    for _ in 0..<2000 {
      var damaged = bytes
      damaged[Int.random(in: 0..<bytes.count, using: &chance)] = .random(
        in: .min ... .max, using: &chance)
      _ = ServerOffer(packet: damaged)?.gap(to: ours)
    }
  }

  @Test func `host key algorithms are ordered by what is on file`() {
    let ours = ["ecdsa", "ssh-ed25519", "ssh-rsa"]
    #expect(HostKeyPreference.order(preferred: [], supported: ours) == ours)
    #expect(
      HostKeyPreference.order(preferred: ["ssh-ed25519", "sk-x"], supported: ours)
        == ["ssh-ed25519", "ecdsa", "ssh-rsa"])
    #expect(
      HostKeyPreference.missed(
        preferred: ["ssh-rsa"], offered: ["rsa-sha2-256", "ecdsa"], agreed: "ecdsa")
        == "rsa-sha2-256")
    #expect(
      HostKeyPreference.missed(preferred: ["ssh-rsa"], offered: ["ecdsa"], agreed: "ecdsa") == nil)
    #expect(
      HostKeyPreference.missed(
        preferred: ["ecdsa", "ssh-rsa"], offered: ["ecdsa", "ssh-rsa"], agreed: "ecdsa") == nil)
  }

  @Test(arguments: [
    ([:], false, Asking.nobody), ([:], true, .terminal),
    (["SSH_ASKPASS": "/a"], false, .nobody),
    (["SSH_ASKPASS": "/a", "DISPLAY": ":0"], false, .program("/a")),
    (["SSH_ASKPASS": "/a", "DISPLAY": ":0"], true, .terminal),
    (
      ["SSH_ASKPASS": "/a", "DISPLAY": ":0", "SSH_ASKPASS_REQUIRE": "prefer"], true, .program("/a")
    ),
    (["SSH_ASKPASS": "/a", "SSH_ASKPASS_REQUIRE": "prefer"], true, .terminal),
    (["SSH_ASKPASS": "/a", "SSH_ASKPASS_REQUIRE": "force"], true, .program("/a")),
    (["SSH_ASKPASS": "/a", "DISPLAY": ":0", "SSH_ASKPASS_REQUIRE": "never"], false, .nobody),
  ]) func `who is asked is ssh's own choice`(
    environment: [String: String], hasTerminal: Bool, asking: Asking
  ) {
    #expect(Asking.choose(hasTerminal: hasTerminal) { environment[$0] } == asking)
  }

  @Test func `an agent's answer is read, whatever it is`() {
    var blob = WireWriter()
    blob.string(Array("ssh-ed25519".utf8))
    blob.string([1, 2, 3])
    var answer = WireWriter()
    answer.byte(12)
    answer.uint32(1)
    answer.string(blob.bytes)
    answer.string(Array("me\u{1B}[2J".utf8))
    let keys = Agent.parseKeys(answer.bytes)
    #expect(keys == [AgentKey(blob: blob.bytes, comment: "me�[2J")])
    #expect(keys?.first?.type == "ssh-ed25519")
    var chance = SeededGenerator(5)
    for _ in 0..<3000 {
      var bytes = answer.bytes
      bytes[Int.random(in: 0..<bytes.count, using: &chance)] = .random(
        in: .min ... .max, using: &chance)
      bytes.removeLast(Int.random(in: 0..<bytes.count, using: &chance))
      _ = Agent.parseKeys(bytes)
    }
  }

  @Test func `the algorithm of a signature is found in what is signed`() {
    var data = WireWriter()
    data.string([1, 2, 3])
    data.byte(50)
    data.string(Array("root".utf8))
    data.string(Array("ssh-connection".utf8))
    data.string(Array("publickey".utf8))
    data.byte(1)
    data.string(Array("rsa-sha2-512".utf8))
    #expect(SignedRequest.algorithm(data.bytes) == "rsa-sha2-512")
    for cut in 0..<data.bytes.count {
      #expect(SignedRequest.algorithm(data.bytes.prefix(cut)) == nil)
    }
  }
}
