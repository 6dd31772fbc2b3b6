import Foundation
import Testing

extension InLab {
  /// The manifests in packaging/rbac: with exactly these rights a route works, and with one less it is
  /// refused with the missing right named.
  @Suite(.serialized, .timeLimit(.minutes(5)))
  struct RightsTests {
    let folder: Folder
    let lab: Inventory

    init() throws {
      folder = try Folder()
      lab = try Inventory.load()
    }

    // MARK: - Routes

    @Test func exec() throws {
      let rights = try Manifest("exec", in: folder)
      try expectCapture(["shop/web", "--route", "exec"], of: "web", with: rights)
      try expectRefusals(["shop/web", "--route", "exec"], with: rights)
    }

    /// Who may list nothing has the name of the pod itself, and nobody is told of what may not be listed.
    @Test func namesWithoutTheRightToList() throws {
      let rights = try Manifest("exec", in: folder)
      let run = try capture(
        ["shop/web", "--route", "exec", "--format", "pcapng"], with: rights, [:])
      #expect(run.status == 0, "\(run.errors)")
      #expect(!run.errors.contains("list"), "\(run.errors)")
      let file = try PacketFile(run.bytes, in: folder)
      let shown = try Program.run(["/usr/bin/env", "tshark", "-N", "n", "-r", file.path])
      #expect(shown.output.contains("web.shop"), "\(shown.output)")
    }

    @Test func upload() throws {
      let rights = try Manifest("upload", in: folder)
      try expectCapture(["shop/bb", "--route", "upload"], of: "bb", with: rights)
      try expectRefusals(["shop/bb", "--route", "upload"], with: rights)
    }

    @Test func debug() throws {
      let rights = try Manifest("debug", in: folder)
      // Where a container of ours runs, nobody needs the right to add one.
      try endContainers(in: "shop")
      try expectRefusals(["shop/distroless", "--route", "debug"], with: rights)
      try expectCapture(["shop/distroless", "--route", "debug"], of: "distroless", with: rights)
      try endContainers(in: "shop")
    }

    @Test func debugByPatch() throws {
      let rights = try Manifest("debug-patch", in: folder)
      try endContainers(in: "shop")
      // In a namespace without a level nobody needs to know it.
      let level = Right(verb: "get", resource: "namespaces", namespace: "shop")
      try expectRefusals(
        ["shop/distroless", "--route", "debug"], with: rights, butFor: [level],
        named: ["patch pods/ephemeralcontainers": "update pods/ephemeralcontainers"])
      try expectCapture(
        ["shop/distroless", "--route", "debug"], of: "distroless", with: rights.without(level))
      try endContainers(in: "shop")
    }

    @Test func debugByPatchWhereTheNamespaceHasALevel() throws {
      let rights = try Manifest("debug-patch", in: folder, renaming: ["shop": "baseline"])
      let level = Right(verb: "get", resource: "namespaces", namespace: "baseline")
      let words = ["baseline/base-distroless", "--route", "debug"]
      try endContainers(in: "baseline")
      let blind = try capture(words, with: rights.without(level))
      #expect(blind.status == 4, "\(blind.errors)")
      #expect(blind.errors.contains("Pod Security level baseline"), "\(blind.errors)")
      #expect(
        blind.errors.contains("Ask for the right to get namespaces in namespace baseline"),
        "\(blind.errors)")
      let run = try capture(words, with: rights)
      #expect(run.status == 0, "\(run.errors)")
      let pod = try #require(lab.pods.first { $0.name == "base-distroless" })
      try PacketFile(run.bytes, in: folder).expectPackets(5, of: #require(pod.podIP))
      try endContainers(in: "baseline")
    }

    @Test func node() throws {
      let rights = try Manifest("node", in: folder, renaming: ["poddump": "privileged"])
      let config = try folder.write("[node]\nnamespace = \"privileged\"\n", to: "node.toml")
      let environment = ["PODDUMP_CONFIG": config]
      let words = ["shop/distroless", "--route", "node"]
      try expectRefusals(words, with: rights, environment)
      try expectCapture(words, of: "distroless", with: rights, environment)
      let pods = try Lab.pods("poddump-", in: "privileged")
      #expect(pods == [])
    }

    @Test func ssh() throws {
      let rights = try Manifest("ssh", in: folder)
      let login = SSHLogin(user: "root")
      let words = ["shop/distroless", "--route", "ssh"]
      let run = try login.poddump(
        ["capture"] + words + ["--count", "5", "-w", "-"], in: folder,
        environment: ["KUBECONFIG": rights.kubeconfig()])
      #expect(run.status == 0, "\(run.errors)")
      try PacketFile(run.bytes, in: folder).expectPackets(5, of: lab.address("distroless"))
      try expectRefusals(words, with: rights)
    }

    // MARK: - Lists

    /// What needs each right of list.yaml, and with which status it ends where the right is there.
    private static let lists: [(right: String, words: [String], status: Int32)] = [
      ("list pods", ["list", "-A", "-o", "name"], 0),
      ("list nodes", ["list", "nodes", "-o", "name"], 0),
      ("list deployments", ["list", "workloads", "-A"], 0),
      ("list statefulsets", ["list", "workloads", "-A"], 0),
      ("list daemonsets", ["list", "workloads", "-A"], 0),
      ("list services", ["list", "workloads", "-A"], 0),
      // Found, but not there: with the right, that is what is said.
      ("get nodes", ["plan", "node/absent", "--route", "ssh"], 5),
      ("get deployments", ["plan", "deploy/absent", "-n", "shop"], 5),
      ("get statefulsets", ["plan", "sts/absent", "-n", "shop"], 5),
      ("get daemonsets", ["plan", "ds/absent", "-n", "shop"], 5),
      ("get services", ["plan", "svc/absent", "-n", "shop"], 5),
      ("get replicasets", ["plan", "rs/absent", "-n", "shop"], 5),
      ("get jobs", ["plan", "job/absent", "-n", "shop"], 5),
      ("get replicationcontrollers", ["plan", "rc/absent", "-n", "shop"], 5),
    ]

    @Test func lists() throws {
      let rights = try Manifest("list", in: folder)
      #expect(Set(rights.rights.map(\.words)) == Set(Self.lists.map(\.right)))
      let all = try rights.kubeconfig()
      for (name, words, status) in Self.lists {
        let run = try poddump(words, all)
        #expect(run.status == status, "\(words): \(run.errors)")
        let right = try #require(rights.rights.first { $0.words == name })
        let less = try poddump(words, rights.without(right).kubeconfig())
        #expect(less.status == 4, "without \(right): \(less.errors)")
        // A list is asked for in the whole cluster, a target by its name in its namespace.
        let place = words.contains("shop") ? " in namespace shop." : " in the whole cluster."
        #expect(less.errors.contains("the right to \(name)\(place)"), "\(right): \(less.errors)")
      }
    }

    @Test func aSelectorNeedsTheListBesidesTheRoute() throws {
      let rights = try Manifest("list", in: folder) + Manifest("exec", in: folder)
      try expectCapture(["-l", "app=web", "-n", "shop"], of: "web", with: rights)
    }

    @Test func wiresharkListsWhatMayBeListed() throws {
      let rights = try Manifest("list", in: folder)
      try folder.waitUntilListed(
        "pod:shop/web", environment: ["KUBECONFIG": rights.kubeconfig()])
    }

    // MARK: - Runs

    private func poddump(
      _ words: [String], _ kubeconfig: String, _ environment: [String: String?] = [:]
    ) throws -> Finished {
      var all = folder.environment.merging(environment) { _, own in own }
      all["KUBECONFIG"] = kubeconfig
      return try Program.run([Lab.poddump] + words, environment: all, within: 60)
    }

    private func capture(
      _ words: [String], with rights: Manifest, _ environment: [String: String?] = [:]
    ) throws -> Finished {
      try poddump(
        ["capture"] + words + ["--count", "5", "-w", "-"], rights.kubeconfig(), environment)
    }

    /// Five packets of the pod, with these rights and no others.
    private func expectCapture(
      _ words: [String], of pod: String, with rights: Manifest,
      _ environment: [String: String?] = [:], sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
      let run = try capture(words, with: rights, environment)
      #expect(run.status == 0, "\(words): \(run.errors)", sourceLocation: sourceLocation)
      try PacketFile(run.bytes, in: folder).expectPackets(
        5, of: lab.address(pod), sourceLocation: sourceLocation)
    }

    /// With each of the rights missing, one at a time, a refusal that names it, or what `named` has for it.
    private func expectRefusals(
      _ words: [String], with rights: Manifest, _ environment: [String: String?] = [:],
      butFor others: [Right] = [], named: [String: String] = [:],
      sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
      for right in rights.rights where !others.contains(right) {
        let run = try capture(words, with: rights.without(right), environment)
        let comment = Comment(rawValue: "without \(right): \(run.errors)")
        #expect(run.bytes.isEmpty, comment, sourceLocation: sourceLocation)
        if right.isForWebSocket {
          // kubectl has fallen back to SPDY, which the lab's API does not speak; others do.
          #expect(run.errors.contains("WebSocket only"), comment, sourceLocation: sourceLocation)
          continue
        }
        #expect(run.status == 4, comment, sourceLocation: sourceLocation)
        let name = named[right.words] ?? right.words
        #expect(
          run.errors.contains("\(name) in namespace \(right.namespace ?? "")"), comment,
          sourceLocation: sourceLocation)
      }
    }

    /// Ends the containers that other captures have left for the next one.
    private func endContainers(in namespace: String) throws {
      let run = try poddump(["clean", "-n", namespace], Lab.kubeconfig)
      try #require(run.status == 0, "\(run.output) \(run.errors)")
    }
  }
}

/// A right that a manifest gives.
struct Right: Equatable, CustomStringConvertible {
  var verb: String
  var resource: String
  var group = ""
  var names: [String] = []
  /// nil for the whole cluster.
  var namespace: String?

  init(verb: String, resource: String, namespace: String?) {
    (self.verb, self.resource, self.namespace) = (verb, resource, namespace)
  }

  /// "create pods/exec".
  var words: String { "\(verb) \(resource)" }
  var description: String { "\(words) in \(namespace ?? "the whole cluster")" }

  /// kubectl 1.30 and newer begins an exec by GET, for a WebSocket.
  var isForWebSocket: Bool { verb == "get" && resource == "pods/exec" }

  /// It is the same right, whatever names it is restricted to.
  static func == (left: Right, right: Right) -> Bool {
    left.words == right.words && left.namespace == right.namespace
  }

  /// A role with this right alone, which holds for the lab's user without a binding.
  func role(_ number: Int) -> [String: Any] {
    var rule: [String: Any] = ["apiGroups": [group], "resources": [resource], "verbs": [verb]]
    if !names.isEmpty { rule["resourceNames"] = names }
    var metadata: [String: Any] = ["name": "right-\(number)"]
    if let namespace { metadata["namespace"] = namespace }
    return [
      "apiVersion": "rbac.authorization.k8s.io/v1", "metadata": metadata, "rules": [rule],
      "kind": namespace == nil ? "ClusterRole" : "Role",
    ]
  }
}

/// The rights of a manifest, one by one, as the YAML itself gives them.
struct Manifest {
  var rights: [Right]
  let folder: Folder

  /// Reads a manifest of packaging/rbac, with other names of namespaces.
  init(_ name: String, in folder: Folder, renaming: [String: String] = [:]) throws {
    self.folder = folder
    var text = try String(
      contentsOfFile: "\(Lab.top)/packaging/rbac/\(name).yaml", encoding: .utf8)
    for (old, new) in renaming {
      text = text.replacing("namespace: \(old)\n", with: "namespace: \(new)\n")
        .replacing("resourceNames: [\(old)]", with: "resourceNames: [\(new)]")
    }
    let file = try folder.write(text, to: "\(name).yaml")
    // kubectl reads YAML, and needs no API for this.
    let read = try Program.run([
      "/bin/sh", "-c",
      "kubectl label --local -f \"$1\" -o json tested=yes | jq -s .", "sh", file,
    ])
    try #require(read.status == 0, "\(read.errors)")
    let objects = try #require(
      try JSONSerialization.jsonObject(with: Data(read.output.utf8)) as? [[String: Any]])
    rights = try Self.rights(objects)
    try #require(!rights.isEmpty)
  }

  private init(_ rights: [Right], _ folder: Folder) {
    (self.rights, self.folder) = (rights, folder)
  }

  func without(_ right: Right) -> Manifest {
    Manifest(rights.filter { $0 != right }, folder)
  }

  static func + (left: Manifest, right: Manifest) -> Manifest {
    Manifest(left.rights + right.rights, left.folder)
  }

  /// A user of the lab with these rights: the path of his kubeconfig.
  func kubeconfig() throws -> String {
    // A role without rights, for those who have none.
    let none: [String: Any] = [
      "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
      "metadata": ["name": "none"], "rules": [Any](),
    ]
    let items = [none] + rights.enumerated().map { $0.element.role($0.offset) }
    let list: [String: Any] = ["apiVersion": "v1", "kind": "List", "items": items]
    let number = folder.nextNumber()
    let json = try JSONSerialization.data(withJSONObject: list)
    let file = try folder.write(
      String(decoding: json, as: UTF8.self), to: "rights-\(number).json")
    return try Lab.run("user", "user-\(number)", file).output
      .trimmingCharacters(in: .newlines)
  }

  /// The rights of the roles, where their bindings give them.
  private static func rights(_ objects: [[String: Any]]) throws -> [Right] {
    func metadata(_ object: [String: Any]) -> [String: Any] {
      object["metadata"] as? [String: Any] ?? [:]
    }
    var rights: [Right] = []
    for binding in objects {
      let kind = binding["kind"] as? String ?? ""
      guard kind.hasSuffix("Binding") else { continue }
      let reference = try #require(binding["roleRef"] as? [String: Any])
      let namespace = metadata(binding)["namespace"] as? String
      #expect((namespace == nil) == (kind == "ClusterRoleBinding"))
      let role = try #require(
        objects.first {
          $0["kind"] as? String == reference["kind"] as? String
            && metadata($0)["name"] as? String == reference["name"] as? String
        }, "no role for \(metadata(binding))")
      for rule in role["rules"] as? [[String: Any]] ?? [] {
        for group in rule["apiGroups"] as? [String] ?? [] {
          for resource in rule["resources"] as? [String] ?? [] {
            for verb in rule["verbs"] as? [String] ?? [] {
              var right = Right(verb: verb, resource: resource, namespace: namespace)
              right.group = group
              right.names = rule["resourceNames"] as? [String] ?? []
              rights.append(right)
            }
          }
        }
      }
    }
    let roles = objects.count { ["Role", "ClusterRole"].contains($0["kind"] as? String ?? "") }
    let bindings = objects.count { ($0["kind"] as? String ?? "").hasSuffix("Binding") }
    #expect(roles == bindings, "a role that nobody is bound to")
    return rights
  }
}
