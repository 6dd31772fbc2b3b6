package import Base
internal import Cluster

/// Route `debug`: an ephemeral container of ours in the pod, and tcpdump in that.
///
/// Works for every pod that the namespace's Pod Security level lets have one, whatever it is made of. The
/// container is used again by the next capture, and ends by itself when nobody uses it; its entry in the
/// pod's spec cannot be removed by anybody.
package enum DebugRoute: Route {
  package static func plan(
    _ request: CaptureRequest, facts: Facts, tools: RouteTools
  ) throws(Failure) -> Plan {
    let what = facts.refusal(by: .debug)
    guard case .pod(let pod, let target) = facts.subject else {
      throw Failure(
        .noRoute, what, why: "A node has no ephemeral containers.",
        fix: "Use --route ssh or --route node.")
    }
    guard let found = facts.debug else {
      throw .fault(what, "Nobody asked whether the pod may have one.")
    }
    let debug = try found.get()
    let name = debug.running ?? FarChange.prefix + request.session
    let it = ContainerEngine(
      request: request, pod: pod, container: target, inside: expected(facts), what: what,
      instead: "Use --route ssh or --route node.")
    let ours = Container(name: name, role: .ephemeral)
    let run = try it.tcpdump("tcpdump")
    var plan = try it.plan(
      .debug, engine: request.engine?.rawValue ?? "tcpdump", run,
      command: try tools.command(in: ours, of: pod, name: name),
      needs: [
        "\(debug.byPatch ? "patch" : "update") on pods/ephemeralcontainers in namespace "
          + pod.namespace, ExecRoute.mayExec(pod.namespace),
      ],
      leaves:
        "an ended entry in the pod's list of ephemeral containers, until the pod is replaced: "
        + "nobody can remove it")
    plan.target = "\(pod.namespace)/\(pod.name) (interface \(plan.interface))"
    plan.place = .debug(name)
    let undo =
      "the container ends by itself \(Caretaker.idle / 60) minutes after its last capture; until then "
      + "the next one uses it again (poddump clean ends it at once)"
    if debug.running != nil {
      plan.notes.append("The ephemeral container \(name) is there already and is used again.")
      plan.leaves = "nothing new"
      plan.needs = [ExecRoute.mayExec(pod.namespace)]
      plan.ends.append(undo)
    } else {
      let container = container(name, request, debug, tools)
      plan.preparations = [
        PlanStep(
          "adds an ephemeral container to the pod: \(container.image)",
          command: debug.byPatch
            ? try tools.kubectl.debugCommand(pod.reference, container: container)
            : try tools.kubectl.putCommand(into: pod.reference),
          input: debug.byPatch
            ? "the securityContext of this entry, which the pod gets"
            : "the pod as it is then, with this entry added to spec.ephemeralContainers",
          manifest: container.manifest.text(), undo: undo)
      ]
    }
    return plan
  }

  /// Our container.
  private static func container(
    _ name: String, _ request: CaptureRequest, _ debug: DebugFacts, _ tools: RouteTools
  ) -> EphemeralContainer {
    EphemeralContainer(
      name: name, image: tools.settings.debugImage,
      command: Caretaker.command(
        name: name, lifetime: request.ttl == 0 ? 0 : max(request.ttl, CaptureRequest.defaultTTL)),
      security: debug.security)
  }

  /// What is expected in our container, before it is there: the image's tcpdump and shell, root, and the pod's
  /// interfaces.
  private static func expected(_ facts: Facts) -> ContainerFacts {
    var expected = ContainerFacts()
    expected.bash = "bash"
    expected.hasSleep = true
    expected.uid = 0
    expected.effective = Capability.netRaw | Capability.setuid | Capability.setgid
    expected.interfaces = (try? facts.inside?.get())?.interfaces ?? ["lo", "eth0"]
    if case .pod(let pod, _) = facts.subject, pod.isHostNetwork, facts.inside == nil {
      expected.interfaces = []
    }
    return expected
  }

  /// How long the image may be pulled.
  private static let patience = Duration.seconds(120)

  package static func open<R: Sendable>(
    _ plan: Plan, _ opening: Opening,
    _ body: @escaping @Sendable (Plan, any Transport) async throws(Failure) -> R
  ) async throws(Failure) -> R {
    let what = opening.facts.refusal(by: .debug)
    guard case .pod(let pod, _) = opening.facts.subject, case .debug(let name) = plan.place,
      let debug = try opening.facts.debug?.get()
    else { throw .fault(what, "It is no pod.") }
    guard debug.running != nil else { return try await add(plan, opening, name, body) }
    let reached = Locked(false)
    do throws(Failure) {
      return try await during(opening, pod, name) { () async throws(Failure) in
        try await capture(plan, opening, name, reached, body)
      }
    } catch {
      // The one before us, who is done with it, or its janitor may have ended it since it was seen.
      guard !reached.value, await hasEnded(name, of: pod, opening.tools) else { throw error }
      let another = FarChange.prefix + opening.request.session
      var plan = plan
      plan.place = .debug(another)
      plan.command = try opening.tools.command(
        in: Container(name: another, role: .ephemeral), of: pod, name: another)
      return try await add(plan, opening, another, body)
    }
  }

  /// Adds our container to the pod, and captures in it.
  private static func add<R: Sendable>(
    _ plan: Plan, _ opening: Opening, _ name: String,
    _ body: @escaping @Sendable (Plan, any Transport) async throws(Failure) -> R
  ) async throws(Failure) -> R {
    let what = opening.facts.refusal(by: .debug)
    guard case .pod(let pod, _) = opening.facts.subject, let debug = try opening.facts.debug?.get()
    else { throw .fault(what, "It is no pod.") }
    let tools = opening.tools
    return try await during(opening, pod, name) { () async throws(Failure) in
      let container = container(name, opening.request, debug, tools)
      let answer =
        debug.byPatch
        ? try await tools.kubectl.debug(pod.reference, container: container)
        : try await tools.kubectl.put(container, into: pod.reference, dryRun: false)
      if let refusal = answer.refusal { throw refusal.failure(what) }
      opening.tell(
        "Added the ephemeral container \(name) to \(pod.namespace)/\(pod.name). It ends by itself when "
          + "it is not used; its entry stays in the pod's spec until the pod is replaced.")
      try await tools.kubectl.wait(
        for: name, of: pod.reference, deadline: .now + patience,
        tell: { opening.tell("Waiting for it: \($0).") })
      return try await capture(plan, opening, name, Locked(false), body)
    }
  }

  /// The next capture uses the container again, and it ends by itself; only who is killed leaves it to the
  /// janitor.
  private static func during<R: Sendable>(
    _ opening: Opening, _ pod: Pod, _ name: String, _ body: () async throws(Failure) -> R
  ) async throws(Failure) -> R {
    let change = FarChange.ephemeralContainer(
      namespace: pod.namespace, pod: pod.name, uid: pod.uid, container: name)
    return try await opening.during(
      [change], undo: { _ async throws(Failure) in .done }, body)
  }

  /// Whether a container of ours has ended, in the same pod, or does within a second: the API learns of it a
  /// little later than whoever was in it.
  private static func hasEnded(_ name: String, of pod: Pod, _ tools: RouteTools) async -> Bool {
    for pause in [0, 300, 700] {
      try? await Task.sleep(for: .milliseconds(pause))
      guard let now = try? await tools.kubectl.pod(namespace: pod.namespace, name: pod.name),
        now.uid == pod.uid, !now.isFinished, let container = now.container(named: name)
      else { return false }
      if case .terminated = container.state { return true }
    }
    return false
  }

  /// Looks into our container and captures with what is there.
  private static func capture<R: Sendable>(
    _ planned: Plan, _ opening: Opening, _ name: String, _ reached: Locked<Bool>,
    _ body: @escaping @Sendable (Plan, any Transport) async throws(Failure) -> R
  ) async throws(Failure) -> R {
    let what = opening.facts.refusal(by: .debug)
    guard case .pod(let pod, _) = opening.facts.subject else {
      throw .fault(what, "It is no pod.")
    }
    let tools = opening.tools
    let container = Container(name: name, role: .ephemeral)
    return try await tools.kubectl.withShell(in: container, of: pod, name: name) {
      inside, shell async throws(Failure) in
      reached.value = true
      _ = shell.take()
      let it = ContainerEngine(
        request: opening.request, pod: pod, container: container, inside: inside, what: what,
        instead: "Use --route ssh or --route node, or another image: debug in [image].")
      try it.requirePacketSockets(fromFile: false)
      let plan = try complete(planned, it, tools)
      // What is put there goes with the container.
      return try await shell.open(
        plan, what, body, keeping: { _, work async throws(Failure) in try await work() })
    }
  }

  /// The plan with what only our container could tell: its engine and the pod's interfaces.
  private static func complete(
    _ planned: Plan, _ it: ContainerEngine, _ tools: RouteTools
  ) throws(Failure) -> Plan {
    var plan = planned
    let brings = it.request.engine == .tap || tools.engines.given != nil
    let run: (engine: [String], remote: [String], ends: [String])
    if !brings, let tcpdump = it.inside.tcpdump {
      run = try it.tcpdump(tcpdump)
      plan.engine = "tcpdump"
    } else {
      let file = try tools.engines.file(for: it.inside.machine, it.what)
      guard !it.inside.directories.isEmpty else {
        throw Failure(
          .noRoute, it.what,
          why: "The image \(tools.settings.debugImage) has no tcpdump, and takes no file.",
          fix: "Set another one: debug in [image].")
      }
      // The file's name begins with the container's, so that it is seen to be in use.
      let session = it.container.name.dropFirst(FarChange.prefix.count) + it.request.session
      let placement = Placement(
        file, directories: it.inside.directories, session: String(session), writer: .head)
      plan.placement = placement
      run = try file.isTap ? it.tap(placement.path) : it.tcpdump(placement.path, isOurs: true)
      plan.engine = file.isTap ? "tap" : "tcpdump"
    }
    let interface = try it.interface()
    plan.interface = interface
    plan.interfaceName = "\(it.pod.namespace)/\(it.pod.name)/\(interface)"
    plan.target = "\(it.pod.namespace)/\(it.pod.name) (interface \(interface))"
    plan.engineArguments = run.engine
    plan.remoteArguments = run.remote
    return plan
  }
}
