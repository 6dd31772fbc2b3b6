import Foundation
@testable import LabAPI
import Testing

/// A server of its own for one test: its state directory, its process, and kubectl to talk to it.
struct LabServer {
  let directory: String
  let process: Running

  /// Starts a server, lends it, and ends it again.
  static func with(
    _ file: LabFile = .example(), _ body: (LabServer) async throws -> Void
  ) async throws {
    let directory = NSTemporaryDirectory() + "lab-api-" + UUID().uuidString.prefix(8).lowercased()
    try FileManager.default.createDirectory(
      atPath: directory + "/home", withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    try write(file, to: directory)
    let process = try Running([program, "--state", directory])
    let server = LabServer(directory: directory, process: process)
    do {
      let isReady = try await eventually(within: 20) {
        !process.isRunning || FileManager.default.fileExists(atPath: server.kubeconfig)
      }
      try #require(isReady && process.isRunning, "lab-api did not start: \(process.stderr)")
      try await body(server)
    } catch {
      process.send(SIGKILL)
      _ = try? await process.wait()
      throw error
    }
    process.send(SIGTERM)
    let outcome = try await process.wait()
    #expect(outcome.status == 0, "\(outcome.stderr)")
    let leftovers = try FileManager.default.contentsOfDirectory(atPath: directory)
    #expect(Set(leftovers) == ["home", "lab.json"])
  }

  static func write(_ file: LabFile, to directory: String) throws {
    let data = try JSONEncoder().encode(file)
    try data.write(to: URL(fileURLWithPath: directory + "/lab.json"), options: .atomic)
  }

  /// The program under test lies beside the bundle of tests.
  private static var program: String {
    Bundle.module.bundleURL.deletingLastPathComponent().appendingPathComponent("lab-api").path
  }

  var kubeconfig: String { directory + "/kubeconfig" }

  var port: Int {
    get throws {
      let text = try String(contentsOfFile: directory + "/api.port", encoding: .utf8)
      return try #require(Int(text.filter { !$0.isWhitespace }))
    }
  }

  /// The bearer token of a context.
  func token(_ context: String = "lab") throws -> String {
    let config = try JSON(parsing: Data(contentsOf: URL(fileURLWithPath: kubeconfig)))
    let user = (config["users"]?.array ?? []).first { $0["name"]?.string == context }
    return try #require(user?[path: ["user", "token"]]?.string)
  }

  /// kubectl by the variable KUBECTL, or the first in PATH.
  static func kubectlPath() throws -> String {
    let environment = ProcessInfo.processInfo.environment
    if let path = environment["KUBECTL"], !path.isEmpty { return path }
    let directories = (environment["PATH"] ?? "").split(separator: ":").map(String.init)
    let found = directories.map { $0 + "/kubectl" }
      .first { FileManager.default.isExecutableFile(atPath: $0) }
    return try #require(found, "kubectl is neither in PATH nor named by KUBECTL")
  }

  /// Starts kubectl with this server's kubeconfig and a home of its own.
  func start(_ arguments: String..., stdin: Data? = Data()) throws -> Running {
    try Running(
      [try Self.kubectlPath()] + arguments,
      environment: ["KUBECONFIG": kubeconfig, "HOME": directory + "/home"], stdin: stdin)
  }

  /// Runs kubectl to its end.
  func kubectl(
    _ arguments: String..., stdin: Data? = Data(), seconds: Double = 30
  ) async throws -> Outcome {
    try await Running(
      [try Self.kubectlPath()] + arguments,
      environment: ["KUBECONFIG": kubeconfig, "HOME": directory + "/home"], stdin: stdin
    ).wait(seconds: seconds)
  }

  /// Runs `lab-api` with a request to the server.
  @discardableResult
  func control(_ arguments: String...) async throws -> String {
    let outcome = try await Running(
      [Self.program] + arguments + ["--state", directory]
    ).wait()
    guard outcome.status == 0 else { throw Recordings.Missing(what: outcome.stderr) }
    return outcome.stdout
  }

  /// The requests since the log was cleared.
  func requests() async throws -> [JSON] {
    try await control("requests").split(separator: "\n").map { try JSON(parsing: $0.utf8) }
  }
}

extension LabFile {
  /// A small lab whose containers are ordinary processes of this machine.
  static func example() -> LabFile {
    let pid = ProcessInfo.processInfo.processIdentifier
    func container(_ name: String, _ id: String) -> Container {
      var container = Container(name: name, image: "lab/busybox:1", state: "running")
      container.containerID = "containerd://" + Digest.hexadecimal(of: id)
      container.pid = pid
      container.command = ["httpd", "-f", "-v", "-p", "8080", "-h", "/www"]
      container.exec = ["/usr/bin/env"]
      return container
    }
    func pod(_ name: String, node: String?, phase: String = "Running", ip: String?) -> Pod {
      var pod = Pod(
        namespace: "shop", name: name, uid: Digest.uid(of: name), node: node, phase: phase,
        podIP: ip, containers: [container(name, name)])
      pod.labels = ["app": name]
      pod.stop = ["/bin/true"]
      return pod
    }
    var file = LabFile()
    file.nodes = ["n1", "n2"].enumerated().map { number, name in
      Node(
        name: name, uid: Digest.uid(of: name), internalIP: "198.51.100.\(11 + number)",
        podCIDR: "198.51.100.\(64 + 32 * number)/27")
    }
    file.namespaces = ["default", "kube-system", "shop"].map {
      Namespace(name: $0, uid: Digest.uid(of: $0))
    }
    file.services = [
      Service(
        namespace: "shop", name: "api", uid: Digest.uid(of: "service"),
        clusterIP: "198.51.100.200", selector: ["app": "api"],
        ports: [ServicePort(name: "http", port: 80, targetPort: 8080)])
    ]
    file.workloads = [
      Workload(
        kind: "Deployment", namespace: "shop", name: "api", uid: Digest.uid(of: "deployment"),
        replicas: 3, selector: ["app": "api"],
        replicaSet: ReplicaSet(name: "api-7d4b9c6f5", uid: Digest.uid(of: "replicaset")))
    ]
    file.pods = [
      pod("web", node: "n1", ip: "198.51.100.66"), pod("shell", node: "n2", ip: "198.51.100.98"),
    ]
    for number in 0..<3 {
      var replica = pod(
        "api-7d4b9c6f5-\(["24mhc", "6b57j", "n2vx6"][number])", node: number == 0 ? "n1" : "n2",
        ip: "198.51.100.\(100 + number)")
      replica.labels = ["app": "api", "pod-template-hash": "7d4b9c6f5"]
      replica.owner = Owner(
        kind: "ReplicaSet", name: "api-7d4b9c6f5", uid: Digest.uid(of: "replicaset"))
      replica.containers = [container("api", replica.name)]
      file.pods.append(replica)
    }
    var duo = pod("duo", node: "n1", ip: "198.51.100.67")
    duo.containers = [container("server", "duo1"), container("tools", "duo2")]
    var halfdone = pod("halfdone", node: "n2", ip: "198.51.100.103")
    halfdone.containers = [container("one", "half1"), container("two", "half2")]
    halfdone.containers[0].state = "terminated:0"
    halfdone.containers[0].exec = nil
    var pending = pod("pending", node: nil, phase: "Pending", ip: nil)
    var completed = pod("completed", node: "n1", phase: "Succeeded", ip: "198.51.100.68")
    pending.containers[0].state = "waiting:ContainerCreating"
    completed.containers[0].state = "terminated:0"
    for index in [0] {
      pending.containers[index].containerID = nil
      pending.containers[index].exec = nil
      completed.containers[index].exec = nil
    }
    file.pods += [duo, halfdone, pending, completed]
    return file
  }
}
