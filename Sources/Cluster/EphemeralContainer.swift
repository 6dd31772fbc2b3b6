package import Base

/// A container that is added to a running pod (Kubernetes: pod.spec.ephemeralContainers). Nothing can
/// remove the entry again; a finished one cannot be restarted.
package struct EphemeralContainer: Sendable, Equatable {
  /// What the container is allowed.
  package enum Security: Sendable, Equatable {
    /// Root with these capabilities and no others. NET_RAW opens packet sockets; SETUID and SETGID are
    /// for a tcpdump that changes its user.
    case capabilities([String])
    /// Root with whatever the container runtime gives: what Pod Security `baseline` accepts, as it
    /// refuses NET_RAW when it is asked for, although the runtime's own set may hold it.
    case `default`

    /// What a capture needs, and nothing more.
    package static let capturing = Security.capabilities(["NET_RAW", "SETUID", "SETGID"])
  }

  package var name: String
  package var image: String
  /// The process that keeps the container alive, with its arguments.
  package var command: [String]
  package var security: Security

  package init(name: String, image: String, command: [String], security: Security = .capturing) {
    self.name = name
    self.image = image
    self.command = command
    self.security = security
  }

  /// The entry of the pod's spec.
  ///
  /// The pull policy is set, since an image without a tag would otherwise be pulled every time.
  package var manifest: JSONText {
    .object([
      ("name", .string(name)), ("image", .string(image)),
      ("imagePullPolicy", .string("IfNotPresent")), ("command", .strings(command)),
      ("securityContext", security.manifest),
    ])
  }
}

extension EphemeralContainer.Security {
  /// The container's securityContext. The user is named: the pod's own would win otherwise.
  var manifest: JSONText {
    let root: [(String, JSONText)] = [("runAsUser", .number(0)), ("runAsNonRoot", .bool(false))]
    switch self {
    case .default: return .object(root)
    case .capabilities(let names):
      return .object(
        root + [
          ("allowPrivilegeEscalation", .bool(false)),
          ("capabilities", .object([("drop", .strings(["ALL"])), ("add", .strings(names))])),
        ])
    }
  }
}
