import Base
import Cluster
import Foundation
import TestSupport
import Testing

@testable import Broker

/// What route node makes of a pod or a node, and the pod that it would create.
@Suite struct NodeRouteTests {
  private static func ground(_ change: (inout RouteGround) -> Void = { _ in }) -> RouteGround {
    RouteGround {
      $0.tools.settings.allowed = [.node]
      change(&$0)
    }
  }

  @Test func nobodysClusterGetsAPodUnasked() throws {
    var ground = RouteGround()
    let failure = try #require(ground.refusal(.node))
    #expect(failure.kind == .denied)
    #expect(failure.why == "It creates a pod on node n1, which nobody has allowed.")
    #expect(failure.fix?.contains("--allow node") == true)
    ground.request.route = .node
    #expect(ground.refusal(.node) == nil)
    ground.request.route = nil
    ground.tools.settings.allowed = [.debug]
    #expect(ground.refusal(.node) == failure)
  }

  @Test func aPodsNetworkIsEntered() throws {
    let plan = try Self.ground().plan(.node)
    #expect(plan.place == .node("n1") && plan.target == "shop/web (interface eth0)")
    #expect(plan.interfaceName == "shop/web/eth0")
    #expect(Array(plan.engineArguments.prefix(5)) == ["nsenter", "-t", "PID", "-n", "tcpdump"])
    #expect(
      plan.needs == [
        "create, get, delete on pods in namespace shop", ExecRoute.mayExec("shop"),
      ])
    #expect(plan.leaves == "nothing" && plan.preparations.count == 1)
    #expect(
      plan.preparations[0].command?.arguments == [
        "create", "--raw", "/api/v1/namespaces/shop/pods", "-f", "-",
      ])
    #expect(
      plan.command.arguments.prefix(8) == [
        "exec", "-i", "-n", "shop", "poddump-7f3a0001", "-c", "poddump", "--",
      ])
  }

  @Test func theNodesOwnNetworkIsNotEntered() throws {
    for change: @Sendable (inout RouteGround) -> Void in [
      { $0.pod.isHostNetwork = true }, { $0.isNode = true },
    ] {
      let plan = try Self.ground(change).plan(.node)
      #expect(plan.engineArguments.first == "tcpdump" && plan.interface == "any")
    }
    let node = try Self.ground { $0.isNode = true }.plan(.node)
    #expect(node.target == "node n1 (interface any)" && node.interfaceName == "n1/any")
  }

  /// `--at host` is not left out in silence where a helper pod cannot see the host's side.
  @Test func theHostsSideIsRefused() throws {
    let refused = Self.ground { $0.request.point = .host }.refusal(.node)
    #expect(refused?.kind == .noRoute && refused?.fix?.contains("--route ssh") == true)
    for change: @Sendable (inout RouteGround) -> Void in [
      { $0.pod.isHostNetwork = true }, { $0.isNode = true }, { $0.request.point = .pod },
    ] {
      let ground = Self.ground {
        $0.request.point = .host
        change(&$0)
      }
      #expect(ground.refusal(.node) == nil)
    }
  }

  @Test func whereItIsNotKnownItIsNotPlanned() {
    #expect(Self.ground { $0.pod.node = nil }.refusal(.node)?.kind == .noRoute)
    let ground = Self.ground()
    var facts = ground.facts
    facts.helper = nil
    let unasked = judge(.node, ground.request, facts: facts, tools: ground.tools)
    guard case .refused(let failure) = unasked else {
      Issue.record("A plan from nothing.")
      return
    }
    #expect(failure.why == "Nobody asked whether the pod may be created.")
    let denied = Failure(.denied, "No.", why: "You may not create pods in namespace shop.")
    facts.helper = .failure(denied)
    #expect(
      judge(.node, ground.request, facts: facts, tools: ground.tools) == .refused(denied))
  }

  /// What is planned is what will run, as far as it can be known: the same as on a node that is known.
  @Test func theEngineIsTheOneThatWasAskedFor() throws {
    let tap = try Self.ground { $0.request.engine = .tap }.plan(.node)
    #expect(tap.engine == "tap" && tap.placement?.directories == ["/tmp"])
    #expect(
      Array(tap.engineArguments.prefix(5)) == [
        "nsenter", "-t", "PID", "-n", "/tmp/.poddump-7f3a0001",
      ])
    #expect(tap.remoteArguments == [NodeScript.direct] + tap.engineArguments)
    #expect(
      tap.preparations.map(\.text) == [
        "creates the helper pod shop/poddump-7f3a0001 on node n1",
        "puts tap (x86_64, 34 KiB) into the helper pod as /tmp/.poddump-7f3a0001, through the same "
          + "connection",
      ])
    let given = try Self.ground { $0.tools.engines.given = RouteGround.tcpdump }.plan(.node)
    #expect(given.engine == "tcpdump" && given.placement?.file == RouteGround.tcpdump)
    #expect(given.engineArguments.dropFirst(4).prefix(2) == ["sh", "-c"])
    let own = try Self.ground { $0.request.engine = .tcpdump }.plan(.node)
    #expect(own.placement == nil && own.engineArguments.contains("tcpdump"))
  }

  /// The packets of the ports that a pod in the node's network declares, and no others.
  @Test func theFilterIsTheOneThatWillRun() throws {
    let plan = try Self.ground {
      $0.pod.isHostNetwork = true
      $0.pod.containers[0].ports = [ContainerPort(protocolName: "tcp", number: 8081)]
      $0.request.filter = "host 192.0.2.1"
    }.plan(.node)
    #expect(plan.filter == "(tcp port 8081) and (host 192.0.2.1)")
    #expect(plan.engineArguments.last == plan.filter)
  }

  /// It is the image that lacks something, not the node.
  @Test func whatTheImageLacks() throws {
    let ground = Self.ground { $0.tools.settings.nodeImage = "lab/poor:1" }
    func refusal(_ change: (inout ContainerFacts) -> Void) -> Failure? {
      var node = NodeFacts()
      node.tools = .expected(machine: "x86_64", ground.tools.engines)
      change(&node.tools)
      var request = ground.request
      request.engine = node.tools.tcpdump == nil ? .tcpdump : nil
      let it = NodeEngine(
        request: request, subject: .node(Node(name: "n1")), node: node,
        engines: ground.tools.engines, what: "No.", route: .node, image: "lab/poor:1")
      do throws(Failure) {
        _ = try it.plan(command: Command("kubectl", []), needs: [], connection: "kubectl")
        return nil
      } catch {
        return error
      }
    }
    #expect(refusal { _ in } == nil)
    let tcpdump = refusal { $0.tcpdump = nil }
    #expect(tcpdump?.why == "The image lab/poor:1 has no tcpdump.")
    #expect(tcpdump?.fix?.hasPrefix("Set another one: node in [image], leave --engine out") == true)
    let sleep = refusal { $0.hasSleep = false }
    #expect(sleep?.why?.hasPrefix("The image lab/poor:1 has no sleep") == true)
  }

  // MARK: - The helper pod

  /// What differs from run to run and from user to user stands for itself.
  private static func shown(_ manifest: HelperManifest) -> String {
    manifest.manifest.text()
      .replacing(/"poddump\/expires": "[^"]*"/, with: #""poddump/expires": "EXPIRY""#)
      .replacing(UserName.current, with: "USER@MACHINE")
      .replacing(/"trap 'exit 0' TERM INT.*?done",/, with: #""CARETAKER","#) + "\n"
  }

  private static let helpers: [(String, @Sendable (inout RouteGround) -> Void)] = [
    ("pod", { _ in }), ("host-network", { $0.pod.isHostNetwork = true }),
    ("node", { $0.isNode = true }),
    ("no-limit", { $0.request.ttl = 0 }),
    (
      "configured",
      {
        $0.tools.settings.nodeImage = "registry.example/net:1"
        $0.helper.namespace = "capture"
        $0.tools.engines.given = RouteGround.tcpdump
      }
    ),
  ]

  @Test(arguments: helpers)
  func manifests(_ name: String, _ change: @Sendable (inout RouteGround) -> Void) throws {
    let ground = Self.ground(change)
    let pod = NodeRoute.helperPod(
      ground.request, ground.facts.subject, "n1", ground.helper, ground.tools)
    try Golden().check(Self.shown(pod), "helper-\(name).json")
  }

  /// No more than is needed, whatever is asked for.
  @Test func itIsNeverPrivileged() throws {
    for isNode in [false, true] {
      for isHostNetwork in [false, true] {
        let ground = Self.ground {
          $0.isNode = isNode
          $0.pod.isHostNetwork = isHostNetwork
        }
        let text = NodeRoute.helperPod(
          ground.request, ground.facts.subject, "n1", ground.helper, ground.tools
        ).manifest.text()
        let object = try #require(
          try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        let spec = try #require(object["spec"] as? [String: Any])
        let container = try #require((spec["containers"] as? [[String: Any]])?.first)
        let security = try #require(container["securityContext"] as? [String: Any])
        #expect(security["privileged"] == nil)
        #expect(security["allowPrivilegeEscalation"] as? Bool == false)
        #expect(security["readOnlyRootFilesystem"] as? Bool == true)
        let capabilities = try #require(security["capabilities"] as? [String: [String]])
        #expect(capabilities["drop"] == ["ALL"])
        #expect(capabilities["add"]?.contains("SYS_ADMIN") == !isNode)
        #expect(spec["automountServiceAccountToken"] as? Bool == false)
        #expect(spec["hostPID"] as? Bool == (isNode ? nil : true))
        #expect(spec["hostNetwork"] as? Bool == (isNode || isHostNetwork ? true : nil))
        #expect(spec["hostIPC"] == nil)
        let volumes = (spec["volumes"] as? [[String: Any]]) ?? []
        #expect(volumes.allSatisfy { $0["emptyDir"] != nil && $0["hostPath"] == nil })
      }
    }
  }

  @Test func itEndsAfterTheCapture() throws {
    for ttl in [60, 86_400] {
      let ground = Self.ground { $0.request.ttl = ttl }
      let before = Int(Date().timeIntervalSince1970)
      let pod = NodeRoute.helperPod(
        ground.request, ground.facts.subject, "n1", ground.helper, ground.tools)
      let expires = try #require(pod.expires)
      #expect((before + ttl + 60...before + ttl + 120).contains(expires))
      #expect(pod.manifest.text().contains("\"activeDeadlineSeconds\": \(ttl + 60)"))
      #expect(pod.manifest.text().contains(Timestamp.text(expires)))
    }
  }
}
