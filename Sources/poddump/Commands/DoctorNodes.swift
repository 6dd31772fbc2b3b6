internal import Base
internal import Broker
internal import Cluster

extension Examination {
  /// The most nodes that are looked at.
  private static let mostNodes = 100
  /// How many are looked at side by side.
  private static let sideBySide = 8

  /// Route ssh, node by node: whether it is reached and the key accepted, as whom, by what, the tcpdump there,
  /// and where the packets of one of its pods would be taken. Nothing where nobody has configured it.
  func nodes(_ configuration: Configuration) async -> [Finding] {
    guard configuration.nodes.isConfigured else { return [] }
    do throws(Failure) {
      let kubectl = try kubernetes.kubectl()
      let pods = try await somePods(kubectl)
      let nodes = try await namesOfNodes(kubectl, pods)
      guard !nodes.isEmpty else {
        throw Failure(
          .notFound, "No node is known.", why: "Neither nodes nor pods may be listed here.",
          fix: "Ask for a role that may list pods.")
      }
      let finder = try configuration.finder(kubectl, isInteractive: true)
      let looked = nodes.prefix(Self.mostNodes)
      var findings = await look(at: Array(looked), pods, finder)
      if nodes.count > looked.count {
        findings.append(
          .fine("ssh", "\(nodes.count - looked.count) more nodes were not looked at"))
      }
      return findings
    } catch {
      return [.problem("ssh", error)]
    }
  }

  private struct Looked: Sendable {
    var index: Int
    var finding: Finding
  }

  private func look(
    at nodes: [String], _ pods: [Pod], _ finder: FactFinder
  ) async -> [Finding] {
    await withTaskGroup(of: Looked.self) { group in
      var findings: [Finding?] = nodes.map { _ in nil }
      var next = 0
      for _ in 0..<Self.sideBySide where next < nodes.count {
        add(next, nodes[next], pods, finder, to: &group)
        next += 1
      }
      while let looked = await group.next() {
        findings[looked.index] = looked.finding
        guard next < nodes.count else { continue }
        add(next, nodes[next], pods, finder, to: &group)
        next += 1
      }
      return findings.compactMap(\.self)
    }
  }

  private func add(
    _ index: Int, _ node: String, _ pods: [Pod], _ finder: FactFinder,
    to group: inout TaskGroup<Looked>
  ) {
    let pod = pods.first { $0.node == node && $0.isRunning && !$0.isHostNetwork }
    group.addTask {
      let finding = await finding(node, pod, finder)
      return Looked(index: index, finding: finding)
    }
  }

  /// Plans a capture from one of the node's pods, or from the node itself: what can be planned works.
  private func finding(_ node: String, _ pod: Pod?, _ finder: FactFinder) async -> Finding {
    let target =
      pod.map { Target(kind: .pod, namespace: $0.namespace, name: $0.name) }
      ?? Target(kind: .node, namespace: nil, name: node)
    var request = Broker.CaptureRequest(target: target)
    request.route = .ssh
    let subject = "ssh \(printable(node, limit: 60))"
    do throws(Failure) {
      let (facts, decision) = try await finder.survey(request)
      let plan = try decision.chosen()
      let version = (try? facts.node?.get())?.tools.version
      return .fine(
        subject,
        [plan.connection, version, plan.point.map { "captures on \($0)" }]
          .compactMap(\.self).joined(separator: "; "))
    } catch {
      return .problem(subject, error)
    }
  }

  /// The nodes that may be seen, or else those of the pods.
  private func namesOfNodes(_ kubectl: Kubectl, _ pods: [Pod]) async throws(Failure) -> [String] {
    do throws(Failure) {
      return try await kubectl.nodes().map(\.name)
    } catch  where error.kind == .denied {
      return Set(pods.compactMap(\.node)).sorted()
    }
  }

  private func somePods(_ kubectl: Kubectl) async throws(Failure) -> [Pod] {
    do throws(Failure) {
      return try await kubectl.pods().items
    } catch  where error.kind == .denied {
      let namespace = try await kubectl.config().context(named: kubectl.context).namespace
      return try await kubectl.pods(PodQuery(namespace: kubernetes.namespace ?? namespace)).items
    }
  }
}
