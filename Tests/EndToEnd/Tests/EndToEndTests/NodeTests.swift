import Foundation
import Testing

extension InLab {
  /// Route `node`: a helper pod on the pod's node, only where somebody has allowed it, and gone afterwards
  /// however the capture ended.
  @Suite(.serialized, .timeLimit(.minutes(3)))
  struct NodeTests {
    static let nothing = RoutesTests.nothing
    static let force = ["--route", "node"]

    let folder: Folder
    let lab: Inventory

    init() throws {
      folder = try Folder()
      lab = try Inventory.load()
    }

    /// Expects that nothing was created: no pod, and no ephemeral container.
    private func creatingNothing(_ body: () throws -> Void) throws {
      try Lab.forgetRequests()
      try body()
      #expect(try Lab.changes() == [])
    }

    @Test func itIsNeverChosenUnlessItIsAllowed() throws {
      // Nothing but ssh and this would do for it.
      let target = "restricted/strict-distroless"
      try creatingNothing {
        let end = try Self.nothing.poddump(
          ["capture", target, "--count", "1", "-w", "-", "--route", "auto"], in: folder)
        #expect(end.status != 0 && end.bytes.isEmpty)
        #expect(
          end.errors.contains("By node: It creates a pod on node n2, which nobody has allowed."),
          "\(end.errors)")
        let only = try SSHLogin(order: ["node"], isConfigured: false).poddump(
          ["capture", target, "--count", "1", "-w", "-"], in: folder)
        #expect(only.status == 4, "\(only)")
        Golden.expect(only.errors, "Node", "not allowed")
      }
    }

    /// Who allows it: the command line, the configuration, or who asks for it by name.
    @Test(arguments: [
      (words: ["--allow", "node"], allowed: [String]()), (words: [], allowed: ["node"]),
      (words: force, allowed: []),
    ])
    func whoAllowsIt(words: [String], allowed: [String]) throws {
      let before = try Lab.processes()
      let target = "denied/denied-distroless"
      let login = SSHLogin(order: ["exec", "node"], allowed: allowed, isConfigured: false)
      // Its own namespace lets nobody create a pod.
      var environment = try login.environment(in: folder)
      let configuration = try login.text + "[node]\nnamespace = \"privileged\"\n"
      environment["PODDUMP_CONFIG"] = try folder.write(
        configuration, to: "node-\(folder.nextNumber()).toml")
      let end = try Program.run(
        [Lab.poddump, "capture", target, "--count", "5", "-w", "-"] + words,
        environment: environment)
      #expect(end.status == 0, "\(end.errors)")
      #expect(
        end.errors.contains("Created the helper pod privileged/poddump-"), "\(end.errors)")
      #expect(
        words == Self.force || end.errors.contains("Not by exec: "), "\(end.errors)")
      try PacketFile(end.bytes, in: folder).expectPackets(5, of: lab.pod(at: target).podIP ?? "")
      try Cluster.expectNoHelpers(within: 1)
      try Lab.expectNothingLeft(since: before, within: 10)
      folder.expectNoJournal()
    }

    @Test func aNamespaceThatDoesNotLetItBe() throws {
      for target in ["restricted/strict", "baseline/base", "denied/denied", "full/full"] {
        let end = try Self.nothing.poddump(
          ["capture", target, "--count", "1", "-w", "-"] + Self.force, in: folder)
        #expect(end.status != 0 && end.bytes.isEmpty)
        Golden.expect(
          end.errors.replacing(/poddump-[0-9a-f]{8}/, with: "poddump-SESSION"), "Node",
          "in the namespace of \(target)")
      }
      try Cluster.expectNoHelpers(within: 1)
      folder.expectNoJournal()
    }

    /// What the pod may, and what it says about itself.
    @Test func theHelperPodIsAsSmallAsItCanBe() throws {
      let before = try Lab.processes()
      let capture = try Capturing(
        .commandLine, Capturing.Place(pod: "shop/web", isBusy: true), in: folder,
        Self.force + ["--ttl", "10m"])
      [capture].waitUntilCapturing()
      let helpers = try Cluster.helpers()
      #expect(helpers.count == 1)
      let pod = try #require(helpers.first)
      #expect(pod.spec.nodeName == "n1" && pod.spec.hostPID == true)
      #expect(pod.spec.hostNetwork != true && pod.spec.automountServiceAccountToken == false)
      #expect(pod.spec.activeDeadlineSeconds == 660)
      #expect(pod.metadata.annotations?["poddump/target"] == "shop/web")
      #expect(pod.metadata.labels?["poddump/session"] != nil)
      // Its tcpdump has the capabilities that it needs, and no others: capabilities(7).
      let tcpdump = try #require(capture.processesThere.last)
      let status = try String(contentsOfFile: "/proc/\(tcpdump.pid)/status", encoding: .utf8)
      let bounding = try #require(status.firstMatch(of: /CapBnd:\s*(?<set>[0-9a-f]+)/)?.set)
      // SETGID 6, SETUID 7, NET_RAW 13, SYS_PTRACE 19, SYS_ADMIN 21.
      let needed = [6, 7, 13, 19, 21].reduce(into: UInt64(0)) { $0 |= 1 << UInt64($1) }
      #expect(UInt64(bounding, radix: 16) == needed)
      kill(capture.program.pid, SIGINT)
      let end = capture.program.finish(within: 20)
      #expect(end.status == 0, "\(end.errors)")
      try PacketFile(capture.file).expectPackets(of: lab.address("web"))
      try Cluster.expectNoHelpers(within: 1)
      folder.expectNoJournal()
      try Lab.expectNothingLeft(since: before, within: 10)
      [capture].expectNothingHere()
    }

    /// The helper pod is waited for no longer than its image is worth, and goes with the capture.
    @Test func anImageThatCannotBePulled() throws {
      let before = try Lab.processes()
      let text = "[image]\nnode = \"lab/nowhere:1\"\n"
      var environment = folder.environment
      environment["PODDUMP_CONFIG"] = try folder.write(text, to: "nowhere.toml")
      let file = folder.path + "/none.pcap"
      let program = try Program(
        [Lab.poddump, "capture", "shop/distroless", "-w", file] + Self.force,
        environment: environment)
      // The reason is said while it waits.
      #expect(program.wait(15) { program.errors.contains("Waiting for it: ErrImagePull: ") })
      #expect(program.process.isRunning)
      #expect(try Cluster.helpers().count == 1)
      let end = program.finish(within: 40)
      #expect(end.status == 1 && end.seconds < 35, "\(end.status) \(end.seconds)")
      #expect(!FileManager.default.fileExists(atPath: file))
      Golden.expect(
        end.errors.replacing(/poddump-[0-9a-f]{8}/, with: "poddump-SESSION")
          // Whether it is seen before the pull has failed is chance.
          .replacing(/poddump: Waiting for it: (starting|waiting for) the [a-z]+\.\n/, with: ""),
        "Node", "an image that cannot be pulled")
      try Cluster.expectNoHelpers(within: 1)
      folder.expectNoJournal()
      try Lab.expectNothingLeft(since: before, within: 10)
    }

    @Test func nodesThemselves() throws {
      let before = try Lab.processes()
      for node in Lab.nodes {
        let end = try Self.nothing.poddump(
          ["capture", "node/\(node)", "--allow", "node", "--count", "30", "-w", "-"], in: folder)
        #expect(end.status == 0, "\(end.errors)")
        #expect(end.errors.contains("Capturing from node \(node) ("), "\(end.errors)")
        let file = try PacketFile(end.bytes, in: folder)
        let sources = try Set(file.packets("ip.src", filter: "ip").flatMap { $0 })
        #expect(sources.count > 1, "\(sources)")
      }
      try Cluster.expectNoHelpers(within: 1)
      folder.expectNoJournal()
      try Lab.expectNothingLeft(since: before, within: 10)
    }

    /// Ctrl-C, whatever is being done at the moment.
    @Test func aStopAtAnyMomentLeavesNothing() throws {
      let before = try Lab.processes()
      for step in 0..<8 {
        let program = try Program(
          [Lab.poddump, "capture", "shop/distroless", "-w", folder.path + "/stopped.pcap"]
            + Self.force, environment: folder.environment)
        usleep(UInt32(200_000 * step))
        kill(program.pid, SIGINT)
        let end = program.finish(within: 15)
        #expect(end.status == 0 || end.signal == SIGINT, "\(step): \(end.errors)")
        // What is there once it has ended stays.
        folder.expectNoJournal(within: 30, "\(step): \(end.errors)")
      }
      try Cluster.expectNoHelpers(within: 25)
      try Lab.expectNothingLeft(since: before, within: 15)
    }

    @Test func aKillInTheMidstOfACapture() throws {
      let before = try Lab.processes()
      let capture = try Capturing(
        .commandLine, Capturing.Place(pod: "shop/distroless", isBusy: true), in: folder, Self.force)
      [capture].waitUntilCapturing()
      try capture.send(SIGKILL, to: "poddump")
      _ = capture.program.finish(within: 5)
      try Cluster.expectNoHelpers(within: 20)
      try Lab.expectNothingLeft(since: before, within: 15)
      folder.expectNoJournal(within: 10)
      [capture].expectNothingHere(within: 15)
    }

    /// Somebody deletes the helper pod, as the drain of a node does.
    @Test func theHelperPodIsDeletedByAnother() throws {
      let before = try Lab.processes()
      let capture = try Capturing(
        .commandLine, Capturing.Place(pod: "shop/distroless", isBusy: true), in: folder, Self.force)
      [capture].waitUntilCapturing()
      let pod = try #require(Cluster.helpers().first)
      let gone = try Cluster.kubectl([
        "delete", "pod", pod.metadata.name, "-n", pod.metadata.namespace, "--timeout=20s",
      ])
      #expect(gone.status == 0, "\(gone.errors)")
      let end = capture.program.finish(within: 20)
      #expect(end.status != 0, "\(end)")
      #expect(end.errors.contains("was cut."), "\(end.errors)")
      try PacketFile(capture.file).expectPackets(of: lab.address("distroless"))
      folder.expectNoJournal()
      try Cluster.expectNoHelpers(within: 1)
      try Lab.expectNothingLeft(since: before, within: 15)
    }
  }
}
