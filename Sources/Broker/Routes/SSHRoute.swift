package import Base
internal import Cluster
internal import SSH

/// Route `ssh`: the node's own tcpdump, on the pod's host-side interface or in the pod's network.
///
/// Works for every pod, whatever it is made of: nothing is run in it. Needs a login on the node and root
/// there; leaves nothing.
package enum SSHRoute: Route {
  package static func plan(
    _ request: CaptureRequest, facts: Facts, tools: RouteTools
  ) throws(Failure) -> Plan {
    let what = "Cannot capture from \(facts.subject.text) by ssh."
    guard let found = facts.node else {
      throw .fault(what, "Nobody looked at the node.")
    }
    let node = try found.get()
    guard let login = facts.login else { throw .fault(what, "Nobody logged in.") }
    let nodeName = facts.subject.node ?? "the node"
    let prefix = try privilege(node, request, what: what, nodeName, login)
    let it = NodeEngine(
      request: request, subject: facts.subject, node: node, engines: tools.engines, prefix: prefix,
      what: what)
    var plan = try it.plan(
      command: login.command,
      needs: [
        prefix.isEmpty
          ? "a login on \(nodeName) by ssh, and root there: as the user, or by sudo without a password"
          : "a login on \(nodeName) by ssh, and tcpdump by sudo without a password"
      ], connection: "the connection")
    plan.connection = login.text
    if let note = login.note {
      plan.notes.append(login.engine == .openssh ? "ssh is carried by \(note)." : note)
    }
    if !prefix.isEmpty {
      plan.ends = [
        "when tcpdump next sees a packet after the connection ended: only root could end it"
      ]
      plan.leaves = "an idle tcpdump, see below"
    }
    return plan
  }

  package static func open<R: Sendable>(
    _ plan: Plan, _ opening: Opening,
    _ body: @escaping @Sendable (Plan, any Transport) async throws(Failure) -> R
  ) async throws(Failure) -> R {
    if let shell = opening.shells.node, shell.take(), let facts = try opening.facts.node?.get() {
      return try await run(plan, opening, facts, shell, body)
    }
    // A route before was opened meanwhile, for which the login was ended.
    return try await FactFinder(tools: opening.tools, nodes: opening.nodes).withNode(
      opening.facts.subject
    ) { login, found, shell async -> Result<R, Failure> in
      _ = shell.take()
      var facts = opening.facts
      facts.login = login
      facts.node = .success(found)
      do throws(Failure) {
        let plan = try Self.plan(opening.request, facts: facts, tools: opening.tools)
        return .success(try await run(plan, opening, found, shell, body))
      } catch {
        return .failure(error)
      }
    }.get().get()
  }

  /// Captures by the shell that waits on the node.
  private static func run<R: Sendable>(
    _ plan: Plan, _ opening: Opening, _ facts: NodeFacts, _ shell: FarShell,
    _ body: @escaping @Sendable (Plan, any Transport) async throws(Failure) -> R
  ) async throws(Failure) -> R {
    let node = opening.facts.subject.node ?? ""
    let process = facts.shell.map {
      FarChange.nodeProcess(node: node, pid: $0.pid, start: $0.start)
    }
    // Where it times its reads it ends by itself before long, whatever becomes of the connection.
    let endsBySilence = facts.tools.bash != nil || facts.tools.shTimesReads
    return try await opening.noting(process, isSettled: { shell.hasEnded || endsBySilence }) {
      () async throws(Failure) in
      try await shell.open(plan, opening.facts.refusal(by: .ssh), body) {
        path, work async throws(Failure) in
        // It removes itself, or the shell there does; the journal is for what happens in between.
        try await opening.during(
          [.nodeFile(node: node, path: path)], undo: { _ async throws(Failure) in .done }, work)
      }
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
