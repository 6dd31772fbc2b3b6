/// Pod Security admission (Kubernetes documentation, "Pod Security Standards"; the words are those
/// of k8s.io/pod-security-admission/policy). Left out: AppArmor, SELinux, sysctls, procMount,
/// probes and Windows.
package struct PodSecurity {
  package enum Level: String, Sendable {
    case privileged
    case baseline
    case restricted
  }

  /// What one check has against a pod.
  private struct Violation {
    var reason: String
    var detail: String

    var text: String { detail.isEmpty ? reason : "\(reason) (\(detail))" }
  }

  private let spec: JSON
  private let containers: [JSON]

  package init(spec: JSON) {
    self.spec = spec
    containers = ["initContainers", "containers", "ephemeralContainers"].flatMap {
      spec[$0]?.array ?? []
    }
  }

  /// What a level has against the pod, for example `privileged (container "x" must not set …)`; nil
  /// if it lets it pass.
  package func violations(of level: Level) -> String? {
    let checks: [Violation?]
    switch level {
    case .privileged: return nil
    case .baseline:
      checks = [baselineCapabilities, hostNamespaces, hostPaths, hostPorts, privileged, unconfined]
    case .restricted:
      checks = [
        hostNamespaces, hostPorts, privileged, privilegeEscalation, restrictedCapabilities,
        restrictedVolumes, nonRoot, user, seccompProfile,
      ]
    }
    let found = checks.compactMap { $0?.text }
    return found.isEmpty ? nil : found.joined(separator: ", ")
  }

  // MARK: Words

  private static func quoted(_ names: [String]) -> String {
    names.map { "\"\($0)\"" }.joined(separator: ", ")
  }

  /// `container "a"` or `containers "a", "b"`.
  private static func named(_ containers: [JSON]) -> String {
    (containers.count == 1 ? "container " : "containers ")
      + quoted(containers.map { $0["name"]?.string ?? "" })
  }

  private func violation(
    _ reason: String, by bad: [JSON], _ detail: (String) -> String
  ) -> Violation? {
    bad.isEmpty ? nil : Violation(reason: reason, detail: detail(Self.named(bad)))
  }

  private static func added(_ container: JSON) -> [String] {
    (container[path: ["securityContext", "capabilities", "add"]]?.array ?? []).compactMap(\.string)
  }

  private func forbiddenCapabilities(_ allowed: Set<String>) -> (by: [JSON], what: [String]) {
    let bad = containers.filter { !Set(Self.added($0)).isSubset(of: allowed) }
    return (bad, Set(bad.flatMap(Self.added)).subtracting(allowed).sorted())
  }

  // MARK: Baseline

  private static let defaultCapabilities: Set<String> = [
    "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD",
    "NET_BIND_SERVICE", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
  ]

  private var baselineCapabilities: Violation? {
    let (bad, what) = forbiddenCapabilities(Self.defaultCapabilities)
    return violation("non-default capabilities", by: bad) {
      "\($0) must not include \(Self.quoted(what)) in securityContext.capabilities.add"
    }
  }

  private var hostNamespaces: Violation? {
    let shared = ["hostNetwork", "hostPID", "hostIPC"].filter { spec[$0]?.bool == true }
    guard !shared.isEmpty else { return nil }
    return Violation(
      reason: "host namespaces", detail: shared.map { $0 + "=true" }.joined(separator: ", "))
  }

  private var hostPaths: Violation? {
    let bad = (spec["volumes"]?.array ?? []).filter { $0["hostPath"] != nil }
    guard !bad.isEmpty else { return nil }
    return Violation(
      reason: "hostPath volumes",
      detail: (bad.count == 1 ? "volume " : "volumes ")
        + Self.quoted(bad.map { $0["name"]?.string ?? "" }))
  }

  private var hostPorts: Violation? {
    func ports(_ container: JSON) -> [Int] {
      (container["ports"]?.array ?? []).compactMap { $0["hostPort"]?.integer }.filter { $0 != 0 }
    }
    let bad = containers.filter { !ports($0).isEmpty }
    let all = Set(bad.flatMap(ports)).sorted()
    return violation("hostPort", by: bad) {
      "\($0) \(bad.count == 1 ? "uses" : "use") \(all.count == 1 ? "hostPort" : "hostPorts") "
        + all.map(String.init).joined(separator: ", ")
    }
  }

  private var privileged: Violation? {
    violation(
      "privileged",
      by: containers.filter { $0[path: ["securityContext", "privileged"]]?.bool == true }
    ) { "\($0) must not set securityContext.privileged=true" }
  }

  private static func profile(_ holder: JSON) -> String? {
    holder[path: ["securityContext", "seccompProfile", "type"]]?.string
  }

  private static func isConfined(_ profile: String) -> Bool {
    ["RuntimeDefault", "Localhost"].contains(profile)
  }

  /// Who sets a profile that confines nothing.
  private var unconfined: Violation? {
    let bad = containers.filter { Self.profile($0).map { !Self.isConfined($0) } ?? false }
    let pod = Self.profile(spec).flatMap { Self.isConfined($0) ? nil : $0 }
    var setters = pod == nil ? [] : ["pod"]
    if !bad.isEmpty { setters.append(Self.named(bad)) }
    guard !setters.isEmpty else { return nil }
    let values = Set([pod].compactMap { $0 } + bad.compactMap(Self.profile)).sorted()
    return Violation(
      reason: "seccompProfile",
      detail: setters.joined(separator: " and ")
        + " must not set securityContext.seccompProfile.type to \(Self.quoted(values))")
  }

  // MARK: Restricted

  private var privilegeEscalation: Violation? {
    violation(
      "allowPrivilegeEscalation != false",
      by: containers.filter {
        $0[path: ["securityContext", "allowPrivilegeEscalation"]]?.bool != false
      }
    ) { "\($0) must set securityContext.allowPrivilegeEscalation=false" }
  }

  private var restrictedCapabilities: Violation? {
    let keeping = containers.filter { container in
      let dropped = container[path: ["securityContext", "capabilities", "drop"]]?.array ?? []
      return !dropped.contains("ALL")
    }
    let (adding, what) = forbiddenCapabilities(["NET_BIND_SERVICE"])
    var details: [String] = []
    if !keeping.isEmpty {
      details.append(
        "\(Self.named(keeping)) must set securityContext.capabilities.drop=[\"ALL\"]")
    }
    if !adding.isEmpty {
      details.append(
        "\(Self.named(adding)) must not include \(Self.quoted(what)) in "
          + "securityContext.capabilities.add")
    }
    return details.isEmpty
      ? nil
      : Violation(reason: "unrestricted capabilities", detail: details.joined(separator: "; "))
  }

  private var restrictedVolumes: Violation? {
    let allowed: Set<String> = [
      "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim",
      "projected", "secret",
    ]
    func type(_ volume: JSON) -> String {
      volume.object?.members.map(\.name).first { $0 != "name" } ?? "emptyDir"
    }
    let bad = (spec["volumes"]?.array ?? []).filter { !allowed.contains(type($0)) }
    guard !bad.isEmpty else { return nil }
    let types = Set(bad.map(type)).sorted()
    return Violation(
      reason: "restricted volume types",
      detail: (bad.count == 1 ? "volume " : "volumes ")
        + Self.quoted(bad.map { $0["name"]?.string ?? "" })
        + (bad.count == 1 ? " uses" : " use")
        + (types.count == 1 ? " restricted volume type " : " restricted volume types ")
        + Self.quoted(types))
  }

  private var nonRoot: Violation? {
    func value(_ holder: JSON) -> Bool? {
      holder[path: ["securityContext", "runAsNonRoot"]]?.bool
    }
    var setters = value(spec) == false ? ["pod"] : []
    let explicit = containers.filter { value($0) == false }
    if !explicit.isEmpty { setters.append(Self.named(explicit)) }
    guard setters.isEmpty else {
      return Violation(
        reason: "runAsNonRoot != true",
        detail: setters.joined(separator: " and ")
          + " must not set securityContext.runAsNonRoot=false")
    }
    let implicit = value(spec) == true ? [] : containers.filter { value($0) == nil }
    return violation("runAsNonRoot != true", by: implicit) {
      "pod or \($0) must set securityContext.runAsNonRoot=true"
    }
  }

  private var user: Violation? {
    func isRoot(_ holder: JSON) -> Bool {
      holder[path: ["securityContext", "runAsUser"]]?.integer == 0
    }
    var setters = isRoot(spec) ? ["pod"] : []
    let bad = containers.filter(isRoot)
    if !bad.isEmpty { setters.append(Self.named(bad)) }
    guard !setters.isEmpty else { return nil }
    return Violation(
      reason: "runAsUser=0",
      detail: setters.joined(separator: " and ") + " must not set runAsUser=0")
  }

  private var seccompProfile: Violation? {
    if let unconfined { return unconfined }
    let missing =
      Self.profile(spec) != nil ? [] : containers.filter { Self.profile($0) == nil }
    return violation("seccompProfile", by: missing) {
      "pod or \($0) must set securityContext.seccompProfile.type to \"RuntimeDefault\" or "
        + "\"Localhost\""
    }
  }
}
