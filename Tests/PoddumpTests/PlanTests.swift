import Base
import Broker
import Cluster
import Foundation
import SSH
import TestSupport
import Testing

@testable import poddump

/// What `poddump plan` prints for containers of every sort, as golden texts.
@Suite struct PlanTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let name: String
    var request = Broker.CaptureRequest(target: nil)
    var pod = Pod(namespace: "shop", name: "web")
    var container = Container(name: "web", role: .main)
    var inside: Result<ContainerFacts, Failure> = .success(Case.bash)

    var testDescription: String { name }

    /// Debian's image with tcpdump, under containerd's default capabilities.
    static let bash: ContainerFacts = {
      var facts = ContainerFacts()
      facts.tcpdump = "/usr/bin/tcpdump"
      facts.version = "tcpdump version 4.99.3"
      facts.bash = "/usr/bin/bash"
      facts.hasSleep = true
      facts.uid = 0
      facts.effective = 0xa804_25fb
      facts.bounding = 0xa804_25fb
      facts.machine = "x86_64"
      facts.interfaces = ["lo", "eth0"]
      return facts
    }()

    init(_ name: String, _ change: (inout Case, inout ContainerFacts) -> Void = { _, _ in }) {
      self.name = name
      pod.node = "node1"
      pod.containers = [container, Container(name: "log-shipper", role: .main)]
      var facts = Case.bash
      change(&self, &facts)
      if case .success = inside { inside = .success(facts) }
    }

    var decision: Decision {
      let facts = Facts(subject: .pod(pod, container), inside: inside)
      return decide(
        request, facts: facts, routes: [.exec],
        tools: RouteTools(kubectl: Kubectl(executable: "/usr/bin/kubectl")))
    }
  }

  static let cases: [Case] = [
    Case("bash"),
    Case("dash") { _, facts in facts.bash = nil },
    Case("busybox") { _, facts in
      facts.bash = nil
      facts.shTimesReads = true
      facts.tcpdump = "/usr/sbin/tcpdump"
    },
    Case("no-tcpdump") { _, facts in facts.tcpdump = nil },
    Case("no-tcpdump-single-container") { it, facts in
      facts.tcpdump = nil
      it.pod.containers = [it.container]
    },
    Case("no-net-raw") { _, facts in
      facts.effective = 0
      facts.bounding = 0xa804_05fb
      facts.uid = 10_001
    },
    Case("net-raw-in-bounding-set-only") { _, facts in
      facts.effective = 0
      facts.uid = 10_001
    },
    Case("net-raw-in-bounding-set-but-no-new-privileges") { _, facts in
      facts.effective = 0
      facts.uid = 10_001
      facts.noNewPrivileges = true
    },
    Case("capabilities-unknown") { _, facts in
      facts.effective = nil
      facts.bounding = nil
      facts.uid = nil
    },
    Case("no-sleep") { _, facts in facts.hasSleep = false },
    Case("no-sleep-dash") { _, facts in
      facts.hasSleep = false
      facts.bash = nil
    },
    Case("no-sleep-ttl-0") { it, facts in
      facts.hasSleep = false
      it.request.ttl = 0
    },
    Case("no-sleep-dash-ttl-0") { it, facts in
      facts.hasSleep = false
      facts.bash = nil
      it.request.ttl = 0
    },
    Case("host-network") { it, facts in
      it.pod.isHostNetwork = true
      facts.interfaces = ["lo", "ens5", "cali0d7763386da"]
    },
    Case("missing-interface") { it, _ in it.request.interface = "net1" },
    Case("named-interface") { it, facts in
      it.request.interface = "net1"
      facts.interfaces.append("net1")
    },
    Case("any") { it, _ in it.request.interface = "any" },
    Case("terminating") { it, _ in it.pod.deletion = 1_700_000_000 },
    Case("filter-and-limits") { it, _ in
      it.request.filter = "tcp port 80 and host 198.51.100.7"
      it.request.count = 10
      it.request.snapLength = 96
      it.request.throughput = true
      it.request.ttl = 60
      it.container.memoryLimit = 64 << 20
    },
    Case("without-cap-kill") { _, facts in facts.effective = 0xa804_25db },
    Case("not-looked-into") { it, _ in
      it.inside = .failure(
        Failure(
          .denied, "Cannot look into shop/web (container web) by exec.",
          why: "Not allowed: cannot create pods/exec.", fix: "Ask for the right."))
    },
    Case("distroless") { it, _ in
      it.inside = .failure(
        Failure(
          .noRoute, "Cannot look into shop/web (container web) by exec.",
          why: "The container has no program “sh”.",
          fix: "Choose another container with -c, or another route with --route."))
    },
  ]

  /// The stanza's text has tests of its own; here only its place counts.
  private static func shortened(_ text: String) -> String {
    text.replacing(ShellWord.quote(Stanza.script), with: "'STANZA'")
  }

  @Test(arguments: cases)
  func printsForPeople(_ it: Case) throws {
    try Golden().check(Self.shortened(PlanText(decision: it.decision).text), "plan-\(it.name).txt")
  }

  @Test(arguments: cases)
  func printsTheSameAsData(_ it: Case) throws {
    let decision = it.decision
    let text = PlanText(decision: decision).json.text()
    let object = try #require(
      try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    let routes = try #require(object["routes"] as? [[String: Any]])
    #expect(routes.map { $0["route"] as? String } == ["exec"])
    do {
      let plan = try decision.chosen()
      let chosen = try #require(object["chosen"] as? [String: Any])
      #expect(routes[0]["usable"] as? Bool == true)
      #expect(chosen["there"] as? [String] == plan.engineArguments)
      #expect(chosen["here"] as? [String] == [plan.command.executable] + plan.command.arguments)
      #expect(chosen["notes"] as? [String] == plan.notes)
      #expect(chosen["ttl"] as? Int == plan.ttl)
      #expect(chosen["leaves"] as? String == "nothing")
    } catch {
      let failure = try #require(error as? Failure)
      #expect(routes[0]["usable"] as? Bool == false)
      #expect(routes[0]["why"] as? String == failure.why)
      #expect(routes[0]["fix"] as? String == failure.fix)
      #expect(object["chosen"] is NSNull)
    }
  }

  @Test(arguments: [
    ("no-tcpdump", Failure.Kind.noRoute), ("no-net-raw", .denied), ("no-sleep", .noRoute),
    ("missing-interface", .notFound), ("distroless", .noRoute), ("not-looked-into", .denied),
    ("net-raw-in-bounding-set-but-no-new-privileges", .denied),
  ])
  func refusalsHaveTheirKind(_ name: String, _ kind: Failure.Kind) throws {
    let it = try #require(Self.cases.first { $0.name == name })
    let failure = #expect(throws: Failure.self) { try it.decision.chosen() }
    #expect(failure?.kind == kind)
    for sentence in [failure?.what, failure?.why, failure?.fix] {
      #expect(sentence?.hasSuffix(".") == true, "\(sentence ?? "nil")")
    }
  }

  @Test func whatIsRunIsWhatIsPrinted() throws {
    let it = try #require(Self.cases.first { $0.name == "bash" })
    let plan = try it.decision.chosen()
    #expect(plan.command.executable == "/usr/bin/kubectl")
    #expect(
      plan.command.arguments.prefix(8) == ["exec", "-i", "-n", "shop", "web", "-c", "web", "--"])
    // The shell there finds out, gets its order, and becomes the stanza.
    #expect(plan.command.arguments.contains { $0.hasSuffix(Stanza.script) })
    #expect(Array(plan.remoteArguments.suffix(plan.engineArguments.count)) == plan.engineArguments)
  }
}
