import Foundation
import Testing

extension InLab {
  /// `poddump doctor` where ssh is configured: a finding for each node.
  @Suite(.serialized, .timeLimit(.minutes(2)))
  struct SSHDoctorTests {
    let folder: Folder

    init() throws { folder = try Folder() }

    /// The findings about nodes.
    private func doctor(
      _ name: String, _ login: SSHLogin, status: Int32,
      sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
      let before = try Lab.processes()
      let run = try login.poddump(["doctor"], in: folder)
      #expect(run.status == status, "\(run.output)", sourceLocation: sourceLocation)
      #expect(run.errors.isEmpty, "\(run.errors)", sourceLocation: sourceLocation)
      let lines = run.output.split(separator: "\n").filter { $0.dropFirst(4).hasPrefix("ssh ") }
      // Versions are those of this machine, and the lab makes names up.
      let text = lines.joined(separator: "\n")
        .replacing(/libssh2 [0-9.]+/, with: "libssh2 VERSION")
        .replacing(/tcpdump version [0-9.]+/, with: "tcpdump VERSION")
        .replacing(/veth[0-9a-f]{8}/, with: "vethRANDOM")
        .replacing(/SHA256:[A-Za-z0-9+\/]+/, with: "FINGERPRINT")
        .replacing(folder.path, with: "FOLDER")
      Golden.expect(text, "SSH", "doctor \(name)", sourceLocation: sourceLocation)
      try Lab.expectNothingLeft(since: before, within: 15, sourceLocation: sourceLocation)
    }

    @Test func bothEnginesAsRootAndBySudo() throws {
      try doctor("as root", SSHLogin(user: "root", engine: .libssh2), status: 0)
      try doctor("as ops by openssh", SSHLogin(user: "ops", engine: .openssh), status: 0)
    }

    @Test func whatIsMissing() throws {
      try doctor("as dev", SSHLogin(user: "dev"), status: 1)
      try doctor(
        "with a key that is not authorized",
        SSHLogin(key: Lab.directory + "/keys/unauthorized", engine: .libssh2), status: 1)
      try doctor(
        "with no host on file",
        SSHLogin(knownHosts: try folder.write("", to: "nobody"), engine: .libssh2), status: 1)
    }

    @Test func aNodeWithoutTcpdumpGetsTheTap() throws {
      defer { _ = try? Lab.run("node", "n2", "clear") }
      try Lab.run("node", "n2", "no-tcpdump", "on")
      try doctor("without tcpdump on n2", SSHLogin(user: "root"), status: 0)
    }

    /// The nodes are looked at side by side; the terminal and its echo belong to one question at a time.
    @Test func passphrasesAreAskedForOneAfterTheOther() throws {
      let before = try Lab.processes()
      let key = folder.path + "/locked"
      try FileManager.default.copyItem(atPath: Lab.directory + "/client_key", toPath: key)
      let passphrase = "open sesame"
      let locked = try Program.run([
        "/usr/bin/ssh-keygen", "-q", "-p", "-P", "", "-N", passphrase, "-f", key,
      ])
      try #require(locked.status == 0, "\(locked.errors)")
      let login = SSHLogin(key: key, engine: .libssh2)
      let command = (try login.laptop(in: folder) + [Lab.poddump, "doctor"]).joined(separator: " ")
      // script(1) gives it a terminal of its own, which gets what we write.
      let program = try Program(
        ["/usr/bin/script", "-qefc", command, "/dev/null"],
        environment: login.environment(in: folder))
      var answered = 0
      func asked() -> Int {
        String(decoding: program.bytes, as: UTF8.self).components(separatedBy: "Enter passphrase")
          .count - 1
      }
      while program.wait(20, until: { asked() > answered || !program.process.isRunning }),
        program.process.isRunning
      {
        // Time for another one to ask as well.
        usleep(300_000)
        #expect(asked() == answered + 1)
        answered = asked()
        program.input.fileHandleForWriting.write(Data((passphrase + "\n").utf8))
      }
      let end = program.finish(within: 20)
      #expect(end.status == 0, "\(end.output)")
      #expect(answered > 1 && !end.output.contains("sesame"), "\(end.output)")
      try Lab.expectNothingLeft(since: before, within: 15)
    }

    @Test func withoutAWordAboutSSHNobodyIsAsked() throws {
      let run = try SSHLogin(order: ["exec"], isConfigured: false).poddump(["doctor"], in: folder)
      #expect(run.status == 0, "\(run.output)")
      #expect(!run.output.contains("ssh"), "\(run.output)")
    }
  }
}
