package import Base
internal import Cluster

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
      throw Failure(
        .noRoute, what, why: "The pod has no node yet.", fix: "Try again when it runs.")
    }
    guard request.route == .node || tools.settings.allowed.contains(.node) else {
      throw Failure(
        .denied, what, why: "It creates a pod on node \(nodeName), which nobody has allowed.",
        fix: "Allow it with --allow node, or allow = [\"node\"] in [route].")
    }
    if case .pod(let pod, _) = facts.subject, request.point == .host, !pod.isHostNetwork {
      throw Failure(
        .noRoute, what, why: "A helper pod sees the pod's own network, not the host's side of it.",
        fix: "Use --route ssh, or leave --at host out.")
    }
    guard let found = facts.helper else {
      throw .fault(what, "Nobody asked whether the pod may be created.")
    }
    let helper = try found.get()
    let pod = helperPod(request, facts.subject, nodeName, helper, tools)
    var expected = NodeFacts()
    // Of a pod in the node's network it makes no difference which process it is.
    expected.pid = 1
    expected.isConfirmed = true
    expected.tools = .expected(machine: (try? facts.inside?.get())?.machine, tools.engines)
    let interface = request.interface ?? (pod.isHostNetwork ? "any" : "eth0")
    return try plan(
      request, facts, tools, pod, expected,
      at: pod.isHostNetwork
        ? nil
        // Which process it is, only the look from the node tells.
        : CapturePoint(
          interface: interface, targetInterface: interface, prefix: ["nsenter", "-t", "PID", "-n"],
          reason: "\(interface) in the pod's network namespace on node \(nodeName)"))
  }

  /// The plan, from what is expected on the node or was found there.
  private static func plan(
    _ request: CaptureRequest, _ facts: Facts, _ tools: RouteTools, _ pod: HelperManifest,
    _ node: NodeFacts, at point: CapturePoint? = nil
  ) throws(Failure) -> Plan {
    var request = request
    // It sees none of the node's interfaces, unless it is in the node's network.
    if !pod.isHostNetwork { request.point = .pod }
    let it = NodeEngine(
      request: request, subject: facts.subject, node: node, engines: tools.engines,
      what: facts.refusal(by: .node), route: .node, image: pod.image,
      memoryLimit: HelperManifest.memoryLimit)
    var plan = try it.plan(
      at: point, command: try transport(pod, tools).command(shell(pod.name)),
      needs: [
        "create, get, delete on pods in namespace \(pod.namespace)",
        ExecRoute.mayExec(pod.namespace),
      ], connection: "kubectl")
    let step = PlanStep(
      "creates the helper pod \(pod.namespace)/\(pod.name) on node \(pod.node)",
      command: try tools.kubectl.createCommand(namespace: pod.namespace),
      input: "the pod", manifest: pod.manifest.text(),
      undo:
        "poddump deletes it; it ends by itself \(Caretaker.idle / 60) minutes after its last "
        + "capture, and its object goes with poddump clean")
    plan.preparations.insert(step, at: 0)
    return plan
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
      findsProcess: findsProcess, lifetime: lifetime,
      expires: lifetime > 0 ? Int(time(nil)) + lifetime + 60 : nil)
  }

  private static func transport(_ pod: HelperManifest, _ tools: RouteTools) -> KubectlTransport {
    KubectlTransport(
      kubectl: tools.kubectl, namespace: pod.namespace, pod: pod.name,
      container: HelperManifest.container)
  }

  /// How long the image may be pulled.
  private static let patience = Duration.seconds(120)

  package static func open<R: Sendable>(
    _ plan: Plan, _ opening: Opening,
    _ body: @escaping @Sendable (Plan, any Transport) async throws(Failure) -> R
  ) async throws(Failure) -> R {
    let what = opening.facts.refusal(by: .node)
    let tools = opening.tools
    let subject = opening.facts.subject
    guard let helper = try opening.facts.helper?.get(), let node = subject.node else {
      throw .fault(what, "Nobody asked whether the pod may be created.")
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
        for: HelperManifest.container, of: reference, deadline: .now + patience,
        tell: { opening.tell("Waiting for it: \($0).") })
      return try await tools.kubectl.withShell(
        namespace: pod.namespace, pod: pod.name, container: HelperManifest.container,
        argv: shell(pod.name), "Cannot look at node \(node) by node."
      ) { shell async throws(Failure) in
        _ = shell.take()
        let facts = try await shell.ask(FactFinder.question(about: subject, mayUseSudo: false))
        let plan = try Self.plan(opening.request, opening.facts, tools, pod, facts)
        // What is put there goes with the pod.
        return try await shell.open(
          plan, what, body, keeping: { _, work async throws(Failure) in try await work() })
      }
    }
  }

  /// A shell in the helper pod that reads its script from standard input, as on nodes that are logged in to.
  private static func shell(_ name: String) -> [String] {
    ["sh", "-c", #"exec "$(command -v bash || echo sh)" -s "$1""#, "sh", name]
  }
}
