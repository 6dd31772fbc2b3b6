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
    for finding in await Examination(kubernetes: kubernetes).cluster() { tell(finding) }
    for finding in await Examination(kubernetes: kubernetes).nodes(configuration) { tell(finding) }
    for finding in await Examination(kubernetes: kubernetes).wireshark() { tell(finding) }
    if findings.contains(where: { !$0.isFine }) { throw ExitCode(Failure.Kind.other.rawValue) }
  }
}

/// One thing that works or does not.
struct Finding: Sendable, Equatable {
  var subject: String
  var isFine: Bool
  var says: String

  static func fine(_ subject: String, _ says: String) -> Finding {
    Finding(subject: subject, isFine: true, says: says)
  }

  static func problem(_ subject: String, _ failure: Failure) -> Finding {
    Finding(subject: subject, isFine: false, says: failure.sentence)
  }

  /// A line: "ok   kubectl        /usr/bin/kubectl v1.30.2".
  var text: String {
    let padding = String(repeating: " ", count: max(1, 15 - subject.count))
    return "\(isFine ? "ok " : "BAD") \(subject)\(padding)\(says)\n"
  }
}

/// Looks at kubectl, the cluster, the rights and Wireshark.
struct Examination: Sendable {
  let kubernetes: KubernetesOptions

  /// kubectl, the context, the API server, and the right to exec.
  func cluster() async -> [Finding] {
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

      subject = "list pods"
      let pods = try await kubectl.pods(PodQuery(namespace: namespace, limit: 500)).items
      findings.append(.fine(subject, "\(pods.count) in namespace \(namespace)"))

      subject = "exec"
      findings.append(try await mayExec(kubectl, namespace))
    } catch {
      findings.append(.problem(subject, error))
    }
    return findings
  }

  /// Newer kubectls exec by GET, which the server takes for the verb get as well.
  private func mayExec(_ kubectl: Kubectl, _ namespace: String) async throws(Failure) -> Finding {
    for verb in ["create", "get"] {
      guard try await kubectl.isAllowed(verb, "pods/exec", namespace: namespace) else {
        return .problem(
          "exec",
          Failure(
            .denied, "Route exec is not allowed in namespace \(namespace).",
            why: "You may not \(verb) pods/exec there.",
            fix: "Ask for a role with get and create on pods/exec."))
      }
    }
    return .fine("exec", "allowed in namespace \(namespace)")
  }

  /// Wireshark, and whether it will show pods.
  func wireshark() async -> [Finding] {
    var findings: [Finding] = []
    guard let program = Wireshark.program("tshark") ?? Wireshark.program("wireshark") else {
      return [
        .problem(
          "wireshark",
          Failure(
            .notFound, "Neither tshark nor wireshark was found.",
            fix: "Install Wireshark, or capture to a file with -w."))
      ]
    }
    findings.append(.fine("wireshark", program))
    do throws(Failure) {
      let source = try ExtcapFolders.source()
      let states = try ExtcapFolders.all().map { ($0, ExtcapFolders.state(of: $0, target: source)) }
      guard let (folder, _) = states.first(where: { $0.1 == .installed }) else {
        throw Failure(
          .notFound, "Pods are not in Wireshark's interface list.",
          why: "\(ExtcapFolders.program) is in none of its personal folders.",
          fix: "Run poddump install.")
      }
      findings.append(.fine("extcap", "installed in \(folder)"))
    } catch {
      findings.append(.problem("extcap", error))
    }
    return findings
  }
}
