import Base
import Cluster

@testable import Broker

/// A pod, what was found out about it, and what there is to work with, for the pure part of routes.
struct RouteGround: Sendable {
  var request = CaptureRequest(target: nil)
  var pod = Pod(namespace: "shop", name: "web")
  var container = Container(name: "web", role: .main)
  var inside = RouteGround.debian
  var debug = DebugFacts()
  var helper = HelperFacts(namespace: "shop")
  var tools = RouteTools(kubectl: Kubectl(executable: "/usr/bin/kubectl"))
  var isNode = false

  /// Debian without tcpdump, under containerd's default capabilities.
  static let debian: ContainerFacts = {
    var facts = ContainerFacts()
    facts.bash = "/usr/bin/bash"
    facts.hasSleep = true
    facts.uid = 0
    facts.effective = 0xa804_25fb
    facts.bounding = 0xa804_25fb
    facts.machine = "x86_64"
    facts.interfaces = ["lo", "eth0"]
    facts.programs = ["cat", "chmod", "rm", "head", "sha256sum", "tar", "wc"]
    facts.directories = ["/tmp", "/run"]
    return facts
  }()

  static let tap = EngineFile(path: "/opt/tap-x86_64", machine: "x86_64", size: 34_528, isTap: true)
  static let tcpdump = EngineFile(
    path: "/opt/tcpdump", machine: "x86_64", size: 1_500_000, isTap: false)

  init(_ change: (inout RouteGround) -> Void = { _ in }) {
    request.session = "7f3a0001"
    pod.uid = "0fb4c1d2-3333-4444-5555-666677778888"
    pod.node = "n1"
    pod.podIPs = ["198.51.100.66"]
    pod.containers = [container, Container(name: "sidecar", role: .main)]
    tools.engines = Engines(taps: [Self.tap])
    change(&self)
  }

  var facts: Facts {
    var facts = Facts(
      subject: isNode ? .node(Node(name: "n1")) : .pod(pod, container), inside: .success(inside))
    facts.debug = .success(debug)
    facts.helper = .success(helper)
    return facts
  }

  func plan(_ route: RouteName) throws(Failure) -> Plan {
    try route.route.plan(request, facts: facts, tools: tools)
  }

  /// Why a route is refused; nil when it is not.
  func refusal(_ route: RouteName) -> Failure? {
    do throws(Failure) {
      _ = try plan(route)
      return nil
    } catch {
      return error
    }
  }
}
