import Foundation
import Testing

/// What the lab says is in it.
struct Inventory: Decodable {
  struct Pod: Decodable {
    struct Container: Decodable {
      var name: String
      var pid: Int32?
    }
    var namespace: String
    var name: String
    var node: String?
    var podIP: String?
    var containers: [Container]
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

  /// A pod's address.
  func address(_ name: String) throws -> String {
    try #require(pod(name).podIP, "\(name) has no address")
  }

  /// The names of the replicas of the Deployment `api`.
  var replicas: [String] {
    pods.map(\.name).filter { $0.hasPrefix("api-") }
  }
}
