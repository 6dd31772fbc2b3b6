internal import Base
package import Cluster

/// Route `exec`: the tcpdump that the container has, started there by kubectl exec.
///
/// The smallest footprint there is: needs no rights but exec, creates nothing, leaves nothing.
package enum ExecRoute {
  /// Decides, from facts alone, whether and how this route captures.
  package static func plan(
    _ request: CaptureRequest, facts: Facts, kubectl: Kubectl
  ) -> Verdict {
    guard case .pod(let pod, let container) = facts.subject else {
      return .refused(
        Failure(
          .noRoute, "Cannot capture from \(facts.subject.text) by exec.",
          why: "A node is no container.",
          fix: "Use --route ssh, or choose a pod with host networking on that node."))
    }
    let transport = KubectlTransport(
      kubectl: kubectl, namespace: pod.namespace, pod: pod.name, container: container.name)
    let place = "\(pod.namespace)/\(pod.name)"
    let what = "Cannot capture from \(place) (container \(container.name)) by exec."
    if let failure = whyNotRunning(container, of: pod) { return .refused(failure) }
    let inside: ContainerFacts
    switch facts.inside {
    case nil: return .refused(Failure(.other, what, why: "Nobody looked into the container."))
    case .success(let found): inside = found
    case .failure(var failure):
      if failure.kind == .noRoute { failure.fix = otherContainers(pod, container) }
      return .refused(failure)
    }
    guard let tcpdump = inside.tcpdump else {
      return .refused(
        Failure(
          .noRoute, what, why: "The container has no tcpdump.", fix: otherContainers(pod, container)
        ))
    }
    guard mayOpenPacketSockets(inside) else {
      return .refused(
        Failure(
          .denied, what,
          why: "The container may not open packet sockets: it runs as user "
            + "\(inside.uid.map(String.init) ?? "unknown") without the capability NET_RAW.",
          fix: otherContainers(pod, container)))
    }
    let shell = inside.bash ?? "sh"
    let timesReads = inside.bash != nil || inside.shTimesReads
    guard inside.hasSleep || request.ttl == 0 else {
      return .refused(
        Failure(
          .noRoute, what,
          why: "The container has no sleep, so that no time limit can be set there"
            + (timesReads ? "." : " and a capture whose connection is cut could stay behind."),
          fix: "Accept that with --ttl 0, or choose a container that has it with -c."))
    }
    let interface: String
    switch chooseInterface(request.interface, inside.interfaces) {
    case .some(let name): interface = name
    case .none:
      return .refused(
        Failure(
          .notFound, what,
          why: "There is no interface \(request.interface ?? "eth0") in the container.",
          fix: "Choose one of \((inside.interfaces + ["any"]).joined(separator: ", ")) with -i."))
    }
    var notes: [String] = []
    if pod.isHostNetwork {
      notes.append(
        "\(place) shares its node's network: this shows the traffic of the whole node "
          + "\(pod.node ?? ""). Narrow it with a filter by the pod's ports.")
    }
    if pod.deletion != nil { notes.append("\(place) is being deleted.") }
    let engine = Tcpdump.arguments(
      program: tcpdump, request: request, interface: interface, facts: inside,
      memoryLimit: container.memoryLimit)
    let remote = Stanza.wrap(engine, shell: shell, ttl: request.ttl)
    let command: Command
    do throws(Failure) {
      command = try transport.command(remote)
    } catch {
      return .refused(error)
    }
    return .usable(
      Plan(
        route: .exec, engine: "tcpdump",
        target: "\(place) (container \(container.name), interface \(interface))",
        interfaceName: "\(place)/\(interface)", interface: interface, filter: request.filter,
        engineArguments: engine, remoteArguments: remote, command: command,
        ttl: request.ttl,
        needs: [
          "create (and, for newer kubectl, get) on pods/exec in namespace \(pod.namespace)"
        ],
        notes: notes,
        ends: Stanza.endings(
          connection: "kubectl", timesReads: timesReads, ttl: request.ttl), leaves: "nothing"))
  }

  /// Whether the kernel can let a process there open a packet socket: it holds NET_RAW, or could get
  /// it from the capabilities of tcpdump's file. Unknown sets are left for tcpdump to find out.
  private static func mayOpenPacketSockets(_ inside: ContainerFacts) -> Bool {
    guard let effective = inside.effective, let bounding = inside.bounding else { return true }
    if effective & Capability.netRaw != 0 { return true }
    return bounding & Capability.netRaw != 0 && !inside.noNewPrivileges
  }

  /// The interface asked for, if it is there; by default `eth0`, as kubelets name it, and where that
  /// is missing (host network, odd runtimes) all of them.
  private static func chooseInterface(_ asked: String?, _ present: [String]) -> String? {
    if let asked { return asked == "any" || present.contains(asked) ? asked : nil }
    return present.contains("eth0") ? "eth0" : "any"
  }

  /// What to do instead, with the names that would be typed.
  private static func otherContainers(_ pod: Pod, _ container: Container) -> String {
    let others = pod.containers.map(\.name).filter { $0 != container.name }
    guard !others.isEmpty else {
      return "Choose a pod with a shell, tcpdump and the capability NET_RAW."
    }
    return "Try another container of the pod with -c: \(others.joined(separator: ", "))."
  }
}
