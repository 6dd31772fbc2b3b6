package import Base
package import Cluster

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// Route `node`: a helper pod of ours on the pod's node, which finds the pod's process by its container's ID and
/// enters its network.
///
/// Works for every pod on a Linux node, where a namespace at the level `privileged` is at hand. It creates a pod,
/// and so is never chosen unasked; the pod is deleted at the end, and ends by itself if nobody is there to
/// do so.
package enum NodeRoute: Route {
  package static func plan(
    _ request: CaptureRequest, facts: Facts, tools: RouteTools
  ) throws(Failure) -> Plan {
    let what = facts.refusal(by: .node)
    guard let nodeName = facts.subject.node else {
      throw Failure(.noRoute, what, why: "The pod has no node yet.")
    }
    guard request.route == .node || tools.settings.allowed.contains(.node) else {
      throw Failure(
        .denied, what, why: "It creates a pod on node \(nodeName), which nobody has allowed.",
        fix: "Allow it with --allow node, or allow = [\"node\"] in [route].")
    }
    guard let found = facts.helper else {
      throw Failure(.other, what, why: "Nobody asked whether the pod may be created.")
    }
    let helper = try found.get()
    let pod = helperPod(request, facts.subject, nodeName, helper, tools)
    let interface = request.interface ?? (pod.isHostNetwork ? "any" : "eth0")
    var expected = ContainerFacts()
    expected.uid = 0
    expected.effective = Capability.netRaw | Capability.setuid | Capability.setgid
    let tcpdump = Tcpdump.arguments(
      program: "tcpdump", request: request, interface: interface, facts: expected,
      memoryLimit: HelperManifest.memoryLimit)
    let engine =
      (pod.findsProcess && !pod.isHostNetwork ? ["nsenter", "-t", "PID", "-n"] : []) + tcpdump
    let remote = Stanza.wrap(engine, shell: "bash", ttl: request.ttl, name: pod.name)
    let transport = transport(pod, tools)
    // As a packet file has it: a node by its name alone.
    let place = if case .node(let node) = facts.subject { node.name } else { facts.subject.text }
    return Plan(
      route: .node, engine: request.engine?.rawValue ?? "tcpdump", place: .node(nodeName),
      target: "\(facts.subject.text) (interface \(interface))",
      interfaceName: "\(place)/\(interface)", interface: interface,
      filter: request.filter, engineArguments: engine, remoteArguments: remote,
      preparations: [
        PlanStep(
          "creates the helper pod \(pod.namespace)/\(pod.name) on node \(nodeName)",
          command: try tools.kubectl.createCommand(namespace: pod.namespace),
          input: "the pod", manifest: pod.manifest.text(),
          undo:
            "poddump deletes it; it ends by itself \(Caretaker.idle / 60) minutes after its last "
            + "capture, and its object goes with poddump clean")
      ], command: try transport.command(remote), ttl: request.ttl,
      needs: [
        "create, get, delete on pods in namespace \(helper.namespace)",
        ExecRoute.mayExec(helper.namespace),
      ],
      notes: [], ends: Stanza.endings(connection: "kubectl", timesReads: true, ttl: request.ttl),
      leaves: "nothing")
  }

  /// The pod that finds this target.
  static func helperPod(
    _ request: CaptureRequest, _ subject: Subject, _ node: String, _ helper: HelperFacts,
    _ tools: RouteTools
  ) -> HelperManifest {
    var sharesNetwork = true
    var findsProcess = false
    if case .pod(let pod, _) = subject {
      sharesNetwork = pod.isHostNetwork
      findsProcess = true
    }
    let lifetime = request.ttl
    return HelperManifest(
      name: FarChange.prefix + request.session, namespace: helper.namespace, node: node,
      image: tools.settings.nodeImage, target: subject.text, isHostNetwork: sharesNetwork,
      findsProcess: findsProcess,
      takesFile: request.engine == .tap || tools.engines.given != nil, lifetime: lifetime,
      expires: lifetime > 0 ? Int(time(nil)) + lifetime + 60 : nil)
  }

  private static func transport(_ pod: HelperManifest, _ tools: RouteTools) -> KubectlTransport {
    KubectlTransport(
      kubectl: tools.kubectl, namespace: pod.namespace, pod: pod.name,
      container: HelperManifest.container)
  }

  /// How long the image may be pulled.
  private static let patience = Duration.seconds(120)
  /// How long finding the pod's process may take.
  private static let lookPatience = Duration.seconds(25)

  package static func open<R: Sendable>(
    _ plan: Plan, _ opening: Opening,
    _ body: @escaping @Sendable (Plan, any Transport) async throws(Failure) -> R
  ) async throws(Failure) -> R {
    let what = opening.facts.refusal(by: .node)
    let tools = opening.tools
    let subject = opening.facts.subject
    guard let helper = try opening.facts.helper?.get(), let node = subject.node else {
      throw Failure(.other, what, why: "Nobody asked whether the pod may be created.")
    }
    let pod = helperPod(opening.request, subject, node, helper, tools)
    let reference = PodReference(namespace: pod.namespace, name: pod.name)
    return try await opening.during(
      [.pod(namespace: pod.namespace, name: pod.name)],
      undo: { change async throws(Failure) in try await undo(change, kubectl: tools.kubectl) }
    ) { () async throws(Failure) in
      let answer = try await tools.kubectl.create(
        pod: pod.manifest, namespace: pod.namespace, dryRun: false)
      if let refusal = answer.refusal { throw refusal.failure(what) }
      opening.tell("Created the helper pod \(pod.namespace)/\(pod.name) on node \(node).")
      try await tools.kubectl.wait(
        for: HelperManifest.container, of: reference, deadline: .now + patience, tell: opening.tell)
      let transport = transport(pod, tools)
      let facts = try await look(subject, by: transport, what)
      return try await capture(plan, opening, pod, facts, transport, body)
    }
  }

  /// Finds the pod's process, by the script that does so on nodes.
  private static func look(
    _ subject: Subject, by transport: KubectlTransport, _ what: String
  ) async throws(Failure) -> NodeFacts {
    let question = FactFinder.question(about: subject, mayUseSudo: false)
    let answer = try await RemoteRun.run(
      ["sh", "-s"], input: Array(NodeScript.text(question).utf8), on: transport,
      within: lookPatience, what)
    guard let facts = NodeFacts(answer: answer.output) else {
      if case .failed(let failure) = answer.end { throw failure }
      throw Failure(
        .noRoute, what, why: "The helper pod's shell did not answer as a POSIX shell does.",
        fix: "Set another image: node in [image].",
        detail: printable(answer.errors + answer.output, limit: 1000))
    }
    return facts
  }

  private static func capture<R: Sendable>(
    _ planned: Plan, _ opening: Opening, _ pod: HelperManifest, _ facts: NodeFacts,
    _ transport: KubectlTransport,
    _ body: @escaping @Sendable (Plan, any Transport) async throws(Failure) -> R
  ) async throws(Failure) -> R {
    let what = opening.facts.refusal(by: .node)
    var request = opening.request
    // It sees none of the node's interfaces, unless it is in the node's network.
    if !pod.isHostNetwork { request.point = .pod }
    let it = NodeEngine(
      request: request, subject: opening.facts.subject, node: facts,
      engines: opening.tools.engines, what: what, route: .node, name: pod.name,
      memoryLimit: HelperManifest.memoryLimit)
    var plan = try it.plan(
      command: planned.command, needs: planned.needs, connection: "kubectl")
    if !pod.isHostNetwork, let pid = facts.pid, let namespace = facts.podNamespace {
      plan.remoteArguments =
        ["sh", "-c", sameNetwork, pod.name, String(pid), namespace] + plan.remoteArguments
    }
    plan.command = try transport.command(plan.remoteArguments)
    plan.notes = []
    plan.preparations = planned.preparations
    guard let placement = plan.placement else { return try await body(plan, transport) }
    // What is put there goes with the pod.
    let complete = plan
    return try await placement.place(
      by: transport, what, keeping: { _, work async throws(Failure) in try await work() }
    ) { path async throws(Failure) in
      try await body(complete.running(placement.path, at: path), transport)
    }
  }

  /// Makes sure, right before it is entered, that `$1` is still the process whose network is `$2`: between
  /// the look and this, its number may have become another's.
  private static let sameNetwork = """
    [ "$(readlink "/proc/$1/ns/net")" = "$2" ] || {
      echo "the pod's process has ended" >&2
      exit 70
    }
    shift 2
    exec "$@"
    """
}
