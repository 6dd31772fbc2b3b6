internal import ArgumentParser
internal import Base
internal import Cluster

/// `poddump doctor`: what works from here, and what to do about what does not.
struct DoctorCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor", abstract: "Say what works from here, and what to do about what does not."
  )

  @OptionGroup var kubernetes: KubernetesOptions

  func run() async throws {
    var findings: [Finding] = []
    func tell(_ finding: Finding) {
      findings.append(finding)
      Terminal.answer(finding.text)
    }
    var configuration = Configuration()
    do throws(Failure) {
      configuration = try Configuration.load()
      let place = configuration == Configuration() ? "defaults" : Configuration.path ?? "defaults"
      tell(.fine("configuration", place))
    } catch {
      tell(.problem("configuration", error))
    }
    let examination = Examination(kubernetes: kubernetes)
    for finding in await examination.cluster(configuration) { tell(finding) }
    for finding in await examination.nodes(configuration) { tell(finding) }
    tell(examination.engines())
    for finding in examination.journal() { tell(finding) }
    for finding in await examination.wireshark() { tell(finding) }
    if findings.contains(where: { $0.state == .problem }) {
      throw ExitCode(Failure.Kind.other.rawValue)
    }
  }
}

/// One thing that works or does not.
struct Finding: Sendable, Equatable {
  enum State: String, Sendable {
    case fine = "ok "
    /// It does not work, and something else does instead.
    case unavailable = "no "
    case problem = "BAD"
  }

  var subject: String
  var state: State
  var says: String

  static func fine(_ subject: String, _ says: String) -> Finding {
    Finding(subject: subject, state: .fine, says: says)
  }

  static func unavailable(_ subject: String, _ failure: Failure) -> Finding {
    Finding(subject: subject, state: .unavailable, says: failure.sentence)
  }

  static func problem(_ subject: String, _ failure: Failure) -> Finding {
    Finding(subject: subject, state: .problem, says: failure.sentence)
  }

  /// A line: "ok  kubectl        /usr/bin/kubectl (v1.30.2)".
  var text: String {
    let padding = String(repeating: " ", count: max(1, 15 - subject.count))
    return "\(state.rawValue) \(subject)\(padding)\(says)\n"
  }
}

/// Looks at kubectl, the cluster and the routes; for the rest see the files beside this one.
struct Examination: Sendable {
  let kubernetes: KubernetesOptions

  /// kubectl, the context, the API server, and the routes that go through it.
  func cluster(_ configuration: Configuration) async -> [Finding] {
    var findings: [Finding] = []
    var subject = "kubectl"
    do throws(Failure) {
      let kubectl = try kubernetes.kubectl()
      let version = try await kubectl.clientVersion()
      findings.append(.fine(subject, "\(kubectl.executable) (\(version))"))

      subject = "context"
      let config = try await kubectl.config()
      let context = try config.context(named: kubectl.context)
      let namespace = kubernetes.namespace ?? context.namespace
      findings.append(
        .fine(
          subject,
          printable(
            "\(context.name), namespace \(namespace), \(config.servers[context.cluster] ?? "")")))

      subject = "cluster"
      findings.append(.fine(subject, "reached, \(try await kubectl.serverVersion())"))

      subject = "rights"
      let health = try await RouteHealth.find(kubectl, namespace, configuration)
      findings.append(await listing(kubectl, namespace))
      findings += health.findings
    } catch {
      findings.append(.problem(subject, error))
    }
    return findings
  }

  /// Captures need no list; Wireshark and `poddump list` do.
  private func listing(_ kubectl: Kubectl, _ namespace: String) async -> Finding {
    let subject = "list pods"
    do throws(Failure) {
      let pods = try await kubectl.pods(PodQuery(namespace: namespace, limit: 500)).items
      return .fine(subject, "\(pods.count) in namespace \(namespace)")
    } catch  where error.kind == .denied {
      return .unavailable(subject, error)
    } catch {
      return .problem(subject, error)
    }
  }
}
