package import Base
internal import Cluster

/// Route `upload`: our own engine, or a tcpdump that somebody gave, put into the container by kubectl exec and
/// started there.
///
/// For containers that have the rights but no tcpdump. The file is removed as soon as it runs.
package enum UploadRoute: Route {
  package static func plan(
    _ request: CaptureRequest, facts: Facts, tools: RouteTools
  ) throws(Failure) -> Plan {
    try plan(request, facts: facts, tools: tools, as: .upload)
  }

  /// The same for route exec, when it is asked to bring its engine along.
  static func plan(
    _ request: CaptureRequest, facts: Facts, tools: RouteTools, as route: RouteName
  ) throws(Failure) -> Plan {
    let what = facts.refusal(by: route)
    let (pod, container, inside) = try facts.container(what, by: route)
    let it = ContainerEngine(
      request: request, pod: pod, container: container, inside: inside, what: what,
      instead: "Use route debug, ssh or node, which do not depend on the container.")
    try it.requirePacketSockets(fromFile: false)
    guard request.engine != .tcpdump || tools.engines.given != nil else {
      throw Failure(
        .noRoute, what, why: "There is no tcpdump to bring along.",
        fix: "Give a static one with --binary, or use --engine tap.")
    }
    let file = try tools.engines.file(for: inside.machine, what)
    let placement = Placement(
      file, directories: try directories(inside, container, what), session: request.session,
      writer: try writer(inside, what))
    let run = try file.isTap ? it.tap(placement.path) : it.tcpdump(placement.path, isOurs: true)
    let transport = tools.transport(into: pod, container.name)
    var plan = try it.plan(
      route, engine: file.isTap ? "tap" : "tcpdump", run,
      command: try tools.command(in: container, of: pod),
      needs: [ExecRoute.mayExec(pod.namespace)],
      leaves: "nothing: the file is removed as soon as it runs")
    plan.placement = placement
    plan.preparations = [
      PlanStep(
        "puts \(file.text) into the container as \(placement.path)"
          + (placement.writer == .head ? ", through the same connection" : ""),
        command: placement.writer == .head
          ? nil
          : try transport.command(placement.arguments(path: placement.path, digest: "SHA256")),
        input: (placement.writer == .head || placement.writer == .cat
          ? file.path : "an archive of \(file.path)")
          + (placement.writer == .cat || placement.writer == .tar
            ? ", whose digest SHA256 stands for" : ""),
        undo: "it removes itself when it starts, and poddump removes it when it does not")
    ]
    return plan
  }

  /// Where a file can be put and run.
  private static func directories(
    _ inside: ContainerFacts, _ container: Container, _ what: String
  ) throws(Failure) -> [String] {
    guard !inside.directories.isEmpty else {
      throw Failure(
        .noRoute, what,
        why: "The container has no directory where a file can be written and run"
          + (container.hasReadOnlyRoot ? ": its root is read-only." : "."),
        fix: "Use route debug, ssh or node; or give the pod an emptyDir volume.")
    }
    return inside.directories
  }

  /// What writes the file.
  private static func writer(
    _ inside: ContainerFacts, _ what: String
  ) throws(Failure) -> Placement.Writer {
    if inside.programs.isSuperset(of: Placement.shellPrograms) { return .head }
    if inside.programs.isSuperset(of: ["cat", "chmod"]) { return .cat }
    if inside.programs.contains("tar") { return .tar }
    throw Failure(
      .noRoute, what, why: "The container has neither cat and chmod nor tar to write a file with.",
      fix: "Use route debug, ssh or node.")
  }

  package static func open<R: Sendable>(
    _ plan: Plan, _ opening: Opening,
    _ body: @escaping @Sendable (Plan, any Transport) async throws(Failure) -> R
  ) async throws(Failure) -> R {
    guard let placement = plan.placement else {
      throw .fault("Cannot capture from \(plan.target).", "There is nothing to put there.")
    }
    let transport = try opening.containerTransport()
    let what = opening.facts.refusal(by: plan.route)
    guard case .pod(let pod, let container) = opening.facts.subject else {
      throw .fault(what, "It is no container.")
    }
    let keep: Placement.Keeper<R> = { path, work async throws(Failure) in
      let file = FarChange.file(
        namespace: pod.namespace, pod: pod.name, uid: pod.uid, container: container.name,
        path: path)
      return try await opening.during(
        [file],
        undo: { change async throws(Failure) in
          try await undo(change, kubectl: opening.tools.kubectl)
        }, work)
    }
    if placement.writer == .head {
      return try await opening.withContainerShell { shell async throws(Failure) in
        try await shell.open(plan, what, body, keeping: keep)
      }
    }
    return try await placement.place(
      what, keeping: keep,
      put: { bytes, digest, path async throws(Failure) in
        try await placement.put(bytes, digest, at: path, by: transport, what)
      }
    ) { path async throws(Failure) in
      let plan = plan.running(placement.path, at: path)
      return try await opening.withContainerShell { shell async throws(Failure) in
        try await body(plan, ShellTransport(shell: shell, command: plan.command))
      }
    }
  }
}

extension Plan {
  /// The same plan with its engine at another path than was planned.
  func running(_ planned: String, at actual: String) -> Plan {
    guard planned != actual else { return self }
    var plan = self
    plan.engineArguments = engineArguments.map { $0 == planned ? actual : $0 }
    plan.remoteArguments = remoteArguments.map { $0 == planned ? actual : $0 }
    plan.command.arguments = command.arguments.map { $0 == planned ? actual : $0 }
    return plan
  }
}
