internal import Base
internal import Cluster
internal import Packets
internal import SSH

/// Route `ssh`: the node's own tcpdump, on the pod's host-side interface or in the pod's network.
///
/// Works for every pod, whatever it is made of: nothing is run in it. Needs a login on the node and root
/// there; leaves nothing.
package enum SSHRoute {
  /// Decides, from facts alone, whether and how this route captures.
  package static func plan(_ request: CaptureRequest, facts: Facts) -> Verdict {
    do throws(Failure) {
      return .usable(try usable(request, facts))
    } catch {
      return .refused(error)
    }
  }

  private static func usable(
    _ request: CaptureRequest, _ facts: Facts
  ) throws(Failure) -> Plan {
    let what = "Cannot capture from \(facts.subject.text) by ssh."
    guard let found = facts.node else {
      throw Failure(.other, what, why: "Nobody looked at the node.")
    }
    let node = try found.get()
    guard let login = facts.login else { throw Failure(.other, what, why: "Nobody logged in.") }
    let nodeName = facts.subject.node ?? "the node"
    guard let tcpdump = node.tools.tcpdump else {
      throw Failure(
        .noRoute, what, why: "\(nodeName) has no tcpdump.",
        fix: "Install it there, or use another route.")
    }
    let prefix = try privilege(node, request, what: what, nodeName, login)
    var point = try capturePoint(request, facts.subject, node)
    let timesReads = node.tools.bash != nil || node.tools.shTimesReads
    guard node.tools.hasSleep || request.ttl == 0 else {
      throw Failure(
        .noRoute, what, why: "\(nodeName) has no sleep, so that no time limit can be set there.",
        fix: "Accept that with --ttl 0.")
    }
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
    wanted.filter = conjunction(point.conditions, request.filter)
    try check(wanted.filter, point, what: what)
    let engine =
      prefix + point.prefix
      + Tcpdump.arguments(
        program: tcpdump, request: wanted, interface: point.interface, facts: node.tools,
        memoryLimit: nil)
    var notes = point.notes
    if let note = login.note {
      notes.append(login.engine == .openssh ? "ssh is carried by \(note)." : note)
    }
    if case .pod(let pod, _) = facts.subject, pod.deletion != nil {
      notes.append("\(facts.subject.text) is being deleted.")
    }
    var ends = Stanza.endings(
      connection: "the connection", timesReads: timesReads, ttl: request.ttl)
    if !prefix.isEmpty {
      ends = ["when tcpdump next sees a packet after the connection ended: only root could end it"]
    }
    return Plan(
      route: .ssh, engine: "tcpdump", place: .node(nodeName),
      target: "\(facts.subject.text) (interface \(point.targetInterface))",
      interfaceName: name(facts.subject, point), interface: point.interface, filter: wanted.filter,
      engineArguments: engine,
      remoteArguments: Stanza.parameters(engine, ttl: request.ttl), command: login.command,
      point: point.reason, connection: login.text, ttl: request.ttl,
      needs: [
        prefix.isEmpty
          ? "a login on \(nodeName) by ssh, and root there: as the user, or by sudo without a password"
          : "a login on \(nodeName) by ssh, and tcpdump by sudo without a password"
      ],
      notes: notes, ends: ends, leaves: prefix.isEmpty ? "nothing" : "an idle tcpdump, see below")
  }

  /// Checks the filter as it was put together: the user's own was valid, and may contradict the rest.
  private static func check(
    _ filter: String, _ point: CapturePoint, what: String
  ) throws(Failure) {
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
  private static func name(_ subject: Subject, _ point: CapturePoint) -> String {
    switch subject {
    case .pod: "\(subject.text)/\(point.targetInterface)"
    case .node(let node): "\(node.name)/\(point.targetInterface)"
    }
  }

  private static func capturePoint(
    _ request: CaptureRequest, _ subject: Subject, _ node: NodeFacts
  ) throws(Failure) -> CapturePoint {
    switch subject {
    case .pod(let pod, _):
      try PodPoint(pod: pod, node: node, asked: request.interface, choice: request.point).find()
    case .node(let it):
      try nodePoint(
        it.name, node, addresses: it.addresses.map(\.address), asked: request.interface)
    }
  }

  /// What precedes tcpdump, where the user is not root.
  ///
  /// - Throws: `Failure` that says what is missing.
  private static func privilege(
    _ node: NodeFacts, _ request: CaptureRequest, what: String, _ nodeName: String,
    _ login: NodeLogin
  ) throws(Failure) -> [String] {
    if node.isRoot || node.tcpdumpOpens { return [] }
    let user = login.destination.split(separator: "@").first.map(String.init) ?? "the user"
    if node.mayOnlyRunTcpdump {
      guard request.ttl == 0 else {
        throw Failure(
          .denied, what,
          why:
            "sudo on \(nodeName) lets \(user) run tcpdump and nothing that could end it: a capture "
            + "whose connection is cut would stay until the next packet.",
          fix:
            "Allow sh too (\(user) ALL=(root) NOPASSWD: ALL in sudoers), or accept that with --ttl 0."
        )
      }
      return ["sudo", "-n"]
    }
    let another = "log in as another user: user in [ssh] of the configuration."
    let why = "The user \(user) is not root on \(nodeName), and "
    guard login.usesSudo else {
      throw Failure(
        .denied, what, why: why + "sudo is not to be used (sudo = false in [ssh]).",
        fix: "Set it to true, or \(another)")
    }
    if node.hasNoSudo {
      throw Failure(
        .denied, what, why: why + "there is no sudo there.", fix: "Install it, or \(another)")
    }
    if node.sudoSays?.lowercased().contains("tty") == true {
      throw Failure(
        .denied, what, why: why + "sudo there wants a terminal, which a capture does not have.",
        fix: "Allow it without one (Defaults:\(user) !requiretty in sudoers), or \(another)")
    }
    throw Failure(
      .denied, what, why: why + "sudo there does not let it become root without a password.",
      fix: "Allow it in sudoers (\(user) ALL=(root) NOPASSWD: ALL), or \(another)")
  }

  /// All conditions and the user's filter, each in brackets where there are several.
  static func conjunction(_ conditions: [String], _ filter: String) -> String {
    let parts = conditions + (filter.isEmpty ? [] : [filter])
    guard parts.count > 1 else { return parts.first ?? "" }
    return parts.map { "(\($0))" }.joined(separator: " and ")
  }
}
