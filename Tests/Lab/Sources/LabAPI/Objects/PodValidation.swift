/// What the API server has against a pod (k8s.io/kubernetes/pkg/apis/core/validation), as far as
/// somebody who captures can get it wrong.
package enum PodValidation {
  /// - Returns: complaints about a new pod, in the server's order.
  package static func complaints(about pod: JSON) -> [FieldError] {
    var errors: [FieldError] = []
    let name = pod[path: ["metadata", "name"]]?.string ?? ""
    if name.isEmpty {
      errors.append(.required("metadata.name", "name or generateName is required"))
    } else if !isSubdomain(name) {
      errors.append(.invalid("metadata.name", .string(name), subdomainRule))
    }
    let spec = pod["spec"]
    let volumes = (spec?["volumes"]?.array ?? []).compactMap { $0["name"]?.string }
    let containers = spec?["containers"]?.array ?? []
    if containers.isEmpty { errors.append(.required("spec.containers")) }
    var names: Set<String> = []
    for (index, container) in containers.enumerated() {
      let field = "spec.containers[\(index)]"
      errors += complaints(about: container, field, &names)
      for (number, mount) in (container["volumeMounts"]?.array ?? []).enumerated() {
        if let name = mount["name"]?.string, !volumes.contains(name) {
          errors.append(.notFound("\(field).volumeMounts[\(number)].name", name))
        }
      }
      let context = container["securityContext"]
      if context?["privileged"]?.bool == true, context?["allowPrivilegeEscalation"]?.bool == false {
        errors.append(
          .invalid(
            "\(field).securityContext", context ?? [:],
            "cannot set `allowPrivilegeEscalation` to false and `privileged` to true"))
      }
    }
    let policies = ["Always", "OnFailure", "Never"]
    if let policy = spec?["restartPolicy"]?.string, !policies.contains(policy) {
      errors.append(.notSupported("spec.restartPolicy", policy, policies))
    }
    if let seconds = spec?["activeDeadlineSeconds"]?.integer, seconds < 1 {
      errors.append(
        .invalid(
          "spec.activeDeadlineSeconds", .integer(seconds),
          "must be between 1 and 2147483647, inclusive"))
    }
    return errors
  }

  /// - Returns: complaints about a change of a pod's ephemeral containers.
  package static func complaints(
    aboutEphemeralContainers new: [JSON], of pod: JSON
  ) -> [FieldError] {
    let annotations = pod[path: ["metadata", "annotations"]]
    guard annotations?["kubernetes.io/config.mirror"] == nil else {
      return [.forbidden("[]", "static pods do not support ephemeral containers")]
    }
    var errors: [FieldError] = []
    let others = ["initContainers", "containers"].flatMap { pod["spec"]?[$0]?.array ?? [] }
      .compactMap { $0["name"]?.string }
    var names = Set(others)
    for (index, container) in new.enumerated() {
      let field = "spec.ephemeralContainers[\(index)]"
      errors += complaints(about: container, field, &names)
      for member in [
        "ports", "livenessProbe", "readinessProbe", "startupProbe", "lifecycle", "resources",
      ] {
        guard let value = container[member], value != .null, value != [:], value != [] else {
          continue
        }
        errors.append(.forbidden("\(field).\(member)", "cannot be set for an Ephemeral Container"))
      }
      if let target = container["targetContainerName"]?.string, !target.isEmpty,
        !others.contains(target)
      {
        errors.append(.notFound("\(field).targetContainerName", target))
      }
    }
    for container in pod[path: ["spec", "ephemeralContainers"]]?.array ?? [] {
      let name = container["name"]?.string ?? ""
      guard let same = new.first(where: { $0["name"]?.string == name }) else {
        errors.append(
          .forbidden(
            "spec.ephemeralContainers",
            "existing ephemeral containers \"\(name)\" may not be removed\n"))
        continue
      }
      // A real server shows the difference, too.
      if same != container {
        errors.append(
          .forbidden(
            "spec.ephemeralContainers",
            "existing ephemeral containers \"\(name)\" may not be changed\n"))
      }
    }
    return errors
  }

  private static func complaints(
    about container: JSON, _ field: String, _ names: inout Set<String>
  ) -> [FieldError] {
    var errors: [FieldError] = []
    let name = container["name"]?.string ?? ""
    if name.isEmpty {
      errors.append(.required("\(field).name"))
    } else if !isLabel(name) {
      errors.append(.invalid("\(field).name", .string(name), labelRule))
    } else if !names.insert(name).inserted {
      errors.append(.duplicate("\(field).name", name))
    }
    let image = container["image"]?.string ?? ""
    if image.isEmpty {
      errors.append(.required("\(field).image"))
    } else if image.first == " " || image.last == " " {
      errors.append(
        .invalid("\(field).image", .string(image), "must not have leading or trailing whitespace"))
    }
    let policies = ["Always", "IfNotPresent", "Never"]
    if let policy = container["imagePullPolicy"]?.string, !policies.contains(policy) {
      errors.append(.notSupported("\(field).imagePullPolicy", policy, policies))
    }
    return errors
  }

  static let subdomainRule =
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
    + "'.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used "
    + #"for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"#

  private static let labelRule =
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and "
    + "must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex "
    + "used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"

  static func isLabel(_ text: some StringProtocol) -> Bool {
    let alphanumeric = Set("abcdefghijklmnopqrstuvwxyz0123456789")
    guard let first = text.first, let last = text.last, text.utf8.count <= 63 else { return false }
    return alphanumeric.contains(first) && alphanumeric.contains(last)
      && text.allSatisfy { alphanumeric.contains($0) || $0 == "-" }
  }

  static func isSubdomain(_ text: String) -> Bool {
    text.utf8.count <= 253
      && text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy(isLabel)
  }
}
