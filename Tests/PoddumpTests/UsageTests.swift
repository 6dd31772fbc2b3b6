import Foundation
import TestSupport
import Testing

@Suite struct HelpTests {
  @Test(arguments: [
    "", "list", "capture", "plan", "doctor", "clean", "install", "uninstall",
    "completions",
  ])
  func helpOfEveryCommand(_ command: String) async throws {
    let poddump = try Executable()
    let words = command.isEmpty ? [] : [command]
    let answer = try await poddump.run(words + ["--help"])
    #expect(answer.end == .exited(0))
    #expect(answer.errors == "")
    try Golden().check(answer.text, "help\(words.map { "-" + $0 }.joined()).txt")
    // The parser does not wrap its line of usage.
    for line in answer.text.split(separator: "\n") where !line.hasPrefix("USAGE") {
      #expect(line.count <= 80, "\(line)")
    }
    let other = try await poddump.run(["help"] + words)
    #expect(other.text == answer.text)
  }

  @Test func versionNamesTheLibrary() async throws {
    let answer = try await Executable()("--version")
    #expect(answer.end == .exited(0))
    #expect(answer.text.hasPrefix("poddump 0.1.0 (libssh2 "))
    #expect(answer.errors == "")
  }

  @Test(arguments: ["bash", "zsh", "fish"])
  func completionsAreValidScripts(_ shell: String) async throws {
    let answer = try await Executable()("completions", shell)
    #expect(answer.end == .exited(0))
    #expect(answer.text.contains("poddump"))
    #expect(answer.text.contains("capture"))
    let scratch = try Scratch()
    let file = try scratch.text("completion", answer.text)
    let check = try await runProgram([Programs.path(shell), "-n", file])
    #expect(check.end == .exited(0), "\(check.errors)")
  }
}

@Suite struct UsageTests {
  struct Wrong: Sendable, CustomTestStringConvertible {
    let name: String
    let arguments: [String]
    init(_ name: String, _ arguments: String...) {
      self.name = name
      self.arguments = arguments
    }
    var testDescription: String { name }
  }

  static let wrong = [
    Wrong("unknown-command", "sniff"),
    Wrong("unknown-option", "capture", "web", "--nope"),
    Wrong("no-target", "capture"),
    Wrong("target-and-selector", "capture", "web", "-l", "app=web"),
    Wrong("several-as-pcap", "capture", "web", "db", "--format", "pcap", "-w", "-"),
    Wrong("workload-as-pcap", "capture", "deploy/api", "-w", "api.pcap"),
    Wrong("selector-as-pcap", "capture", "-l", "app=api", "-w", "api.pcap"),
    Wrong("plan-no-target", "plan"),
    Wrong("target-uppercase", "capture", "Web"),
    Wrong("target-option-like", "capture", "--", "-w"),
    Wrong("target-shell", "capture", "web;reboot"),
    Wrong("target-slashes", "capture", "a/b/c"),
    Wrong("target-kind-and-name", "capture", "pod", "web"),
    Wrong("target-kind-without-packets", "capture", "secret/x"),
    Wrong("target-empty", "capture", ""),
    Wrong("target-escape", "capture", "\u{1b}[2J"),
    Wrong("namespace-bad", "capture", "web", "-n", "Shop"),
    Wrong("namespace-twice", "capture", "shop/web", "-n", "ops"),
    Wrong("interface-dash", "capture", "web", "-i", "-w"),
    Wrong("interface-slash", "capture", "web", "-i", "a/b"),
    Wrong("interface-long", "capture", "web", "-i", "sixteencharacter"),
    Wrong("interface-empty", "capture", "web", "-i", ""),
    Wrong("container-bad", "capture", "web", "-c", "../x"),
    Wrong("container-empty", "capture", "web", "-c", ""),
    Wrong("snaplen-zero", "capture", "web", "-s", "0"),
    Wrong("snaplen-large", "capture", "web", "-s", "262145"),
    Wrong("snaplen-text", "capture", "web", "-s", "many"),
    Wrong("count-zero", "capture", "web", "--count", "0"),
    Wrong("count-negative", "capture", "web", "--count=-1"),
    Wrong("duration-text", "capture", "web", "--duration", "soon"),
    Wrong("ttl-text", "capture", "web", "--ttl", "1 day"),
    Wrong("max-size-zero", "capture", "web", "--max-size", "0"),
    Wrong("ring-text", "capture", "web", "-w", "x", "--ring", "10"),
    Wrong("ring-without-file", "capture", "web", "--ring", "2:1MB"),
    Wrong("ring-to-stdout", "capture", "web", "--ring", "2:1MB", "-w", "-"),
    Wrong("format-unknown", "capture", "web", "--format", "text"),
    Wrong("route-unknown", "capture", "web", "--route", "teleport"),
    Wrong("engine-unknown", "capture", "web", "--engine", "magic"),
    Wrong("open-and-write", "capture", "web", "--open", "-w", "x"),
    Wrong("list-unknown-resource", "list", "secrets"),
    Wrong("list-unknown-format", "list", "-o", "yaml"),
    Wrong("list-namespace-bad", "list", "-n", "../x"),
    Wrong("clean-namespace-bad", "clean", "-n", "../x"),
    Wrong("clean-argument", "clean", "shop/web"),
    Wrong("completions-unknown-shell", "completions", "csh"),
  ]

  @Test(arguments: wrong)
  func everyWrongCallSaysWhatIsWrong(_ call: Wrong) async throws {
    let poddump = try Executable()
    try poddump.fakeKubectl("exit 1")
    let answer = try await poddump.run(call.arguments)
    #expect(answer.end == .exited(2))
    #expect(answer.text == "")
    #expect(!answer.errors.contains("\u{1b}"))
    #expect(poddump.calls() == [])  // nothing was started
    try Golden().check(answer.errors, "usage-\(call.name).txt")
  }
}
