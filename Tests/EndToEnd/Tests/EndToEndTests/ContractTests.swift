import Foundation
import Testing

extension InLab {
  /// Points of Wireshark's contract (Tests/WIRESHARK.md) that concern how a capture runs and ends.
  ///
  /// The times are the contract's and one second more, as the machine has other things to do meanwhile.
  @Suite(.serialized, .timeLimit(.minutes(3)))
  struct ContractTests {
    let folder: Folder
    let lab: Inventory

    init() throws {
      folder = try Folder()
      lab = try Inventory.load()
      try folder.waitUntilListed("pod:shop/web")
    }

    // MARK: Point 23

    /// A signal, and another one, in whatever state: it ends, the far end ends, the last statistics come.
    @Test(arguments: [SIGTERM, SIGINT, SIGHUP])
    func everySignalInEveryState(number: Int32) throws {
      let before = try Lab.processes()
      func twice(_ program: Program) {
        kill(program.pid, number)
        usleep(50_000)
        kill(program.pid, number)
      }

      let unread = try Piped("pod:shop/web", isBusy: false, in: folder, isRead: false)
      let idle = try Piped("pod:shop/web", isBusy: false, in: folder)
      let busy = try Piped("pod:shop/web", isBusy: true, in: folder)
      idle.waitUntilCapturing(isBusy: false)
      busy.waitUntilCapturing(isBusy: true)
      #expect(unread.program.process.isRunning)
      for piped in [unread, idle, busy] {
        twice(piped.program)
        piped.expectGone(within: 2)
        piped.expectWell(within: 1)
      }
      for piped in [idle, busy] {
        #expect(try piped.file().hasCounters())
      }

      try Lab.with(fault: ["black-hole", "on"]) {
        let connecting = try Piped("pod:shop/web", isBusy: true, in: folder)
        #expect(connecting.wait(10, forMoreThan: 0))
        #expect(
          connecting.program.wait(10) {
            connecting.processesHere.contains { $0.name == "kubectl" }
          })
        let mark = folder.path + "-reload"
        var reload: [LocalProcess] { LocalProcess.all(marked: "PODDUMP_TEST=\(mark)") }
        let reloading = try Program(
          [
            Lab.extcap, "--extcap-config", "--extcap-interface", "poddump",
            "--extcap-reload-option", "pod",
          ], environment: folder.environment.merging(["PODDUMP_TEST": mark]) { $1 })
        #expect(reloading.wait(10) { reload.contains { $0.name == "kubectl" } })
        twice(connecting.program)
        twice(reloading)
        connecting.expectGone(within: 3)
        connecting.expectWell(within: 1)
        // Nobody waits for its answer any more.
        #expect(reloading.wait(2) { reload.isEmpty }, "\(reload)")
        _ = reloading.finish(within: 1)
      }
      try Lab.expectNothingLeft(since: before, within: 5)
    }

    // MARK: Points 25 and 26

    /// The reader dies where no packet comes by which it would be noticed.
    @Test func aReaderThatDiesIsNoticedWithoutTraffic() throws {
      let before = try Lab.processes()
      let idle = try Piped("pod:shop/web", isBusy: false, in: folder)
      idle.waitUntilCapturing(isBusy: false)
      usleep(500_000)
      idle.fifo.stopReading()
      idle.expectWell(within: 2)
      idle.expectGone(within: 1)
      try Lab.expectNothingLeft(since: before, within: 2)
    }

    @Test func aKilledTsharkLeavesNothing() throws {
      let before = try Lab.processes()
      let captures = try [StopsTests.idle, StopsTests.busy].map {
        try Capturing(.tshark, $0, in: folder)
      }
      captures.waitUntilCapturing()
      for capture in captures { try capture.send(SIGKILL, to: "tshark") }
      captures.expectNothingHere(within: 5)
      try Lab.expectNothingLeft(since: before, within: 5)
    }

    // MARK: Point 27

    /// A kill of the extcap, by each route that makes something: a file, a container, a pod.
    @Test(arguments: [true, false])
    func aKilledExtcapLeavesNothing(isBusy: Bool) throws {
      try folder.clean()
      let places = [
        ("upload", "odd/plain"), ("debug", "shop/distroless"), ("node", "odd/pair"),
      ]
      let files = try places.map { try Lab.files($0.1) }
      let before = try Lab.processes()
      let all = try places.map { route, pod in
        try Piped(
          "pod:\(pod)", isBusy: isBusy, in: folder, ["--route", route], isRead: true)
      }
      for piped in all {
        // Each is read meanwhile, as the pipe of a busy one would fill up.
        piped.program.wait(40) {
          for one in all { one.read() }
          return piped.stream.count > (isBusy ? 2000 : 200)
        }
        piped.waitUntilCapturing(isBusy: isBusy)
      }
      for piped in all {
        kill(piped.program.pid, SIGKILL)
        _ = piped.program.finish(within: 5)
      }
      try Lab.expectNothingLeft(since: before, within: 15)
      try Cluster.expectNoHelpers(within: 5)
      #expect(try Cluster.pod("shop/distroless").running == [])
      folder.expectNoJournal(within: 15)
      for piped in all { piped.expectGone(within: 15) }
      for (place, earlier) in zip(places, files) {
        #expect(try Lab.files(place.1).subtracting(earlier) == [], "files left in \(place.1)")
      }
    }

    // MARK: Point 28

    /// Ctrl-C ends tshark as soon as without us, and leaves no FIFO.
    @Test func tsharkEndsAtOnce() throws {
      let before = try Lab.processes()
      let captures = try [StopsTests.idle, StopsTests.busy].map {
        try Capturing(.tshark, $0, in: folder)
      }
      captures.waitUntilCapturing()
      for capture in captures {
        let begin = Date()
        kill(-getpgid(capture.program.pid), SIGINT)
        let end = capture.program.finish(within: 10)
        #expect(end.status == 0, "\(capture.description): \(end.errors)")
        #expect(Date().timeIntervalSince(begin) <= 2, "\(capture.description)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: capture.temporary) == [])
      }
      captures.expectNothingHere(within: 1)
      try Lab.expectNothingLeft(since: before, within: 2)
    }

    // MARK: Point 33

    /// One of two sources ends, or never begins, and the other one goes on; the file is whole.
    @Test func oneOfSeveralEndsAlone() throws {
      try Lab.with(fault: ["extra-pods", "20"]) {
        let run = try Program.run(
          [Lab.poddump, "list", "-A"], environment: folder.environment)
        #expect(run.status == 0)
      }
      let before = try Lab.processes()
      let file = folder.path + "/several.pcapng"
      let program = try Program(
        [
          "/usr/bin/env", "tshark", "-q", "-i", "pod:shop/web", "-i", "pod:load-7/load-00007",
          "-i", "pod:shop/readonly", "-w", file,
        ], environment: folder.environment)
      func captured(_ pod: String) -> Int {
        let run = try? Program.run([
          "/usr/bin/env", "tshark", "-n", "-r", file, "-T", "fields", "-e", "frame.interface_name",
        ])
        return run?.output.split(separator: "\n").count { $0 == "shop/\(pod)/eth0" } ?? 0
      }
      #expect(program.wait(40) { captured("web") > 0 && captured("readonly") > 0 })
      let one = try #require(
        LocalProcess.all(marked: "HOME=\(folder.path)").first {
          $0.name == "poddump" && $0.arguments.contains("pod:shop/web")
        })
      kill(one.pid, SIGTERM)
      #expect(program.wait(5) { LocalProcess.all { $0.pid == one.pid }.isEmpty })
      let (ended, other) = (captured("web"), captured("readonly"))
      #expect(program.wait(20) { captured("readonly") > other + 5 })
      kill(program.pid, SIGINT)
      let end = program.finish(within: 10)
      #expect(end.status == 0 && end.signal == nil, "\(end.errors)")
      // What never began is said, and nothing else.
      #expect(
        end.errors.ranges(of: "extcap pipe:").count == 1
          && end.errors.contains("extcap pipe: Cannot find pod load-7/load-00007"), "\(end.errors)")
      let packets = try PacketFile(file).packets("frame.interface_name").map { $0[0] }
      #expect(packets.count { $0 == "shop/web/eth0" } <= ended + 100)
      #expect(Set(packets) == ["shop/web/eth0", "shop/readonly/eth0"])
      try Lab.expectNothingLeft(since: before, within: 5)
    }

    // MARK: Points 21 and 22

    /// Whatever it makes and says on the command line: through Wireshark's pipe it is silent.
    @Test func aCaptureThatSucceedsSaysNothing() throws {
      let login = SSHLogin(user: "ops")
      let places = [
        ("exec", "shop/web"), ("upload", "odd/plain"), ("debug", "shop/distroless"),
        ("node", "odd/pair"), ("ssh", "shop/web"),
      ]
      let all = try places.map { route, pod in
        try Piped(
          "pod:\(pod)", isBusy: true, in: folder, ["--route", route, "--count", "3"],
          environment: route == "ssh" ? login.environment(in: folder) : nil,
          inside: route == "ssh" ? login.laptop(in: folder) : [])
      }
      for (piped, (route, _)) in zip(all, places) {
        piped.expectWell(within: 60, route)
        #expect(try piped.file().packets("frame.number").count == 3, "\(route)")
      }
      try folder.clean()
    }

    /// What a route refuses, also after a while of trying, is the one sentence that Wireshark shows.
    @Test func aRouteThatFailsSaysOneSentence() throws {
      try Cluster.withPod("unlucky") { unlucky in
        var nowhere = folder.environment
        nowhere["PODDUMP_CONFIG"] = try folder.write(
          "[image]\ndebug = \"lab/nowhere:1\"\n", to: "nowhere.toml")
        let places = [
          ("debug", unlucky, "image"), ("debug", "restricted/strict-distroless", "restricted"),
          ("debug", "denied/denied-distroless", "denied"),
          ("upload", "odd/tar-only", "has no program"),
          ("ssh", "shop/web", "ssh"), ("node", "shop/nosuch", "Cannot find"),
        ]
        let all = try places.map { route, pod, _ in
          try Piped(
            "pod:\(pod)", isBusy: true, in: folder, ["--route", route], environment: nowhere)
        }
        for (piped, (route, pod, word)) in zip(all, places) {
          let end = piped.program.finish(within: 50)
          #expect(end.status > 0, "\(route) \(pod)")
          #expect(end.bytes.isEmpty, "\(route) \(pod)")
          #expect(end.errors.utf8.count <= 1000, "\(route) \(pod)")
          #expect(
            end.errors.split(separator: "\n").count == 1 && end.errors.contains(word),
            "\(route) \(pod): \(end.errors)")
          #expect(piped.read().starts(with: Fifo.sectionHeader), "\(route) \(pod)")
        }
      }
      folder.expectNoJournal()
    }
  }
}
