import Foundation
import Testing

extension InLab {
  /// What `poddump capture --route ssh` delivers: the packets of every pod of the lab, whatever it is
  /// made of.
  @Suite(.serialized, .timeLimit(.minutes(4)))
  struct SSHCaptureTests {
    let folder: Folder
    let lab: Inventory

    init() throws {
      folder = try Folder()
      lab = try Inventory.load()
    }

    /// A pod that runs, as kubectl knows it.
    struct Running {
      var name: String
      var address: String
    }

    /// All pods of the cluster with a container that runs.
    private func running() throws -> [Running] {
      struct List: Decodable { var items: [Item] }
      struct Item: Decodable {
        struct Metadata: Decodable { var namespace, name: String }
        struct Status: Decodable {
          struct Container: Decodable { var state: State }
          struct State: Decodable { var running: Since? }
          struct Since: Decodable { var startedAt: String }
          var podIP: String?
          var containerStatuses: [Container]?
        }
        var metadata: Metadata
        var status: Status
      }
      let run = try Program.run(["/usr/bin/env", "kubectl", "get", "pods", "-A", "-o", "json"])
      try #require(run.status == 0, "\(run.errors)")
      return try JSONDecoder().decode(List.self, from: run.bytes).items.compactMap { item in
        let runs = item.status.containerStatuses?.contains { $0.state.running != nil } ?? false
        guard runs, let address = item.status.podIP else { return nil }
        return Running(name: "\(item.metadata.namespace)/\(item.metadata.name)", address: address)
      }
    }

    /// Captures five packets of every pod, several pods at a time.
    private func expectFivePackets(
      of pods: [Running], by login: SSHLogin, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
      let before = try Lab.processes()
      let pinging = try Pinging(from: "bb", lab.address("quiet"), for: 600)
      defer { pinging.end() }
      for start in stride(from: 0, to: pods.count, by: 6) {
        let some = pods[start..<min(start + 6, pods.count)]
        let runs = try some.map { pod in
          try login.start(
            ["capture", pod.name, "--route", "ssh", "--count", "5", "-w", "-"], in: folder)
        }
        for (pod, run) in zip(some, runs) {
          let end = run.finish(within: 60)
          #expect(
            end.status == 0, "\(pod.name) as \(login): \(end.errors)",
            sourceLocation: sourceLocation)
          let file = try PacketFile(end.bytes, in: folder)
          try file.expectPackets(5, of: pod.address, pod.name, sourceLocation: sourceLocation)
          if pod.name == "shop/hostnet" {
            #expect(try file.packets("frame.number", filter: "tcp.port == 8081").count == 5)
          }
          #expect(end.errors.contains(") by ssh."), "\(end.errors)")
        }
      }
      pinging.end()
      try Lab.expectNothingLeft(
        since: before, within: 15, "as \(login)", sourceLocation: sourceLocation)
    }

    @Test(arguments: ["root", "ops"])
    func everyPodThatRunsShowsFiveOfItsPackets(user: String) throws {
      let pods = try running()
      let names = Set(pods.map(\.name))
      let wanted =
        [
          "web", "bb", "distroless", "busydump", "quiet", "bare", "duo", "annotated", "hostnet",
          "nonroot", "nocap", "readonly", "moved", "client",
        ].map { "shop/\($0)" } + ["kube-system/dns"] + lab.replicas.map { "shop/\($0)" }
      #expect(lab.replicas.count == 3)
      #expect(names.isSuperset(of: wanted), "\(Set(wanted).subtracting(names)) do not run")
      try expectFivePackets(of: pods, by: SSHLogin(user: user, engine: .libssh2))
    }

    @Test func soItIsByTheOpenSSHClient() throws {
      let some = Set(
        ["web", "distroless", "hostnet", "moved", "quiet", "bare"].map { "shop/\($0)" })
      let pods = try running().filter { some.contains($0.name) }
      #expect(pods.count == some.count)
      try expectFivePackets(of: pods, by: SSHLogin(user: "root", engine: .openssh))
      try expectFivePackets(
        of: pods.filter { $0.name != "shop/web" }, by: SSHLogin(user: "ops", engine: .openssh))
    }

    @Test(arguments: SSHLogin.Engine.allCases)
    func whoeverMayNotBecomeRootIsToldWhatIsMissing(engine: SSHLogin.Engine) throws {
      let before = try Lab.processes()
      for pod in ["shop/web", "shop/distroless", "shop/hostnet", "node/n1"] {
        let end = try SSHLogin(user: "dev", engine: engine).poddump(
          ["capture", pod, "--route", "ssh", "--count", "5", "-w", "-"], in: folder)
        #expect(end.status == 4)
        #expect(end.bytes.isEmpty)
        Golden.expect(end.errors, "SSH", "\(pod) as dev")
      }
      try Lab.expectNothingLeft(since: before, within: 15)
    }

    @Test func thePodsOfAWorkloadShareAStream() throws {
      let several = try SSHLogin().poddump(
        ["capture", "deploy/api", "-n", "shop", "--route", "ssh", "--count", "90", "-w", "-"],
        in: folder)
      #expect(several.status == 0, "\(several.errors)")
      let packets = try PacketFile(several.bytes, in: folder).packets("frame.interface_name")
      #expect(packets.count == 90)
      #expect(
        Set(packets.map { $0[0].split(separator: "/")[1] }) == Set(lab.replicas.map { $0[...] }))
      let one = try SSHLogin().poddump(
        ["capture", "-l", "app=distroless", "-n", "shop", "--count", "5", "-w", "-"], in: folder)
      #expect(one.status == 0, "\(one.errors)")
      try PacketFile(one.bytes, in: folder).expectPackets(5, of: lab.address("distroless"))
    }
  }
}
