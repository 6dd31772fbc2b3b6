import Foundation
import Testing

@testable import Cluster

/// Ten thousand pods, counted in bytes kept rather than in seconds.
@Suite struct LargeListTests {
  /// The bytes that a value keeps: its own, and those of strings, arrays and dictionaries in it. A
  /// string of more than 15 bytes has its text on the heap, with 32 bytes before it; an array likewise.
  static func bytes(of value: Any) -> Int {
    switch value {
    case let text as String: return text.utf8.count > 15 ? text.utf8.count + 32 : 0
    default: break
    }
    let mirror = Mirror(reflecting: value)
    let isCollection = mirror.displayStyle == .collection || mirror.displayStyle == .dictionary
    return mirror.children.reduce(isCollection && !mirror.children.isEmpty ? 32 : 0) { sum, child in
      sum + bytes(of: child.value) + (isCollection ? stride(of: child.value) : 0)
    }
  }

  private static func stride<T>(of value: T) -> Int {
    func size<V>(_: V.Type) -> Int { MemoryLayout<V>.stride }
    return _openExistential(type(of: value as Any), do: size)
  }

  @Test func tenThousandPodsAreKeptSmall() async throws {
    let pod = try Recording.bytes("objects/pod-sidecar-init-container.json").dropLast()
    var list = ListReader()
    var pods: [Pod] = []
    pods.reserveCapacity(10_000)
    let reader = PodReader()
    var largestCarry = 0
    func feed(_ piece: some Sequence<UInt8>) throws {
      try Array(piece).withUnsafeBytes { bytes in
        try list.feed(bytes) { (json) throws(JSONError) in
          if let pod = try reader.pod(json) { pods.append(pod) }
        }
      }
      largestCarry = max(largestCarry, list.carry.count)
    }
    try feed(#"{"kind":"PodList","metadata":{},"items":["#.utf8)
    let comma = Array(",".utf8)
    for index in 0..<10_000 {
      if index % 100 == 0 { await Task.yield() }
      // Cut somewhere within, another place each time.
      let cut = pod.startIndex + index * 37 % pod.count
      try feed((index == 0 ? [] : comma) + pod[..<cut])
      try feed(pod[cut...])
    }
    try feed("]}".utf8)
    #expect(try list.finish().kind == "PodList")
    #expect(pods.count == 10_000)
    #expect(largestCarry <= pod.count)
    // 150 MB is what the listing may use in all; the pods themselves get a third of it.
    let first = try #require(pods.first)
    let each = MemoryLayout<Pod>.stride + Self.bytes(of: first)
    #expect(each > 800, "the count is wrong: \(each)")
    #expect(each * pods.count < 50_000_000, "\(each) bytes a pod")
  }
}
