import Foundation
import TestSupport
import Testing

@testable import Broker

/// The one command line that a login shell is given, in the login shells that people have.
@Suite(.ownThreads) struct LoaderTests {
  /// The words before the command line, as sshd starts a login shell: with `-c`.
  static let loginShells: [(name: String, options: [String])] = [
    ("sh", ["-c"]), ("bash", ["-c"]), ("rbash", ["-c"]), ("dash", ["-c"]), ("fish", ["-c"]),
    ("tcsh", ["-c"]), ("csh", ["-c"]), ("zsh", ["-c"]), ("busybox", ["sh", "-c"]),
  ]

  private static func environment(_ path: String? = nil) -> [String: String] {
    let usual = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/sbin:/usr/bin:/sbin:/bin"
    return [
      "PATH": path.map { "\($0):\(usual)" } ?? usual,
      "SSH_CONNECTION": ScriptRun.connection.joined(separator: " "), "HOME": "/nonexistent",
    ]
  }

  @Test(arguments: loginShells.indices, [true, false])
  func everyLoginShellStartsTheScript(_ number: Int, _ sudo: Bool) async throws {
    let (name, options) = Self.loginShells[number]
    let words = [try Programs.path(name)] + options + [NodeScript.loader(sudo: sudo)]
    let run = try await ScriptRun(words, environment: Self.environment())
    let facts = try #require(run.facts)
    #expect(facts.connection?.client.text == "198.51.100.1")
    #expect(facts.connection?.clientPort == 50022)
    #expect(facts.tools.shTimesReads)  // it is bash that asked
    try await run.order([
      "/bin/sh", "-c", "printf '%s|' \"$@\"; exit 7", "sh", "a b", "$x", "*", "",
    ])
    let rest = try await blocking { run.process.answer() }
    #expect(rest.text == "a b|$x|*||" && rest.end == .exited(7))
    #expect(try await run.nothingIsLeft())
  }

  @Test func withoutSSHNothingIsKnownOfTheConnection() async throws {
    var environment = Self.environment()
    environment["SSH_CONNECTION"] = nil
    let words = [try Programs.path("sh"), "-c", NodeScript.loader(sudo: true)]
    let run = try await ScriptRun(words, environment: environment)
    #expect(run.facts != nil && run.facts?.connection == nil)
    try run.process.input.close()
    #expect(try await blocking { run.process.wait() } == .exited(0))
  }

  /// A folder with an `id` that says that the user is not root, and a `sudo` of the given behaviour, which
  /// writes down how it was called.
  private static func tools(sudo: String?) throws -> Scratch {
    let scratch = try Scratch()
    try scratch.text("id", "#!/bin/sh\necho 1001\n", mode: 0o755)
    if let sudo {
      try scratch.text(
        "sudo", "#!/bin/sh\necho \"$*\" >>'\(scratch.path)/log'\n\(sudo)\n", mode: 0o755)
    }
    return scratch
  }

  private static func log(_ scratch: Scratch) throws -> [Substring] {
    guard try scratch.names().contains("log") else { return [] }
    let text = String(decoding: try contents(scratch.path + "/log"), as: UTF8.self)
    return text.split(separator: "\n")
  }

  /// sudo takes the environment away, and starts what it is told as somebody else.
  @Test func sudoRunsAllOfIt() async throws {
    let tools = try Self.tools(sudo: "shift; exec env -u SSH_CONNECTION AS_ROOT=yes \"$@\"")
    let words = [try Programs.path("dash"), "-c", NodeScript.loader(sudo: true)]
    let run = try await ScriptRun(words, environment: Self.environment(tools.path))
    #expect(run.facts?.connection?.server.text == "198.51.100.11")
    let bash = try Programs.path("bash")
    #expect(
      try Self.log(tools).prefix(2) == [
        "-n \(bash) -c :", "-n \(bash) -s 198.51.100.1 50022 198.51.100.11 22",
      ])
    try await run.order(["/bin/sh", "-c", "echo $AS_ROOT"])
    #expect(try await blocking { run.process.answer() }.text == "yes\n")
    #expect(try await run.nothingIsLeft())
  }

  @Test(arguments: [
    "echo 'sudo: a password is required' >&2; exit 1", "exit 1", nil,
    // Nothing but tcpdump is allowed.
    "[ \"$2\" = -l ] && exit 0; echo 'sudo: sorry' >&2; exit 1",
  ])
  func withoutSudoItGoesOnAsTheUser(_ sudo: String?) async throws {
    let tools = try Self.tools(sudo: sudo)
    var environment = Self.environment(tools.path)
    if sudo == nil {
      // No sudo at all: only what the loader and the script cannot do without.
      environment["PATH"] = tools.path
      for name in ["sh", "bash"] {
        try FileManager.default.createSymbolicLink(
          atPath: "\(tools.path)/\(name)", withDestinationPath: Programs.path(name))
      }
    }
    let words = [try Programs.path("dash"), "-c", NodeScript.loader(sudo: true)]
    let run = try await ScriptRun(words, environment: environment)
    let facts = try #require(run.facts)
    #expect(facts.connection?.clientPort == 50022)
    // Without one here, the script finds this machine's own where it looks for tools.
    if let sudo { #expect(facts.mayOnlyRunTcpdump == sudo.contains("-l")) }
    try await run.order(["/bin/echo", "as the user"])
    let rest = try await blocking { run.process.answer() }
    #expect(rest.text == "as the user\n" && rest.end == .exited(0))
  }

  @Test func sudoIsNotTriedWhereItIsNotWanted() async throws {
    let tools = try Self.tools(sudo: "exit 1")
    let words = [try Programs.path("dash"), "-c", NodeScript.loader(sudo: false)]
    let run = try await ScriptRun(words, environment: Self.environment(tools.path))
    try run.process.input.close()
    #expect(try await blocking { run.process.wait() } == .exited(0))
    #expect(try Self.log(tools).allSatisfy { $0 == "-n -l tcpdump" })
  }

  @Test func aGreetingOfTheLoginShellIsNoObstacle() async throws {
    let scratch = try Scratch()
    let greeting = try scratch.text("env", "printf 'Welcome to n1! '\n")
    let words = [try Programs.path("bash"), "-c", NodeScript.loader(sudo: true)]
    var environment = Self.environment()
    environment["BASH_ENV"] = greeting  // bash reads it before the command, as .bashrc under sshd
    let run = try await ScriptRun(words, environment: environment)
    #expect(run.answer.hasPrefix("Welcome to n1! "))
    #expect(run.facts != nil)
    try run.process.input.close()
    #expect(try await blocking { run.process.wait() } == .exited(0))
  }
}
