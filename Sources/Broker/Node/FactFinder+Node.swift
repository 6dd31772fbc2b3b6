internal import Base
internal import Cluster
internal import SSH

/// The part of fact finding that logs in to nodes.
extension FactFinder {
  /// Logs in to the target's node, asks, and lends the shell that waits for its order.
  ///
  /// - Returns: What `body` returned, or why the node could not be looked at.
  func withNode<R: Sendable>(
    _ subject: Subject,
    _ body: @escaping @Sendable (NodeLogin, NodeFacts, FarShell) async -> R
  ) async -> Result<R, Failure> {
    var first: Failure?
    var tried: Set<String> = []
    // The node's other addresses are asked for only when the one that the pod names cannot be reached.
    for asksNode in [false, true] {
      do throws(Failure) {
        for host in try await hosts(of: subject, asksNode: asksNode)
        where tried.insert(host).inserted {
          do throws(Failure) {
            return .success(try await withNode(subject, host: host, body))
          } catch {
            // Another address may be the one that is reached from here; a refusal is one for all.
            guard error.kind == .unreachable else { return .failure(error) }
            first = first ?? error
          }
        }
      } catch {
        return .failure(first ?? error)
      }
    }
    return .failure(first ?? .fault("Cannot reach the node by ssh.", "There is no address to try."))
  }

  private func hosts(of subject: Subject, asksNode: Bool) async throws(Failure) -> [String] {
    var node: Node?
    var hostIP: String?
    switch subject {
    case .node(let it): node = it
    case .pod(let pod, _):
      hostIP = pod.hostIP
      let isNeeded = nodes.needsNode(hostIP: hostIP) || asksNode && nodes.host == nil
      if let name = pod.node, isNeeded { node = try await kubectl.node(name: name) }
    }
    let name = subject.node ?? ""
    let hasOwn = nodes.host == nil ? await hasOwnSettings(name) : false
    return try nodes.hosts(of: name, hostIP: hostIP, node: node, hasOwnSettings: hasOwn)
  }

  private func withNode<R: Sendable>(
    _ subject: Subject, host: String,
    _ body: @escaping @Sendable (NodeLogin, NodeFacts, FarShell) async -> R
  ) async throws(Failure) -> R {
    let ssh = OpenSSH.find()
    let options = nodes.options
    let settings = try await SSHSettings.effective(name: host, options: options, ssh: ssh)
    let loader = NodeScript.loader(sudo: options.sudo)
    let question = Self.question(about: subject, mayUseSudo: options.sudo)
    let place = "node \(subject.node ?? host)"
    let result = try await withSSHProcess(
      settings, options: options, command: loader, isInteractive: nodes.isInteractive
    ) { process async throws(Failure) -> R in
      let shell = FarShell(process: process, place: place)
      let facts = try await shell.ask(question)
      var login = NodeLogin(
        destination: "\(settings.user)@\(settings.hostName)", engine: process.engine,
        note: process.note,
        command: Command(
          ssh ?? "ssh", OpenSSH.arguments(settings, options: options, command: loader)))
      login.usesSudo = options.sudo
      return await body(login, facts, shell)
    }
    return result
  }

  /// What a node is asked about a target; only what was checked goes into it.
  static func question(about subject: Subject, mayUseSudo: Bool) -> NodeQuestion {
    var question = NodeQuestion()
    question.mayUseSudo = mayUseSudo
    guard case .pod(let pod, let container) = subject else { return question }
    let others = pod.allContainers.filter { $0.name != container.name && $0.state.isRunning }
    question.containerIDs = ([container] + others).compactMap(\.containerID).compactMap { id in
      let digits = id.split(separator: "/").last.map(String.init) ?? ""
      let isID = digits.utf8.count == 64 && digits.utf8.allSatisfy(isHexadecimal)
      return isID ? digits : nil
    }
    question.uids = [pod.uid, pod.configHash].compactMap(\.self).filter { uid in
      (8...64).contains(uid.utf8.count)
        && uid.utf8.allSatisfy { isHexadecimal($0) || $0 == UInt8(ascii: "-") }
    }
    question.addresses = pod.podIPs.compactMap { IPAddress($0) }
    question.name = "\(pod.namespace).\(pod.name)"
    return question
  }
}

private func isHexadecimal(_ byte: UInt8) -> Bool {
  (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
}
