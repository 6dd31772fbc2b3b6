import Foundation
import Testing

extension InLab {
  /// Where on a node packets are taken, and how they are chosen and kept.
  @Suite(.serialized, .timeLimit(.minutes(3)))
  struct SSHPointTests {
    let folder: Folder
    let lab: Inventory

    init() throws {
      folder = try Folder()
      lab = try Inventory.load()
    }

    private func capture(
      _ words: String..., by login: SSHLogin = SSHLogin(user: "ops"),
      sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> (file: PacketFile, end: Finished) {
      let path = "\(folder.path)/\(folder.nextNumber()).pcapng"
      let end = try login.poddump(["capture"] + words + ["-v", "-w", path], in: folder)
      #expect(end.status == 0, "\(words): \(end.errors)", sourceLocation: sourceLocation)
      return (PacketFile(path), end)
    }

    /// The names of a node's interfaces, as it lists them itself.
    private func interfaces(of node: String) throws -> Set<String> {
      let run = try Lab.run("in", node, "ls", "/sys/class/net")
      return Set(run.output.split(separator: "\n").map(String.init))
    }

    @Test(arguments: ["web", "distroless"])
    func onTheHostsSideItIsAnInterfaceOfTheNode(pod: String) throws {
      let (file, end) = try capture("shop/\(pod)", "--at", "host", "--count", "10")
      try file.expectPackets(10, of: lab.address(pod))
      let node = try #require(lab.pod(pod).node)
      let used = try #require(end.errors.firstMatch(of: /tcpdump -i (?<name>[^ ]+) -U/)?.name)
      #expect(try interfaces(of: node).contains(String(used)), "\(used)")
      #expect(used != "eth0" && used != "any", "\(used)")
      #expect(end.errors.contains("capturing on \(used) on node \(node), the other end"))
    }

    @Test(arguments: ["web", "distroless"])
    func inThePodItIsThePodsOwn(pod: String) throws {
      let (file, end) = try capture("shop/\(pod)", "--at", "pod", "--count", "10")
      try file.expectPackets(10, of: lab.address(pod))
      #expect(end.errors.contains("nsenter -t ") && end.errors.contains("tcpdump -i eth0 "))
      #expect(end.errors.contains("eth0 in the pod's network namespace on node "), "\(end.errors)")
    }

    @Test func theLoopbackAndAnyAreThePods() throws {
      // Only the pod itself can put something on its loopback.
      let own = try Program([
        Lab.command, "exec-in", "shop/bb", "ping", "-i", "0.2", "-w", "30", "127.0.0.1",
      ])
      defer {
        for process in LocalProcess.all(where: {
          $0.arguments == ["ping", "-i", "0.2", "-w", "30", "127.0.0.1"]
        }) { kill(process.pid, SIGINT) }
        _ = own.finish(within: 5)
      }
      let (loopback, _) = try capture("shop/bb", "-i", "lo", "--count", "6")
      try loopback.expectPackets(6, of: "127.0.0.1")
      let (all, said) = try capture("shop/bb", "-i", "any", "--count", "40")
      let sources = try Set(all.packets("ip.src", filter: "ip").flatMap { $0 })
      #expect(try sources.isSuperset(of: ["127.0.0.1", lab.address("bb")]), "\(sources)")
      #expect(try all.packets("frame.protocols").allSatisfy { $0[0].hasPrefix("sll:") })
      #expect(said.errors.contains("has no other end on the node"), "\(said.errors)")

      let forced = try SSHLogin().poddump(
        ["capture", "shop/bb", "-i", "lo", "--at", "host", "-w", "-"], in: folder)
      #expect(forced.status == 6)
      Golden.expect(forced.errors, "SSH", "lo on the host's side")
      let none = try SSHLogin().poddump(
        ["capture", "shop/bb", "-i", "eth7", "-w", "-"], in: folder)
      #expect(none.status == 5)
      Golden.expect(none.errors, "SSH", "no such interface")
    }

    @Test(arguments: ["host", "pod"])
    func aFilterAndALengthAreHonoured(point: String) throws {
      let (file, _) = try capture(
        "shop/web", "--at", point, "-f", "icmp", "-s", "60", "--count", "6")
      #expect(try file.packets("ip.proto") == Array(repeating: ["1"], count: 6))
      let lengths = try file.packets("frame.cap_len", "frame.len").map { $0.compactMap { Int($0) } }
      #expect(lengths.allSatisfy { (56...60).contains($0[0]) && $0[1] > 60 }, "\(lengths)")
    }

    @Test func aFileSaysFromWhereAndARingKeepsTheLast() throws {
      let (file, _) = try capture("shop/distroless", "-f", "tcp", "--count", "5")
      let information = try file.information()
      for expected in [
        "Name = shop/distroless/eth0",
        "Description = shop/distroless (interface eth0), node n2",
        "Filter string = tcp", "Number of packets = 5", "route ssh: ", "tcpdump -i veth",
      ] {
        #expect(information.contains(expected), "\(expected) is not in \(information)")
      }
      let end = try SSHLogin().poddump(
        [
          "capture", "shop/distroless", "--ring", "2:3kB", "--count", "100", "-w",
          folder.path + "/ring.pcapng",
        ], in: folder)
      #expect(end.status == 0, "\(end.errors)")
      let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        .filter { $0.hasPrefix("ring_") }.sorted()
      #expect(names.count == 2, "\(names)")
      for name in names {
        try PacketFile(folder.path + "/" + name).expectPackets(of: lab.address("distroless"))
      }
    }

    // MARK: - Nodes

    /// The packets of ssh between laptop and node: how many connections they belong to.
    private func sshConnections(_ file: PacketFile) throws -> Set<String> {
      let packets = try file.packets(
        "tcp.srcport", "tcp.dstport",
        filter: "tcp.port == 22 && ip.addr == 198.51.100.1 && ip.addr == 198.51.100.11")
      return Set(packets.map { $0[0] == "22" ? $0[1] : $0[0] })
    }

    @Test(arguments: SSHLogin.Engine.allCases)
    func aNodeShowsEverythingButTheCaptureItself(engine: SSHLogin.Engine) throws {
      // Another connection from the same laptop to the same port is none of the capture's own.
      // timeout(1) stands before ssh, which closes all files that it does not know: Foundation would take
      // that for its end.
      let other = try Program([
        "/usr/bin/timeout", "60", Lab.command, "ssh", "ops@n1",
        "while sleep 0.1; do echo more; done",
      ])
      defer {
        try? other.input.fileHandleForWriting.close()
        kill(other.pid, SIGTERM)
        _ = other.finish(within: 5)
      }
      #expect(other.wait(10) { !other.bytes.isEmpty })
      let login = SSHLogin(user: "ops", engine: engine)
      let (file, end) = try capture("node/n1", "--count", "150", by: login)
      #expect(end.errors.contains("capturing on eth0 of node n1, the one with its address"))
      #expect(try file.packets("frame.number").count == 150)
      let others = try sshConnections(file)
      #expect(others.count == 1, "only the other connection is shown")
      #expect(try file.packets("frame.interface_name").allSatisfy { $0 == ["n1/eth0"] })
      let sources = try Set(file.packets("ip.src", filter: "ip").flatMap { $0 })
      #expect(sources.count > 3, "\(sources)")

      let (whole, _) = try capture("node/n1", "--include-own-traffic", "--count", "150", by: login)
      #expect(try !sshConnections(whole).subtracting(others).isEmpty, "its own is shown too")
    }

    @Test func aNodesOtherInterfacesAreChosenByName() throws {
      let (loopback, _) = try capture("node/n2", "-i", "cni0", "--count", "10")
      let shown = try loopback.packets("ip.src", "ip.dst", filter: "ip").flatMap { $0 }
      // Behind the bridge are the pods of n2: 198.51.100.96/27.
      #expect(
        shown.contains { address in
          address.hasPrefix("198.51.100.")
            && address.split(separator: ".").last.flatMap { Int($0) }.map {
              (97..<127).contains($0)
            }
              ?? false
        })
      let (all, _) = try capture("node/n1", "-i", "any", "--count", "20")
      #expect(try all.packets("frame.protocols").allSatisfy { $0[0].hasPrefix("sll:") })
      let none = try SSHLogin().poddump(
        ["capture", "node/n2", "-i", "eth7", "-w", "-"], in: folder)
      #expect(none.status == 5)
      #expect(
        none.errors.contains("It has no interface eth7.") && none.errors.contains("cni0"),
        "\(none.errors)")
      let unknown = try SSHLogin().poddump(["capture", "node/n9", "-w", "-"], in: folder)
      #expect(unknown.status == 5)
    }
  }
}
