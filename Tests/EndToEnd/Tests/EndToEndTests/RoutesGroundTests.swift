import Foundation
import Testing

extension InLab {
  /// Ground that makes it hard: what people see when they ask for a capture and nothing else, and what becomes
  /// of it when pods, nodes and other people change while it runs.
  @Suite(.serialized, .timeLimit(.minutes(5)))
  struct RoutesGroundTests {
    let ground: HostileGround
    var folder: Folder { ground.folder }

    init() throws { ground = try HostileGround() }

    /// A pod, and the exit code of a capture of three packets from it: 0 is the packets.
    struct Ground: Sendable, CustomTestStringConvertible {
      var name: String
      var pod: String
      var code: Int32 = 0
      var words: [String] = []
      /// Whether its processes are real.
      var isReal = true
      var testDescription: String { name }
    }

    static let grounds = [
      Ground(name: "not root", pod: "odd/plain-nonroot"),
      Ground(name: "read-only root", pod: "odd/plain-readonly"),
      Ground(name: "read-only root, no volume", pod: "odd/readonly-bare"),
      Ground(name: "noexec tmp", pod: "odd/noexec"),
      Ground(name: "no shell", pod: "shop/distroless"),
      Ground(name: "no shell, but tar", pod: "odd/tar-only"),
      Ground(name: "no tar", pod: "odd/plain"),
      Ground(name: "no cat", pod: "odd/no-cat"),
      Ground(name: "memory limit of 16 MiB", pod: "odd/small"),
      Ground(name: "limit of processes", pod: "odd/crowded"),
      Ground(name: "another architecture, says the API", pod: "odd/arm"),
      Ground(name: "dots and a name like an option", pod: "odd/web.v1.2"),
      Ground(name: "restricted", pod: "restricted/strict", code: 6),
      Ground(name: "restricted, no shell", pod: "restricted/strict-distroless", code: 6),
      Ground(name: "baseline", pod: "baseline/base"),
      Ground(name: "baseline, no shell", pod: "baseline/base-distroless"),
      Ground(name: "privileged", pod: "privileged/free"),
      Ground(name: "privileged, no shell", pod: "privileged/free-distroless"),
      Ground(name: "quota used up", pod: "full/full-distroless"),
      Ground(
        name: "quota used up, a pod", pod: "full/full-distroless", code: 4,
        words: ["--route", "node"]),
      Ground(name: "a webhook denies", pod: "denied/denied-distroless", code: 6),
      Ground(
        name: "a webhook denies a pod", pod: "denied/denied", code: 4, words: ["--route", "node"]),
      Ground(name: "a webhook denies exec", pod: "sealed/sealed", code: 6),
      Ground(name: "static pod", pod: "odd/guard-n1"),
      Ground(name: "static pod, debug", pod: "odd/guard-n1", code: 6, words: ["--route", "debug"]),
      Ground(name: "Windows", pod: "odd/windows", code: 6, isReal: false),
    ]

    @Test(arguments: grounds) func aCaptureAndNothingElse(it: Ground) throws {
      if !it.isReal { try Lab.run("pretend", "on") }
      defer { if !it.isReal { _ = try? Lab.run("pretend", "off") } }
      try ground.leavingNothing(in: it.isReal ? [it.pod] : [], it.name) {
        let run = try ground.run(["capture", it.pod, "--count", "3", "-w", "-"] + it.words)
        #expect(run.status == it.code, "\(run.errors)")
        if it.code != 0 {
          #expect(run.end.bytes.isEmpty)
        } else if try ground.lab.pod(at: it.pod).isHostNetwork {
          #expect(try PacketFile(run.end.bytes, in: folder).packets("frame.number").count == 3)
        } else {
          try ground.expectPackets(run, 3, of: it.pod)
        }
        Golden.expect(ground.stable(run.errors), "Ground", it.name)
      }
    }

    // MARK: - Architectures

    /// An install of poddump as packages have it, with some taps.
    private func install(taps: [String]) throws -> String {
      let top = folder.path + "/installed-\(folder.nextNumber())"
      let files = FileManager.default
      for name in ["bin", "libexec/poddump"] {
        try files.createDirectory(atPath: "\(top)/\(name)", withIntermediateDirectories: true)
      }
      try files.copyItem(atPath: Lab.poddump, toPath: top + "/bin/poddump")
      for machine in taps {
        try Self.tap(for: machine).write(
          to: URL(filePath: "\(top)/libexec/poddump/tap-\(machine)"))
      }
      return top + "/bin/poddump"
    }

    /// A tap by its head: that of this machine says it is for another one.
    private static func tap(for machine: String) throws -> Data {
      let own = "\(Lab.top)/.build/tap/tap-x86_64"
      var bytes = try #require(FileManager.default.contents(atPath: own), "no tap: make tap")
      // EM_X86_64 62 and EM_AARCH64 183, elf(5).
      bytes[18] = machine == "aarch64" ? 183 : 62
      return bytes
    }

    @Test func noTapForThatArchitecture() throws {
      let program = try install(taps: ["aarch64"])
      try ground.leavingNothing(in: ["odd/plain"]) {
        let forced = try ground.run(
          ["capture", "odd/plain", "--route", "upload", "--count", "3", "-w", "-"],
          program: program)
        #expect(forced.status == 6 && forced.end.bytes.isEmpty)
        Golden.expect(
          ground.stable(forced.errors), "Ground", "no tap for that architecture, upload")
        let run = try ground.run(
          ["capture", "odd/plain", "--count", "3", "-w", "-"], program: program)
        try ground.expectPackets(run, 3, of: "odd/plain")
        Golden.expect(ground.stable(run.errors), "Ground", "no tap for that architecture")
      }
    }

    /// The container says it is another machine than it is, so that the tap put there cannot run.
    @Test func aTapThatCannotRunThere() throws {
      let program = try install(taps: ["aarch64", "x86_64"])
      try ground.leavingNothing {
        try ground.withPod("foreign", image: "lab/plain:1", command: ["/serve", "80", "x"]) { pod in
          try pod.replace("/usr/bin/uname", "#!/bin/sh\necho aarch64\n")
          let run = try ground.run(
            ["capture", pod.target, "--route", "upload", "--count", "1", "-w", "-"],
            program: program)
          #expect(run.status == 6 && run.end.bytes.isEmpty)
          Golden.expect(ground.stable(run.errors), "Ground", "a tap that cannot run there")
          #expect(try pod.bash("ls -A /tmp /run /dev/shm | grep poddump; true") == "")
        }
      }
    }

    // MARK: - Rights

    /// Without the right to exec an ephemeral container is of no use, and none is added.
    @Test func execForbidden() throws {
      let user = try ground.user(
        ["get pods", "get pods/ephemeralcontainers", "update pods/ephemeralcontainers"], in: "shop")
      let earlier = try Cluster.pod("shop/distroless").ours
      try ground.leavingNothing {
        for route in [[], ["--route", "debug"]] {
          let run = try ground.run(
            ["capture", "shop/distroless", "--count", "3", "-w", "-"] + route, user)
          #expect(run.status != 0 && run.end.bytes.isEmpty)
          Golden.expect(
            ground.stable(run.errors), "Ground",
            "exec forbidden, ephemeral containers allowed" + (route.isEmpty ? "" : ", debug"))
        }
      }
      #expect(try Cluster.pod("shop/distroless").ours == earlier)
    }

    @Test func ephemeralContainersForbidden() throws {
      let user = try ground.user(
        ["get pods", "get pods/exec", "create pods/exec"], in: "shop")
      try ground.leavingNothing(in: ["shop/web", "shop/bb"]) {
        for (pod, code) in [("shop/web", 0), ("shop/bb", 0), ("shop/distroless", 6)] {
          let run = try ground.run(["capture", pod, "--count", "3", "-w", "-"], user)
          #expect(run.status == Int32(code), "\(run.errors)")
          if code == 0 { try ground.expectPackets(run, 3, of: pod) }
          Golden.expect(
            ground.stable(run.errors), "Ground",
            "exec allowed, ephemeral containers forbidden: \(pod)")
        }
      }
    }

    // MARK: - What changes meanwhile

    /// Another pod of the same name: either it is captured, or it is said what happened.
    @Test(arguments: [("odd/plain", 900), ("odd/plain", 1700), ("odd/boxed", 2600)])
    func aPodReplacedWhileFactsAreGathered(pod: String, milliseconds: Int) throws {
      try ground.leavingNothing(whilePodsChange: true) {
        try Lab.fault("slow", "700")
        defer { try? Lab.fault("clear") }
        let program = try ground.start(["capture", pod, "--count", "3", "-w", "-"])
        usleep(UInt32(milliseconds * 1000))
        try Lab.run("replace", pod)
        let end = program.finish(within: 40)
        #expect(end.status != -1, "it hangs: \(end.errors)")
        ground.expectHarmless(end.errors, pod)
        // With either pod, what was got is a capture; with neither, it is said why.
        if end.status == 0 {
          #expect(try PacketFile(end.bytes, in: folder).packets("frame.number").count == 3)
        } else {
          #expect(
            [
              "replaced by another", "was deleted", "being deleted", "no pod",
              "was restarted or ended",
            ]
            .contains { end.errors.contains($0) }, "\(end.errors)")
        }
      }
    }

    private func fileSize(_ path: String) -> Int {
      (try? FileManager.default.attributesOfItem(atPath: path)[.size]) as? Int ?? 0
    }

    /// Runs something while the pod is captured by a route, and the capture to its end.
    private func capturing(
      _ pod: String, _ route: String, _ body: () throws -> Void
    ) throws -> (end: Finished, file: String) {
      let file = "\(folder.path)/\(folder.nextNumber()).pcap"
      let program = try ground.start(["capture", pod, "--route", route, "-w", file])
      let began = program.wait(30) { fileSize(file) > 200 || !program.process.isRunning }
      #expect(began && program.process.isRunning, "\(route): \(program.errors)")
      try body()
      return (program.finish(within: 30), file)
    }

    @Test(arguments: ["upload", "debug", "node"])
    func aNodeDrainedWhileCapturing(route: String) throws {
      // The only pod of its node. A helper pod would be there too, where in the lab nothing of this pod is.
      let pod = "odd/arm"
      try Lab.run("pretend", "on")
      defer { _ = try? Lab.run("pretend", "off") }
      try ground.leavingNothing(whilePodsChange: true) {
        guard route != "node" else { return try aHelperDrained() }
        defer {
          _ = try? Lab.run("undrain", "arm1")
          _ = try? Lab.run("replace", pod)
        }
        let (end, file) = try capturing(pod, route) { try Lab.run("drain", "arm1") }
        #expect(end.status == 1, "\(end)")
        Golden.expect(ground.stable(end.errors), "Ground", "node drained, \(route)")
        #expect(try !PacketFile(file).packets("frame.number").isEmpty)
      }
    }

    /// What drain does to the helper pod of route node: it is deleted, and its node takes no other.
    private func aHelperDrained() throws {
      let (end, file) = try capturing("odd/plain", "node") {
        let helper = try #require(Cluster.helpers().first)
        let gone = try Cluster.kubectl([
          "delete", "pod", helper.metadata.name, "-n", helper.metadata.namespace, "--wait=false",
        ])
        #expect(gone.status == 0, "\(gone.errors)")
      }
      #expect(end.status != 0, "\(end)")
      Golden.expect(ground.stable(end.errors), "Ground", "node drained, node")
      #expect(try !PacketFile(file).packets("frame.number").isEmpty)
    }

    /// What runs in the container ends with it; what runs beside it goes on.
    @Test(arguments: [
      ("exec", "shop/web"), ("upload", "odd/plain"), ("debug", "odd/pair"), ("node", "odd/plain"),
    ])
    func aContainerRestartedWhileCapturing(route: String, pod: String) throws {
      try ground.leavingNothing(whilePodsChange: true) {
        let file = "\(folder.path)/\(folder.nextNumber()).pcap"
        let program = try ground.start(["capture", pod, "--route", route, "-w", file])
        #expect(program.wait(30) { fileSize(file) > 200 }, "\(program.errors)")
        try Lab.run("restart", pod + (pod == "odd/pair" ? "/side" : ""))
        if ["debug", "node"].contains(route) {
          let size = fileSize(file)
          #expect(program.wait(15) { fileSize(file) > size + 500 }, "\(program.errors)")
          kill(program.pid, SIGINT)
          let end = program.finish(within: 15)
          #expect(end.status == 0, "\(end.errors)")
        } else {
          let end = program.finish(within: 20)
          #expect(end.status == 1, "\(end)")
          // Whether the API knows of it already is a matter of moments.
          #expect(
            end.errors.contains(" was cut. ")
              && (end.errors.contains("was restarted or ended") || end.errors.contains("killed")),
            "\(end.errors)")
          #expect(!end.errors.contains("Cannot undo"), "\(end.errors)")
        }
        #expect(try !PacketFile(file).packets("frame.number").isEmpty)
      }
    }

    /// Two people with homes of their own: neither disturbs the other, by whatever route.
    @Test(arguments: [("exec", "shop/web"), ("upload", "odd/plain"), ("node", "shop/nocap")])
    func twoUsersOnOnePod(route: String, pod: String) throws {
      let other = try Folder()
      try ground.leavingNothing(in: [pod]) {
        let files = [folder.path + "/one.pcap", folder.path + "/two.pcap"]
        let programs = try zip([folder, other], files).map { home, file in
          try ground.start(
            ["capture", pod, "--route", route, "-w", file], home.environment)
        }
        for (program, file) in zip(programs, files) {
          #expect(program.wait(30) { fileSize(file) > 200 }, "\(program.errors)")
        }
        // The end of one is not the end of the other.
        kill(programs[0].pid, SIGINT)
        let first = programs[0].finish(within: 15)
        #expect(first.status == 0, "\(first.errors)")
        let size = fileSize(files[1])
        #expect(programs[1].wait(15) { fileSize(files[1]) > size + 500 }, "\(programs[1].errors)")
        kill(programs[1].pid, SIGINT)
        let second = programs[1].finish(within: 15)
        #expect(second.status == 0, "\(second.errors)")
        for file in files {
          try PacketFile(file).expectPackets(of: ground.lab.pod(at: pod).podIP ?? "", route)
        }
      }
      other.expectNoJournal(within: 15)
    }

    // MARK: - Names

    @Test(arguments: ["upload", "debug", "node"])
    func namesWithDotsAndLikeOptions(route: String) throws {
      let pod = "odd/web.v1.2"
      try ground.leavingNothing(in: [pod]) {
        let run = try ground.run([
          "capture", pod, "-c", "c--help", "--route", route, "--count", "3", "-w", "-",
        ])
        try ground.expectPackets(run, 3, of: pod)
        Golden.expect(ground.stable(run.errors), "Ground", "dots and options, \(route)")
      }
    }

    /// No name that is none reaches kubectl.
    @Test(arguments: [
      ["odd/--all"], ["odd/plain", "-c", "--privileged"], ["--", "--all-namespaces"],
      ["-n", "--kubeconfig=/x", "plain"], ["odd/plain", "-c", "a/../b"], ["odd/..", "-w", "-"],
      ["odd/pl\u{1b}[31main"], ["odd/plain\nx"],
    ])
    func namesThatAreNone(words: [String]) throws {
      try Lab.forgetRequests()
      let run = try ground.run(["capture"] + words)
      #expect(run.status == 2 || run.status == 5, "\(run.errors)")
      Golden.expect(
        ground.stable(run.errors), "Ground",
        "names that are none: \(words.joined(separator: " ").replacing("\u{1b}", with: "ESC").replacing("\n", with: "LF"))"
      )
      #expect(
        try Lab.requests().filter { !$0.hasPrefix("GET /api/v1/namespaces/odd/pods/plain") } == [])
    }
  }
}
