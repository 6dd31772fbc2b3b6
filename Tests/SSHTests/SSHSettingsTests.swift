import Base
import Foundation
import TestSupport
import Testing

@testable import SSH

@Suite struct SSHSettingsTests {
  static let user = LocalUser(login: "me", home: "/home/me", id: 1000, machine: "desk.example.com")
  {
    ["SSH_AUTH_SOCK": "/run/agent", "OTHER": "/run/other", "DIR": "/keys"][$0]
  }
  /// As libssh2 1.10 has them.
  static let old = SSHAlgorithms(
    keyExchanges: ["curve25519-sha256"], hostKeys: ["ssh-ed25519", "ssh-rsa"],
    ciphers: ["aes128-ctr"], macs: ["hmac-sha2-256"])

  static func read(_ text: String, _ options: SSHOptions = SSHOptions()) -> SSHSettings {
    SSHSettings(name: "n1", sshG: text, options: options, user: user, algorithms: old)
  }

  @Test func takesWhatSSHSays() {
    let settings = Self.read(
      """
      host n1
      user bob
      hostname 10.0.0.1
      port 2222
      hostkeyalias foo
      identitiesonly yes
      stricthostkeychecking ask
      identityfile ~/.ssh/a_%h_%r
      identityfile /tmp/with blank/key
      certificatefile ~/x-cert.pub
      userknownhostsfile /home/me/.ssh/known_hosts /home/me/.ssh/known_hosts2
      globalknownhostsfile /etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2
      proxycommand none
      proxyjump a@b:22,c
      connecttimeout 7
      addressfamily any
      """)
    var expected = SSHSettings(name: "n1", hostName: "10.0.0.1", user: "bob")
    expected.port = 2222
    expected.hostKeyAlias = "foo"
    expected.identitiesOnly = true
    expected.identityFiles = ["/home/me/.ssh/a_10.0.0.1_bob", "/tmp/with blank/key"]
    expected.certificateFiles = ["/home/me/x-cert.pub"]
    expected.agent = "/run/agent"
    expected.knownHosts = [
      "/home/me/.ssh/known_hosts", "/home/me/.ssh/known_hosts2", "/etc/ssh/ssh_known_hosts",
      "/etc/ssh/ssh_known_hosts2",
    ]
    expected.proxyJump = "a@b:22,c"
    expected.connectTimeout = 7
    expected.needsOpenSSH = ["ProxyJump", "certificates"]
    #expect(settings == expected)
    #expect(settings.hostKeyName == ("foo", 22))
    #expect(Self.read("hostname h\nport 99\n").hostKeyName == ("h", 99))
  }

  @Test func nothingIsSaid() {
    var expected = SSHSettings(name: "n1", hostName: "n1", user: "me")
    expected.agent = "/run/agent"
    #expect(Self.read("") == expected)
    #expect(
      Self.read("hostname none\nidentityfile none\nuserknownhostsfile none\nconnecttimeout none\n")
        == expected)
  }

  @Test(
    arguments: [
      ("SSH_AUTH_SOCK", "/run/agent"), ("none", nil), ("NONE", nil), ("$OTHER", "/run/other"),
      ("${OTHER}", "/run/other"), ("$UNSET", nil), ("~/agent", "/home/me/agent"),
      ("/a/%u", "/a/me"),
    ] as [(String, String?)])
  func agents(_ value: String, _ agent: String?) {
    #expect(Self.read("identityagent \(value)\n").agent == agent)
  }

  /// What the user's own files say never makes it laxer than the configuration.
  @Test(
    arguments: [
      ("true", .acceptNew, .strict), ("yes", .acceptNew, .strict), ("yes", .strict, .strict),
      ("false", .strict, .strict), ("no", .strict, .strict), ("off", .strict, .strict),
      ("accept-new", .strict, .strict), ("ask", .strict, .strict), ("", .strict, .strict),
      ("ask", .acceptNew, .acceptNew), ("false", .acceptNew, .acceptNew),
      ("accept-new", .acceptNew, .acceptNew),
    ] as [(String, HostKeyPolicy, HostKeyPolicy)])
  func hostKeyPolicies(_ value: String, _ ours: HostKeyPolicy, _ policy: HostKeyPolicy) {
    var options = SSHOptions()
    options.hostKeys = ours
    #expect(Self.read("stricthostkeychecking \(value)\n", options).hostKeys == policy)
  }

  @Test(
    arguments: [
      ("proxyjump j", ["ProxyJump"]), ("proxyjump none", []),
      ("proxycommand nc %h %p", ["ProxyCommand"]), ("proxycommand none", []),
      ("certificatefile ~/c", ["certificates"]), ("pkcs11provider /x.so", ["PKCS11Provider"]),
      ("pkcs11provider none", []), ("securitykeyprovider internal", []),
      ("knownhostscommand /bin/x", ["KnownHostsCommand"]), ("knownhostscommand none", []),
      ("revokedhostkeys ~/r", ["RevokedHostKeys"]), ("verifyhostkeydns true", ["VerifyHostKeyDNS"]),
      ("verifyhostkeydns false", []), ("bindaddress 10.0.0.2", ["BindAddress"]),
      ("bindinterface eth0", ["BindInterface"]), ("addressfamily inet6", ["AddressFamily"]),
      ("addressfamily any", []), ("canonicalizehostname true", []),
      ("ciphers aes256-gcm@openssh.com", ["cipher that ssh's settings allow"]),
      ("ciphers aes256-gcm@openssh.com,aes128-ctr", []),
      ("macs umac-64-etm@openssh.com", ["MAC that ssh's settings allow"]),
      ("macs umac-64-etm@openssh.com,hmac-sha2-256", []),
      (
        "kexalgorithms sntrup761x25519-sha512@openssh.com",
        ["key exchange that ssh's settings allow"]
      ),
      ("hostkeyalgorithms rsa-sha2-512", ["kind of host key that ssh's settings allow"]),
      ("hostkeyalgorithms rsa-sha2-512,ssh-ed25519", []),
    ] as [(String, [String])])
  func whatLibssh2Lacks(_ line: String, _ words: [String]) {
    #expect(Self.read(line).needsOpenSSH == words)
  }

  @Test func aKnownHostsFileOfOursCountsAsItIsWritten() {
    var options = SSHOptions()
    options.knownHosts = "~/my hosts"
    let settings = Self.read(
      "userknownhostsfile /home/me/my hosts\nglobalknownhostsfile /etc/g\n", options)
    #expect(settings.knownHosts == ["/home/me/my hosts", "/etc/g"])
  }

  @Test func withoutSSH() {
    var expected = SSHSettings(name: "n1", hostName: "n1", user: "me")
    expected.identityFiles = ["id_ed25519", "id_ecdsa", "id_rsa"].map { "/home/me/.ssh/\($0)" }
    expected.agent = "/run/agent"
    expected.knownHosts = [
      "/home/me/.ssh/known_hosts", "/home/me/.ssh/known_hosts2", "/etc/ssh/ssh_known_hosts",
      "/etc/ssh/ssh_known_hosts2",
    ]
    #expect(SSHSettings(name: "n1", options: SSHOptions(), user: Self.user) == expected)

    var options = SSHOptions()
    options.user = "bob"
    options.port = 2222
    options.key = "~/k_%p"
    options.jump = "j"
    options.knownHosts = "${DIR}/kh"
    options.hostKeys = .acceptNew
    expected.user = "bob"
    expected.port = 2222
    expected.identitiesOnly = true
    expected.identityFiles = ["/home/me/k_2222"]
    expected.knownHosts[0...1] = ["/keys/kh"]
    expected.hostKeys = .acceptNew
    expected.proxyJump = "j"
    expected.needsOpenSSH = ["ProxyJump"]
    #expect(SSHSettings(name: "n1", options: options, user: Self.user) == expected)
  }

  @Test(
    arguments: [
      ("~/a", "/home/me/a"), ("~", "/home/me"), ("~bob/a", nil), ("a~", "a~"), ("/x y", "/x y"),
      ("%d/%u/%r/%h/%n/%p/%i", "/home/me/me/bob/10.0.0.1/n1/22/1000"),
      ("%l/%L", "desk.example.com/desk"),
      ("%k", "n1"), ("100%%", "100%"), ("%C", nil), ("%", nil), ("${DIR}/x", "/keys/x"),
      ("${UNSET}/x", nil), ("${DIR", nil), ("$DIR", "$DIR"), ("", ""),
    ] as [(String, String?)])
  func tokens(_ text: String, _ path: String?) {
    let settings = SSHSettings(name: "n1", hostName: "10.0.0.1", user: "bob")
    #expect(PathTokens(settings: settings, user: Self.user).expand(text) == path)
  }

  @Test(
    arguments: [
      "", "-x", "-oProxyCommand=x", "a b", "a\tb", "a\nb", "a\u{1B}[2J", "a\u{7F}", "a\u{9B}2J",
      "u@h", "ssh://h", "a;b", "$(id)", "`id`", "a'b", "a\"b", "a|b", "a\\b",
    ])
  func aNameThatIsNoneIsRefused(_ name: String) async {
    for ssh in [nil, "/nonexistent/ssh"] {
      do {
        _ = try await SSHSettings.effective(name: name, options: SSHOptions(), ssh: ssh)
        Issue.record("accepted")
      } catch {
        #expect(error.kind == .usage, "\(error)")
      }
    }
    #expect(await SSHSettings.hasOwnSettings(name: name, ssh: "/nonexistent/ssh") == false)
  }

  @Test func optionsThatAreNoneAreRefused() async {
    func refused(_ change: (inout SSHOptions) -> Void) async -> Bool {
      var options = SSHOptions()
      change(&options)
      do {
        _ = try await SSHSettings.effective(name: "n", options: options, ssh: nil)
        return false
      } catch {
        return error.kind == .usage
      }
    }
    #expect(await refused { $0.user = "-l" })
    #expect(await refused { $0.user = "a b" })
    #expect(await refused { $0.port = 0 })
    #expect(await refused { $0.port = 65536 })
    #expect(await refused { $0.jump = "-J" })
    #expect(await refused { $0.jump = "a;b" })
    #expect(await refused { $0.key = "" })
    #expect(await refused { $0.knownHosts = "a\nb" })
    #expect(await refused { $0.key = "/a b" } == false)
    #expect(await refused { $0.user = "dom\\user" } == false)
  }

  @Test func noTextTraps() {
    var random = SeededGenerator(0x5E77)
    for _ in 0..<500 {
      let bytes = (0..<Int.random(in: 0...60, using: &random)).map { _ in
        "hostname identityfile %~${}\n 0-9é".utf8.randomElement(using: &random) ?? 0
      }
      _ = Self.read(String(decoding: bytes, as: UTF8.self))
    }
  }
}

@Suite struct OpenSSHArgumentsTests {
  @Test func argumentsArePlain() throws {
    var settings = SSHSettings(name: "node1", hostName: "10.0.0.1", user: "bob")
    var options = SSHOptions()
    var text = "plain\n  \(words(settings, options))\n"
    options.user = "root"
    options.port = 2222
    options.key = "~/.ssh/node key"
    options.jump = "bastion"
    options.knownHosts = "/tmp/a b/known\"hosts"
    settings.hostKeys = .acceptNew
    settings.connectTimeout = 3
    settings.hasOwnCiphers = true
    text += "all\n  \(words(settings, options))\n"
    try Golden().check(text, "ssh-arguments.txt")
  }

  private func words(_ settings: SSHSettings, _ options: SSHOptions) -> String {
    ShellWord.join(OpenSSH.arguments(settings, options: options, command: "exec sh -c 'id; w'"))
  }

  /// Seen with a jump host whose key is unknown: without this, its ssh is stopped by the terminal, for good.
  @Test func nothingIsAskedAtTheTerminal() {
    let settings = SSHSettings(name: "node1", hostName: "10.0.0.1", user: "bob")
    let command = OpenSSH.command("/ssh", settings, options: SSHOptions(), command: "id")
    #expect(command.environment == ["SSH_ASKPASS_REQUIRE": "force"])
    #expect(command.executable == "/ssh")
    #expect(command.arguments.suffix(3) == ["--", "node1", "id"])
  }

  @Test func looksAlongThePath() throws {
    let folder = try Scratch()
    try folder.text("ssh", "", mode: 0o755)
    let other = try Scratch()
    try other.text("ssh", "", mode: 0o644)
    #expect(OpenSSH.find(path: "relative:\(other.path):\(folder.path)") == "\(folder.path)/ssh")
    #expect(OpenSSH.find(path: other.path) == nil)
    #expect(OpenSSH.find(path: "/nonexistent") == nil)
  }
}
