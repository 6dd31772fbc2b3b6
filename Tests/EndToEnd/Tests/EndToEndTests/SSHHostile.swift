import Foundation
import Testing

/// A login that goes wrong, or that works although much is strange, and what must become of it.
struct SSHCase: Sendable, CustomTestStringConvertible {
  var name: String
  var login = SSHLogin()
  var pod = "shop/web"
  var words: [String] = []
  var environment: [String: String] = [:]
  /// The exit code; 0 expects one packet.
  var code: Int32
  /// How long it may take, in seconds.
  var seconds = 8.0
  /// Engines that are asked for; nil lets poddump choose.
  var engines: [SSHLogin.Engine?] = [.libssh2, .openssh]
  /// What the messages must hold.
  var says: [String] = []

  var testDescription: String { name }

  /// The user's login with the lab's client key.
  static func user(_ name: String, _ user: String, code: Int32, says: [String] = []) -> SSHCase {
    SSHCase(name: name, login: SSHLogin(user: user), code: code, says: says)
  }
}

/// Tests that log in by ssh where something is wrong.
struct SSHHostile {
  let folder: Folder

  init() throws { folder = try Folder() }

  /// Runs a capture of one packet on the laptop by every engine of the case, and expects what it says.
  func expect(_ it: SSHCase, sourceLocation: SourceLocation = #_sourceLocation) throws {
    for engine in it.engines {
      let processes = try Lab.processes()
      let run = try run(it, engine)
      let title = "\(it.name), \(engine?.rawValue ?? "auto")"
      #expect(run.status == it.code, "\(title): \(run.errors)", sourceLocation: sourceLocation)
      #expect(run.seconds < it.seconds, "\(title)", sourceLocation: sourceLocation)
      if it.code == 0 {
        try PacketFile(run.bytes, in: folder).expectPackets(
          1, of: Inventory.load().address(String(it.pod.dropFirst(5))), title,
          sourceLocation: sourceLocation)
      } else {
        #expect(run.bytes.isEmpty, "\(title)", sourceLocation: sourceLocation)
      }
      expectHarmless(run.errors, title, sourceLocation: sourceLocation)
      for part in it.says {
        #expect(run.errors.contains(part), "\(title)", sourceLocation: sourceLocation)
      }
      Golden.expect(stable(run.errors), "SSHHostile", title, sourceLocation: sourceLocation)
      try expectNothingLeft(since: processes, title, sourceLocation: sourceLocation)
    }
  }

  /// Runs the capture of a case.
  func run(_ it: SSHCase, _ engine: SSHLogin.Engine?) throws -> Finished {
    try start(it, engine).finish(within: it.seconds + 10)
  }

  /// Starts the capture of a case. The environment is for poddump, not for the lab's command.
  func start(_ it: SSHCase, _ engine: SSHLogin.Engine?) throws -> Program {
    var login = it.login
    login.engine = engine
    var variables: [String: String] = it.environment
    for name in ["DISPLAY", "WAYLAND_DISPLAY"] where variables[name] == nil { variables[name] = "" }
    let program = try Program(
      login.laptop(in: folder) + ["/usr/bin/env"] + variables.map { "\($0)=\($1)" } + [
        Lab.poddump, "capture", it.pod, "--count", "1", "-w", "-",
      ] + it.words, environment: login.environment(in: folder))
    try? program.input.fileHandleForWriting.close()
    return program
  }

  /// No byte in it drives a terminal.
  func expectHarmless(
    _ text: String, _ title: String, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let isHarmless = text.unicodeScalars.allSatisfy {
      $0 == "\n" || $0.value >= 0x20 && !(0x7F...0x9F).contains($0.value)
    }
    #expect(isHarmless, "\(title): \(text.debugDescription)", sourceLocation: sourceLocation)
    #expect(text.utf8.count < 4000, "\(title)", sourceLocation: sourceLocation)
  }

  /// Nothing on the nodes, and no process of this home here.
  func expectNothingLeft(
    since processes: Set<String>, _ title: String,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    try Lab.expectNothingLeft(
      since: processes, within: 6, title, sourceLocation: sourceLocation)
    let here = LocalProcess.all(marked: "HOME=\(folder.path)")
    #expect(here.isEmpty, "\(title): \(here)", sourceLocation: sourceLocation)
  }

  /// Without what differs from run to run.
  func stable(_ text: String) -> String {
    text.replacing(folder.path, with: "HOME")
      .replacing(/SHA256:[A-Za-z0-9+\/]{43}/, with: "SHA256:PRINT")
      .replacing(/port [0-9]{5}/, with: "port PORT")
      .replacing(/cali[0-9a-f]{11}/, with: "caliNAME")
      .replacing(/length of [0-9]+/, with: "length of MUCH")
      .replacing(/sent [0-9]+ bytes/, with: "sent SOME bytes")
      .replacing(/[0-9]+ B; [0-9]+ dropped of [0-9]+ received/, with: "SOME B; 0 dropped")
  }

  /// A folder for PATH with what poddump needs, and without ssh.
  func pathWithoutSSH() throws -> String {
    let path = folder.path + "/bin"
    if !FileManager.default.fileExists(atPath: path) {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      let found = try Program.run(["/bin/sh", "-c", "command -v kubectl"])
      try FileManager.default.createSymbolicLink(
        atPath: path + "/kubectl",
        withDestinationPath: found.output.trimmingCharacters(in: .newlines))
    }
    return path
  }

  /// Starts one of the lab's peculiar sshds, lends its port and known_hosts file, and ends it.
  func withServer(_ name: String, _ body: (_ port: String, _ knownHosts: String) throws -> Void)
    throws
  {
    let words = try Lab.run("sshd", name).output.split(whereSeparator: \.isWhitespace)
    defer { _ = try? Lab.run("sshd", name, "stop") }
    try #require(words.count == 3)
    try body(String(words[1]), String(words[2]))
  }
}
