/// A port that a container declares. What it listens on may be more, or less.
package struct ContainerPort: Sendable, Hashable {
  /// "tcp", "udp" or "sctp", as pcap-filter(7) writes them too.
  package var protocolName: String
  package var number: Int

  package init(protocolName: String, number: Int) {
    self.protocolName = protocolName
    self.number = number
  }
}

/// A container of a pod: what was asked for, and how it is.
package struct Container: Sendable, Equatable {
  /// Which list of the pod's spec it comes from.
  package enum Role: Sendable, Equatable {
    case main
    /// Runs before the main containers and ends.
    case initial
    /// An init container that restarts always: it starts first and goes on beside the main ones.
    case sidecar
    /// Added to a running pod by `kubectl debug`.
    case ephemeral
  }

  /// Where a container stands, with the runtime's words.
  package enum State: Sendable, Equatable {
    case waiting(reason: String?, message: String?)
    case running
    case terminated(reason: String?, exitCode: Int)
    /// The kubelet has not said anything yet.
    case unknown

    package var isRunning: Bool { self == .running }
  }

  package var name: String
  package var role: Role
  package var image = ""
  package var ports: [ContainerPort] = []
  package var state = State.unknown
  /// Since when it runs, in seconds since 1970.
  package var started: Int?
  /// What is run in it; kept of ephemeral containers alone.
  package var command: [String] = []
  /// As the runtime names it, with its scheme: `containerd://` and 64 hexadecimal digits.
  package var containerID: String?
  /// `resources.limits.memory` in bytes.
  package var memoryLimit: Int?
  package var hasReadOnlyRoot = false
  /// Where volumes of the kind emptyDir are mounted writable: the places where a container with a
  /// read-only root can still take a file. At most sixteen.
  package var writableMounts: [String] = []

  package init(name: String, role: Role) {
    self.name = name
    self.role = role
  }
}
