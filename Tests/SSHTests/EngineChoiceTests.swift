import Base
import SSH
import Testing

@Suite struct EngineChoiceTests {
  @Test(
    arguments: [
      (nil, [], nil, .libssh2),
      (nil, [], "/ssh", .libssh2),
      (.libssh2, [], "/ssh", .libssh2),
      (.libssh2, [], nil, .libssh2),
      (.openssh, [], "/ssh", .openssh(path: "/ssh", note: nil)),
      (.openssh, ["ProxyJump"], "/ssh", .openssh(path: "/ssh", note: nil)),
      (
        nil, ["ProxyJump"], "/ssh",
        .openssh(path: "/ssh", note: "the OpenSSH client, since libssh2 has no ProxyJump")
      ),
      (
        nil, ["ProxyJump", "certificates"], "/ssh",
        .openssh(
          path: "/ssh",
          note: "the OpenSSH client, since libssh2 has no ProxyJump, no certificates")
      ),
    ] as [(SSHEngine?, [String], String?, EngineChoice)])
  func chooses(_ asked: SSHEngine?, _ lacking: [String], _ ssh: String?, _ choice: EngineChoice)
    throws
  {
    #expect(try chooseEngine(name: "n", asked: asked, lacking: lacking, ssh: ssh) == choice)
  }

  @Test(
    arguments: [
      (
        .openssh, [], nil,
        "The ssh connection to n failed. engine = \"openssh\" is configured, and there is no ssh on the PATH. Install the OpenSSH client (openssh-client), or put its folder into PATH."
      ),
      (
        .libssh2, ["ProxyJump"], "/ssh",
        "The ssh connection to n failed. engine = \"libssh2\" is configured, and libssh2 has no ProxyJump, which ssh's settings ask for. Set engine in [ssh] to \"auto\"."
      ),
      (
        nil, ["hardware keys"], nil,
        "The ssh connection to n failed. libssh2 has no hardware keys, which the settings ask for, and there is no ssh on the PATH. Install the OpenSSH client (openssh-client), or put its folder into PATH."
      ),
    ] as [(SSHEngine?, [String], String?, String)])
  func refuses(_ asked: SSHEngine?, _ lacking: [String], _ ssh: String?, _ sentence: String) {
    #expect {
      _ = try chooseEngine(name: "n", asked: asked, lacking: lacking, ssh: ssh)
    } throws: {
      ($0 as? Failure)?.sentence == sentence
    }
  }

  static let failure = Failure(.other, "It failed.", why: "So it is.", fix: "Do something.")

  @Test func afterLibssh2FailedOpenSSHIsTakenWhereItMayDoBetter() throws {
    let error = SSHConnectError(Self.failure, needsOpenSSH: "the server offers only AEAD ciphers")
    let choice = try chooseAfter(error, asked: nil, ssh: "/ssh")
    #expect(choice.path == "/ssh")
    #expect(choice.note == "the OpenSSH client, since the server offers only AEAD ciphers")
  }

  @Test(
    arguments: [
      (nil, nil, "/ssh", "Do something."),
      (
        "the server offers only AEAD ciphers", nil, nil,
        "It takes the OpenSSH client, since the server offers only AEAD ciphers. Install the OpenSSH client (openssh-client), or put its folder into PATH."
      ),
      (
        "the server offers only AEAD ciphers", .libssh2, "/ssh",
        "It takes the OpenSSH client, since the server offers only AEAD ciphers. Set engine in [ssh] to \"auto\"."
      ),
    ] as [(String?, SSHEngine?, String?, String)])
  func afterLibssh2FailedTheFailureStays(
    _ needs: String?, _ asked: SSHEngine?, _ ssh: String?, _ fix: String
  ) {
    var expected = Self.failure
    expected.fix = fix
    #expect(throws: expected) {
      _ = try chooseAfter(
        SSHConnectError(Self.failure, needsOpenSSH: needs), asked: asked, ssh: ssh)
    }
  }
}
