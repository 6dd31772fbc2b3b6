import Foundation
import Testing

extension InLab {
  /// Route `debug`: ephemeral containers, which cannot be removed: used again, ended, and said once.
  @Suite(.serialized, .timeLimit(.minutes(3)))
  struct DebugTests {
    static let nothing = RoutesTests.nothing
    static let force = ["--route", "debug"]

    let folder: Folder
    let lab: Inventory

    init() throws {
      folder = try Folder()
      lab = try Inventory.load()
      // What another test has let run would be used again.
      try folder.clean()
    }

    private func capture(
      _ words: [String], by login: SSHLogin = nothing, within seconds: Double = 60
    ) throws -> Finished {
      try login.poddump(
        ["capture"] + words + Self.force + ["--count", "5", "-w", "-"], in: folder, within: seconds)
    }

    /// Somebody whose ephemeral containers have this image.
    private func user(of image: String) throws -> [String: String?] {
      let text = "[image]\ndebug = \"\(image)\"\nnode = \"\(image)\"\n"
      return [
        "PODDUMP_CONFIG": try folder.write(text, to: "image-\(folder.nextNumber()).toml")
      ]
    }

    private func start(_ words: [String], _ changes: [String: String?] = [:]) throws -> Program {
      try Program(
        [Lab.poddump, "capture"] + words + Self.force,
        environment: folder.environment.merging(changes) { $1 })
    }

    /// A line of standard error that says what is being waited for.
    private func line(_ program: Program, with words: String) -> String? {
      program.errors.split(separator: "\n").first { $0.contains(words) }.map(String.init)
    }

    @Test func theSecondCaptureUsesTheContainerAgain() throws {
      let before = try Lab.processes()
      let target = "shop/distroless"
      let earlier = try Cluster.pod(target).ours
      let first = try capture([target])
      #expect(first.status == 0, "\(first.errors)")
      try PacketFile(first.bytes, in: folder).expectPackets(5, of: lab.address("distroless"))
      let made = try Cluster.pod(target)
      #expect(made.ours.count == earlier.count + 1 && made.running.count == 1)
      let name = try #require(made.running.first)
      #expect(
        first.errors.contains("Added the ephemeral container \(name) to \(target)"),
        "\(first.errors)")
      #expect(first.errors.contains("its entry stays"), "\(first.errors)")

      let plan = try Self.nothing.poddump(["plan", target], in: folder)
      #expect(plan.output.contains("The ephemeral container \(name) is there already"))
      for _ in 0..<2 {
        let next = try capture([target])
        #expect(next.status == 0, "\(next.errors)")
        try PacketFile(next.bytes, in: folder).expectPackets(5, of: lab.address("distroless"))
        #expect(!next.errors.contains("Added"), "\(next.errors)")
        #expect(next.errors.contains("is used again"), "\(next.errors)")
      }
      let now = try Cluster.pod(target)
      #expect(now.ours == made.ours && now.running == [name])
      folder.expectNoJournal()

      let clean = try Self.nothing.poddump(["clean"], in: folder)
      #expect(
        clean.status == 0
          && clean.output.contains("ephemeral container \(name) of \(target)")
          && clean.output.contains("ended, since no poddump of yours uses it"), "\(clean)")
      try Lab.expectNothingLeft(since: before, within: 10)
      #expect(try Cluster.pod(target).running == [])
    }

    @Test func twoUsersOnOnePodAtOnce() throws {
      let before = try Lab.processes()
      let other = try Folder()
      let target = "odd/pair"
      let earlier = try Cluster.pod(target).ours
      // Both begin before either has its container.
      let files = [folder.path + "/one.pcap", folder.path + "/two.pcap"]
      let programs = try zip([folder, other], files).map { folder, file in
        try Self.nothing.start(["capture", target, "-w", file] + Self.force, in: folder)
      }
      func size(_ path: String) -> Int {
        (try? FileManager.default.attributesOfItem(atPath: path)[.size]) as? Int ?? 0
      }
      for (program, file) in zip(programs, files) {
        #expect(program.wait(40) { size(file) > 500 }, "\(program.errors)")
      }
      #expect(try Cluster.pod(target).ours.count <= earlier.count + 2)
      // A third one finds a container to use.
      let third = try capture([target])
      #expect(third.status == 0 && third.errors.contains("is used again"), "\(third.errors)")
      kill(programs[0].pid, SIGINT)
      #expect(programs[0].finish(within: 10).status == 0)
      // Nobody ends what another uses.
      try folder.clean()
      let reached = size(files[1])
      #expect(programs[1].wait(10) { size(files[1]) > reached }, "the other one was disturbed")
      kill(programs[1].pid, SIGINT)
      let end = programs[1].finish(within: 10)
      #expect(end.status == 0, "\(end.errors)")
      for file in files { try PacketFile(file).expectPackets(of: lab.pod(at: target).podIP ?? "") }
      try other.clean()
      try Lab.expectNothingLeft(since: before, within: 10)
      #expect(try Cluster.pod(target).running == [])
      folder.expectNoJournal()
      other.expectNoJournal()
    }

    @Test func anImageThatCannotBePulled() throws {
      let before = try Lab.processes()
      try Cluster.withPod("unlucky") { target in
        let program = try start(
          [target, "-w", folder.path + "/none.pcap"], user(of: "lab/nowhere:1"))
        // The reason is said while it waits.
        #expect(program.wait(15) { line(program, with: "ErrImagePull") != nil })
        #expect(program.process.isRunning)
        let end = program.finish(within: 40)
        #expect(end.status == 1 && end.seconds < 35, "\(end.status) \(end.seconds)")
        #expect(!FileManager.default.fileExists(atPath: folder.path + "/none.pcap"))
        Golden.expect(
          end.errors.replacing(/poddump-[0-9a-f]{8}/, with: "poddump-SESSION"), "Debug",
          "an image that cannot be pulled")
        folder.expectNoJournal()
      }
      try Lab.expectNothingLeft(since: before, within: 15)
    }

    /// An entry in a pod's spec is for ever: one that waits is not given company, and says what it waits for.
    @Test func anImageThatStillCannotBePulled() throws {
      let before = try Lab.processes()
      try Cluster.withPod("unluckier") { target in
        let first = try start([target, "-w", "-"], user(of: "lab/nowhere:1")).finish(within: 60)
        #expect(first.status == 1, "\(first.errors)")
        let name = try #require(Cluster.pod(target).ours.first)
        for _ in 0..<2 {
          let next = try start([target, "-w", "-"], user(of: "lab/nowhere:1")).finish(within: 20)
          #expect(next.status == 1 && next.seconds < 10, "\(next)")
          #expect(
            next.errors.contains("Its container \(name), added earlier, still waits: "),
            "\(next.errors)")
          #expect(next.errors.contains("debug in [image]"), "\(next.errors)")
        }
        #expect(try Cluster.pod(target).ours == [name])
        // Another image is another matter.
        let file = folder.path + "/another.pcap"
        let end = try start(
          [target, "-i", "lo", "--duration", "1s", "-w", file]
        ).finish(within: 40)
        #expect(end.status == 0, "\(end.errors)")
        #expect(try Cluster.pod(target).ours.count == 2)
        folder.expectNoJournal()
      }
      try Lab.expectNothingLeft(since: before, within: 15)
    }

    /// A container of another image, or one that ends before the capture would, is left to itself.
    @Test func onlyAContainerThatWillDoIsUsedAgain() throws {
      let before = try Lab.processes()
      try Cluster.withPod("choosy") { target in
        func run(_ words: [String] = [], _ image: String? = nil) throws -> Finished {
          try start(
            [target, "-i", "lo", "--duration", "1s", "-w", folder.path + "/choosy.pcap"] + words,
            image.map(user) ?? [:]
          ).finish(within: 40)
        }
        func count() throws -> Int { try Cluster.pod(target).ours.count }
        #expect(try run().status == 0)
        #expect(try count() == 1)
        let other = try run([], "lab/busybox:1")
        #expect(other.status == 0 && !other.errors.contains("is used again"), "\(other.errors)")
        #expect(try count() == 2)
        let again = try run([], "lab/busybox:1")
        #expect(again.status == 0 && again.errors.contains("is used again"), "\(again.errors)")
        #expect(try run(["--ttl", "24h"]).errors.contains("is used again"))
        #expect(try count() == 2)
        // Its life is shorter.
        let longer = try run(["--ttl", "72h"])
        #expect(longer.status == 0 && !longer.errors.contains("is used again"), "\(longer.errors)")
        #expect(try count() == 3)
      }
      folder.expectNoJournal()
      try Lab.expectNothingLeft(since: before, within: 15)
    }

    @Test func anImageThatTakesItsTime() throws {
      let before = try Lab.processes()
      let target = "baseline/base-distroless"
      let file = folder.path + "/slow.pcap"
      let program = try start(
        [target, "--count", "5", "-w", file], user(of: "lab/slow:5"))
      #expect(program.wait(10) { line(program, with: "pulling image lab/slow:5") != nil })
      #expect(program.process.isRunning)
      let end = program.finish(within: 30)
      #expect(end.status == 0 && end.seconds > 5, "\(end.errors)")
      try PacketFile(file).expectPackets(5, of: lab.pod(at: target).podIP ?? "")
      try folder.clean()
      try Lab.expectNothingLeft(since: before, within: 10)
      folder.expectNoJournal()
    }

    /// Ctrl-C while an image is pulled ends at once; the container that nobody can take back ends as soon as
    /// there is one.
    @Test func aStopWhileAnImageIsPulled() throws {
      let before = try Lab.processes()
      try Cluster.withPod("patient") { target in
        let program = try start(
          [target, "-w", folder.path + "/none.pcap"], user(of: "lab/slow:30"))
        #expect(program.wait(10) { line(program, with: "pulling image") != nil })
        kill(program.pid, SIGINT)
        let begin = Date()
        let end = program.finish(within: 10)
        #expect(Date().timeIntervalSince(begin) < 2)
        #expect(end.status == 0 && end.bytes.isEmpty, "\(end)")
      }
      try Lab.expectNothingLeft(since: before, within: 15)
      folder.expectNoJournal(within: 5)
    }

    /// What the namespace's level allows decides about the container's rights.
    @Test(arguments: [
      "baseline/base-distroless", "privileged/free-distroless", "full/full-distroless",
    ])
    func aNamespaceThatAllowsIt(target: String) throws {
      let before = try Lab.processes()
      let plan = try PlanAnswer(
        Self.nothing.poddump(["plan", target, "-o", "json"] + Self.force, in: folder))
      let manifest = plan.chosen?.first.first?.manifest ?? ""
      #expect(manifest.contains("NET_RAW") != target.hasPrefix("baseline/"), "\(manifest)")
      let end = try capture([target])
      #expect(end.status == 0, "\(end.errors)")
      try PacketFile(end.bytes, in: folder).expectPackets(5, of: lab.pod(at: target).podIP ?? "")
      try folder.clean()
      try Lab.expectNothingLeft(since: before, within: 10)
      folder.expectNoJournal()
    }

    @Test(arguments: ["restricted/strict-distroless", "denied/denied-distroless", "odd/guard-n1"])
    func wherePodsCannotHaveOne(target: String) throws {
      let before = try Lab.processes()
      let earlier = try Cluster.pod(target).ours
      let end = try capture([target])
      #expect(end.status != 0 && end.bytes.isEmpty)
      Golden.expect(
        end.errors.replacing(/poddump-[0-9a-f]{8}/, with: "poddump-SESSION"), "Debug", target)
      #expect(try Cluster.pod(target).ours == earlier)
      try Lab.expectNothingLeft(since: before, within: 5)
      folder.expectNoJournal()
    }

    /// Who may patch and not update gets it by kubectl debug.
    @Test(arguments: ["patch", "get"])
    func aUserWhoMayDoLess(verb: String) throws {
      let before = try Lab.processes()
      let target = "full/full-distroless"
      let roles = """
        {"kind": "ClusterRole", "apiVersion": "rbac.authorization.k8s.io/v1",
         "metadata": {"name": "less"}, "rules": [
          {"apiGroups": [""], "resources": ["pods", "events", "namespaces"],
           "verbs": ["get", "list", "watch"]},
          {"apiGroups": [""], "resources": ["pods/exec"], "verbs": ["get", "create"]},
          {"apiGroups": [""], "resources": ["pods/ephemeralcontainers"], "verbs": ["\(verb)"]}]}
        """
      let user = try Lab.run("user", "less-\(verb)", folder.write(roles, to: "roles.json"))
      var environment = folder.environment
      environment["KUBECONFIG"] = user.output.trimmingCharacters(in: .newlines)
      let end = try Program.run(
        [Lab.poddump, "capture", target, "--count", "5", "-w", "-"] + Self.force,
        environment: environment, within: 60)
      if verb == "patch" {
        #expect(end.status == 0, "\(end.errors)")
        try PacketFile(end.bytes, in: folder).expectPackets(5, of: lab.pod(at: target).podIP ?? "")
      } else {
        #expect(end.status == 4 && end.bytes.isEmpty, "\(end)")
        Golden.expect(end.errors, "Debug", "a user who may neither update nor patch")
      }
      try folder.clean()
      try Lab.expectNothingLeft(since: before, within: 10)
      folder.expectNoJournal()
    }

    /// The command that keeps a container alive ends when nobody is in it. Its own times are too long for a
    /// test: here it is run with shorter ones, in a container that has what it needs.
    @Test func anUnusedContainerEndsByItself() throws {
      struct Manifest: Decodable { var command: [String] }
      let before = try Lab.processes()
      let plan = try PlanAnswer(
        Self.nothing.poddump(["plan", "shop/distroless", "-o", "json"] + Self.force, in: folder))
      let text = try #require(plan.chosen?.first.first?.manifest)
      let object = try #require(
        JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
      let container =
        ((object["spec"] as? [String: Any])?["ephemeralContainers"] as? [[String: Any]])?.last
        ?? object
      var command = try #require(container["command"] as? [String])
      // sh -c SCRIPT NAME LIFETIME ROUNDS SECONDS …: 20 rounds of 15 s, and here 2 of 1 s.
      #expect(command[5...6] == ["20", "15"])
      command[5] = "2"
      command[6] = "1"
      let name = command[3]
      func run(_ words: [String]) throws -> Program {
        try Program([Lab.command, "exec-in", "shop/web"] + words)
      }
      let unused = try run(command)
      let end = unused.finish(within: 10)
      #expect(end.status == 0 && end.seconds > 1.5, "\(end)")

      let user = try run(["sh", "-c", "sleep 5", name])
      let used = try run(command)
      sleep(4)
      #expect(used.process.isRunning, "it ended while it was used")
      #expect(user.finish(within: 10).status == 0)
      let last = used.finish(within: 10)
      #expect(last.status == 0 && last.seconds > 6, "\(last)")
      try Lab.expectNothingLeft(since: before, within: 5)
    }

    @Test func aKillInTheMidstOfACapture() throws {
      let before = try Lab.processes()
      let target = "shop/distroless"
      let capture = try Capturing(
        .commandLine, Capturing.Place(pod: target, isBusy: true), in: folder, Self.force)
      [capture].waitUntilCapturing()
      let name = try #require(Cluster.pod(target).running.first)
      try capture.send(SIGKILL, to: "poddump")
      _ = capture.program.finish(within: 5)
      // First tcpdump ends, for its input has; then the janitor ends the container.
      let deadline = Date(timeIntervalSinceNow: 10)
      while !capture.processesThere.isEmpty, Date() < deadline { usleep(50_000) }
      #expect(capture.processesThere.isEmpty)
      try Lab.expectNothingLeft(since: before, within: 20, name)
      #expect(try Cluster.pod(target).running == [])
      folder.expectNoJournal(within: 30)
      [capture].expectNothingHere(within: 30)
    }
  }
}
