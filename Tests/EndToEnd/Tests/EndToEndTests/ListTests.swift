import Foundation
import Testing

extension InLab {
  /// `poddump list` says what kubectl says of the same objects.
  @Suite(.serialized, .timeLimit(.minutes(3))) struct ListTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    /// The words of a table, line by line, without its heading.
    private func rows(_ table: String) -> [[String]] {
      table.split(separator: "\n").dropFirst().map { line in
        line.split(separator: " ").map(String.init)
      }
    }

    private func kubectl(_ words: String...) throws -> String {
      let run = try Program.run(["/usr/bin/env", "kubectl"] + words)
      try #require(run.status == 0, "kubectl \(words): \(run.errors)")
      return run.output
    }

    private func list(_ words: [String], _ changes: [String: String?] = [:]) throws -> String {
      let run = try scratch.poddump(["list"] + words, environment: changes)
      try #require(run.status == 0, "\(run.errors)")
      #expect(run.errors.isEmpty)
      return run.output
    }

    // MARK: Pods

    /// NAME, READY, STATUS and RESTARTS; the age may have gone on meanwhile.
    @Test(arguments: [
      ["-n", "shop"], ["-n", "kube-system"], ["-A"], ["-n", "shop", "-l", "app=api"],
      ["-A", "-l", "app in (web, bb),app!=bb"], ["-A", "-l", "k8s-app"], [],
      ["--context", "lab-cert"],
    ])
    func podsAreThoseOfKubectl(words: [String]) throws {
      let columns = words.contains("-A") ? 5 : 4
      let ours = rows(try list(words)).map { Array($0.prefix(columns)) }
      let run = try Program.run(["/usr/bin/env", "kubectl", "get", "pods"] + words)
      #expect(ours == rows(run.output).map { Array($0.prefix(columns)) })
      #expect(!ours.isEmpty)
    }

    @Test func widePodsHaveAddressAndNode() throws {
      func columns(_ table: String) -> [[String]] {
        rows(table).map { [$0[0], $0[1], $0[2], $0[3], $0[5], $0[6]] }
      }
      let ours = columns(try list(["-n", "shop", "-o", "wide"]))
      #expect(ours == columns(try kubectl("get", "pods", "-n", "shop", "-o", "wide")))
      #expect(try list(["-n", "shop", "-o", "wide"]).contains("app,tools"))
    }

    @Test func podsAsData() throws {
      struct Ours: Decodable, Equatable {
        var namespace, name, phase: String
        var node: String?
        var podIPs: [String]
        var hostNetwork: Bool
        var containers: [String]
        var defaultContainer: String?
      }
      let ours = try JSONDecoder().decode([Ours].self, from: Data(list(["-A", "-o", "json"]).utf8))
      let object = try JSONSerialization.jsonObject(
        with: Data(kubectl("get", "pods", "-A", "-o", "json").utf8))
      let items = try #require((object as? [String: Any])?["items"] as? [[String: Any]])
      let theirs = items.map { item in
        let metadata = item["metadata"] as? [String: Any] ?? [:]
        let spec = item["spec"] as? [String: Any] ?? [:]
        let status = item["status"] as? [String: Any] ?? [:]
        let containers = (spec["containers"] as? [[String: Any]] ?? []).compactMap {
          $0["name"] as? String
        }
        let annotations = metadata["annotations"] as? [String: String] ?? [:]
        return Ours(
          namespace: metadata["namespace"] as? String ?? "",
          name: metadata["name"] as? String ?? "",
          phase: status["phase"] as? String ?? "", node: spec["nodeName"] as? String,
          podIPs: (status["podIPs"] as? [[String: String]] ?? []).compactMap { $0["ip"] },
          hostNetwork: spec["hostNetwork"] as? Bool ?? false, containers: containers,
          defaultContainer: annotations["kubectl.kubernetes.io/default-container"]
            ?? containers.first)
      }
      #expect(ours == theirs)
    }

    @Test func namesAreTargets() throws {
      let names = try list(["-n", "shop", "-o", "name"])
      #expect(names == (try kubectl("get", "pods", "-n", "shop", "-o", "name")))
      let everywhere = try list(["-A", "-o", "name"]).split(separator: "\n")
      #expect(everywhere.contains("kube-system/dns"))
      #expect(everywhere.contains("shop/web"))
      let plan = try scratch.poddump(["plan", "shop/web"])
      #expect(plan.status == 0, "\(plan.errors)")
    }

    // MARK: Nodes and workloads

    @Test func nodesAreThoseOfKubectl() throws {
      func columns(_ table: String) -> [[String]] { rows(table).map { $0[0...2] + [$0[4]] } }
      let theirs = try kubectl("get", "nodes")
      #expect(columns(try list(["nodes"])) == columns(theirs))
      #expect(try list(["nodes", "-o", "name"]) == kubectl("get", "nodes", "-o", "name"))
      let addresses = rows(try kubectl("get", "nodes", "-o", "wide")).map { $0[5] }
      #expect(rows(try list(["nodes", "-o", "wide"])).map { $0[5] } == addresses)
      let data = try JSONSerialization.jsonObject(with: Data(list(["nodes", "-o", "json"]).utf8))
      #expect((data as? [[String: Any]])?.compactMap { $0["name"] as? String } == ["n1", "n2"])
    }

    @Test func workloadsAreThoseOfKubectl() throws {
      let ours = rows(try list(["workloads", "-A"])).map { Array($0.prefix(3)) }
      var theirs: [[String]] = []
      for (kind, word) in [
        ("deployments", "deploy"), ("statefulsets", "sts"), ("daemonsets", "ds"),
      ] {
        let run = try Program.run(["/usr/bin/env", "kubectl", "get", kind, "-A"])
        theirs += rows(run.output).map { [$0[0], "\(word)/\($0[1])", $0[2]] }
      }
      theirs += rows(try kubectl("get", "services", "-A")).map { [$0[0], "svc/\($0[1])", "-"] }
      #expect(ours == theirs)
      #expect(ours.contains(["shop", "deploy/api", "3/3"]))
      #expect(try list(["workloads", "-n", "shop", "-o", "name"]) == "deploy/api\nsvc/api\n")
    }

    /// What is listed for all namespaces can be captured, too, and kubectl's words for kinds are known.
    @Test func kindsAreNamedAsForKubectl() throws {
      let everywhere = try list(["workloads", "-A", "-o", "name"]).split(separator: "\n")
      #expect(everywhere.contains("shop/deploy/api") && everywhere.contains("shop/svc/api"))
      let plan = try scratch.poddump(["plan", "-n", "shop", "shop/deploy/api"])
      #expect(plan.status == 0, "\(plan.errors)")
      #expect(try list(["svc", "-n", "shop", "-o", "name"]) == "svc/api\n")
      #expect(try list(["deployments.apps", "-n", "shop", "-o", "name"]) == "deploy/api\n")
      #expect(rows(try list(["po", "-n", "shop"])).count == rows(try list(["-n", "shop"])).count)
      #expect(try list(["no"]) == list(["nodes"]))
    }

    // MARK: Which cluster

    @Test func kubeconfigMayBeRelative() throws {
      try scratch.write("sub/config", String(contentsOfFile: Lab.kubeconfig, encoding: .utf8))
      let expected = try list(["-A", "-o", "name"])
      for words in [["--kubeconfig", "sub/config"], ["--kubeconfig=./sub/../sub/config"]] {
        #expect(try list(["-A", "-o", "name"] + words, ["KUBECONFIG": nil]) == expected)
      }
      #expect(try list(["-A", "-o", "name"], ["KUBECONFIG": "sub/config"]) == expected)
      #expect(
        try list(["-A", "-o", "name"], ["KUBECONFIG": "none:\(Lab.kubeconfig)"]) == expected)
      try scratch.write(
        "home/.kube/config", String(contentsOfFile: Lab.kubeconfig, encoding: .utf8))
      #expect(try list(["-A", "-o", "name"], ["KUBECONFIG": nil]) == expected)
    }

    @Test func nothingFoundIsSaidAndNoError() throws {
      for words in [
        ["-n", "nosuch"], ["-A", "-l", "app=nosuch"], ["workloads", "-n", "nosuch"],
      ] {
        let run = try scratch.poddump(["list"] + words)
        #expect(run.status == 0)
        #expect(run.bytes.isEmpty)
        Golden.expect(run.errors, "List", "nothing found: \(words.joined(separator: " "))")
        let named = try scratch.poddump(["list", "-o", "json"] + words)
        #expect(named.output == "[]\n")
      }
    }

    // MARK: Cost

    /// One call finds the pod; what else is asked is kubectl exec's own, which looks inside and captures.
    @Test func captureFindsItsPodWithOneCall() throws {
      let other = try Scratch()
      func gets() throws -> [String] { try Lab.requests().filter { !$0.hasSuffix("/exec") } }
      try Lab.forgetRequests()
      let run = try other.run([
        "/usr/bin/env", "kubectl", "exec", "-n", "shop", "web", "-c", "web", "--", "true",
      ])
      try #require(run.status == 0, "\(run.errors)")
      let execs = try gets()
      try Lab.forgetRequests()
      let capture = try scratch.poddump(["capture", "shop/web", "--count", "1", "-w", "x.pcap"])
      #expect(capture.status == 0, "\(capture.errors)")
      let asked = try gets()
      #expect(asked.sorted() == (["GET /api/v1/namespaces/shop/pods/web"] + execs).sorted())
      #expect(try Lab.requests().count { $0.hasSuffix("/exec") } == 1)
    }

    @Test func tenThousandPods() throws {
      try Lab.with(fault: ["extra-pods", "10000"]) {
        let program = try Program(
          [Lab.poddump, "list", "-A"], environment: scratch.environment, in: scratch.path)
        // The high-water mark of its memory, in KiB (proc_pid_status(5)).
        var peak = 0
        program.wait(60) {
          let status =
            (try? String(contentsOfFile: "/proc/\(program.pid)/status", encoding: .utf8)) ?? ""
          if let match = status.firstMatch(of: /VmHWM:\s+([0-9]+) kB/) {
            peak = max(peak, Int(match.1) ?? 0)
          }
          return !program.process.isRunning
        }
        let run = program.finish()
        #expect(run.status == 0, "\(run.errors)")
        #expect(run.output.split(separator: "\n").count > 10_020)
        #expect((1...150_000).contains(peak))
        #expect(run.seconds < 30)
      }
    }

    /// `poddump list … | head -1` is no error.
    @Test func theReaderMayLeaveEarly() throws {
      try Lab.with(fault: ["extra-pods", "3000"]) {
        let script = "set -o pipefail; \"$0\" list -A | head -1"
        let run = try scratch.run(["/bin/bash", "-c", script, Lab.poddump])
        #expect(run.output.hasPrefix("NAMESPACE"))
        #expect(run.errors == "")
        #expect(run.status == 0)
      }
    }

    // MARK: The listing cache

    @Test func theCacheIsPrivateAndReplacedAsAWhole() throws {
      _ = try list(["-A"])
      func attribute(_ path: String, _ key: FileAttributeKey) throws -> Int {
        let all = try FileManager.default.attributesOfItem(atPath: path)
        return (all[key] as? NSNumber)?.intValue ?? -1
      }
      #expect(try attribute(scratch.cache, .posixPermissions) == 0o700)
      func files() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: scratch.cache).sorted()
      }
      let names = try files()
      #expect(names.contains { $0.hasPrefix("listing-") })
      var inodes: [String: Int] = [:]
      for name in names {
        #expect(try attribute("\(scratch.cache)/\(name)", .posixPermissions) == 0o600)
        inodes[name] = try attribute("\(scratch.cache)/\(name)", .systemFileNumber)
      }
      // Whoever has the old file open goes on reading the old one: the new one is another file.
      let listing = try #require(names.first { $0.hasPrefix("listing-") })
      let open = try #require(FileHandle(forReadingAtPath: "\(scratch.cache)/\(listing)"))
      defer { try? open.close() }
      _ = try list(["-A"])
      #expect(try attribute("\(scratch.cache)/\(listing)", .systemFileNumber) != inodes[listing])
      #expect(try files() == names)
    }
  }
}
