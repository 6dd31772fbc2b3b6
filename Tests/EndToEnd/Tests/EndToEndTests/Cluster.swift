import Foundation
import Testing

/// The lab's cluster as anybody's kubectl sees it.
enum Cluster {
  /// Runs kubectl to its end.
  static func kubectl(
    _ words: [String], input: String? = nil, within seconds: Double = 30
  ) throws -> Finished {
    let program = try Program(["/usr/bin/env", "kubectl"] + words)
    if let input { program.input.fileHandleForWriting.write(Data(input.utf8)) }
    try program.input.fileHandleForWriting.close()
    return program.finish(within: seconds)
  }

  /// A pod as the API has it.
  struct Pod: Decodable {
    struct Metadata: Decodable {
      var namespace: String
      var name: String
      var labels: [String: String]?
      var annotations: [String: String]?
    }
    struct Spec: Decodable {
      struct Container: Decodable {
        var name: String
        var image: String
      }
      var nodeName: String?
      var hostPID: Bool?
      var hostNetwork: Bool?
      var automountServiceAccountToken: Bool?
      var activeDeadlineSeconds: Int?
      var ephemeralContainers: [Container]?
    }
    struct Status: Decodable {
      struct Container: Decodable {
        var name: String
        var state: [String: [String: Value]]
      }
      var phase: String?
      var ephemeralContainerStatuses: [Container]?
    }
    /// A text, or something that nobody asks about.
    struct Value: Decodable {
      var text: String?

      init(from decoder: any Decoder) throws {
        text = try? decoder.singleValueContainer().decode(String.self)
      }
    }
    var metadata: Metadata
    var spec: Spec
    var status: Status?

    /// The names of poddump's ephemeral containers in the spec.
    var ours: [String] {
      (spec.ephemeralContainers ?? []).map(\.name).filter { $0.hasPrefix("poddump-") }
    }

    /// The names of those that run.
    var running: [String] {
      (status?.ephemeralContainerStatuses ?? []).filter {
        $0.name.hasPrefix("poddump-") && $0.state["running"] != nil
      }.map(\.name)
    }
  }

  static func pod(_ target: String) throws -> Pod {
    let parts = target.split(separator: "/").map(String.init)
    let run = try kubectl(["get", "pod", "-n", parts[0], parts[1], "-o", "json"])
    try #require(run.status == 0, "\(run.errors)")
    return try JSONDecoder().decode(Pod.self, from: run.bytes)
  }

  /// A pod of the test's own, which goes with it.
  static func withPod<R>(
    _ name: String, in namespace: String = "shop", image: String = "lab/distroless:1",
    _ body: (String) throws -> R
  ) throws -> R {
    let manifest = """
      {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "\(name)", "namespace": "\(namespace)"},
       "spec": {"nodeName": "n2", "terminationGracePeriodSeconds": 1, "containers":
         [{"name": "\(name)", "image": "\(image)", "command": ["/serve", "80", "\(name)"]}]}}
      """
    let made = try kubectl(["create", "-f", "-"], input: manifest)
    try #require(made.status == 0, "\(made.errors)")
    defer {
      _ = try? kubectl(["delete", "pod", name, "-n", namespace, "--timeout=20s"])
    }
    let ready = try kubectl([
      "wait", "--for=jsonpath={.status.phase}=Running", "pod/\(name)", "-n", namespace,
      "--timeout=20s",
    ])
    try #require(ready.status == 0, "\(ready.errors)")
    return try body("\(namespace)/\(name)")
  }

  /// The helper pods, wherever they are.
  static func helpers() throws -> [Pod] {
    struct List: Decodable { var items: [Pod] }
    let run = try kubectl(
      ["get", "pods", "-A", "-l", "app.kubernetes.io/managed-by=poddump", "-o", "json"])
    try #require(run.status == 0, "\(run.errors)")
    return try JSONDecoder().decode(List.self, from: run.bytes).items
  }

  /// Waits until there are no helper pods.
  static func expectNoHelpers(
    within seconds: Double = 10, _ comment: String = "",
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let deadline = Date(timeIntervalSinceNow: seconds)
    var left = try helpers()
    while !left.isEmpty, Date() < deadline {
      usleep(200_000)
      left = try helpers()
    }
    #expect(
      left.map { "\($0.metadata.namespace)/\($0.metadata.name)" } == [], "\(comment)",
      sourceLocation: sourceLocation)
  }
}

extension Lab {
  /// The requests since `forgetRequests` by which pods were made or got another container; not those that
  /// only asked what would become of it.
  static func changes() throws -> [String] {
    struct Request: Decodable {
      var method: String
      var path: String
      var query: [String]?
    }
    let run = try Program.run([api, "requests", "--state", directory])
    try #require(run.status == 0, "requests: \(run.errors)")
    return try run.output.split(separator: "\n")
      .map { try JSONDecoder().decode(Request.self, from: Data($0.utf8)) }
      .filter { request in
        let creates = request.method == "POST" && request.path.hasSuffix("/pods")
        return (creates || request.path.hasSuffix("/ephemeralcontainers"))
          && request.method != "GET" && request.query?.contains("dryRun=All") != true
      }.map { "\($0.method) \($0.path)" }
  }
}

extension Folder {
  /// What the journal of this home holds: what has still to be undone.
  var journal: [String] {
    let path = path + "/.local/state/poddump/journal"
    return (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
  }

  /// Ends what poddump lets run on for the next capture, in this home's name.
  func clean(sourceLocation: SourceLocation = #_sourceLocation) throws {
    let end = try Program.run([Lab.poddump, "clean"], environment: environment)
    #expect(end.status == 0, "\(end.output)\(end.errors)", sourceLocation: sourceLocation)
  }

  /// Waits until the journal is empty.
  func expectNoJournal(
    within seconds: Double = 1, _ comment: String = "",
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let deadline = Date(timeIntervalSinceNow: seconds)
    while !journal.isEmpty, Date() < deadline { usleep(100_000) }
    #expect(journal == [], "\(comment)", sourceLocation: sourceLocation)
  }
}
