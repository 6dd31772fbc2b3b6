import Foundation
import Testing

@testable import Extcap

/// Compares bytes with a file beside the tests; RECORD_GOLDEN=1 writes the file and fails the run.
func expectGolden(
  _ name: String, _ bytes: [UInt8], sourceLocation: SourceLocation = #_sourceLocation
) throws {
  if ProcessInfo.processInfo.environment["RECORD_GOLDEN"] == "1" {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Golden")
    try Data(bytes).write(to: folder.appending(path: name))
    Issue.record("Recorded \(name).", sourceLocation: sourceLocation)
    return
  }
  let file = Bundle.module.bundleURL.appending(path: "Golden").appending(path: name)
  let wanted = String(decoding: try Data(contentsOf: file), as: UTF8.self)
  #expect(String(decoding: bytes, as: UTF8.self) == wanted, sourceLocation: sourceLocation)
}

/// A folder of the test's own, removed when it ends.
final class TemporaryFolder {
  let path: String

  init() throws {
    let url = FileManager.default.temporaryDirectory.appending(path: "extcap-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    path = url.path(percentEncoded: false)
  }

  deinit {
    try? FileManager.default.removeItem(atPath: path)
  }

  func callAsFunction(_ name: String) -> String { path + "/" + name }
}

/// SplitMix64 (Steele, Lea, Flood 2014): the same numbers in every run.
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}

enum Sample {
  static let kubeconfig = Kubeconfig(files: [
    .init(path: "/home/me/.kube/config", modified: 1_700_000_000_123_456_789, size: 4711)
  ])

  static func pod(
    _ namespace: String, _ name: String, node: String = "n1", context: String = "staging",
    tag: String? = nil, phase: String = "Running", rank: Int? = nil,
    containers: [String] = ["app", "istio-proxy"]
  ) -> Entry? {
    InterfaceValue(kind: .pod, namespace: namespace, name: name, context: tag).map {
      Entry(
        value: $0, name: name, node: node, context: context, phase: phase,
        isRunning: phase == "Running", rank: rank,
        defaultContainer: containers.first.flatMap { $0.isEmpty ? nil : $0 },
        containers: containers)
    }
  }

  static func object(
    _ kind: InterfaceValue.Kind, _ namespace: String, _ name: String, pods: Int = 3,
    context: String = "staging"
  ) -> Entry? {
    InterfaceValue(kind: kind, namespace: namespace, name: name).map {
      Entry(value: $0, name: name, pods: pods, context: context)
    }
  }

  static func listing(
    _ entries: [Entry?], context: String = "staging", written: Int64 = 1_700_000_100,
    limit: Int = 250
  ) -> Listing {
    Listing(
      context: context, cluster: "https://198.51.100.1:6443", written: written,
      kubeconfig: kubeconfig, entries: entries.compactMap(\.self), limit: limit)
  }

  /// A small cluster with one of everything.
  static let cluster = listing([
    pod("shop", "web-0"), pod("shop", "web-1", node: "n2"), pod("shop", "old", phase: "Pending"),
    pod("kube-system", "coredns-5d78c9869d-x2x7r", containers: ["coredns"]),
    pod("shop", "favourite", node: "", rank: 0, containers: []),
    object(.deployment, "shop", "api"), object(.statefulSet, "shop", "db", pods: 1),
    object(.daemonSet, "kube-system", "agent", pods: 0), object(.service, "shop", "api"),
    object(.node, "", "n1.example"),
  ])

  /// The same cluster as poddump-extcap sees it.
  static let view = ListingCache.View(
    shown: Shown(
      written: 1_700_000_100, kubeconfig: kubeconfig, contexts: ["staging"],
      known: ["staging", "production"]),
    listings: [ListingHead(cluster)])

  /// Names that no sane cluster has, and some that sane ones have.
  static let hostileNames = [
    "UPPER", "Ünïcödé-日本", "arn:aws:eks:eu-central-1:123456789012:cluster/Prod", "gke_p_z_n",
    "user@cluster", "a b", " leading", "trailing ", "a}b", "a} b", "a}{b", "{x}", "}", "{", "}}",
    "",
    "\"quoted\"", "'single'", "semi;colon", "$(reboot)", "`reboot`", "new\nline", "tab\there",
    "carriage\rreturn", "nul\0byte", "bell\u{7}", "\u{1b}[31mred", "\u{202e}right-to-left",
    "\u{2028}line-separator", "\u{feff}bom", "no\u{a0}break", "\u{e000}private", "é\u{301}",
    "-dash", "--fifo", "a=b", "a|b", "\\back\\slash\\n", "💥", "%s%n", "(round),",
    String(repeating: "x", count: 253), String(repeating: "日", count: 300),
    String(repeating: "}", count: 90),
  ]
}
