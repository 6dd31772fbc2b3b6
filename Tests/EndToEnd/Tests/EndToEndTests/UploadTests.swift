import Foundation
import Testing

extension InLab {
  /// Engines that are brought along: how they get there, that they deliver what is on the wire, and that
  /// nobody sees their file once they run.
  @Suite(.serialized, .timeLimit(.minutes(3)))
  struct UploadTests {
    /// A container without tcpdump, and where an engine can be put in it.
    struct Container: Sendable, CustomStringConvertible {
      var pod: String
      var folder = "/tmp"
      /// By what the file is written; nil for the shell that captures afterwards.
      var writer: String?
      var description: String { pod }
    }

    static let containers = [
      Container(pod: "odd/plain"), Container(pod: "odd/boxed"),
      Container(pod: "odd/no-cat", writer: " tar "),
      Container(pod: "odd/plain-readonly", folder: "/scratch"), Container(pod: "odd/small"),
      Container(pod: "odd/web.v1.2"),
    ]

    let folder: Folder
    let lab: Inventory

    init() throws {
      folder = try Folder()
      lab = try Inventory.load()
    }

    /// Starts a capture by poddump into a file; the program, and the file once it has a header.
    private func begin(
      _ words: [String], by login: SSHLogin = RoutesTests.nothing,
      sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> (program: Program, file: String) {
      let file = "\(folder.path)/\(folder.nextNumber()).pcap"
      let program = try login.start(["capture", "-w", file] + words, in: folder)
      let began = program.wait(30) {
        let size = try? FileManager.default.attributesOfItem(atPath: file)[.size] as? Int
        return (size ?? 0) >= 24 || !program.process.isRunning
      }
      #expect(
        began && program.process.isRunning, "\(words): \(program.errors)",
        sourceLocation: sourceLocation)
      return (program, file)
    }

    /// What tells one packet from another.
    private func packets(_ path: String) throws -> [[String]] {
      try PacketFile(path).packets(
        "frame.len", "ip.src", "ip.dst", "ip.id", "ip.checksum", "tcp.seq_raw", "tcp.payload",
        "icmp.seq", "data.data")
    }

    /// Captures in a pod's network from outside of all containers, as a witness, while something is done.
    private func witness(_ pod: Inventory.Pod, _ body: () throws -> Void) throws -> [[String]] {
      let pid = try #require(pod.containers.lazy.compactMap(\.pid).first)
      let file = "\(folder.path)/\(folder.nextNumber()).pcap"
      let program = try Program([
        "/usr/bin/nsenter", "-t", String(pid), "-n", "tcpdump", "-i", "eth0", "-U",
        "--immediate-mode", "-Z", "root", "-w", file,
      ])
      defer { kill(program.pid, SIGKILL) }
      #expect(program.wait(10) { program.errors.contains("listening on") }, "\(program.errors)")
      try body()
      usleep(200_000)
      kill(program.pid, SIGINT)
      #expect(program.finish(within: 10).status == 0)
      return try packets(file)
    }

    @Test(arguments: containers)
    func theTapIsPutThereAndShowsWhatIsOnTheWire(container: Container) throws {
      let pod = try lab.pod(at: container.pod)
      let before = try Lab.processes()
      let files = try Lab.files(container.pod)
      let plan = try PlanAnswer(
        RoutesTests.nothing.poddump(["plan", container.pod, "-o", "json"], in: folder))
      #expect(plan.chosen?.route == "upload" && plan.chosen?.engine == "tap")
      let step = try #require(plan.chosen?.first.first)
      #expect(step.does.contains(" into the container as \(container.folder)/.poddump-"))
      let words = step.here?.joined(separator: " ")
      if let writer = container.writer {
        #expect(words?.contains(writer) == true, "\(step)")
      } else {
        #expect(words == nil, "\(step)")
      }

      var seen: [[String]] = []
      let wire = try witness(pod) {
        let (program, file) = try begin([container.pod, "--count", "10"])
        #expect(
          try Lab.files(container.pod).subtracting(files) == [], "its file is seen while it runs")
        let end = program.finish(within: 40)
        #expect(end.status == 0, "\(end.errors)")
        seen = try packets(file)
      }
      #expect(seen.count == 10)
      let start = try #require(wire.firstIndex(of: seen.first ?? []), "not on the wire")
      #expect(Array(wire[start...].prefix(10)) == seen, "packets differ from those on the wire")
      try Lab.expectNothingLeft(since: before, within: 10)
      #expect(try Lab.files(container.pod).subtracting(files) == [])
      folder.expectNoJournal()
    }

    @Test(arguments: ["odd/noexec", "odd/readonly-bare", "odd/tar-only"])
    func whereNothingCanBePutItIsSaid(pod: String) throws {
      let files = try Lab.files(pod)
      let end = try RoutesTests.nothing.poddump(
        ["capture", pod, "--route", "upload", "--count", "5", "-w", "-"], in: folder)
      #expect(end.status == 6 && end.bytes.isEmpty, "\(end)")
      Golden.expect(end.errors, "Upload", pod)
      #expect(try Lab.files(pod).subtracting(files) == [])
      folder.expectNoJournal()
    }

    @Test(arguments: RoutesTests.names)
    func theTapByEveryRoute(route: String) throws {
      let login = RoutesTests.everything
      let before = try Lab.processes()
      let files = try Lab.files("shop/web")
      let onNodes = try Lab.nodes.map { try Lab.files($0) }
      let options = ["shop/web", "--route", route, "--engine", "tap"]
      let plan = try PlanAnswer(login.poddump(["plan", "-o", "json"] + options, in: folder))
      #expect(plan.chosen?.engine == "tap")
      let (program, file) = try begin(options + ["--count", "30"], by: login)
      #expect(
        LocalProcess.all { $0.name.hasPrefix(".poddump-") }.count == 1, "this is the tap that runs")
      #expect(try Lab.files("shop/web").subtracting(files) == [])
      let end = program.finish(within: 40)
      #expect(end.status == 0, "\(end.errors)")
      #expect(end.errors.contains("by \(route).\n"), "\(end.errors)")
      try PacketFile(file).expectPackets(30, of: lab.address("web"))
      try folder.clean()
      try Lab.expectNothingLeft(since: before, within: 10)
      #expect(try Lab.files("shop/web").subtracting(files) == [])
      for (node, earlier) in zip(Lab.nodes, onNodes) {
        let new = try Lab.files(node).subtracting(earlier).filter { $0.contains("poddump") }
        #expect(new == [], "files left on \(node)")
      }
      folder.expectNoJournal()
      try Cluster.expectNoHelpers()
    }

    /// Somebody whose image for a route has no tcpdump: it is the image that lacks it.
    @Test(arguments: ["debug", "node"])
    func anImageWithoutTcpdump(route: String) throws {
      let before = try Lab.processes()
      let target = "shop/distroless"
      let text = "[image]\n\(route) = \"lab/busybox:1\"\n"
      let environment = ["PODDUMP_CONFIG": try folder.write(text, to: "busybox.toml")]
      func capture(_ words: String...) throws -> Finished {
        try Program.run(
          [Lab.poddump, "capture", target, "--route", route, "--count", "5", "-w", "-"] + words,
          environment: folder.environment.merging(environment) { $1 }, within: 60)
      }
      let end = try capture()
      #expect(end.status == 0, "\(end.errors)")
      try PacketFile(end.bytes, in: folder).expectPackets(5, of: lab.address("distroless"))
      // The one that is asked for is not replaced by another.
      let refused = try capture("--engine", "tcpdump")
      #expect(refused.status == 6 && refused.bytes.isEmpty, "\(refused.errors)")
      #expect(
        refused.errors.contains(
          "The image lab/busybox:1 has no tcpdump. Set another one: \(route) in [image]"),
        "\(refused.errors)")
      try folder.clean()
      folder.expectNoJournal()
      try Cluster.expectNoHelpers()
      try Lab.expectNothingLeft(since: before, within: 10)
    }

    /// Of a node's interfaces those are captured that begin with Ethernet, whatever else is up.
    @Test func theTapOnANodeWithATunnel() throws {
      let before = try Lab.processes()
      let target = "odd/guard-n1"
      let pod = try lab.pod(at: target)
      let pid = try #require(pod.containers.lazy.compactMap(\.pid).first)
      func inNetwork(_ words: String) throws -> Finished {
        try Program.run(
          ["/usr/bin/nsenter", "-t", String(pid), "-n", "sh", "-c", words])
      }
      let made = try inNetwork(
        "ip tuntap add dev poddump-tun mode tun && ip link set poddump-tun up")
      try #require(made.status == 0, "\(made.errors)")
      defer { _ = try? inNetwork("ip link del poddump-tun") }
      let end = try RoutesTests.nothing.poddump(
        [
          "capture", target, "--route", "upload", "-i", "any", "-f", "tcp port \(pod.port ?? 0)",
          "--count", "5", "-w", "-",
        ], in: folder)
      #expect(end.status == 0, "\(end.errors)")
      #expect(end.errors.contains("such as tunnels, are left out of any"), "\(end.errors)")
      try PacketFile(end.bytes, in: folder).expectPackets(5, of: pod.podIP ?? "")
      try Lab.expectNothingLeft(since: before, within: 10)
    }

    /// A route, the options for an engine, and the pod.
    static let plans: [(route: String, options: [String], pod: String)] = [
      ("exec", [], "shop/web"), ("exec", ["--engine", "tap"], "shop/web"), ("ssh", [], "shop/web"),
      ("ssh", ["--engine", "tap", "--at", "pod"], "shop/web"), ("upload", [], "odd/small"),
      ("debug", [], "odd/small"), ("debug", ["--engine", "tap"], "odd/small"),
      ("debug", ["--binary", "/usr/bin/tcpdump"], "odd/small"), ("node", [], "odd/small"),
      ("node", ["--engine", "tap"], "odd/small"),
      ("node", ["--binary", "/usr/bin/tcpdump"], "odd/small"),
    ]

    /// What runs at the far end is what `plan` says beforehand, word for word.
    @Test(arguments: plans)
    func whatIsPlannedIsWhatRuns(route: String, options: [String], pod: String) throws {
      let login = RoutesTests.everything
      try folder.clean()
      let filter = "not udp port \(folder.nextNumber())"
      let words = [pod, "--route", route, "-f", filter] + options
      let plan = try PlanAnswer(login.poddump(["plan", "-o", "json"] + words, in: folder))
      var planned = try #require(plan.chosen?.there)
      // nsenter becomes what it starts, and so does the shell that removes a file first.
      if planned.first == "nsenter" { planned.removeFirst(4) }
      if planned.first == "sh" { planned.replaceSubrange(..<4, with: ["/proc/self/fd/4"]) }
      func stable(_ words: [String]) -> [String] {
        var words = words.map { $0.replacing(/\/\.poddump-[0-9a-f]+/, with: "/.poddump-SESSION") }
        // Where an image has its tcpdump is known inside it.
        if words[0].hasSuffix("/tcpdump") { words[0] = "tcpdump" }
        return words
      }
      let (program, _) = try begin(words, by: login)
      let running = LocalProcess.all { process in
        process.name.hasPrefix(".poddump-")
          || ["tcpdump", "4"].contains(process.name) && process.arguments.last == filter
      }
      #expect(running.map { stable($0.arguments) } == [stable(planned)])
      kill(program.pid, SIGINT)
      let end = program.finish(within: 20)
      #expect(end.status == 0, "\(end.errors)")
      try folder.clean()
    }

    @Test(arguments: ["exec", "upload"])
    func aTcpdumpThatSomebodyGives(route: String) throws {
      let before = try Lab.processes()
      let files = try Lab.files("shop/web")
      // A dynamic one runs where its libraries are.
      let options = ["shop/web", "--route", route, "--binary", "/usr/bin/tcpdump"]
      let (program, file) = try begin(options + ["--count", "30"])
      #expect(
        LocalProcess.all { $0.arguments.first == "/proc/self/fd/4" }.count == 1,
        "this is the one that was given")
      #expect(try Lab.files("shop/web").subtracting(files) == [])
      let end = program.finish(within: 40)
      #expect(end.status == 0, "\(end.errors)")
      try PacketFile(file).expectPackets(30, of: lab.address("web"))
      try Lab.expectNothingLeft(since: before, within: 10)
      #expect(try Lab.files("shop/web").subtracting(files) == [])
      folder.expectNoJournal()
    }

    /// Whoever has no rm: the tap has removed itself, and that is enough.
    @Test(arguments: ["exec", "upload"])
    func aContainerWithoutRm(route: String) throws {
      let before = try Lab.processes()
      let pod = "odd/plain"
      let files = try Lab.files(pod)
      func run(_ words: String) throws {
        let end = try Program.run([Lab.command, "exec-in", pod, "bash", "-c", words])
        try #require(end.status == 0, "\(end.errors)")
      }
      try run("mv /usr/bin/rm /usr/bin/rm.kept; mv /usr/bin/sha256sum /usr/bin/sha256sum.kept")
      defer {
        try? run(
          "mv -f /usr/bin/rm.kept /usr/bin/rm; mv -f /usr/bin/sha256sum.kept /usr/bin/sha256sum")
      }
      let end = try RoutesTests.nothing.poddump(
        ["capture", pod, "--route", route, "--engine", "tap", "--count", "5", "-w", "-"], in: folder
      )
      #expect(end.status == 0 && !end.errors.contains("Cannot undo"), "\(end.errors)")
      try PacketFile(end.bytes, in: folder).expectPackets(5, of: lab.pod(at: pod).podIP ?? "")
      let left = try Lab.files(pod).subtracting(files).filter { $0.contains(".poddump-") }
      #expect(left == [])
      folder.expectNoJournal()
      try Lab.expectNothingLeft(since: before, within: 10)
    }

    /// Where no digest can be had there, the size tells whether the engine arrived.
    @Test func aTcpdumpThatSomebodyGivesWhereThereIsNoSHA256Sum() throws {
      let pod = "shop/web"
      func run(_ words: String) throws {
        let end = try Program.run([Lab.command, "exec-in", pod, "bash", "-c", words])
        try #require(end.status == 0, "\(end.errors)")
      }
      try run("mv /usr/bin/sha256sum /usr/bin/sha256sum.kept")
      defer { try? run("mv -f /usr/bin/sha256sum.kept /usr/bin/sha256sum") }
      let end = try RoutesTests.nothing.poddump(
        [
          "capture", pod, "--route", "upload", "--binary", "/usr/bin/tcpdump", "--count", "5", "-w",
          "-",
        ], in: folder)
      #expect(end.status == 0, "\(end.errors)")
      try PacketFile(end.bytes, in: folder).expectPackets(5, of: lab.address("web"))
      folder.expectNoJournal()
    }

    @Test func binariesThatCannotRunThere() throws {
      let files = try Lab.files("odd/plain")
      var foreign = Data(
        FileManager.default.contents(atPath: "/usr/bin/tcpdump")?.prefix(4096) ?? Data())
      // EM_AARCH64, elf(5).
      foreign[18] = 183
      try foreign.write(to: URL(filePath: folder.path + "/foreign"))
      _ = try folder.write("#!/bin/sh\n", to: "script")
      let cases: [(name: String, binary: String, status: Int32)] = [
        ("a program without its libraries", "/usr/bin/tcpdump", 6),
        ("for another architecture", folder.path + "/foreign", 6),
        ("a script", folder.path + "/script", 2),
      ]
      for (name, binary, status) in cases {
        let end = try RoutesTests.nothing.poddump(
          ["capture", "odd/plain", "--route", "upload", "--binary", binary, "-w", "-"], in: folder)
        #expect(end.status == status && end.bytes.isEmpty, "\(name): \(end)")
        Golden.expect(
          end.errors.replacing(folder.path, with: "FOLDER")
            .replacing(/\.poddump-[0-9a-f]{8}/, with: ".poddump-SESSION"), "Upload", name)
      }
      #expect(try Lab.files("odd/plain").subtracting(files) == [])
      folder.expectNoJournal()
    }

    /// Ctrl-C, whatever is being done at the moment: looking, writing the file, trying it, capturing.
    @Test func aStopAtAnyMomentLeavesNothing() throws {
      let pods = ["odd/plain", "odd/no-cat", "odd/boxed"]
      let before = try Lab.processes()
      let files = try pods.map { try Lab.files($0) }
      for step in 0..<12 {
        let program = try Program(
          [
            Lab.poddump, "capture", pods[step % 3], "--route", "upload", "-w",
            folder.path + "/stopped.pcap",
          ], environment: folder.environment)
        usleep(UInt32(80_000 * step))
        kill(program.pid, SIGINT)
        let end = program.finish(within: 10)
        // Right after its start it does not listen to signals yet.
        #expect(end.status == 0 || end.signal == SIGINT, "\(step): \(end.errors)")
      }
      try Lab.expectNothingLeft(since: before, within: 10)
      for (pod, earlier) in zip(pods, files) {
        #expect(try Lab.files(pod).subtracting(earlier) == [], "files left in \(pod)")
      }
      folder.expectNoJournal()
    }

    /// The same by SIGKILL: what it had put there is removed by the janitor, or by itself.
    @Test func aKillAtAnyMomentLeavesNothing() throws {
      let pods = ["odd/plain", "odd/no-cat", "odd/boxed"]
      let before = try Lab.processes()
      let files = try pods.map { try Lab.files($0) }
      for step in 0..<9 {
        let program = try Program(
          [
            Lab.poddump, "capture", pods[step % 3], "--route", "upload", "-w",
            folder.path + "/killed.pcap",
          ], environment: folder.environment)
        usleep(UInt32(200_000 + 100_000 * step))
        kill(program.pid, SIGKILL)
        _ = program.finish(within: 10)
      }
      try Lab.expectNothingLeft(since: before, within: 30)
      // What is not there by then never comes: the janitor waits for a kubectl that is on its way.
      folder.expectNoJournal(within: 40)
      for (pod, earlier) in zip(pods, files) {
        #expect(try Lab.files(pod).subtracting(earlier) == [], "files left in \(pod)")
      }
    }
  }
}
