import Base
import Testing

@testable import Cluster

@Suite struct KubeConfigTests {
  static let json = """
    {"kind":"Config","clusters":[{"name":"c1","cluster":{"server":"https://198.51.100.1:6443"}},
    {"name":"c2","cluster":null}],"users":[{"name":"u","user":{"token":"REDACTED"}}],
    "contexts":[{"name":"lab","context":{"cluster":"c1","user":"u","namespace":"demo"}},
    {"name":"prod","context":{"cluster":"c2","user":"u"}},{"context":{}}],"current-context":"lab"}
    """

  static func config(_ json: String) throws -> KubeConfig {
    try Array(json.utf8).withUnsafeBytes { try KubeConfig(json: $0) }
  }

  @Test func contextsAreRead() throws {
    let config = try Self.config(Self.json)
    #expect(config.contexts.map(\.name) == ["lab", "prod"])
    #expect(config.servers == ["c1": "https://198.51.100.1:6443"])
    let lab = try config.context()
    #expect(lab.name == "lab")
    #expect(lab.cluster == "c1")
    #expect(lab.namespace == "demo")
    #expect(try config.context(named: "prod").namespace == "default")
  }

  @Test(
    arguments: [
      (json, "gone", .notFound, "does not have it"),
      (#"{"contexts":null,"current-context":""}"#, nil, .other, "No kubeconfig"),
      (#"{"contexts":null,"current-context":""}"#, "lab", .notFound, "lab"),
      (#"{"contexts":[{"name":"lab"}],"current-context":""}"#, nil, .other, "no current context"),
      (#"{"contexts":[{"name":"lab"}],"current-context":"gone"}"#, nil, .notFound, "gone"),
    ] as [(String, String?, Failure.Kind, String)])
  func noContext(_ json: String, _ name: String?, _ kind: Failure.Kind, _ words: String) throws {
    let config = try Self.config(json)
    #expect { try config.context(named: name) } throws: { error in
      guard let failure = error as? Failure else { return false }
      return failure.kind == kind && failure.sentence.contains(words) && failure.fix != nil
    }
  }

  @Test func boundToAContext() throws {
    let kubectl = Kubectl(executable: "/bin/false")
    #expect(kubectl.bound(to: try Self.config(Self.json).context()).context == "lab")
    var inside = KubeConfig.Context(name: "in-cluster")
    inside.isInCluster = true
    #expect(kubectl.bound(to: inside).context == nil)
  }
}
