internal import Base
internal import Cluster
internal import Packets

/// What captures on a node, from what was found there: what routes ssh and node share.
struct NodeEngine {
  let request: CaptureRequest
  let subject: Subject
  let node: NodeFacts
  let engines: Engines
  /// What precedes the engine where the user is not root.
  var prefix: [String] = []
  /// "Cannot capture from shop/web by ssh."
  let what: String
  /// How the node was reached.
  var route = RouteName.ssh
  /// The image whose programs are there; nil where they are the node's own.
  var image: String?
  /// The most memory there, in bytes; nil where there is no limit.
  var memoryLimit: Int?

  private var nodeName: String { subject.node ?? "the node" }
  /// What has the programs that are there.
  private var owner: String { image.map { "The image \($0)" } ?? nodeName }

  /// A plan for a route.
  ///
  /// - Parameters:
  ///   - expected: Where packets will be taken, as long as only the look from the node can tell; nil decides it.
  ///   - command: What reaches the node.
  ///   - needs: What the route needs, in words.
  ///   - connection: What carries it, for the ways to end.
  /// - Returns: The plan, but for what only the route knows.
  /// - Throws: `Failure` when nothing can capture there.
  func plan(
    at expected: CapturePoint? = nil, command: Command, needs: [String], connection: String
  ) throws(Failure) -> Plan {
    var point = if let expected { expected } else { try capturePoint() }
    if point.isNodes {
      if request.includesOwnTraffic {
        point.notes.append("The capture's own connection is among the packets.")
      } else if let connection = node.connection {
        point.conditions.insert(withoutOwnTraffic(connection), at: 0)
      } else {
        point.notes.append(
          "The capture's own connection is among the packets: \(nodeName) does not say which it is."
        )
      }
    }
    var wanted = request
    wanted.filter = SSHRoute.conjunction(point.conditions, request.filter)
    try check(wanted.filter, point)
    let run = try engine(wanted, point)
    var plan = Plan(
      route: route, engine: run.name, place: .node(nodeName),
      target: "\(subject.text) (interface \(point.targetInterface))", interfaceName: name(point),
      interface: point.interface, filter: wanted.filter, engineArguments: run.words,
      remoteArguments: run.order, command: command, point: point.reason, ttl: request.ttl,
      needs: needs, notes: point.notes, ends: run.ends(connection), leaves: "nothing")
    if run.name == "tap" { plan.notes += Tap.notes(interface: point.interface) }
    // nsenter becomes what it starts; of sudo that is not known.
    plan.answersCounters =
      run.name == "tcpdump" && run.placement == nil && prefix.isEmpty
      && Tcpdump.answersCounters(node.tools.version)
    if let placement = run.placement {
      plan.placement = placement
      plan.preparations = [
        PlanStep(
          "puts \(placement.file.text) \(image == nil ? "onto \(nodeName)" : "into the helper pod") as \(placement.path), through the same "
            + "connection", command: nil,
          input: "the questions to the node, then \(placement.file.path), then the order",
          undo: "it removes itself when it starts, and poddump removes it when it does not")
      ]
      plan.leaves = "nothing: the file is removed as soon as it runs"
    }
    if case .pod(let pod, _) = subject, pod.deletion != nil {
      plan.notes.append("\(subject.text) is being deleted.")
    }
    return plan
  }

  /// An engine, its words, and the order that the shell there gets.
  private struct Run {
    var name: String
    var words: [String]
    var order: [String]
    var ends: (String) -> [String]
    var placement: Placement?
  }

  private func engine(
    _ wanted: CaptureRequest, _ point: CapturePoint
  ) throws(Failure) -> Run {
    if let tcpdump = node.tools.tcpdump, !engines.areAsked(by: request) {
      return try stanza(tcpdump, wanted, point)
    }
    guard prefix.isEmpty else {
      throw Failure(
        .denied, what, why: "sudo on \(nodeName) lets the user run tcpdump and nothing else.",
        fix: "Leave --engine and --binary out, or allow sh too.")
    }
    let placement = try engines.placement(
      for: request, there: node.tools, session: request.session,
      owner: owner,
      remedy: image == nil ? "Install it there" : "Set another one: node in [image]", what)
    guard placement.file.isTap else {
      var run = try stanza(
        placement.path, wanted, point, before: ["sh", "-c", ContainerEngine.unlinking])
      run.placement = placement
      return run
    }
    let words =
      point.prefix
      + (try Tap.arguments(
        program: placement.path, request: wanted, interface: point.interface,
        filter: wanted.filter, memoryLimit: memoryLimit, unlinks: true))
    let ttl = request.ttl
    return Run(
      name: "tap", words: words, order: [NodeScript.direct] + words,
      ends: { Tap.endings(connection: $0, ttl: ttl) }, placement: placement)
  }

  /// A tcpdump inside the stanza.
  private func stanza(
    _ program: String, _ wanted: CaptureRequest, _ point: CapturePoint, before: [String] = []
  ) throws(Failure) -> Run {
    let timesReads = node.tools.bash != nil || node.tools.shTimesReads
    guard node.tools.hasSleep || request.ttl == 0 else {
      throw Failure(
        .noRoute, what, why: "\(owner) has no sleep, so that no time limit can be set there.",
        fix: "Accept that with --ttl 0.")
    }
    let words =
      prefix + point.prefix + before
      + Tcpdump.arguments(
        program: program, request: wanted, interface: point.interface, facts: node.tools,
        memoryLimit: memoryLimit)
    let ttl = request.ttl
    return Run(
      name: "tcpdump", words: words, order: Stanza.parameters(words, ttl: ttl),
      ends: { Stanza.endings(connection: $0, timesReads: timesReads, ttl: ttl) })
  }

  /// Checks the filter as it was put together: the user's own was valid, and may contradict the rest.
  private func check(_ filter: String, _ point: CapturePoint) throws(Failure) {
    guard !point.conditions.isEmpty else { return }
    do throws(Failure) {
      try CaptureFilter.check(filter, linkType: .expected(onInterface: point.interface))
    } catch {
      throw Failure(
        .filter, what, why: "The filter leaves nothing of what is shown there: \(filter).",
        fix: "Write another one with -f, or capture from the node itself.", detail: error.why)
    }
  }

  /// The name of the interface in a packet file: "shop/web/eth0", "n1/eth0".
  private func name(_ point: CapturePoint) -> String {
    switch subject {
    case .pod: "\(subject.text)/\(point.targetInterface)"
    case .node(let node): "\(node.name)/\(point.targetInterface)"
    }
  }

  private func capturePoint() throws(Failure) -> CapturePoint {
    switch subject {
    case .pod(let pod, _):
      try PodPoint(
        pod: pod, node: node, asked: request.interface, choice: request.point,
        route: route
      ).find()
    case .node(let it):
      try nodePoint(
        it.name, node, addresses: it.addresses.map(\.address), asked: request.interface)
    }
  }
}
