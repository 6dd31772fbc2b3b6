import Base
import Testing

@testable import Cluster

/// The small pure functions, each with its table.
@Suite struct ValueTests {
  @Test(
    arguments: [
      ("0", 0), ("1", 1), ("128Mi", 134_217_728), ("1Gi", 1_073_741_824), ("64Ki", 65536),
      ("1Ti", 1 << 40), ("2Pi", 1 << 51), ("1Ei", 1 << 60), ("100M", 100_000_000), ("1k", 1000),
      ("5G", 5_000_000_000), ("3T", 3_000_000_000_000), ("1P", 1_000_000_000_000_000),
      ("1E", 1_000_000_000_000_000_000), ("1e3", 1000), ("1E3", 1000), ("12e+2", 1200),
      ("1500e-3", 2), ("1.5Gi", 1_610_612_736), ("0.5Ki", 512), (".5Ki", 512), ("1.Ki", 1024),
      ("100m", 1), ("1000m", 1), ("1001m", 2), ("1u", 1), ("1n", 1), ("0m", 0), ("+5", 5),
      ("-5", -5), ("-1.5Ki", -1536), ("9223372036854775807", .max), ("9223372036854775808", .max),
      ("9007199254740988Ki", 9_223_372_036_854_771_712), ("9007199254740993Ki", .max),
      ("16Ei", .max), ("1e400", .max), ("1e-400", 1), ("0e-9", 0), ("1e999999999999999999", .max),
      ("1e9999999999999999999", nil),
      ("123456789012345678901234567890", .max),
      ("", nil), ("Mi", nil), (".", nil), ("-", nil), ("1 Gi", nil), ("1gi", nil), ("1GiB", nil),
      ("1K", nil), ("0x10", nil), ("1e", nil), ("1.2.3", nil), ("٣", nil), ("1e1.5", nil),
    ] as [(String, Int?)])
  func quantities(_ text: String, _ value: Int?) {
    #expect(Quantity.value(text) == value)
  }

  @Test func mutatedQuantitiesDoNotTrap() async {
    var generator = SeededGenerator(seed: 3)
    for original in ["128Mi", "1.5e3", "9007199254740988Ki", "-100m", "+1E"] {
      for _ in 0..<1_000 {
        await Task.yield()
        let text = String(decoding: mutated(Array(original.utf8), &generator), as: UTF8.self)
        let value = Quantity.value(text)
        #expect(value == nil || text.contains { $0.isNumber })
      }
    }
  }

  @Test(
    arguments: [
      ("1970-01-01T00:00:00Z", 0), ("2026-11-23T06:10:36Z", 1_795_414_236),
      ("2024-02-29T23:59:59Z", 1_709_251_199), ("2000-03-01T00:00:00.123456Z", 951_868_800),
      ("1969-12-31T23:59:59Z", -1), ("2026-11-23T06:10:36+01:00", nil), ("2026-11-23", nil),
      ("", nil), ("2026-13-01T00:00:00Z", nil), ("2026-00-01T00:00:00Z", nil),
      ("2026-01-01T24:00:00Z", nil), ("abcd-01-01T00:00:00Z", nil), ("2026-01-01 00:00:00Z", nil),
    ] as [(String, Int?)])
  func timestamps(_ text: String, _ seconds: Int?) {
    #expect(Timestamp.unixSeconds(text) == seconds)
  }

  @Test(arguments: [
    ("web", true, true), ("a", true, true), ("0", true, true), ("a-b", true, true),
    ("a.b", true, false), ("a..b", false, false), (".a", false, false), ("a.", false, false),
    ("-a", false, false), ("a-", false, false), ("a-.b", false, false), ("A", false, false),
    ("a_b", false, false), ("a/b", false, false), ("a b", false, false), ("", false, false),
    ("ä", false, false), ("a\n", false, false), ("a\0", false, false), ("..", false, false),
    (String(repeating: "a", count: 63), true, true),
    (String(repeating: "a", count: 64), true, false),
    (String(repeating: "a", count: 253), true, false),
    (String(repeating: "a", count: 254), false, false),
  ])
  func names(_ name: String, _ isSubdomain: Bool, _ isLabel: Bool) {
    #expect(ResourceName.isSubdomain(name) == isSubdomain)
    #expect(ResourceName.isLabel(name) == isLabel)
  }

  @Test func pathsAreEncoded() throws {
    let path = try Kubectl.path(
      "/api/v1", "pods", namespace: "shop",
      query: [("labelSelector", "app=a b,x in (y)&limit=1#é"), ("limit", nil), ("n", "1")])
    #expect(
      path.text
        == "/api/v1/namespaces/shop/pods?labelSelector=app%3Da%20b%2Cx%20in%20%28y%29%26limit%3D1%23%C3%A9&n=1"
    )
    #expect(try Kubectl.path("/api/v1", "pods", namespace: nil).text == "/api/v1/pods")
    #expect(
      try Kubectl.path("/apis/apps/v1", "deployments", namespace: "a", name: "b").text
        == "/apis/apps/v1/namespaces/a/deployments/b")
  }

  @Test(arguments: ["../secrets", "a/b", "A", "", "a?x=1", "-A"])
  func aNamespaceThatIsNoneIsRefused(_ name: String) {
    #expect { try Kubectl.path("/api/v1", "pods", namespace: name) } throws: { error in
      (error as? Failure)?.kind == .usage
    }
  }

  @Test(
    arguments: [
      (#"{"matchLabels":{"b":"2","a":"1"}}"#, "a=1,b=2"),
      (
        #"{"matchLabels":{"a":"1"},"matchExpressions":[{"key":"t","operator":"In","values":["x","y"]},{"key":"u","operator":"NotIn","values":["z"]},{"key":"v","operator":"Exists"},{"key":"w","operator":"DoesNotExist"}]}"#,
        "a=1,t in (x,y),u notin (z),v,!w"
      ),
      ("{}", nil), ("null", nil), (#"{"matchLabels":{}}"#, nil),
      (#"{"matchLabels":{"a":"1"},"matchExpressions":[{"key":"t","operator":"Near"}]}"#, nil),
      (#"{"matchLabels":{"a":"1"},"matchExpressions":[{"operator":"Exists"}]}"#, nil),
    ] as [(String, String?)])
  func selectors(_ json: String, _ text: String?) throws {
    let selector = try reading(json) { (reader) throws(JSONError) in try LabelSelector.read(&reader)
    }
    #expect(selector?.text == text)
  }

  @Test func anEmptySelectorIsNone() {
    #expect(LabelSelector("") == nil)
    #expect(LabelSelector("  ") == nil)
    #expect(LabelSelector("a=b")?.text == "a=b")
  }

  @Test func aServerThatCannotBeReachedCostsLessThanFiveSeconds() {
    #expect(Patience.standard.silence + OutputGrace.terminate <= .milliseconds(4800))
    #expect(Patience(silence: .seconds(9), total: .seconds(1)).silence == .seconds(1))
  }

  @Test func directoriesToLookIn() {
    let variables = ["PATH": "/a:rel::/b:/a", "HOME": "/home/u", "KREW_ROOT": "/krew"]
    let directories = KubectlFinder.directories { variables[$0] }
    #expect(directories.starts(with: ["/a", "/b", "/krew/bin", "/home/u/bin"]))
    #expect(directories.contains("/home/u/.local/bin"))
    #expect(directories.contains("/home/u/.krew/bin"))
    #expect(directories.contains("/opt/homebrew/bin"))
    #expect(directories.contains("/snap/bin"))
    #expect(directories.allSatisfy { $0.hasPrefix("/") })
    #expect(Set(directories).count == directories.count)
    #expect(KubectlFinder.directories { _ in nil }.contains("/usr/local/bin"))
    let found = KubectlFinder.find("kubectl", in: ["/a", "/b", "/c"]) {
      ["/b/kubectl", "/c/kubectl"].contains($0)
    }
    #expect(found == "/b/kubectl")
    #expect(KubectlFinder.find("kubectl", in: ["/a"]) { _ in false } == nil)
    #expect(!isProgram("/tmp"))
    #expect(!isProgram("/etc/passwd"))
    #expect(isProgram("/bin/sh"))
  }

  @Test func kubeConfigFiles() {
    func paths(_ kubeconfig: String?, _ variables: [String: String]) -> [String] {
      KubeConfigFiles.paths(kubeconfig: kubeconfig) { variables[$0] }
    }
    #expect(paths("/k", ["KUBECONFIG": "/a"]) == ["/k"])
    #expect(paths(nil, ["KUBECONFIG": "/a::/b", "HOME": "/h"]) == ["/a", "/b"])
    #expect(paths(nil, ["KUBECONFIG": ":", "HOME": "/h"]) == ["/h/.kube/config"])
    #expect(paths(nil, ["HOME": "/h"]) == ["/h/.kube/config"])
    #expect(paths(nil, [:]) == [])
  }
}
