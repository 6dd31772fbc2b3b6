import Foundation
import Testing

extension InLab {
  /// Logging in goes wrong, or the login is a strange one.
  @Suite(.serialized, .timeLimit(.minutes(5)))
  struct SSHHostileLoginTests {
    let hostile: SSHHostile

    init() throws { hostile = try SSHHostile() }

    static let shells: [SSHCase] = [
      .user("fish", "fish", code: 0), .user("csh", "csh", code: 0),
      .user("restricted bash", "rbash", code: 0), .user("a greeting", "greeted", code: 0),
      .user("a greeting with escapes", "escapes", code: 0),
      .user("restricted bash that finds nothing", "nopath", code: 6, says: ["may not start sh"]),
      .user("nologin", "nologin", code: 6, says: ["account is currently not available"]),
      .user("forced command", "forced", code: 6, says: ["forced command"]),
      .user("sudo asks for a password", "asked", code: 4, says: ["without a password"]),
      .user("sudo wants a terminal", "requiretty", code: 4, says: ["requiretty"]),
      .user("no sudo for the user", "dev", code: 4, says: ["sudoers"]),
      .user("sudo tcpdump only", "tcpdumponly", code: 4, says: ["--ttl 0"]),
      SSHCase(
        name: "sudo tcpdump only, accepted", login: SSHLogin(user: "tcpdumponly"),
        words: ["--ttl", "0"], code: 0),
    ]

    @Test(arguments: shells) func shell(_ it: SSHCase) throws { try hostile.expect(it) }

    static func key(_ name: String) -> String { "\(Lab.directory)/keys/\(name)" }

    static let keys: [SSHCase] = [
      SSHCase(
        name: "no key accepted", login: SSHLogin(key: key("unauthorized")), code: 4,
        says: ["[ssh]"]),
      SSHCase(name: "no key file", login: SSHLogin(key: key("none")), code: 4, says: ["keys/none"]),
      SSHCase(
        name: "encrypted key without a terminal", login: SSHLogin(key: key("encrypted")), code: 4,
        says: ["ssh-add"]),
      SSHCase(name: "RSA key", login: SSHLogin(key: key("rsa")), code: 0),
      SSHCase(name: "RSA key, PEM", login: SSHLogin(key: key("rsa_pem")), code: 0),
      SSHCase(
        name: "agent absent", login: SSHLogin(key: key("unauthorized")),
        environment: ["SSH_AUTH_SOCK": "/none/agent"], code: 4),
      SSHCase(
        name: "certificate", login: SSHLogin(user: "certonly", key: key("certonly")), code: 0,
        engines: [nil], says: ["OpenSSH client, since libssh2 has no certificates"]),
      SSHCase(
        name: "certificate", login: SSHLogin(user: "certonly", key: key("certonly")), code: 1,
        engines: [.libssh2], says: ["no certificates"]),
      SSHCase(
        name: "no address for the template", login: SSHLogin(lines: ["host = \"{externalip}\""]),
        code: 3, says: ["{externalip}"]),
      SSHCase(
        name: "an unused port", login: SSHLogin(lines: ["port = 2299"]), code: 3, says: ["2299"]),
    ]

    @Test(arguments: keys) func key(_ it: SSHCase) throws { try hostile.expect(it) }

    @Test func tooManyKeys() throws {
      try hostile.withServer("tries") { port, knownHosts in
        // More keys than this server lets anybody try.
        let keys = (1...3).map { "\(hostile.folder.path)/wrong\($0)" }
        for key in keys {
          _ = try Program.run([
            "/usr/bin/ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "wrong", "-f", key,
          ])
        }
        let socket = "\(hostile.folder.path)/agent"
        let agent = try Program(["/usr/bin/ssh-agent", "-D", "-a", socket])
        defer { kill(agent.pid, SIGTERM) }
        #expect(agent.wait(5) { FileManager.default.fileExists(atPath: socket) })
        let added = try Program.run(
          ["/usr/bin/ssh-add", "-q"] + keys, environment: ["SSH_AUTH_SOCK": socket])
        #expect(added.status == 0, "\(added.errors)")
        try hostile.expect(
          SSHCase(
            name: "too many keys",
            login: SSHLogin(key: nil, knownHosts: knownHosts, lines: ["port = \(port)"]),
            environment: ["SSH_AUTH_SOCK": socket], code: 4))
      }
    }

    @Test func anAgentThatHangsDelaysButDoesNotDecide() throws {
      let socket = "\(hostile.folder.path)/hung"
      let hung = try Program([
        "/usr/bin/env", "python3", "-c",
        """
        import socket, sys, time
        s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(50)
        time.sleep(120)
        """, socket,
      ])
      defer { kill(hung.pid, SIGTERM) }
      #expect(hung.wait(5) { FileManager.default.fileExists(atPath: socket) })
      try hostile.expect(
        SSHCase(
          name: "an agent that hangs, a good key file", environment: ["SSH_AUTH_SOCK": socket],
          code: 0, engines: [.libssh2]))
      try hostile.expect(
        SSHCase(
          name: "an agent that hangs, no good key file",
          login: SSHLogin(key: Self.key("unauthorized")), environment: ["SSH_AUTH_SOCK": socket],
          code: 4, engines: [.libssh2], says: ["The agent does not answer."]))
      // Nobody but ssh itself knows whom it waits for.
      try hostile.expect(
        SSHCase(
          name: "an agent that hangs", environment: ["SSH_AUTH_SOCK": socket], code: 3,
          seconds: 32, engines: [.openssh], says: ["SSH_AUTH_SOCK"]))
    }

    @Test(arguments: ["unknown", "changed", "revoked"], ["yes", "accept-new"])
    func hostKey(server: String, policy: String) throws {
      try hostile.withServer(server) { port, knownHosts in
        let rows = try String(contentsOfFile: knownHosts, encoding: .utf8)
        for engine in SSHLogin.Engine.allCases {
          let file = try hostile.folder.write(rows, to: "known")
          let isAccepted = server == "unknown" && policy == "accept-new"
          if isAccepted { try FileManager.default.removeItem(atPath: file) }
          try hostile.expect(
            SSHCase(
              name: "host key \(server), \(policy)",
              login: SSHLogin(
                knownHosts: file,
                lines: ["port = \(port)", "strict_host_key_checking = \"\(policy)\""]),
              code: isAccepted ? 0 : 4, engines: [engine]))
          if isAccepted {
            // What ssh writes is ssh's matter: it may hash the name.
            if engine == .libssh2 {
              let mode = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions]
              #expect(mode as? Int == 0o600)
              #expect(
                try String(contentsOfFile: file, encoding: .utf8).contains(":\(port) ssh-ed"))
            }
            try FileManager.default.removeItem(atPath: file)
          } else {
            #expect(try String(contentsOfFile: file, encoding: .utf8) == rows)
          }
        }
      }
    }

    /// A host key that is refused ends it: no second engine shows the server our keys.
    @Test func afterAHostKeyMismatchNoOtherEngineIsTried() throws {
      try hostile.withServer("changed") { port, knownHosts in
        try hostile.expect(
          SSHCase(
            name: "host key changed",
            login: SSHLogin(knownHosts: knownHosts, lines: ["port = \(port)"]), code: 4,
            engines: [nil], says: ["THE HOST KEY HAS CHANGED"]))
      }
    }

    @Test(arguments: ["rsa", "aead", "etm", "sntrup", "hostcert"])
    func serversThatLibssh2CannotSpeakTo(server: String) throws {
      try hostile.withServer(server) { port, knownHosts in
        let login = SSHLogin(knownHosts: knownHosts, lines: ["port = \(port)"])
        let isKnownBefore = server == "hostcert"
        try hostile.expect(
          SSHCase(
            name: "server \(server)", login: login, code: 0, engines: [nil, .openssh]))
        try hostile.expect(
          SSHCase(
            name: "server \(server)", login: login, code: isKnownBefore ? 1 : 3,
            engines: [.libssh2], says: ["libssh2", "\"auto\""]))
        try hostile.expect(
          SSHCase(
            name: "server \(server), no ssh on PATH", login: login,
            environment: ["PATH": hostile.pathWithoutSSH()], code: isKnownBefore ? 1 : 3,
            engines: [nil], says: ["openssh-client"]))
      }
    }

    @Test func aJumpHostTakesOpenSSH() throws {
      // The jump host's own settings come from ssh's files alone.
      let wrapper = try hostile.folder.write(
        "#!/bin/sh\nexec /usr/bin/ssh -F \(Lab.directory)/ssh_config \"$@\"\n", to: "ssh")
      try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: wrapper)
      let path = "\(hostile.folder.path):\(try hostile.pathWithoutSSH()):/usr/bin:/bin"
      let login = SSHLogin(lines: ["jump = \"root@n2\""])
      try hostile.expect(
        SSHCase(
          name: "jump host", login: login, environment: ["PATH": path], code: 0, engines: [nil],
          says: ["the OpenSSH client, since libssh2 has no ProxyJump"]))
      try hostile.expect(
        SSHCase(
          name: "jump host", login: login, environment: ["PATH": path], code: 1,
          engines: [.libssh2], says: ["ProxyJump"]))
      try hostile.expect(
        SSHCase(
          name: "jump host, no ssh on PATH", login: login,
          environment: ["PATH": hostile.pathWithoutSSH()], code: 1, engines: [nil],
          says: ["openssh-client"]))
    }
  }
}
