import Foundation
import TestSupport
import Testing

/// The built program against what users' machines are like: exit codes, sentences, nothing started.
@Suite struct ExitCodeTests {
  /// An environment with the real kubectl and nothing else of the user's.
  private static func withKubectl() throws -> Executable {
    let poddump = try Executable()
    try poddump.link("kubectl", to: Programs.kubectl())
    return poddump
  }

  private static func kubeconfig(server: String) -> String {
    """
    apiVersion: v1
    kind: Config
    current-context: lab
    clusters: [{name: lab, cluster: {server: "\(server)", insecure-skip-tls-verify: true}}]
    users: [{name: me, user: {token: secret-token}}]
    contexts: [{name: lab, context: {cluster: lab, user: me, namespace: shop}}]
    """
  }

  /// Three sentences, one line, no secret, nothing on standard output.
  private static func check(_ answer: Spawned.Answer, _ code: Int32, _ words: String...) {
    #expect(answer.end == .exited(code), "\(answer.errors)")
    #expect(answer.text == "")
    #expect(answer.errors.hasPrefix("poddump: "))
    #expect(answer.errors.split(separator: "\n").count == 1, "\(answer.errors)")
    #expect(!answer.errors.contains("secret-token"))
    for word in words { #expect(answer.errors.contains(word), "\(answer.errors)") }
  }

  static let calls = [["list"], ["plan", "shop/web"], ["capture", "shop/web", "-w", "-"]]

  @Test(arguments: calls)
  func noKubeconfig(_ arguments: [String]) async throws {
    let poddump = try Self.withKubectl()
    Self.check(try await poddump.run(arguments), 1, "kubeconfig")
  }

  @Test(arguments: calls)
  func brokenKubeconfig(_ arguments: [String]) async throws {
    let poddump = try Self.withKubectl()
    try poddump.scratch.text("kubeconfig", "apiVersion: v1\nclusters: [{\n\tname")
    Self.check(try await poddump.run(arguments), 1, "kubeconfig")
  }

  @Test(arguments: calls)
  func unknownContext(_ arguments: [String]) async throws {
    let poddump = try Self.withKubectl()
    try poddump.scratch.text("kubeconfig", Self.kubeconfig(server: "https://127.0.0.1:1"))
    Self.check(
      try await poddump.run(arguments + ["--context", "nowhere"]), 5, "nowhere")
  }

  @Test(arguments: calls)
  func refusedConnection(_ arguments: [String]) async throws {
    let poddump = try Self.withKubectl()
    try poddump.scratch.text("kubeconfig", Self.kubeconfig(server: "https://127.0.0.1:1"))
    Self.check(try await poddump.run(arguments), 3, "127.0.0.1:1", "cluster-info")
  }

  @Test(arguments: [
    "tcp port", "tcp prot 80", "tcp port “80”", "; rm -rf /", "$(reboot)",
    String(repeating: "host 198.51.100.1 or ", count: 500) + "tcp",
  ])
  func aBadFilterStartsNothing(_ filter: String) async throws {
    for command in ["capture", "plan"] {
      let poddump = try Executable()
      try poddump.fakeKubectl("exit 1")
      let file = poddump.scratch.path + "/x.pcap"
      let arguments =
        [command, "shop/web", "-f", filter] + (command == "capture" ? ["-w", file] : [])
      Self.check(try await poddump.run(arguments), 7, "filter")
      #expect(poddump.calls() == [])
      #expect(!FileManager.default.fileExists(atPath: file))
    }
  }

  @Test func aFileThatCannotBeWrittenStartsNothing() async throws {
    let poddump = try Executable()
    try poddump.fakeKubectl("exit 1")
    let folder = poddump.scratch.path
    for path in [folder, "/no/such/folder/x.pcap", folder + "/kubectl.sh/x"] {
      let answer = try await poddump("capture", "shop/web", "-w", path)
      Self.check(answer, 1, "Cannot write", path)
    }
    let ring = try await poddump(
      "capture", "shop/web", "--ring", "2:1MB", "-w", "/no/such/folder/x.pcap")
    Self.check(ring, 1, "Cannot write /no/such/folder/x.pcap")
    let log = try await poddump(
      "capture", "shop/web", "--log-file", "/no/such/folder/log", "-w", "-")
    Self.check(log, 1, "Cannot write the log file")
    #expect(poddump.calls() == [])
  }

  @Test func aTerminalNeverGetsPackets() async throws {
    let poddump = try Executable()
    try poddump.fakeKubectl("exit 1")
    // script(1) gives its command a terminal for all three streams.
    let command = try Executable.path("poddump") + " capture shop/web"
    let answer = try await runProgram(
      [Programs.path("script"), "-qec", command, "/dev/null"],
      environment: poddump.environment.merging(["SHELL": "/bin/sh"]) { _, new in new })
    #expect(answer.end == .exited(2))
    #expect(answer.text.contains("Packets are not written to a terminal."))
    #expect(poddump.calls() == [])
  }

  @Test func aConfigurationThatCannotBeUsedStartsNothing() async throws {
    var poddump = try Executable()
    try poddump.fakeKubectl("exit 1")
    let file = try poddump.scratch.text("config.toml", "[listing]\nlimti = 3\n")
    poddump.environment["PODDUMP_CONFIG"] = file
    Self.check(
      try await poddump("capture", "shop/web", "-w", "-"), 2, "limti", "Did you mean limit?")
    try poddump.scratch.text("config.toml", "[listing\n")
    Self.check(try await poddump("plan", "shop/web"), 2, "Line 1, column")
    poddump.environment["PODDUMP_CONFIG"] = poddump.scratch.path + "/none"
    Self.check(try await poddump("plan", "shop/web"), 1, "PODDUMP_CONFIG")
    #expect(poddump.calls() == [])
  }

  @Test func everyMessageIsInTheLogFileToo() async throws {
    let poddump = try Executable()
    try poddump.fakeKubectl(
      "echo 'error: You must be logged in to the server (Unauthorized)' >&2; exit 1")
    let log = poddump.scratch.path + "/log"
    let answer = try await poddump("capture", "shop/web", "-q", "--log-file", log, "-w", "-")
    Self.check(answer, 4)
    // The log has the far end's own words as well.
    let kept = String(decoding: try contents(log), as: UTF8.self)
    #expect(kept.hasPrefix(answer.errors))
    #expect(kept.contains("\n  | error: You must be logged in"))
  }

  @Test func withVerboseTheFarEndsOwnWordsFollow() async throws {
    let poddump = try Executable()
    try poddump.fakeKubectl("printf 'error: \\033[2J strange words\\n' >&2; exit 1")
    let brief = try await poddump("capture", "shop/web", "-w", "-")
    Self.check(brief, 1, "strange words")
    let verbose = try await poddump("capture", "shop/web", "-v", "-w", "-")
    #expect(verbose.end == .exited(1))
    #expect(verbose.errors.hasPrefix(brief.errors))
    #expect(verbose.errors.contains("\n  | error: "))
    #expect(!verbose.errors.contains("\u{1b}"))
  }
}

/// Without kubectl: where the usual places have one, they are hidden in a mount namespace, which needs
/// root or user namespaces.
@Suite struct NoKubectlTests {
  @Test(arguments: ExitCodeTests.calls)
  func saysWhereItLooked(_ arguments: [String]) async throws {
    let poddump = try Executable()
    let usual = ["/usr/local/bin", "/usr/bin", "/snap/bin", "/usr/lib/google-cloud-sdk/bin"]
    let there = usual.map { $0 + "/kubectl" }.filter(FileManager.default.fileExists)
    let program = try Executable.path("poddump")
    let answer: Spawned.Answer
    if there.isEmpty {
      answer = try await poddump.run(arguments)
    } else {
      let script =
        there.map { "mount --bind /dev/null '\($0)' && " }.joined()
        + "exec env PATH=/nonexistent \"$@\""
      let flags = geteuid() == 0 ? ["-m"] : ["-rm"]
      answer = try await runProgram(
        [Programs.path("unshare")] + flags + ["/bin/sh", "-c", script, "sh", program] + arguments,
        environment: poddump.environment.merging(["PATH": "/usr/bin:/bin:/usr/sbin:/sbin"]) {
          _, new in
          new
        })
    }
    #expect(answer.end == .exited(1), "\(answer.errors)")
    #expect(answer.errors.hasPrefix("poddump: kubectl was not found."), "\(answer.errors)")
    #expect(answer.text == "")
  }
}
