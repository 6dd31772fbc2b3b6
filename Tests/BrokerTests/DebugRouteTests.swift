import Base
import Cluster
import Testing

@testable import Broker

/// What route debug makes of a pod.
@Suite struct DebugRouteTests {
  @Test func aNewContainer() throws {
    let plan = try RouteGround().plan(.debug)
    #expect(plan.route == .debug && plan.place == .debug("poddump-7f3a0001"))
    #expect(plan.target == "shop/web (interface eth0)" && plan.interfaceName == "shop/web/eth0")
    #expect(plan.needs.first == "update on pods/ephemeralcontainers in namespace shop")
    #expect(plan.leaves.contains("nobody can remove it"))
    let step = try #require(plan.preparations.first)
    #expect(plan.preparations.count == 1)
    #expect(step.text.hasSuffix("nicolaka/netshoot"))
    #expect(
      step.command?.arguments == [
        "replace", "--raw", "/api/v1/namespaces/shop/pods/web/ephemeralcontainers", "-f", "-",
      ])
    let manifest = try #require(step.manifest)
    #expect(manifest.contains(#""name": "poddump-7f3a0001""#))
    #expect(manifest.contains(#""NET_RAW""#) && manifest.contains(#""SETUID""#))
    // Into our container, and known there by its name.
    let argv = plan.command.arguments
    #expect(argv.prefix(8) == ["exec", "-i", "-n", "shop", "web", "-c", "poddump-7f3a0001", "--"])
    #expect(argv.dropFirst(8).contains("poddump-7f3a0001"))
    #expect(plan.ends.count == 3)
  }

  @Test func theImageIsTheConfigurations() throws {
    let plan = try RouteGround { $0.tools.settings.debugImage = "registry.example/net:1" }
      .plan(.debug)
    #expect(plan.preparations[0].manifest?.contains("registry.example/net:1") == true)
    #expect(!(plan.preparations[0].manifest ?? "").contains("netshoot"))
  }

  @Test func oneThatRunsIsUsedAgain() throws {
    let plan = try RouteGround {
      $0.debug.running = Container(name: "poddump-0badcafe", role: .ephemeral)
    }.plan(.debug)
    #expect(plan.place == .debug("poddump-0badcafe") && plan.preparations.isEmpty)
    #expect(plan.leaves == "nothing new" && plan.needs == [ExecRoute.mayExec("shop")])
    #expect(
      plan.notes == ["The ephemeral container poddump-0badcafe is there already and is used again."]
    )
    #expect(plan.command.arguments[6] == "poddump-0badcafe")
    #expect(plan.command.arguments.dropFirst(8).contains("poddump-0badcafe"))
    #expect(plan.ends.last?.contains("ends by itself 5 minutes after") == true)
  }

  @Test func byPatchItIsKubectlDebug() throws {
    let plan = try RouteGround { $0.debug.byPatch = true }.plan(.debug)
    let command = try #require(plan.preparations[0].command).arguments
    #expect(command.prefix(5) == ["debug", "-q", "-n", "shop", "web"])
    #expect(command.contains("--container=poddump-7f3a0001"))
    #expect(plan.needs.first == "patch on pods/ephemeralcontainers in namespace shop")
  }

  @Test func atTheLevelBaselineNothingIsAskedFor() throws {
    let plan = try RouteGround { $0.debug.security = .default }.plan(.debug)
    let manifest = try #require(plan.preparations[0].manifest)
    #expect(!manifest.contains("NET_RAW") && manifest.contains(#""runAsUser": 0"#))
  }

  @Test func whatThePodHasIsNotWhatOursHas() throws {
    // No shell, no rights, no tcpdump there: ours has its own.
    let plan = try RouteGround {
      $0.inside = ContainerFacts()
      $0.inside.interfaces = ["lo", "net1"]
    }.plan(.debug)
    #expect(plan.interface == "any" && plan.engineArguments.first == "tcpdump")
    #expect(
      RouteGround { $0.request.interface = "net7" }.refusal(.debug)?.kind == .notFound)
  }

  /// Where nobody could look, what was asked for may be there.
  @Test func anInterfaceThatNobodyKnowsIsTried() throws {
    var ground = RouteGround { $0.request.interface = "net1" }
    var facts = ground.facts
    facts.inside = .failure(Failure(.noRoute, "No.", why: "It has no shell."))
    let plan = try DebugRoute.plan(ground.request, facts: facts, tools: ground.tools)
    #expect(plan.interface == "net1")
    ground.request.interface = nil
    #expect(
      try DebugRoute.plan(ground.request, facts: facts, tools: ground.tools).interface == "eth0")
  }

  /// What is planned is what will run, as far as it can be known.
  @Test func theEngineIsTheOneThatWasAskedFor() throws {
    let path = "/tmp/.poddump-7f3a00017f3a0001"
    let tap = try RouteGround { $0.request.engine = .tap }.plan(.debug)
    #expect(tap.engine == "tap" && tap.engineArguments.first == path)
    #expect(tap.remoteArguments == [NodeScript.direct] + tap.engineArguments)
    #expect(
      tap.preparations.last?.text
        == "puts tap (x86_64, 34 KiB) into that container as \(path), through the same connection")
    let given = try RouteGround { $0.tools.engines.given = RouteGround.tcpdump }.plan(.debug)
    #expect(given.engine == "tcpdump" && given.placement?.file == RouteGround.tcpdump)
    #expect(
      Array(given.engineArguments.prefix(4)) == ["sh", "-c", ContainerEngine.unlinking, path])
    let own = try RouteGround { $0.request.engine = .tcpdump }.plan(.debug)
    #expect(own.placement == nil && own.engineArguments.first == "tcpdump")
  }

  /// One guard for all routes that bring an engine to a shell of ours.
  @Test func aTcpdumpThatIsAskedForIsNotReplaced() {
    var request = CaptureRequest(target: nil)
    request.engine = .tcpdump
    #expect(throws: Failure.self) {
      try Engines(taps: [RouteGround.tap]).placement(
        for: request, there: RouteGround.debian, session: "7f3a0001", owner: "The image net:1",
        remedy: "Set another one", "No.")
    }
  }

  /// Its memory is the pod's, where a kubelet limits that: its own has no limit.
  @Test func theBufferFitsThePod() throws {
    func buffer(_ limits: [Int?]) throws -> String? {
      let plan = try RouteGround {
        for (index, limit) in limits.enumerated() { $0.pod.containers[index].memoryLimit = limit }
        $0.container = $0.pod.containers[0]
      }.plan(.debug)
      let words = plan.engineArguments
      return words.firstIndex(of: "-B").map { words[$0 + 1] }
    }
    #expect(try buffer([16 << 20, 16 << 20]) == "4096")
    #expect(try buffer([16 << 20, nil]) == "32768")
  }

  @Test func aLifetimeIsAtLeastADay() throws {
    func lifetime(_ ttl: Int) throws -> String {
      let plan = try RouteGround { $0.request.ttl = ttl }.plan(.debug)
      let words = try #require(plan.preparations[0].manifest).split(separator: "\n")
      let name = try #require(words.lastIndex { $0.contains("poddump-7f3a0001") })
      return words[name + 1].trimmingPrefix { $0 == " " }.description
    }
    // A day more than the capture, so that the next one can use it as well.
    #expect(try lifetime(60) == #""172800","#)
    #expect(try lifetime(100_000) == #""186400","#)
    #expect(try lifetime(0) == #""0","#)
  }

  /// Whoever may not see the namespace's level is told so where that is what kept the container out.
  @Test func theRightThatWouldHaveHelpedIsNamed() {
    var debug = DebugFacts(byPatch: true)
    let baseline = AdmissionRefusal(.podSecurity(level: .baseline, violations: ["NET_RAW"]))
    let restricted = AdmissionRefusal(.podSecurity(level: .restricted, violations: []))
    let plain = DebugRoute.failure(baseline, debug, "No.")
    #expect(plain == baseline.failure("No."))
    debug.missing = Right("get", "namespaces", namespace: "shop")
    let failure = DebugRoute.failure(baseline, debug, "No.")
    #expect(failure.kind == .denied && failure.why == plain.why)
    #expect(failure.fix?.hasPrefix("Ask for the right to get namespaces in namespace shop") == true)
    #expect(DebugRoute.failure(restricted, debug, "No.") == restricted.failure("No."))
  }

  @Test func refusals() {
    let node = RouteGround { $0.isNode = true }.refusal(.debug)
    #expect(node?.kind == .noRoute && node?.why == "A node has no ephemeral containers.")
    let ground = RouteGround()
    var facts = ground.facts
    let denied = AdmissionRefusal(.staticPod).failure(facts.refusal(by: .debug))
    facts.debug = .failure(denied)
    guard
      case .refused(let failure) = judge(
        .debug, ground.request, facts: facts, tools: ground.tools)
    else {
      Issue.record("A static pod takes no container.")
      return
    }
    #expect(failure == denied)
    facts.debug = nil
    guard
      case .refused(let unasked) = judge(
        .debug, ground.request, facts: facts, tools: ground.tools)
    else {
      Issue.record("A plan from nothing.")
      return
    }
    #expect(unasked.why == "Nobody asked whether the pod may have one.")
  }
}
