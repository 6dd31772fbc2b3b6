import Foundation
import Testing

extension InLab {
  /// What `poddump capture` delivers, from every pod that can be captured by exec.
  @Suite(.serialized, .timeLimit(.minutes(2)))
  struct CaptureTests {
    let folder: Folder
    let lab: Inventory

    init() throws {
      folder = try Folder()
      lab = try Inventory.load()
    }

    /// Runs `poddump capture` to its end.
    private func capture(_ words: String..., within seconds: Double = 30) throws -> Finished {
      try Program.run(
        [Lab.poddump, "capture"] + words, environment: folder.environment, within: seconds)
    }

    @Test func everyPodShowsItsOwnPacketsAndAsManyAsAskedFor() throws {
      let targets: [(words: [String], pod: String)] =
        [
          (["shop/web"], "web"), (["shop/busydump"], "busydump"), (["shop/quiet"], "quiet"),
          (["duo", "-n", "shop", "-c", "tools"], "duo"),
          (["pod/annotated", "-n", "shop"], "annotated"),
          (
            ["shop/hostnet", "-f", "tcp port 8081 and host \(try lab.address("hostnet"))"],
            "hostnet"
          ),
          (["readonly"], "readonly"), (["shop/moved"], "moved"),
        ] + lab.replicas.map { (["shop/\($0)"], $0) }
      #expect(lab.replicas.count == 3)
      let before = try Lab.processes()
      let pinging = try Pinging(from: "bb", lab.address("quiet"), for: 600)
      let runs = try targets.enumerated().map { number, target in
        try Program(
          [Lab.poddump, "capture", "--count", String(7 + number), "-w", "-"] + target.words,
          environment: folder.environment)
      }
      for (number, (target, run)) in zip(targets, runs).enumerated() {
        let end = run.finish(within: 60)
        #expect(end.status == 0, "\(target.pod): \(end.errors)")
        try PacketFile(end.bytes, in: folder).expectPackets(
          7 + number, of: lab.address(target.pod), target.pod)
        #expect(end.errors.contains(" \(7 + number) packets, "), "\(end.errors)")
      }
      pinging.end()
      try Lab.expectNothingLeft(since: before, within: 15)
    }

    @Test func aFilterIsHonoured() throws {
      let end = try capture("shop/web", "-f", "icmp", "--count", "6", "-w", "-")
      #expect(end.status == 0, "\(end.errors)")
      let packets = try PacketFile(end.bytes, in: folder).packets("ip.proto")
      #expect(packets == Array(repeating: ["1"], count: 6))
    }

    @Test func anyMeansAllInterfaces() throws {
      let end = try capture("shop/web", "-i", "any", "--count", "6", "-f", "icmp", "-w", "-")
      #expect(end.status == 0, "\(end.errors)")
      let file = try PacketFile(end.bytes, in: folder)
      try file.expectPackets(6, of: lab.address("web"))
      // Cooked capture has no Ethernet header.
      #expect(try file.packets("frame.protocols").allSatisfy { $0[0].hasPrefix("sll:") })
    }

    @Test func packetsAreCutToTheLengthAskedFor() throws {
      let end = try capture("shop/web", "-s", "60", "--count", "12", "-w", "-")
      #expect(end.status == 0, "\(end.errors)")
      let lengths = try PacketFile(end.bytes, in: folder).packets("frame.cap_len", "frame.len")
        .map { $0.compactMap { Int($0) } }
      #expect(lengths.count == 12)
      // In immediate mode the kernel's ring keeps up to four bytes less than it was asked for.
      #expect(lengths.allSatisfy { (56...60).contains($0[0]) || $0[0] == $0[1] && $0[1] < 60 })
      #expect(lengths.contains { $0[1] > 60 }, "no packet was long enough to be cut")
    }

    @Test func aPcapngFileSaysWhereItsPacketsCameFrom() throws {
      let path = folder.path + "/web.pcapng"
      let end = try capture("shop/web", "-f", "tcp port 80", "--count", "5", "-w", path)
      #expect(end.status == 0, "\(end.errors)")
      #expect(end.bytes.isEmpty)
      try PacketFile(path).expectPackets(5, of: lab.address("web"))
      let information = try PacketFile(path).information()
      for expected in [
        "Capture application: poddump", "Name = shop/web/eth0",
        "Description = shop/web (container web, interface eth0), node n1",
        "Filter string = tcp port 80",
        "Number of packets = 5", "route exec: ",
      ] {
        #expect(information.contains(expected), "\(expected) is not in \(information)")
      }
      #expect(try PacketFile(path).hasCounters())
    }

    @Test func aDurationEndsAnIdleCapture() throws {
      let begin = Date()
      let path = folder.path + "/quiet.pcap"
      let end = try capture("shop/quiet", "--duration", "2s", "-w", path)
      #expect(end.status == 0, "\(end.errors)")
      #expect(Date().timeIntervalSince(begin) >= 2)
      #expect(try PacketFile(path).packets("frame.number").isEmpty)
      #expect(end.errors.contains("0 packets"), "\(end.errors)")
    }

    @Test(arguments: ["pcap", "pcapng"])
    func aSizeIsNeverExceeded(format: String) throws {
      let path = folder.path + "/web." + format
      let end = try capture("shop/web", "--max-size", "3kB", "-w", path)
      #expect(end.status == 0, "\(end.errors)")
      let size = try #require(
        FileManager.default.attributesOfItem(atPath: path)[.size] as? Int)
      // A limit counts packets; the statistics block at the end is not held back by it.
      #expect((2000...(format == "pcap" ? 3000 : 3400)).contains(size), "\(size)")
      try PacketFile(path).expectPackets(of: lab.address("web"))
    }

    @Test func aRingKeepsTheLastFiles() throws {
      let end = try capture(
        "shop/web", "--ring", "2:3kB", "--count", "100", "-w", folder.path + "/ring.pcapng")
      #expect(end.status == 0, "\(end.errors)")
      let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        .filter { $0.hasPrefix("ring_") }.sorted()
      #expect(names.count == 2, "\(names)")
      #expect(names.first.map { $0 > "ring_00002" } == true, "\(names)")
      for name in names {
        try PacketFile(folder.path + "/" + name).expectPackets(of: lab.address("web"))
      }
    }

    @Test func throughputDeliversAsManyPackets() throws {
      let end = try capture("shop/web", "--throughput", "--count", "8", "-w", "-")
      #expect(end.status == 0, "\(end.errors)")
      try PacketFile(end.bytes, in: folder).expectPackets(8, of: lab.address("web"))
    }

    @Test func withoutANameTheContainerIsTheOneThatKubectlTakes() throws {
      // duo's first container has no tcpdump; annotated's annotation names its second, which has.
      let duo = try capture("shop/duo", "--route", "exec", "--count", "1", "-w", "-")
      #expect(duo.status == 6)
      #expect(
        duo.errors.contains("no tcpdump") && duo.errors.contains("-c: tools"), "\(duo.errors)")
      let annotated = try capture(
        "shop/annotated", "--route", "exec", "-c", "sidecar", "--count", "1", "-w", "-")
      #expect(annotated.status == 6)
      #expect(annotated.errors.contains("main"), "\(annotated.errors)")
    }
  }
}
