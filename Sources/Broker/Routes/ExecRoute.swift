package import Base
internal import Cluster

/// Route `exec`: the tcpdump that the container has, started there by kubectl exec.
///
/// The smallest footprint there is: needs no rights but exec, creates nothing, leaves nothing.
package enum ExecRoute: Route {
  package static func plan(
    _ request: CaptureRequest, facts: Facts, tools: RouteTools
  ) throws(Failure) -> Plan {
    let what = facts.refusal(by: .exec)
    let found: (pod: Pod, container: Container, inside: ContainerFacts)
    do throws(Failure) {
      found = try facts.container(what, by: .exec)
    } catch {
      guard error.kind == .noRoute, case .failure = facts.inside,
        case .pod(let pod, let container) = facts.subject, whyNotRunning(container, of: pod) == nil
      else { throw error }
      var failure = error
      failure.fix = instead(pod, container)
      throw failure
    }
    let (pod, container, inside) = found
    if tools.engines.areAsked(by: request) {
      return try UploadRoute.plan(request, facts: facts, tools: tools, as: .exec)
    }
    let it = ContainerEngine(
      request: request, pod: pod, container: container, inside: inside, what: what,
      instead: instead(pod, container))
    guard let tcpdump = inside.tcpdump else {
      throw Failure(
        .noRoute, what, why: "The container has no tcpdump.",
        fix: instead(pod, container, "upload, debug or ssh, which bring what they need"))
    }
    try it.requirePacketSockets(fromFile: true)
    let run = try it.tcpdump(tcpdump)
    return try it.plan(
      .exec, engine: "tcpdump", run, command: try tools.command(in: container, of: pod),
      needs: [mayExec(pod.namespace)], leaves: "nothing")
  }

  package static func open<R: Sendable>(
    _ plan: Plan, _ opening: Opening,
    _ body: @escaping @Sendable (Plan, any Transport) async throws(Failure) -> R
  ) async throws(Failure) -> R {
    guard plan.placement == nil else { return try await UploadRoute.open(plan, opening, body) }
    return try await opening.withContainerShell { shell async throws(Failure) in
      try await body(plan, ShellTransport(shell: shell, command: plan.command))
    }
  }

  /// The right that everything needs which runs in a container.
  static func mayExec(_ namespace: String) -> String {
    "create (and, for newer kubectl, get) on pods/exec in namespace \(namespace)"
  }

  /// What to do instead, with the names that would be typed.
  private static func instead(
    _ pod: Pod, _ container: Container,
    _ routes: String = "debug, ssh or node, which do not depend on the container"
  ) -> String {
    let others = pod.containers.map(\.name).filter { $0 != container.name }
    return "Use route \(routes)"
      + (others.isEmpty
        ? "." : "; or another container of the pod with -c: \(others.joined(separator: ", ")).")
  }
}

extension RouteTools {
  /// Starts processes in a container of a pod.
  func transport(into pod: Pod, _ container: String) -> KubectlTransport {
    KubectlTransport(
      kubectl: kubectl, namespace: pod.namespace, pod: pod.name, container: container)
  }

  /// What starts the shell in a container that finds out and captures.
  func command(
    in container: Container, of pod: Pod, name: String = "poddump"
  ) throws(Failure) -> Command {
    try transport(into: pod, container.name).command(
      ContainerScript.arguments(
        name: name, directories: ContainerFacts.directories(of: container)))
  }
}

extension Opening {
  /// Starts processes in the container that was chosen.
  ///
  /// - Throws: `Failure` when the target is no container.
  func containerTransport() throws(Failure) -> KubectlTransport {
    guard case .pod(let pod, let container) = facts.subject else {
      throw .fault("Cannot capture from \(facts.subject.text).", "It is no container.")
    }
    return tools.transport(into: pod, container.name)
  }

  /// Lends the shell that waits in the container, or a new one where a route before has used it.
  func withContainerShell<R: Sendable>(
    _ body: @escaping @Sendable (FarShell) async throws(Failure) -> R
  ) async throws(Failure) -> R {
    if let shell = shells.container, shell.take() { return try await body(shell) }
    guard case .pod(let pod, let container) = facts.subject else {
      throw .fault("Cannot capture from \(facts.subject.text).", "It is no container.")
    }
    return try await tools.kubectl.withShell(in: container, of: pod) {
      _, shell async throws(Failure) in
      _ = shell.take()
      return try await body(shell)
    }
  }
}
