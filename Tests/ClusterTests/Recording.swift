import Foundation
import Testing

@testable import Cluster

/// The recordings beside the tests: answers of an API server and words of kubectl.
enum Recording {
  static func url(_ path: String) throws -> URL {
    let base = try #require(Bundle.module.url(forResource: "Data", withExtension: nil))
    return base.appendingPathComponent(path)
  }

  static func bytes(_ path: String) throws -> [UInt8] {
    try Array(Data(contentsOf: url(path)))
  }

  /// The recordings of a folder whose names begin in a certain way.
  static func names(_ folder: String, _ prefix: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: url(folder).path)
      .filter { $0.hasPrefix(prefix) }.sorted().map { "\(folder)/\($0)" }
  }

  static func pod(_ name: String) throws -> Pod {
    let pod = try bytes("objects/\(name).json").withUnsafeBytes {
      try PodReader(keepsLabels: true).pod($0)
    }
    return try #require(pod)
  }

  /// The recording as Foundation reads it, to compare with.
  static func json(_ path: String) throws -> [String: Any] {
    let object = try JSONSerialization.jsonObject(with: Data(bytes(path)))
    return try #require(object as? [String: Any])
  }
}

/// A small generator with a seed, so that a failure can be had again.
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  init(seed: UInt64) { state = seed }

  /// SplitMix64.
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var word = state
    word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
    return word ^ (word >> 31)
  }
}
