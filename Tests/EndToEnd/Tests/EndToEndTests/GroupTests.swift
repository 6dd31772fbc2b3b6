import Foundation
import Testing

extension InLab {
  /// Several pods in one stream: named, selected, and followed while they come and go.
  @Suite(.serialized, .timeLimit(.minutes(3)))
  struct GroupTests {
    let folder: Folder
    let lab: Inventory

    init() throws {
      folder = try Folder()
      lab = try Inventory.load()
    }

    private func capture(_ words: String...) throws -> Finished {
      try Program.run(
        [Lab.poddump, "capture"] + words, environment: folder.environment, within: 60)
    }

    /// Every packet carries the name of an interface, and has the address of the pod that it names.
    private func expectOwn(_ packets: [[String]], _ inventory: Inventory) throws {
      for packet in packets {
        let pod = try #require(packet[0].split(separator: "/").dropFirst().first)
        #expect(
          try packet[1].split(separator: ",").map(String.init).contains(
            inventory.address(String(pod))), "\(packet)")
      }
    }

    @Test(arguments: [
      ["deploy/api", "-n", "shop"], ["svc/api", "-n", "shop"], ["-l", "app=api", "-n", "shop"],
    ])
    func allPodsOfAWorkloadShareAStream(target: [String]) throws {
      let path = folder.path + "/api.pcapng"
      let before = try Lab.processes()
      let end = try Program.run(
        [Lab.poddump, "capture"] + target + ["--count", "90", "-w", path],
        environment: folder.environment, within: 60)
      #expect(end.status == 0, "\(end.errors)")
      let file = PacketFile(path)
      #expect(
        try file.packets("frame.number").count == 90,
        "exactly as many as asked for, of all together")
      let packets = try file.packets("frame.interface_name", "ip.addr", filter: "ip")
      #expect(Set(packets.map { $0[0] }) == Set(lab.replicas.map { "shop/\($0)/eth0" }))
      try expectOwn(packets, lab)
      let information = try file.information()
      #expect(information.contains("Number of interfaces in file: 3"), "\(information)")
      #expect(
        information.components(separatedBy: "Number of stat entries = 0").count == 1,
        "\(information)")
      #expect(
        end.errors.contains("90 packets") && end.errors.contains("from 3 interfaces"),
        "\(end.errors)")
      try Lab.expectNothingLeft(since: before, within: 15)
    }

    @Test func aPipeGetsPcapngAndASizeIsKept() throws {
      let end = try capture("deploy/api", "-n", "shop", "--max-size", "20kB", "-w", "-")
      #expect(end.status == 0, "\(end.errors)")
      #expect(end.bytes.prefix(4) == Fifo.sectionHeader)
      // The statistics of each interface at the end are not held back by it.
      #expect((12_000...21_500).contains(end.bytes.count), "\(end.bytes.count)")
      try expectOwn(
        try PacketFile(end.bytes, in: folder).packets(
          "frame.interface_name", "ip.addr", filter: "ip"), lab)
    }

    @Test func everyFileOfARingHasAllInterfaces() throws {
      let end = try capture(
        "deploy/api", "-n", "shop", "--count", "400", "--ring", "3:12kB", "-w",
        folder.path + "/ring.pcapng")
      #expect(end.status == 0, "\(end.errors)")
      let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        .filter { $0.hasPrefix("ring_") }
      #expect(names.count == 3, "\(names)")
      for name in names {
        let file = PacketFile(folder.path + "/" + name)
        #expect(try file.information().contains("Number of interfaces in file: 3"))
        try expectOwn(
          try file.packets("frame.interface_name", "ip.addr", filter: "ip"), lab)
      }
    }

    /// By routes that make something for each of them.
    @Test(arguments: ["debug", "node", "upload"]) func byOtherRoutes(route: String) throws {
      let before = try Lab.processes()
      let path = folder.path + "/routes.pcapng"
      let end = try capture(
        "deploy/api", "-n", "shop", "--route", route, "--count", "90", "-w", path)
      #expect(end.status == 0, "\(end.errors)")
      let packets = try PacketFile(path).packets("frame.interface_name", "ip.addr", filter: "ip")
      #expect(Set(packets.map { $0[0] }).count == 3, "\(end.errors)")
      try expectOwn(packets, lab)
      try folder.clean()
      folder.expectNoJournal()
      try Cluster.expectNoHelpers(within: 5)
      try Lab.expectNothingLeft(since: before, within: 15)
    }

    @Test func namedPodsOfDifferentNamespacesShareAStream() throws {
      let path = folder.path + "/two.pcapng"
      let end = try capture("shop/web", "kube-system/dns", "--duration", "4s", "-w", path)
      #expect(end.status == 0, "\(end.errors)")
      let names = Set(try PacketFile(path).packets("frame.interface_name").map { $0[0] })
      #expect(names == ["shop/web/eth0", "kube-system/dns/eth0"])
    }

    @Test func onePodThatCannotBeCapturedFailsAtTheEndAndTheOtherIsCaptured() throws {
      let path = folder.path + "/one.pcapng"
      let end = try capture("shop/web", "shop/none", "--count", "20", "-w", path)
      #expect(end.status == 5, "\(end.errors)")
      #expect(end.errors.contains("No longer from shop/none, 1 other goes on"), "\(end.errors)")
      try PacketFile(path).expectPackets(20, of: lab.address("web"))
      // It has no interface of its own to say so.
      let remarks = try PacketFile(path).packets("frame.comment", filter: "frame.comment")
      #expect(remarks.contains { $0[0].contains("shop/none is not captured. ") }, "\(remarks)")
    }

    @Test func nothingThatWorksEndsSoonWithTheCauses() throws {
      let begin = Date()
      let path = folder.path + "/nothing.pcapng"
      let end = try capture(
        "deploy/api", "-n", "shop", "--route", "exec", "-i", "nosuch0", "-w", path)
      #expect(end.status != 0, "\(end.errors)")
      #expect(end.errors.contains("nosuch0"), "\(end.errors)")
      #expect(Date().timeIntervalSince(begin) < 30)
      #expect(!FileManager.default.fileExists(atPath: path))
    }

    /// How a capture of a workload learns of its pods, and who shows it.
    enum Following: String, CaseIterable { case watch, list, tshark }

    @Test(arguments: Following.allCases)
    func aReplicaThatGoesIsClosedAndItsSuccessorJoins(following: Following) throws {
      try folder.waitUntilListed("deploy:shop/api")
      // Whoever may only list asks again and again.
      var environment: [String: String?] = folder.environment
      if following == .list {
        let rights = try Manifest("list", in: folder) + Manifest("exec", in: folder)
        #expect(!rights.rights.contains { $0.words == "watch pods" })
        environment["KUBECONFIG"] = try rights.kubeconfig()
      }
      let path = folder.path + "/replaced.pcapng"
      let program = try Program(
        following == .tshark
          ? ["/usr/bin/env", "tshark", "-i", "deploy:shop/api", "-w", path]
          : [Lab.poddump, "capture", "deploy/api", "-n", "shop", "-w", path],
        environment: environment)
      func interfaces() -> Set<String> {
        Set(
          ((try? PacketFile(path).packetsSoFar("frame.interface_name")) ?? []).compactMap(\.first))
      }
      let gone = try #require(lab.replicas.first)
      #expect(program.wait(30) { interfaces().count == 3 }, "\(program.errors)")
      try Lab.run("replace", "shop/" + gone)
      let ready = Date()
      let after = try Inventory.load()
      let successor = try #require(after.replicas.first { !lab.replicas.contains($0) })
      #expect(
        program.wait(5) { interfaces().contains("shop/\(successor)/eth0") },
        "no packet of \(successor) within 5 s of it running: \(program.errors)")
      print("successor's packets (\(following)) after \(Date().timeIntervalSince(ready)) s")
      if following != .tshark {
        #expect(program.errors.contains("No longer from shop/\(gone), "), "\(program.errors)")
      }
      kill(program.pid, SIGINT)
      let end = program.finish(within: 15)
      // Nobody named the one that is gone.
      #expect(end.status == 0, "\(end.errors)")
      let information = try PacketFile(path).information()
      #expect(information.contains("Number of interfaces in file: 4"), "\(information)")
      // The statistics block says why; capinfos does not show its comment.
      let bytes = try Data(contentsOf: URL(filePath: path))
      #expect(bytes.range(of: Data("The capture from shop/\(gone) ".utf8)) != nil)
      let remarks = try PacketFile(path).packets("frame.comment", filter: "frame.comment")
      #expect(
        remarks.contains { $0[0].contains("shop/\(successor) has joined the capture.") },
        "\(remarks)")
    }

    /// A container that restarts is another interface, and its first packet says for how long nothing was seen.
    @Test func aContainerThatRestartsIsCapturedAgain() throws {
      let path = folder.path + "/restarted.pcapng"
      let program = try Program(
        [Lab.poddump, "capture", "deploy/api", "-n", "shop", "-w", path],
        environment: folder.environment)
      #expect(
        program.wait(30) { program.errors.components(separatedBy: "Capturing from").count == 4 },
        "\(program.errors)")
      let pod = try #require(lab.replicas.first)
      try Lab.run("restart", "shop/" + pod)
      #expect(
        program.wait(20) { program.errors.components(separatedBy: "Capturing from").count == 5 },
        "\(program.errors)")
      var remarks: [[String]] { (try? PacketFile(path).packetsSoFar("frame.comment")) ?? [] }
      #expect(
        program.wait(10) {
          remarks.contains { $0[0].contains("shop/\(pod) is captured again: it was not for ") }
        }, "\(remarks)")
      kill(program.pid, SIGINT)
      #expect(program.finish(within: 15).status == 0)
    }

    @Test func ofTwoNamedPodsOneIsDeleted() throws {
      let path = folder.path + "/named.pcapng"
      let program = try Program(
        [Lab.poddump, "capture", "shop/web", "shop/leaving", "-w", path],
        environment: folder.environment)
      #expect(
        program.wait(30) { program.errors.components(separatedBy: "Capturing from").count == 3 },
        "\(program.errors)")
      let deleted = try Program.run(
        ["/usr/bin/env", "kubectl", "delete", "pod", "-n", "shop", "leaving"])
      #expect(deleted.status == 0, "\(deleted.errors)")
      #expect(
        program.wait(10) {
          program.errors.contains("No longer from shop/leaving, 1 other goes on")
        },
        "\(program.errors)")
      let size = try PacketFile(path).packetsSoFar("frame.number").count
      usleep(2_000_000)
      #expect(try PacketFile(path).packetsSoFar("frame.number").count > size)
      kill(program.pid, SIGINT)
      let end = program.finish(within: 15)
      #expect(end.status == 1, "\(end.errors)")
      try Lab.run("replace", "shop/leaving")
    }

    @Test func anInterfaceValueOfAWorkloadIsCapturedThroughAFifo() throws {
      let fifo = try Fifo(in: folder.path)
      let program = try Program(
        [Lab.poddump, "extcap"] + fifo.capture("deploy:shop/api", "--count", "60"),
        environment: folder.environment)
      var bytes = Data()
      #expect(
        program.wait(30) {
          bytes += fifo.bytes
          return !program.process.isRunning
        })
      bytes += fifo.bytes
      let end = program.finish()
      #expect(end.status == 0 && end.errors.isEmpty, "\(end.errors)")
      let file = try PacketFile(bytes, in: folder)
      #expect(try file.packets("frame.number").count == 60)
      try expectOwn(try file.packets("frame.interface_name", "ip.addr", filter: "ip"), lab)
    }

    @Test func tsharkShowsAllReplicasByName() throws {
      try folder.waitUntilListed("deploy:shop/api")
      let end = try folder.tshark([
        "-i", "deploy:shop/api", "-N", "n", "-c", "50", "-T", "fields", "-E", "separator=|", "-e",
        "frame.interface_name", "-e", "ip.src_host", "-e", "ip.dst_host",
      ])
      #expect(end.status == 0, "\(end.errors)")
      #expect(!end.errors.contains("extcap pipe:"), "\(end.errors)")
      let packets = end.output.split(separator: "\n").map {
        $0.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
      }
      #expect(packets.count == 50)
      #expect(Set(packets.map { $0[0] }) == Set(lab.replicas.map { "shop/\($0)/eth0" }))
      for packet in packets where !packet[1].isEmpty {
        let pod = try #require(packet[0].split(separator: "/").dropFirst().first)
        #expect(packet[1...2].contains("\(pod).shop"), "\(packet)")
      }
      let run = try folder.tshark(["-i", "deploy:shop/api", "-N", "n", "-c", "50"])
      for replica in lab.replicas {
        #expect(run.output.contains("\(replica).shop"), "\(run.output)")
      }
    }

    /// Also where Wireshark's own programs take part.
    @Test(arguments: ["tshark", "dumpcap", "poddump", "kubectl"])
    func whoeverOfTsharksIsKilledNothingIsLeft(victim: String) throws {
      try folder.waitUntilListed("deploy:shop/api")
      let before = try Lab.processes()
      let path = folder.path + "/\(victim).pcapng"
      var environment: [String: String?] = folder.environment
      environment["PODDUMP_TEST"] = path
      let program = try Program(
        ["/usr/bin/env", "tshark", "-i", "deploy:shop/api", "-w", path], environment: environment)
      #expect(
        program.wait(30) {
          Set((try? PacketFile(path).packetsSoFar("frame.interface_name")) ?? []).count == 3
        }, "\(program.errors)")
      var own: [LocalProcess] { LocalProcess.all(marked: "PODDUMP_TEST=\(path)") }
      let process = try #require(
        own.first {
          $0.name == victim && !$0.isJanitor
            && (victim != "kubectl" || $0.arguments.contains("exec"))
        })
      kill(process.pid, SIGKILL)
      if victim == "kubectl" {
        // The others are captured on.
        usleep(1_000_000)
        let size = try PacketFile(path).packetsSoFar("frame.number").count
        usleep(1_500_000)
        #expect(try PacketFile(path).packetsSoFar("frame.number").count > size)
        kill(program.pid, SIGINT)
      }
      _ = program.finish(within: 20)
      let deadline = Date(timeIntervalSinceNow: 20)
      while Date() < deadline, !own.isEmpty { usleep(100_000) }
      #expect(own.map(\.name) == [])
      try Lab.expectNothingLeft(since: before, within: 15)
    }

    @Test func whoeverIsKilledNothingIsLeft() throws {
      let before = try Lab.processes()
      for victim in ["poddump", "kubectl"] {
        let path = folder.path + "/\(victim).pcapng"
        let mark = "\(folder.path)-\(victim)"
        var environment: [String: String?] = folder.environment
        environment["PODDUMP_TEST"] = mark
        let program = try Program(
          [Lab.poddump, "capture", "deploy/api", "-n", "shop", "-w", path], environment: environment
        )
        #expect(
          program.wait(30) { program.errors.components(separatedBy: "Capturing from").count == 4 },
          "\(program.errors)")
        let own = LocalProcess.all(marked: "PODDUMP_TEST=\(mark)")
        let process = try #require(
          own.first {
            $0.name == victim && !$0.isJanitor
              && (victim == "poddump" || $0.arguments.contains("exec"))
          })
        kill(process.pid, SIGKILL)
        if victim == "kubectl" {
          #expect(
            program.wait(20) { program.errors.contains("2 others go on") }, "\(program.errors)")
          let size = try PacketFile(path).packetsSoFar("frame.number").count
          usleep(1_500_000)
          #expect(try PacketFile(path).packetsSoFar("frame.number").count > size)
          kill(program.pid, SIGINT)
        }
        let end = program.finish(within: 15)
        #expect(victim == "poddump" ? end.signal == SIGKILL : end.status == 0, "\(end.errors)")
        let deadline = Date(timeIntervalSinceNow: 20)
        while Date() < deadline, !LocalProcess.all(marked: "PODDUMP_TEST=\(mark)").isEmpty {
          usleep(100_000)
        }
        #expect(LocalProcess.all(marked: "PODDUMP_TEST=\(mark)").isEmpty)
      }
      try Lab.expectNothingLeft(since: before, within: 15)
    }

    @Test func aReaderThatTakesNothingCostsNoMemory() throws {
      let fifo = try Fifo(in: folder.path)
      let program = try Program(
        [Lab.poddump, "extcap"] + fifo.capture("svc:shop/api"), environment: folder.environment)
      #expect(program.wait(30) { !fifo.bytes.isEmpty })
      // Over a megabyte a second, for as long as nothing is taken.
      let flooded = try #require(lab.replicas.first)
      let pinging = try Pinging(from: "bb", lab.address(flooded), isFlood: true)
      defer { pinging.end() }
      usleep(8_000_000)
      let status = try String(contentsOfFile: "/proc/\(program.pid)/status", encoding: .utf8)
      let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") })
      let size = try #require(line.split(separator: " ").compactMap { Int($0) }.first)
      #expect(size < 60_000, "\(line)")
      // The pipe was full, and whoever takes something gets what comes after.
      var taken = fifo.bytes.count
      #expect(taken > 50_000, "\(taken)")
      #expect(
        program.wait(10) {
          taken += fifo.bytes.count
          return taken > 3_000_000
        }, "\(taken)")
      kill(program.pid, SIGTERM)
      let end = program.finish(within: 10)
      #expect(end.status == 0 && end.errors.isEmpty, "\(end.errors)")
    }

    @Test func theToolbarsRestartGoesOnWithTheSuccessor() throws {
      let gone = try #require(lab.replicas.first)
      let fifo = try Fifo(in: folder.path)
      let (toUs, fromUs) = (folder.path + "/control-in", folder.path + "/control-out")
      for path in [toUs, fromUs] { try #require(mkfifo(path, 0o600) == 0) }
      let shown = open(fromUs, O_RDONLY | O_NONBLOCK)
      // Both ends, so that nobody is waited for.
      let pressed = open(toUs, O_RDWR | O_NONBLOCK)
      defer { for descriptor in [shown, pressed] { close(descriptor) } }
      let program = try Program(
        [Lab.poddump, "extcap"]
          + fifo.capture(
            "pod:shop/\(gone)", "--extcap-control-in", toUs, "--extcap-control-out", fromUs),
        environment: folder.environment)
      var bytes = Data()
      var said = Data()
      func wait(_ seconds: Double, until condition: () -> Bool) -> Bool {
        program.wait(seconds) {
          bytes += fifo.bytes
          var buffer = [UInt8](repeating: 0, count: 1 << 14)
          let count = read(shown, &buffer, buffer.count)
          if count > 0 { said += buffer[..<count] }
          return condition()
        }
      }
      #expect(wait(30) { bytes.count > 3000 }, "\(program.errors)")
      try Lab.run("replace", "shop/" + gone)
      #expect(wait(15) { said.range(of: Data("Restart goes on".utf8)) != nil })
      #expect(program.process.isRunning, "\(program.errors)")
      let after = try Inventory.load()
      let successor = try #require(after.replicas.first { !lab.replicas.contains($0) })
      // The Restart button: control 2 is set to nothing.
      let press: [UInt8] = [UInt8(ascii: "T"), 0, 0, 2, 2, 1]
      #expect(write(pressed, press, press.count) == press.count)
      #expect(
        wait(20) { bytes.range(of: Data("shop/\(successor)/eth0".utf8)) != nil },
        "\(program.errors)")
      let size = bytes.count
      #expect(wait(10) { bytes.count > size + 2000 })
      kill(program.pid, SIGTERM)
      #expect(wait(10) { !program.process.isRunning })
      bytes += fifo.bytes
      let end = program.finish()
      #expect(end.status == 0 && end.errors.isEmpty, "\(end.errors)")
      let packets = try PacketFile(bytes, in: folder)
        .packets("frame.interface_name", "ip.addr", filter: "ip")
      #expect(
        Set(packets.map { $0[0] }) == ["shop/\(gone)/eth0", "shop/\(successor)/eth0"])
    }
  }
}
