import Base
import Cluster
import Foundation
import SSH
import TestSupport
import Testing

@testable import Broker
@testable import poddump

/// What `poddump plan` prints for the routes that bring something along, as golden texts: for people and as
/// data, with every route's word.
@Suite struct RoutePlanTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let name: String
    var request = Broker.CaptureRequest(target: nil)
    var pod = Pod(namespace: "shop", name: "web")
    var container = Container(name: "web", role: .main)
    var facts: Facts
    var inside = ContainerFacts()
    var tools = RouteTools(kubectl: Kubectl(executable: "/usr/bin/kubectl"))
    var routes = RouteName.allCases

    var testDescription: String { name }

    /// A container without tcpdump, that takes a file; nothing is known of ssh.
    init(_ name: String, _ change: (inout Case) -> Void = { _ in }) {
      self.name = name
      request.session = "7f3a0001"
      pod.uid = "0fb4c1d2-3333-4444-5555-666677778888"
      pod.node = "n1"
      pod.containers = [container]
      inside.hasSleep = true
      inside.shTimesReads = true
      inside.uid = 0
      inside.effective = 0xa804_25fb
      inside.bounding = 0xa804_25fb
      inside.machine = "x86_64"
      inside.interfaces = ["lo", "eth0"]
      inside.programs = ["cat", "chmod", "rm", "sha256sum", "wc"]
      inside.directories = ["/tmp"]
      facts = Facts(subject: .pod(pod, container))
      facts.debug = .success(DebugFacts())
      facts.node = .failure(
        Failure(
          .noRoute, "Cannot capture from shop/web (container web) by ssh.",
          why: "ssh to nodes is not configured ([ssh] in config.toml).",
          fix: "Configure it there, or ask for it with --route ssh."))
      tools.engines = Engines(
        taps: [
          EngineFile(
            path: "/usr/libexec/poddump/tap-x86_64", machine: "x86_64", size: 34_528, isTap: true)
        ])
      change(&self)
      if facts.inside == nil, case .pod = facts.subject { facts.inside = .success(inside) }
      if case .pod = facts.subject { facts.subject = .pod(pod, container) }
    }

    /// No shell to look with.
    mutating func distroless() {
      facts.inside = .failure(
        Failure(
          .noRoute, "Cannot look into shop/web (container web) by exec.",
          why: "The container has no program \"sh\".",
          fix: "Choose another container with -c, or another route with --route."))
    }

    /// The helper pod is allowed.
    mutating func helped() {
      tools.settings.allowed = [.node]
      facts.helper = .success(HelperFacts(namespace: "shop"))
      routes = [.node]
    }

    var decision: Decision { decide(request, facts: facts, routes: routes, tools: tools) }
  }

  static let cases: [Case] = [
    Case("upload"),
    Case("upload-tar") { $0.inside.programs = ["tar"] },
    Case("upload-binary") {
      $0.tools.engines.given = EngineFile(
        path: "/home/ann/tcpdump", machine: "x86_64", size: 1_500_000, isTap: false)
      $0.request.filter = "tcp port 80"
    },
    Case("debug") { $0.distroless() },
    Case("debug-reused") {
      $0.distroless()
      $0.facts.debug = .success(
        DebugFacts(running: Container(name: "poddump-0badcafe", role: .ephemeral)))
    },
    Case("debug-baseline") {
      $0.distroless()
      $0.facts.debug = .success(DebugFacts(security: .default))
    },
    Case("debug-by-patch") {
      $0.distroless()
      $0.facts.debug = .success(DebugFacts(byPatch: true))
    },
    Case("debug-tap") {
      $0.distroless()
      $0.request.engine = .tap
    },
    Case("node-pod") { $0.helped() },
    Case("node-tap") {
      $0.helped()
      $0.request.engine = .tap
    },
    Case("node-node") {
      $0.helped()
      $0.facts.subject = .node(Node(name: "n1"))
      $0.facts.helper = .success(HelperFacts(namespace: "capture"))
    },
    Case("nothing") {
      $0.facts.inside = .failure(
        Failure(
          .denied, "Cannot look into shop/web (container web) by exec.",
          why: "You may not create pods/exec in namespace shop.",
          fix: "Ask for the right to create pods/exec in namespace shop."))
      $0.facts.debug = .failure(
        AdmissionRefusal(.podSecurity(level: .restricted, violations: [])).failure(
          "Cannot capture from shop/web (container web) by debug."))
    },
  ]

  /// Scripts have tests of their own, and times and users are this run's.
  private static func shown(_ text: String) -> String {
    var text = text
    for (script, name) in [
      (Stanza.script, "STANZA"), (Caretaker.script, "CARETAKER"),
      (ContainerEngine.unlinking, "UNLINKING"),
      (
        Placement(
          EngineFile(path: "", machine: "", size: 0, isTap: true), directories: ["/"], session: "",
          writer: .cat
        ).arguments(path: "/x", digest: "")[2], "PLACING"
      ),
    ] {
      text = text.replacing(ShellWord.quote(script), with: "'\(name)'")
      // Within JSON, and within JSON's text in JSON.
      let once = JSONText.string(script).text().dropFirst().dropLast()
      let twice = JSONText.string(String(once)).text().dropFirst().dropLast()
      text = text.replacing(twice, with: name).replacing(once, with: name)
    }
    return text.replacing(/poddump\/expires(\\?": \\?")[0-9TZ:-]+/) {
      "poddump/expires\($0.output.1)EXPIRY"
    }.replacing(UserName.current, with: "USER@MACHINE")
  }

  @Test(arguments: cases)
  func printsForPeople(_ it: Case) throws {
    try Golden().check(
      Self.shown(PlanText(decision: it.decision).text), "plan-route-\(it.name).txt")
  }

  @Test(arguments: cases)
  func printsAsData(_ it: Case) throws {
    let text = PlanText(decision: it.decision).json.text()
    _ = try JSONSerialization.jsonObject(with: Data(text.utf8))
    try Golden().check(Self.shown(text) + "\n", "plan-route-\(it.name).json")
  }

  /// What is printed can be pasted: a real shell makes the same words of it.
  @Test(arguments: cases)
  func commandLinesArePasteable(_ it: Case) async throws {
    guard let plan = try? it.decision.chosen() else { return }
    let text = PlanText(decision: it.decision).text
    for command in plan.preparations.compactMap(\.command) + [plan.command] {
      let line = ShellWord.join([command.executable] + command.arguments)
      #expect(text.contains(line))
      let answer = try await runProgram(["/bin/sh", "-c", "printf '%s\\0' \(line)"])
      let words = answer.output.split(separator: 0, omittingEmptySubsequences: false).dropLast()
      #expect(
        words.map { String(decoding: $0, as: UTF8.self) } == [command.executable]
          + command.arguments)
    }
  }
}
