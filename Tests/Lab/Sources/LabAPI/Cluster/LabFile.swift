internal import Foundation

/// `lab.json`: what the lab's nodes say about themselves. The nodes' builder writes it, whole and
/// at once; this server only reads it.
package struct LabFile: Codable, Sendable, Equatable {
  package struct Node: Codable, Sendable, Equatable {
    package var name: String
    package var uid: String
    package var internalIP: String
    package var initPid: Int32?
    package var podCIDR: String?
    /// `linux` unless said otherwise.
    package var operatingSystem: String?
    /// As Go names it; the machine's own unless said otherwise.
    package var architecture: String?
    /// The real node on which its containers run, for a node that is only pretended.
    package var runsOn: String?
  }

  /// A quota on the objects of a namespace (ResourceQuota).
  package struct Quota: Codable, Sendable, Equatable {
    package var name: String
    /// Resource to amount, for example `pods` to `1`, `limits.memory` to `64Mi`.
    package var hard: [String: String]
  }

  package struct Namespace: Codable, Sendable, Equatable {
    package var name: String
    package var uid: String
    package var labels: [String: String]?
    package var quota: Quota?
    /// What a validating webhook denies here: `create` (of pods), `ephemeralcontainers`, `exec`.
    package var webhook: [String]?
  }

  package struct ServicePort: Codable, Sendable, Equatable {
    package var name: String?
    package var port: Int
    package var targetPort: Int?
    package var `protocol`: String?
  }

  package struct Service: Codable, Sendable, Equatable {
    package var namespace: String
    package var name: String
    package var uid: String
    package var labels: [String: String]?
    package var clusterIP: String
    package var selector: [String: String]?
    package var ports: [ServicePort]
  }

  package struct ReplicaSet: Codable, Sendable, Equatable {
    package var name: String
    package var uid: String
  }

  package struct Workload: Codable, Sendable, Equatable {
    package var kind: String
    package var namespace: String
    package var name: String
    package var uid: String
    package var replicas: Int
    package var labels: [String: String]?
    package var selector: [String: String]
    package var replicaSet: ReplicaSet?
  }

  package struct Owner: Codable, Sendable, Equatable {
    package var kind: String
    package var name: String
    package var uid: String
  }

  package struct ContainerPort: Codable, Sendable, Equatable {
    package var name: String?
    package var containerPort: Int
    package var `protocol`: String?
  }

  package struct Container: Codable, Sendable, Equatable {
    package var name: String
    package var image: String
    package var containerID: String?
    /// The host's number of the container's first process; its root is the container's root.
    package var pid: Int32?
    /// `running`, `waiting:<Reason>` or `terminated:<exit code>`.
    package var state: String
    package var command: [String]?
    package var memoryLimit: String?
    package var ports: [ContainerPort]?
    package var securityContext: AnyJSON?
    package var volumeMounts: AnyJSON?
    /// The first words of a command line that runs a program in the container; the command's own
    /// words follow.
    package var exec: [String]?
    package var restartCount: Int?
    /// How its predecessor ended.
    package var lastState: LastState?
    package var startedAt: String?
  }

  package struct LastState: Codable, Sendable, Equatable {
    package var exitCode: Int
    package var containerID: String
    package var startedAt: String
    package var finishedAt: String
  }

  /// How the stand-in has containers started and ended, and how it runs something in them.
  package struct Kubelet: Codable, Sendable, Equatable {
    package var command: [String]
    /// As ``Container/exec``, without the container's own words; `@NODE@` stands for the node.
    package var exec: [String]
  }

  package struct Pod: Codable, Sendable, Equatable {
    package var namespace: String
    package var name: String
    package var uid: String
    package var node: String?
    package var phase: String
    package var podIP: String?
    package var hostNetwork: Bool?
    package var labels: [String: String]?
    package var annotations: [String: String]?
    package var owner: Owner?
    package var securityContext: AnyJSON?
    package var volumes: AnyJSON?
    package var containers: [Container]
    /// Members of the spec besides those above.
    package var spec: AnyJSON?
    /// Ends the real containers; run when the pod is deleted through the API.
    package var stop: [String]?
  }

  package var directory: String?
  package var kubelet: Kubelet?
  /// The images that nodes can get.
  package var images: [String]?
  package var nodes: [Node]
  package var namespaces: [Namespace]
  package var services: [Service]
  package var workloads: [Workload]
  package var pods: [Pod]

  /// Reads `lab.json` in the state directory.
  package init(stateDirectory: String) throws {
    let data = try Data(contentsOf: URL(fileURLWithPath: stateDirectory + "/lab.json"))
    self = try JSONDecoder().decode(LabFile.self, from: data)
  }

  /// A file without anything in it; tests fill it.
  package init() {
    (nodes, namespaces, services, workloads, pods) = ([], [], [], [], [])
  }
}

/// Any JSON inside a type that is otherwise fixed; goes into the objects as it is.
package struct AnyJSON: Codable, Sendable, Equatable {
  package var value: JSON

  package init(_ value: JSON) { self.value = value }

  package init(from decoder: any Decoder) throws {
    if let container = try? decoder.container(keyedBy: Name.self) {
      var object = JSONObject()
      for key in container.allKeys.sorted(by: { $0.stringValue < $1.stringValue }) {
        object[key.stringValue] = try container.decode(AnyJSON.self, forKey: key).value
      }
      value = .object(object)
    } else if var container = try? decoder.unkeyedContainer() {
      var values: [JSON] = []
      while !container.isAtEnd { values.append(try container.decode(AnyJSON.self).value) }
      value = .array(values)
    } else {
      let container = try decoder.singleValueContainer()
      if container.decodeNil() {
        value = .null
      } else if let bool = try? container.decode(Bool.self) {
        value = .bool(bool)
      } else if let integer = try? container.decode(Int.self) {
        value = .integer(integer)
      } else if let real = try? container.decode(Double.self) {
        value = .real(real)
      } else {
        value = .string(try container.decode(String.self))
      }
    }
  }

  package func encode(to encoder: any Encoder) throws {
    switch value {
    case .object(let object):
      var container = encoder.container(keyedBy: Name.self)
      for member in object.members {
        try container.encode(AnyJSON(member.value), forKey: Name(member.name))
      }
    case .array(let values):
      var container = encoder.unkeyedContainer()
      for value in values { try container.encode(AnyJSON(value)) }
    case .null:
      var container = encoder.singleValueContainer()
      try container.encodeNil()
    case .bool(let value):
      var container = encoder.singleValueContainer()
      try container.encode(value)
    case .integer(let value):
      var container = encoder.singleValueContainer()
      try container.encode(value)
    case .real(let value):
      var container = encoder.singleValueContainer()
      try container.encode(value)
    case .string(let value):
      var container = encoder.singleValueContainer()
      try container.encode(value)
    }
  }

  private struct Name: CodingKey {
    var stringValue: String
    var intValue: Int? { nil }
    init(_ name: String) { stringValue = name }
    init?(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }
}
