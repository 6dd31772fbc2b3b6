internal import Base
internal import Cluster

/// What captures in a container, from what was found there: what routes exec, upload and debug share.
struct ContainerEngine {
  let request: CaptureRequest
  let pod: Pod
  let container: Container
  let inside: ContainerFacts
  /// "Cannot capture from shop/web (container web) by exec."
  let what: String
  /// What to do instead, in a sentence.
  let instead: String

  /// The interface asked for, if it is there; by default `eth0`, as kubelets name it, and where that
  /// is missing (host network, odd runtimes) all of them.
  func interface() throws(Failure) -> String {
    guard let asked = request.interface else {
      return inside.interfaces.contains("eth0") ? "eth0" : "any"
    }
    guard asked == "any" || inside.interfaces.contains(asked) else {
      throw Failure(
        .notFound, what, why: "There is no interface \(asked) in the container.",
        fix: "Choose one of \((inside.interfaces + ["any"]).joined(separator: ", ")) with -i.")
    }
    return asked
  }

  /// Whether the kernel can let a process there open a packet socket: it holds NET_RAW, or could get
  /// it from the capabilities of the program's file, which was tried. Unknown sets are left for the engine to
  /// find out.
  ///
  /// - Parameter fromFile: Whether the program's file may bring the capability; a file of ours cannot.
  /// - Throws: `Failure` when it certainly cannot.
  func requirePacketSockets(fromFile: Bool) throws(Failure) {
    guard let effective = inside.effective, let bounding = inside.bounding else { return }
    if effective & Capability.netRaw != 0 { return }
    if fromFile, inside.opens, bounding & Capability.netRaw != 0, !inside.noNewPrivileges { return }
    throw Failure(
      .denied, what,
      why: "The container may not open packet sockets: it runs as user "
        + "\(inside.uid.map(String.init) ?? "unknown") without the capability NET_RAW.",
      fix: instead)
  }

  /// Whether the shell there can time a read.
  var timesReads: Bool { inside.bash != nil || inside.shTimesReads }

  /// A tcpdump inside the stanza.
  ///
  /// - Parameters:
  ///   - program: Where it is.
  ///   - isOurs: Whether it was put there by us: then its file is removed as it starts.
  /// - Returns: The engine's command line, the order to the shell there, and what ends it.
  /// - Throws: `Failure` when there is no such interface, or no sleep for the time limit.
  func tcpdump(
    _ program: String, isOurs: Bool = false
  ) throws(Failure) -> (engine: [String], remote: [String], ends: [String]) {
    guard inside.hasSleep || request.ttl == 0 else {
      throw Failure(
        .noRoute, what,
        why: "The container has no sleep, so that no time limit can be set there"
          + (timesReads ? "." : " and a capture whose connection is cut could stay behind."),
        fix: "Accept that with --ttl 0, or choose a container that has it with -c.")
    }
    var engine = Tcpdump.arguments(
      program: program, request: request, interface: try interface(), facts: inside,
      memoryLimit: container.memoryLimit)
    if isOurs { engine = ["sh", "-c", Self.unlinking, program] + engine.dropFirst() }
    return (
      engine, Stanza.parameters(engine, ttl: request.ttl),
      Stanza.endings(connection: "kubectl", timesReads: timesReads, ttl: request.ttl)
    )
  }

  /// Removes a program's file, `$0`, and runs it: by then it is known by its descriptor only (proc(5),
  /// /proc/PID/fd), so that nothing is left whatever happens. The descriptor stays open: redirections are
  /// done before the program is looked for.
  static let unlinking = #"exec 4<"$0"; rm -f "$0"; exec /proc/self/fd/4 "$@""#

  /// The tap, which needs no shell.
  func tap(
    _ program: String
  ) throws(Failure) -> (engine: [String], remote: [String], ends: [String]) {
    let engine = try Tap.arguments(
      program: program, request: request, interface: try interface(), filter: request.filter,
      memoryLimit: container.memoryLimit, unlinks: true)
    let order = [NodeScript.direct] + engine
    return (engine, order, Tap.endings(connection: "kubectl", ttl: request.ttl))
  }

  /// What somebody should know before the capture starts.
  var notes: [String] {
    var notes: [String] = []
    if pod.isHostNetwork {
      notes.append(
        "\(pod.namespace)/\(pod.name) shares its node's network: this shows the traffic of the whole "
          + "node \(pod.node ?? ""). Narrow it with a filter by the pod's ports.")
    }
    if pod.deletion != nil { notes.append("\(pod.namespace)/\(pod.name) is being deleted.") }
    return notes
  }

  /// A plan for what was put together.
  func plan(
    _ route: RouteName, engine name: String,
    _ run: (engine: [String], remote: [String], ends: [String]), command: Command, needs: [String],
    leaves: String
  ) throws(Failure) -> Plan {
    let interface = try interface()
    let place = "\(pod.namespace)/\(pod.name)"
    var plan = Plan(
      route: route, engine: name,
      target: "\(place) (container \(container.name), interface \(interface))",
      interfaceName: "\(place)/\(interface)", interface: interface, filter: request.filter,
      engineArguments: run.engine, remoteArguments: run.remote, command: command,
      ttl: request.ttl, needs: needs, notes: notes, ends: run.ends, leaves: leaves)
    plan.answersCounters =
      inside.tcpdump != nil && run.engine.first == inside.tcpdump
      && Tcpdump.answersCounters(inside.version)
    if name == "tap" { plan.notes += Tap.notes(interface: interface) }
    return plan
  }
}

extension ContainerFacts {
  /// What is expected in a container of ours before it is there, and can be looked into: its image's tcpdump and
  /// shell, root, and the capabilities that it asks for.
  ///
  /// - Parameters:
  ///   - machine: What the node is, where that is known.
  ///   - engines: What could be brought: then the node is taken for such a machine.
  /// - Returns: The facts, but for the interfaces.
  static func expected(machine: String?, _ engines: Engines) -> ContainerFacts {
    var expected = ContainerFacts()
    expected.tcpdump = "tcpdump"
    expected.bash = "bash"
    expected.hasSleep = true
    expected.uid = 0
    expected.effective = Capability.netRaw | Capability.setuid | Capability.setgid
    expected.machine =
      machine ?? engines.given?.machine ?? engines.taps.first?.machine ?? Engines.machines[0]
    expected.programs = Set(placingPrograms)
    expected.directories = ["/tmp"]
    return expected
  }
}

extension Facts {
  /// What was found in the container that a route is to run something in.
  ///
  /// - Throws: `Failure` when the target has none, it does not run, or it could not be looked into.
  func container(
    _ what: String, by route: RouteName
  ) throws(Failure) -> (Pod, Container, ContainerFacts) {
    guard case .pod(let pod, let container) = subject else {
      throw Failure(
        .noRoute, what, why: "A node is no container.",
        fix: "Use --route ssh or --route node, or choose a pod with host networking on that node.")
    }
    if let failure = whyNotRunning(container, of: pod) { throw failure }
    switch inside {
    case nil: throw .fault(what, "Nobody looked into the container.")
    case .failure(let failure): throw failure
    case .success(let found): return (pod, container, found)
    }
  }

  /// The failure's first sentence for a route.
  func refusal(by route: RouteName) -> String {
    switch subject {
    case .pod(let pod, let container):
      "Cannot capture from \(pod.namespace)/\(pod.name) (container \(container.name)) by \(route.rawValue)."
    case .node: "Cannot capture from \(subject.text) by \(route.rawValue)."
    }
  }
}
