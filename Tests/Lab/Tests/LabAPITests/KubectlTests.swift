import Foundation
import Testing

@testable import LabAPI

/// The real kubectl does its work with this server; at least one command of each family.
struct KubectlTests {
  @Test func `get as a table`() async throws {
    try await LabServer.with { server in
      let pods = try await server.kubectl("get", "pods")
      #expect(pods.status == 0, "\(pods.stderr)")
      let lines = pods.stdout.split(separator: "\n").map {
        $0.split(separator: " ").map(String.init)
      }
      #expect(lines.first == ["NAME", "READY", "STATUS", "RESTARTS", "AGE"])
      let status = Dictionary(
        lines.dropFirst().map { ($0[0], Array($0[1...2])) }, uniquingKeysWith: { $1 })
      #expect(status["web"] == ["1/1", "Running"])
      #expect(
        status["halfdone"] == ["1/2", "Completed"] || status["halfdone"] == ["1/2", "Running"])
      #expect(status["completed"] == ["0/1", "Completed"])
      #expect(status["pending"] == ["0/1", "Pending"])
      #expect(lines.dropFirst().map { $0[0] } == status.keys.sorted())
      let all = try await server.kubectl("get", "all,nodes,namespaces,endpointslices", "-A")
      for word in [
        "deployment.apps/api", "3/3", "replicaset.apps/api-7d4b9c6f5", "node/n1", "service/api",
      ] {
        #expect(all.stdout.contains(word), "\(word)")
      }
    }
  }

  @Test func `get in other forms`() async throws {
    try await LabServer.with { server in
      let wide = try await server.kubectl("get", "pods", "-A", "-o", "wide")
      #expect(wide.stdout.contains("198.51.100.66"))
      #expect(wide.stdout.contains("n2"))
      let json = try await server.kubectl("get", "pods", "-A", "-o", "json")
      #expect(try JSON(parsing: json.stdout.utf8)["items"]?.array?.count == 9)
      let selected = try await server.kubectl("get", "pods", "-l", "app in (api)", "-o", "name")
      #expect(selected.stdout.split(separator: "\n").count == 3)
      let none = try await server.kubectl("get", "pods", "-l", "app!=api,app", "-o", "name")
      #expect(none.stdout.split(separator: "\n").count == 6)
      let onNode = try await server.kubectl(
        "get", "pods", "-A", "--field-selector=spec.nodeName=n2,status.phase=Running", "-o", "name")
      #expect(onNode.stdout.split(separator: "\n").count == 4)
      let chunked = try await server.kubectl("get", "pods", "--chunk-size=2", "-o", "name")
      #expect(chunked.stdout.split(separator: "\n").count == 9)
      let raw = try await server.kubectl("get", "--raw", "/api/v1/namespaces/shop/pods?limit=1")
      #expect(try JSON(parsing: raw.stdout.utf8)[path: ["metadata", "remainingItemCount"]] == 8)
      for path in ["/healthz", "/readyz", "/livez"] {
        #expect(try await server.kubectl("get", "--raw", path).stdout == "ok")
      }
      let path = try await server.kubectl("get", "pod", "web", "-o", "jsonpath={.spec.nodeName}")
      #expect(path.stdout == "n1")
      let empty = try await server.kubectl("get", "jobs,secrets", "-A")
      #expect(empty.status == 0)
      #expect(empty.stderr == "No resources found\n")
    }
  }

  @Test func `get by watching`() async throws {
    try await LabServer.with { server in
      let watcher = try server.start(
        "get", "pods", "-l", "app=shell", "-w", "--output-watch-events", "-o", "json")
      #expect(try await eventually { watcher.stdout.contains(#""type":"ADDED""#) })
      _ = try await server.kubectl("label", "pod", "shell", "x=y")
      #expect(try await eventually { watcher.stdout.contains(#""type":"MODIFIED""#) })
      // Out of the selection: gone, for who watches it.
      _ = try await server.kubectl("label", "--overwrite", "pod", "shell", "app=other")
      #expect(try await eventually { watcher.stdout.contains(#""type":"DELETED""#) })
      watcher.send(SIGTERM)
      _ = try await watcher.wait()
      let table = try server.start("get", "pods", "-w")
      #expect(try await eventually { table.stdout.contains("web ") })
      _ = try await server.kubectl("delete", "pod", "web", "--wait=false")
      #expect(try await eventually { table.stdout.contains("Terminating") })
      table.send(SIGTERM)
      _ = try await table.wait()
    }
  }

  @Test func `describe, events, version, can-i, whoami`() async throws {
    try await LabServer.with { server in
      let described = try await server.kubectl("describe", "pod", "web")
      #expect(described.status == 0, "\(described.stderr)")
      #expect(described.stdout.contains("Node:             n1/198.51.100.11"))
      #expect(described.stdout.contains("Events:                      <none>"))
      let node = try await server.kubectl("describe", "node", "n1")
      #expect(node.status == 0, "\(node.stderr)")
      #expect(try await server.kubectl("events").status == 0)
      #expect(try await server.kubectl("version").stdout.contains("Server Version: v1.36.2"))
      let logs = try await server.kubectl("logs", "web")
      #expect(logs.status == 0)
      let who = try await server.kubectl("auth", "whoami", "--context", "lab-cert")
      #expect(who.stdout.contains("lab-admin"))
      for (context, verb, resource, answer) in [
        ("lab", "create", "pods/exec", "yes"), ("lab-viewer", "list", "pods", "yes"),
        ("lab-viewer", "create", "pods/exec", "no"), ("lab-nobody", "list", "pods", "no"),
        ("lab-viewer", "list", "deployments.apps", "yes"), ("lab-viewer", "get", "/version", "yes"),
        ("lab-nobody", "get", "/metrics", "no"),
      ] {
        let outcome = try await server.kubectl(
          "auth", "can-i", verb, resource, "--context", context)
        #expect(outcome.stdout == answer + "\n", "\(context) \(verb) \(resource)")
        #expect(outcome.status == (answer == "yes" ? 0 : 1))
      }
      let list = try await server.kubectl("auth", "can-i", "--list", "--context", "lab-viewer")
      #expect(list.stdout.contains("pods/log"))
    }
  }

  @Test func `who may what`() async throws {
    try await LabServer.with { server in
      let exec = try await server.kubectl("exec", "web", "--context", "lab-viewer", "--", "true")
      #expect(
        exec.stderr == "error: unable to upgrade connection: pods \"web\" is forbidden: User "
          + "\"lab-viewer\" cannot create resource \"pods/exec\" in API group \"\" in the "
          + "namespace \"shop\"\n")
      let nobody = try await server.kubectl("get", "pods", "--context", "lab-nobody")
      #expect(nobody.status == 1)
      #expect(nobody.stderr.hasPrefix("Error from server (Forbidden): pods is forbidden: User"))
      let expired = try await server.kubectl("get", "--raw", "/api", "--context", "lab-expired")
      #expect(expired.stderr == "error: You must be logged in to the server (Unauthorized)\n")
      let certificate = try await server.kubectl(
        "exec", "web", "--context", "lab-cert", "--", "echo", "x")
      #expect(certificate.stdout == "x\n")
    }
  }

  @Test func `delete, wait, annotate, label`() async throws {
    try await LabServer.with { server in
      #expect(try await server.kubectl("annotate", "pod", "web", "a=b").status == 0)
      #expect(try await server.kubectl("label", "pod", "web", "c=d").status == 0)
      let pod = try JSON(
        parsing: try await server.kubectl("get", "pod", "web", "-o", "json").stdout.utf8)
      #expect(pod[path: ["metadata", "annotations", "a"]] == "b")
      #expect(pod[path: ["metadata", "labels", "c"]] == "d")
      let ready = try await server.kubectl(
        "wait", "--for=condition=Ready", "pod/web", "--timeout=9s")
      #expect(ready.status == 0, "\(ready.stderr)")
      let not = try await server.kubectl(
        "wait", "--for=condition=Ready", "pod/pending", "--timeout=1s")
      #expect(not.status == 1)
      let gone = try server.start("wait", "--for=delete", "pod/shell", "--timeout=20s")
      try await Task.sleep(for: .seconds(1))
      let deleted = try await server.kubectl("delete", "pod", "shell")
      #expect(deleted.status == 0, "\(deleted.stderr)")
      #expect(try await gone.wait().status == 0)
      let absent = try await server.kubectl("get", "pod", "shell")
      #expect(absent.stderr == "Error from server (NotFound): pods \"shell\" not found\n")
    }
  }

  @Test func `a deleted pod's containers are ended, and workloads and endpoints follow`()
    async throws
  {
    var file = LabFile.example()
    let index = try #require(file.pods.firstIndex { $0.owner != nil })
    let name = file.pods[index].name
    let trace = NSTemporaryDirectory() + "lab-api-stop-" + UUID().uuidString
    file.pods[index].stop = ["/usr/bin/touch", trace]
    defer { try? FileManager.default.removeItem(atPath: trace) }
    try await LabServer.with(file) { server in
      let deleted = try await server.kubectl("delete", "pod", name)
      #expect(deleted.status == 0, "\(deleted.stderr)")
      #expect(FileManager.default.fileExists(atPath: trace))
      #expect(
        try await eventually {
          try await server.kubectl("get", "deploy", "api").stdout.contains("2/3")
        })
      let slices = try await server.kubectl(
        "get", "endpointslices", "-l", "kubernetes.io/service-name=api", "-o", "json")
      let endpoints = try JSON(parsing: slices.stdout.utf8)["items"]?.array?.first?["endpoints"]
      #expect(endpoints?.array?.count == 2)
    }
  }

  @Test func `a pod's end is told as recorded`() async throws {
    // [type, has it a deletionTimestamp, phase, generation] of each event about the deleted pod.
    func outline(_ events: [JSON], _ name: String) -> [[String]] {
      events.filter { $0[path: ["object", "metadata", "name"]]?.string == name }.map { event in
        let metadata = event[path: ["object", "metadata"]]
        return [
          event["type"]?.string ?? "", "\(metadata?["deletionTimestamp"] != nil)",
          event[path: ["object", "status", "phase"]]?.string ?? "",
          metadata?["generation"]?.integer.map(String.init) ?? "",
        ]
      }
    }
    let recorded = outline(
      try Recordings.events("watch/rollout-one-pod-deleted.jsonl"), "api-cb57fb7d4-24mhc")
    try await LabServer.with { server in
      let watcher = try server.start(
        "get", "--raw",
        "/api/v1/namespaces/shop/pods?watch=true&fieldSelector=metadata.name%3Dweb&timeoutSeconds=6"
      )
      #expect(try await eventually { watcher.stdout.contains("ADDED") })
      _ = try await server.kubectl("delete", "pod", "web")
      let events = try await watcher.wait().stdout.split(separator: "\n")
        .map { try JSON(parsing: $0.utf8) }
      let told = outline(events, "web")
      #expect(told.first?[0] == "ADDED")
      // The recorded kubelet reports twice in between (a condition, the grace period at 0).
      #expect(Set(told.dropFirst()) == Set(recorded))
      #expect(told.last == recorded.last)
    }
  }

  @Test func `a watch begins with what there is and says when that is over`() async throws {
    let recorded = try Recordings.events("watch/watchlist-sendinitialevents.jsonl")
    try await LabServer.with { server in
      let outcome = try await server.kubectl(
        "get", "--raw",
        "/api/v1/namespaces/shop/pods?watch=true&allowWatchBookmarks=true&sendInitialEvents=true"
          + "&resourceVersionMatch=NotOlderThan&fieldSelector=metadata.name%3Dduo&timeoutSeconds=3")
      let events = try outcome.stdout.split(separator: "\n").map { try JSON(parsing: $0.utf8) }
      #expect(events.map { $0["type"] } == recorded.map { $0["type"] })
      for (event, expected) in zip(events.dropFirst(), recorded.dropFirst()) {
        #expect(shape(of: event) == shape(of: expected))
      }
      #expect(outcome.seconds >= 3 && outcome.seconds < 6)
      let old = try await server.kubectl(
        "get", "--raw", "/api/v1/namespaces/shop/pods?watch=true&timeoutSeconds=3&resourceVersion=1"
      )
      let expired = try Recordings.events("watch/expired-410.jsonl")
      let event = try JSON(parsing: old.stdout.utf8)
      #expect(shape(of: event) == shape(of: expired[0]))
      #expect(event[path: ["object", "code"]] == expired[0][path: ["object", "code"]])
    }
  }

  @Test func `requests are counted`() async throws {
    try await LabServer.with { server in
      _ = try await server.kubectl("get", "pods")
      try await server.control("requests", "--clear")
      _ = try await server.kubectl("exec", "web", "--", "echo", "a b")
      let requests = try await server.requests()
      #expect(requests.count == 2)
      #expect(requests.last?["command"] == ["echo", "a b"])
      #expect(requests.last?["path"] == "/api/v1/namespaces/shop/pods/web/exec")
      #expect(requests.last?["userAgent"]?.string?.hasPrefix("kubectl/") == true)
    }
  }

  @Test func `SIGHUP reads lab.json again`() async throws {
    var file = LabFile.example()
    try await LabServer.with(file) { server in
      let watcher = try server.start("get", "pods", "-w", "--output-watch-events")
      #expect(try await eventually { watcher.stdout.contains("web") })
      _ = try await server.kubectl("delete", "pod", "duo")
      _ = try await server.kubectl("label", "pod", "web", "kept=yes")
      file.pods.removeAll { $0.name == "shell" }
      var new = try #require(file.pods.first { $0.name == "web" })
      new.name = "fresh"
      new.uid = Digest.uid(of: "fresh")
      file.pods.append(new)
      try LabServer.write(file, to: server.directory)
      server.process.send(SIGHUP)
      #expect(
        try await eventually {
          watcher.stdout.contains("fresh") && watcher.stdout.contains(#/DELETED +shell /#)
        }, "\(watcher.stdout)")
      watcher.send(SIGTERM)
      _ = try await watcher.wait()
      let names = try await server.kubectl("get", "pods", "-l", "kept=yes", "-o", "name")
      #expect(names.stdout == "pod/web\n", "what was changed through the API stays")
      let deleted = try await server.kubectl("get", "pod", "duo")
      #expect(deleted.status == 1, "an older lab.json does not bring a deleted pod back")
    }
  }

  @Test func `files are for the owner alone`() async throws {
    try await LabServer.with { server in
      for name in ["kubeconfig", "control.sock", "api-tls/client.key", "api-tls/ca.key"] {
        let attributes = try FileManager.default.attributesOfItem(
          atPath: server.directory + "/" + name)
        let mode = try #require(attributes[.posixPermissions] as? Int)
        #expect(mode & 0o077 == 0, "\(name)")
      }
      let pid = try String(contentsOfFile: server.directory + "/api.pid", encoding: .utf8)
      #expect(pid == "\(server.process.pid)\n")
    }
  }
}
