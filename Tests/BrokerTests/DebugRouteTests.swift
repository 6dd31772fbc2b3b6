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
    let plan = try RouteGround { $0.debug.running = "poddump-0badcafe" }.plan(.debug)
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

  @Test func aLifetimeIsAtLeastADay() throws {
    func lifetime(_ ttl: Int) throws -> String {
      let plan = try RouteGround { $0.request.ttl = ttl }.plan(.debug)
      let words = try #require(plan.preparations[0].manifest).split(separator: "\n")
      let name = try #require(words.lastIndex { $0.contains("poddump-7f3a0001") })
      return words[name + 1].trimmingPrefix { $0 == " " }.description
    }
    #expect(try lifetime(60) == #""86400","#)
    #expect(try lifetime(100_000) == #""100000","#)
    #expect(try lifetime(0) == #""0","#)
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
