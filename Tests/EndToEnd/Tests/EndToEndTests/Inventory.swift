import Foundation
import Testing

/// What the lab says is in it.
struct Inventory: Decodable {
  struct Pod: Decodable {
    struct Container: Decodable {
      struct Port: Decodable {
        var containerPort: Int
      }
      var name: String
      var pid: Int32?
      var ports: [Port]?
    }
    var namespace: String
    var name: String
    var node: String?
    var podIP: String?
    var hostNetwork: Bool?
    var containers: [Container]

    /// As a target is written: "shop/web".
    var target: String { "\(namespace)/\(name)" }
    var isHostNetwork: Bool { hostNetwork == true }
    /// Whether there are processes of it.
    var isReal: Bool { containers.contains { $0.pid != nil } }
    /// The first port that it serves.
    var port: Int? { containers.lazy.compactMap { $0.ports?.first?.containerPort }.first }
  }
  var pods: [Pod]

  static func load() throws -> Inventory {
    try JSONDecoder().decode(
      Inventory.self, from: Data(contentsOf: URL(filePath: Lab.directory + "/lab.json")))
  }

  /// A pod of the namespace `shop`.
  func pod(_ name: String) throws -> Pod {
    try #require(pods.first { $0.namespace == "shop" && $0.name == name }, "no pod \(name)")
  }

  /// A pod by its target: "odd/plain".
  func pod(at target: String) throws -> Pod {
    try #require(pods.first { $0.target == target }, "no pod \(target)")
  }

  /// A pod's address.
  func address(_ name: String) throws -> String {
    try #require(pod(name).podIP, "\(name) has no address")
  }

  /// The names of the replicas of the Deployment `api`.
  var replicas: [String] {
    pods.map(\.name).filter { $0.hasPrefix("api-") }
  }
}
