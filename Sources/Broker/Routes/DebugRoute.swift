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
    guard case .pod(let pod, _) = facts.subject else {
      throw Failure(
        .noRoute, what, why: "A node has no ephemeral containers.",
        fix: "Use --route ssh or --route node.")
    }
    guard let found = facts.debug else {
      throw .fault(what, "Nobody asked whether the pod may have one.")
    }
    let debug = try found.get()
    return try plan(
      request, pod, debug, in: container(request, pod, debug, tools),
      expected(request, pod, facts, tools.engines), tools, what)
  }

  /// The plan, from what is expected in our container or was found there.
  ///
  /// - Parameters:
  ///   - request: What is asked for.
  ///   - pod: The pod.
  ///   - debug: What was found out about ephemeral containers in it.
  ///   - ours: Our container.
  ///   - inside: What is in it.
  ///   - tools: What there is to work with.
  ///   - what: The failure's first sentence.
  /// - Returns: The plan.
  /// - Throws: `Failure` when nothing can capture there.
  private static func plan(
    _ request: CaptureRequest, _ pod: Pod, _ debug: DebugFacts, in ours: Container,
    _ inside: ContainerFacts, _ tools: RouteTools, _ what: String
  ) throws(Failure) -> Plan {
    let it = ContainerEngine(
      request: request, pod: pod, container: ours, inside: inside, what: what,
      instead: "Use --route ssh or --route node, or another image: debug in [image].")
    try it.requirePacketSockets(fromFile: false)
    var placement: Placement?
    let run: (engine: [String], remote: [String], ends: [String])
    if let tcpdump = inside.tcpdump, !tools.engines.areAsked(by: request) {
      run = try it.tcpdump(tcpdump)
    } else {
      // The file's name begins with the container's, so that it is seen to be in use.
      let place = try tools.engines.placement(
        for: request, there: inside,
        session: ours.name.dropFirst(FarChange.prefix.count) + request.session,
        owner: "The image \(ours.image)", remedy: "Set another one: debug in [image]", what)
      run = try place.file.isTap ? it.tap(place.path) : it.tcpdump(place.path, isOurs: true)
      placement = place
    }
    var plan = try it.plan(
      .debug, engine: placement?.file.isTap == true ? "tap" : "tcpdump", run,
      command: try tools.command(in: ours, of: pod, name: ours.name),
      needs: [ExecRoute.mayExec(pod.namespace)], leaves: "nothing new")
    plan.target = "\(pod.namespace)/\(pod.name) (interface \(plan.interface))"
    plan.place = .debug(ours.name)
    plan.placement = placement
    let undo =
      "the container ends by itself \(Caretaker.idle / 60) minutes after its last capture; until then "
      + "the next one uses it again (poddump clean ends it at once)"
    if debug.running != nil {
      plan.notes.append(
        "The ephemeral container \(ours.name) is there already and is used again.")
      plan.ends.append(undo)
    } else {
      plan.needs.insert(
        "\(debug.byPatch ? "patch" : "update") on pods/ephemeralcontainers in namespace "
          + pod.namespace, at: 0)
      plan.leaves =
        "an ended entry in the pod's list of ephemeral containers, until the pod is replaced: "
        + "nobody can remove it"
      let new = entry(ours, request, debug.security)
      plan.preparations.append(
        PlanStep(
          "adds an ephemeral container to the pod: \(new.image)",
          command: debug.byPatch
            ? try tools.kubectl.debugCommand(pod.reference, container: new)
            : try tools.kubectl.putCommand(into: pod.reference),
          input: debug.byPatch
            ? "the securityContext of this entry, which the pod gets"
            : "the pod as it is then, with this entry added to spec.ephemeralContainers",
          manifest: new.manifest.text(), undo: undo))
    }
    if let placement {
      plan.preparations.append(
        PlanStep(
          "puts \(placement.file.text) into that container as \(placement.path), through the same "
            + "connection", command: nil, input: placement.file.path,
          undo: "it removes itself when it starts, and goes with the container"))
    }
    return plan
  }

  /// Our container: the one that is used again, or a new one. Its memory is the pod's.
  static func container(
    _ request: CaptureRequest, _ pod: Pod, _ debug: DebugFacts, _ tools: RouteTools
  ) -> Container {
    var ours =
      debug.running ?? Container(name: FarChange.prefix + request.session, role: .ephemeral)
    if debug.running == nil { ours.image = tools.settings.debugImage }
    ours.memoryLimit = pod.memoryLimit
    return ours
  }

  /// The entry of the pod's spec for a new container.
  static func entry(
    _ ours: Container, _ request: CaptureRequest, _ security: EphemeralContainer.Security
  ) -> EphemeralContainer {
    EphemeralContainer(
      name: ours.name, image: ours.image,
      command: Caretaker.command(
        name: ours.name, lifetime: Caretaker.lifetime(ttl: request.ttl), image: ours.image),
      security: security)
  }

  /// What is expected in our container, before it is there: the pod's interfaces beside the image's programs.
  private static func expected(
    _ request: CaptureRequest, _ pod: Pod, _ facts: Facts, _ engines: Engines
  ) -> ContainerFacts {
    let inside = try? facts.inside?.get()
    var expected = ContainerFacts.expected(machine: inside?.machine, engines)
    if let inside {
      expected.interfaces = inside.interfaces
    } else {
      // Nobody could look: what was asked for may be there.
      expected.interfaces = pod.isHostNetwork ? [] : ["lo", "eth0"]
      if let asked = request.interface { expected.interfaces.append(asked) }
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
    guard case .pod(let pod, _) = opening.facts.subject,
      let debug = try opening.facts.debug?.get()
    else { throw .fault(what, "It is no pod.") }
    let ours = container(opening.request, pod, debug, opening.tools)
    guard debug.running != nil else { return try await add(ours, pod, debug, opening, body) }
    let reached = Locked(false)
    do throws(Failure) {
      return try await during(opening, pod, ours.name) { () async throws(Failure) in
        try await capture(in: ours, pod, debug, opening, reached, body)
      }
    } catch {
      // The one before us, who is done with it, or its janitor may have ended it since it was seen.
      guard !reached.value, await hasEnded(ours.name, of: pod, opening.tools) else { throw error }
      var debug = debug
      debug.running = nil
      let another = container(opening.request, pod, debug, opening.tools)
      return try await add(another, pod, debug, opening, body)
    }
  }

  /// Adds our container to the pod, and captures in it.
  private static func add<R: Sendable>(
    _ ours: Container, _ pod: Pod, _ debug: DebugFacts, _ opening: Opening,
    _ body: @escaping @Sendable (Plan, any Transport) async throws(Failure) -> R
  ) async throws(Failure) -> R {
    let kubectl = opening.tools.kubectl
    return try await during(opening, pod, ours.name) { () async throws(Failure) in
      let entry = entry(ours, opening.request, debug.security)
      let answer =
        debug.byPatch
        ? try await kubectl.debug(pod.reference, container: entry)
        : try await kubectl.put(entry, into: pod.reference, dryRun: false)
      if let refusal = answer.refusal {
        throw failure(refusal, debug, opening.facts.refusal(by: .debug))
      }
      opening.tell(
        "Added the ephemeral container \(ours.name) to \(pod.namespace)/\(pod.name). It ends by itself "
          + "when it is not used; its entry stays in the pod's spec until the pod is replaced.")
      try await kubectl.wait(
        for: ours.name, of: pod.reference, deadline: .now + patience,
        tell: { opening.tell("Waiting for it: \($0).") })
      return try await capture(in: ours, pod, debug, opening, Locked(false), body)
    }
  }

  /// Why the API server did not add it. At the level baseline it would have added one that asks for nothing, had
  /// the user been allowed to see the level.
  static func failure(
    _ refusal: AdmissionRefusal, _ debug: DebugFacts, _ what: String
  ) -> Failure {
    var failure = refusal.failure(what)
    if let right = debug.missing, case .podSecurity(level: .baseline, _) = refusal.cause {
      failure.fix =
        "Ask for the right to \(right.text): then what the level allows is known, and used."
    }
    return failure
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
    in ours: Container, _ pod: Pod, _ debug: DebugFacts, _ opening: Opening,
    _ reached: Locked<Bool>,
    _ body: @escaping @Sendable (Plan, any Transport) async throws(Failure) -> R
  ) async throws(Failure) -> R {
    let what = opening.facts.refusal(by: .debug)
    let tools = opening.tools
    return try await tools.kubectl.withShell(in: ours, of: pod, name: ours.name) {
      inside, shell async throws(Failure) in
      reached.value = true
      _ = shell.take()
      let plan = try plan(opening.request, pod, debug, in: ours, inside, tools, what)
      // What is put there goes with the container.
      return try await shell.open(
        plan, what, body, keeping: { _, work async throws(Failure) in try await work() })
    }
  }
}
