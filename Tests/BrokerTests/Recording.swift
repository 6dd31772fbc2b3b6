import Cluster
import Foundation
import Testing

/// The recordings beside the tests.
enum Recording {
  static func bytes(_ path: String) throws -> [UInt8] {
    let base = try #require(Bundle.module.url(forResource: "Data", withExtension: nil))
    return try Array(Data(contentsOf: base.appendingPathComponent(path)))
  }

  static func pod(_ name: String) throws -> Pod {
    let pod = try bytes("objects/\(name).json").withUnsafeBytes {
      try PodReader(keepsLabels: true).pod($0)
    }
    return try #require(pod)
  }
}
