import Base
import Foundation
import TestSupport
import Testing

@testable import SSH

/// Keys that look like real ones: a type and some bytes behind it.
struct TestKey: Sendable {
  let type: String
  let blob: [UInt8]

  init(_ type: String, _ fill: UInt8) {
    self.type = type
    blob = Self.string(Array(type.utf8)) + Self.string([UInt8](repeating: fill, count: 32))
  }

  var row: String { "\(type) \(Data(blob).base64EncodedString())" }

  private static func string(_ bytes: [UInt8]) -> [UInt8] {
    [0, 0, 0, UInt8(bytes.count)] + bytes
  }

  static let ours = TestKey("ssh-ed25519", 1)
  static let other = TestKey("ssh-ed25519", 2)
  static let ecdsa = TestKey("ecdsa-sha2-nistp256", 3)
  static let rsa = TestKey("ssh-rsa", 4)
}

@Suite struct KnownHostsTests {
  /// A file, a host and its port, and what is said about `TestKey.ours`.
  struct Case: Sendable, CustomTestStringConvertible {
    let name: String
    let text: String
    var host = "node1"
    var port = 22
    let verdict: KnownHosts.Verdict

    var testDescription: String { name }
  }

  static let o = TestKey.ours.row
  static func changed(_ line: Int) -> KnownHosts.Verdict {
    .changed(.init(file: "known_hosts", line: line))
  }
  static func revoked(_ line: Int) -> KnownHosts.Verdict {
    .revoked(.init(file: "known_hosts", line: line))
  }

  static let cases: [Case] = [
    Case(name: "empty", text: "", verdict: .unknown),
    Case(name: "plain", text: "node1 \(o)\n", verdict: .known),
    Case(name: "no line feed at the end", text: "node1 \(o)", verdict: .known),
    Case(name: "other host", text: "node2 \(o)\n", verdict: .unknown),
    Case(name: "a name that only begins so", text: "node \(o)\nnode11 \(o)\n", verdict: .unknown),
    Case(name: "comment behind", text: "node1 \(o) root@node1 of 2024\n", verdict: .known),
    Case(name: "comment row", text: "# node1 \(o)\n", verdict: .unknown),
    Case(name: "leading blanks and tabs", text: " \tnode1\t \(o)\n", verdict: .known),
    Case(name: "list", text: "a,node1,192.0.2.1 \(o)\n", verdict: .known),
    Case(name: "list by address", text: "a,192.0.2.1 \(o)\n", host: "192.0.2.1", verdict: .known),
    Case(name: "upper case", text: "NODE1 \(o)\n", host: "Node1", verdict: .known),
    Case(name: "IPv6", text: "2001:db8::1 \(o)\n", host: "2001:db8::1", verdict: .known),
    Case(
      name: "IPv6 with a port", text: "[2001:db8::1]:2222 \(o)\n", host: "2001:db8::1", port: 2222,
      verdict: .known),
    Case(name: "wildcard", text: "*.example.com \(o)\n", host: "a.b.example.com", verdict: .known),
    Case(name: "wildcard of nothing", text: "node1* \(o)\n", verdict: .known),
    Case(name: "question mark", text: "node? \(o)\n", verdict: .known),
    Case(name: "question mark of nothing", text: "node1? \(o)\n", verdict: .unknown),
    Case(name: "wildcard that gives way", text: "*de*1 \(o)\n", verdict: .known),
    Case(name: "negation", text: "*,!node1 \(o)\n", verdict: .unknown),
    Case(name: "negation first", text: "!node1,* \(o)\n", verdict: .unknown),
    Case(name: "negation of a pattern", text: "node1,!node? \(o)\n", verdict: .unknown),
    Case(name: "negation of another", text: "*,!node2 \(o)\n", verdict: .known),
    Case(name: "negation alone", text: "!node2 \(o)\n", verdict: .unknown),
    Case(
      name: "negated here, known below", text: "*,!node1 \(TestKey.other.row)\nnode1 \(o)\n",
      verdict: .known),
    Case(name: "port", text: "[node1]:2222 \(o)\n", port: 2222, verdict: .known),
    Case(name: "another port", text: "[node1]:2222 \(o)\n", port: 2223, verdict: .unknown),
    Case(name: "row with a port, port 22", text: "[node1]:2222 \(o)\n", verdict: .unknown),
    Case(
      name: "row without a port, port 2222", text: "node1 \(o)\n", port: 2222, verdict: .unknown),
    Case(
      name: "another key without a port, port 2222", text: "node1 \(TestKey.other.row)\n",
      port: 2222, verdict: .unknown),
    Case(name: "wildcard with a port", text: "[*]:2222 \(o)\n", port: 2222, verdict: .known),
    Case(name: "changed", text: "# c\nnode1 \(TestKey.other.row)\n", verdict: changed(2)),
    Case(
      name: "only another type on file", text: "node1 \(TestKey.ecdsa.row)\n", verdict: changed(1)),
    Case(
      name: "another type first, then another key",
      text: "node1 \(TestKey.ecdsa.row)\nnode1 \(TestKey.other.row)\n", verdict: changed(2)),
    Case(
      name: "two keys of a type", text: "node1 \(TestKey.other.row)\nnode1 \(o)\n", verdict: .known),
    Case(name: "revoked", text: "@revoked node1 \(o)\n", verdict: revoked(1)),
    Case(
      name: "known and revoked", text: "node1 \(o)\n\n@revoked * \(o)\n", verdict: revoked(3)),
    Case(name: "revoked elsewhere", text: "@revoked node2 \(o)\nnode1 \(o)\n", verdict: .known),
    Case(
      name: "another key revoked", text: "@revoked * \(TestKey.other.row)\nnode1 \(o)\n",
      verdict: .known),
    Case(
      name: "only another key revoked", text: "@revoked * \(TestKey.other.row)\n",
      verdict: .unknown),
    Case(name: "authority", text: "@cert-authority * \(o)\n", verdict: .onlyAuthority),
    Case(
      name: "authority and key", text: "@cert-authority * \(TestKey.other.row)\nnode1 \(o)\n",
      verdict: .known),
    Case(
      name: "authority and another key",
      text: "@cert-authority * \(o)\nnode1 \(TestKey.other.row)\n", verdict: changed(2)),
    Case(name: "unknown marker", text: "@trusted node1 \(o)\n", verdict: .unknown),
    Case(name: "CRLF", text: "node1 \(o)\r\n", verdict: .known),
    Case(
      name: "CRLF, changed", text: "a \(o)\r\nnode1 \(TestKey.other.row)\r\n", verdict: changed(2)),
    Case(name: "garbage before", text: "\u{0}\u{1B}\u{FFFD}garbage\nnode1 \(o)\n", verdict: .known),
    Case(name: "protocol 1 row", text: "node1 1024 35 1234567\nnode1 \(o)\n", verdict: .known),
    Case(name: "row without a key", text: "node1 ssh-ed25519\nnode1 \(o)\n", verdict: .known),
    Case(
      name: "key that is no base64", text: "node1 ssh-ed25519 AAAA*\nnode1 \(o)\n", verdict: .known),
    Case(
      name: "key of another type than the row says",
      text: "node1 ssh-rsa \(Data(TestKey.other.blob).base64EncodedString())\nnode1 \(o)\n",
      verdict: .known),
    Case(
      name: "over-long garbage before",
      text: "\(String(repeating: "x", count: 100_000))\nnode1 \(o)\n", verdict: .known),
    Case(
      name: "over-long row of use", text: "node1 \(o) \(String(repeating: "c ", count: 5000))\n",
      verdict: .known),
    Case(
      name: "over-long list",
      text: "\((0..<1000).map { "host\($0)" }.joined(separator: ",")),node1 \(o)\n",
      verdict: .known),
    Case(name: "hash of another scheme", text: "|2|AAAA|AAAA \(o)\n", verdict: .unknown),
    Case(name: "hash that is cut", text: "|1|AAAA \(o)\nnode1 \(o)\n", verdict: .known),
    // ssh-keygen -H made these of "node1", "[node1]:2222" and "node2".
    Case(name: "hashed", text: "\(hashed[0]) \(o)\n", verdict: .known),
    Case(
      name: "hashed, upper case asked", text: "\(hashed[0]) \(o)\n", host: "NODE1", verdict: .known),
    Case(name: "hashed with a port", text: "\(hashed[1]) \(o)\n", port: 2222, verdict: .known),
    Case(name: "hashed with a port, port 22", text: "\(hashed[1]) \(o)\n", verdict: .unknown),
    Case(name: "hashed other", text: "\(hashed[2]) \(o)\n", verdict: .unknown),
    Case(name: "hashed, changed", text: "\(hashed[0]) \(TestKey.other.row)\n", verdict: changed(1)),
    Case(
      name: "hashed, CRLF, garbage around",
      text: "x\r\n\(hashed[2]) \(o)\r\ny\r\n\(hashed[0]) \(o)\r\n", verdict: .known),
    Case(name: "hashed, revoked", text: "@revoked \(hashed[0]) \(o)\n", verdict: revoked(1)),
  ]

  static let hashed = [
    "|1|GE1Zun6vzDUlJj/qgtw2gE0QCKM=|3jqqxuRzPp89ebgtOj17Yj+7AXA=",
    "|1|N2L1Pu6bRwrV3zvmpA0fF7XeCnM=|tTXXy3N5LYjfgow5K8lwj9ylJ9k=",
    "|1|tfnHHT73LjoP3yHXnP/YwbOjGDY=|Jc5ujK/niZz52mdKT1bpWehwZYw=",
  ]

  @Test(arguments: cases) func verdicts(_ test: Case) {
    let known = KnownHosts(text: test.text)
    let key = TestKey.ours
    #expect(
      known.verdict(host: test.host, port: test.port, type: key.type, key: key.blob)
        == test.verdict)
  }

  @Test func algorithmsAreThoseOnFile() {
    let text = """
      node1 \(TestKey.rsa.row)
      @revoked node1 \(TestKey.ecdsa.row)
      @cert-authority * \(TestKey.ecdsa.row)
      node2 \(TestKey.ecdsa.row)
      node1 \(TestKey.ours.row)
      node1 \(TestKey.other.row)

      """
    let known = KnownHosts(text: text)
    #expect(
      known.algorithms(for: "node1", port: 22)
        == ["ssh-rsa", "ssh-ed25519"])
    #expect(known.algorithms(for: "node3", port: 22) == [])
    #expect(known.hasOnlyAuthority(for: "node3", port: 22))
    #expect(!known.hasOnlyAuthority(for: "node1", port: 22))
  }

  @Test func filesCountTogetherAndMissingOnesDoNot() throws {
    let folder = try Scratch()
    let user = try folder.text("user", "node1 \(Self.o)\n")
    let system = try folder.text("system", "\n@revoked * \(Self.o)\n")
    let known = try KnownHosts(files: [user, folder.path + "/missing", user + "/no/folder", system])
    let verdict = known.verdict(host: "node1", port: 22, type: "", key: TestKey.ours.blob)
    #expect(verdict == .revoked(.init(file: system, line: 2)))
    #expect(try KnownHosts(files: ["/dev/null"]).rows.isEmpty)
  }

  @Test(arguments: ["folder", "/dev/zero"])
  func aFileThatCannotBeReadToItsEndIsAFailure(_ file: String) throws {
    let folder = try Scratch()
    #expect(throws: Failure.self) {
      _ = try KnownHosts(files: [file == "folder" ? folder.path : file])
    }
  }

  @Test func refusalsInWords() throws {
    func sentence(_ text: String, _ policy: HostKeyPolicy, port: Int = 22) -> String? {
      KnownHosts(text: text, file: "/home/u/.ssh/known_hosts").refusal(
        "The ssh connection to node1 failed.", host: "node1", port: port, type: "ssh-ed25519",
        key: TestKey.ours.blob, fingerprint: "SHA256:abc", policy: policy,
        file: "/home/u/.ssh/known_hosts"
      )?.sentence
    }
    var text = ""
    let files = [
      ("unknown", "", 22), ("unknown, port", "", 2222),
      ("changed", "\nnode1 \(TestKey.other.row)\n", 22),
      ("revoked", "@revoked node1 \(Self.o)\n", 22),
      ("authority", "@cert-authority node1 \(Self.o)\n", 22), ("known", "node1 \(Self.o)\n", 22),
    ]
    for (name, file, port) in files {
      for policy in HostKeyPolicy.allCases {
        text +=
          "\(name), \(policy.rawValue)\n  \(sentence(file, policy, port: port) ?? "accepted")\n"
      }
    }
    try Golden().check(text, "host-keys.txt")
  }
}
