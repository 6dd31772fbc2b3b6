import Foundation
import Testing

extension InLab {
  /// Pods as the real tshark's interfaces.
  @Suite(.serialized, .timeLimit(.minutes(2)))
  struct WiresharkTests {
    let folder: Folder
    let lab: Inventory

    init() throws {
      folder = try Folder()
      lab = try Inventory.load()
      try folder.waitUntilListed("pod:shop/web")
    }

    /// A finished tshark succeeded and nothing was said that Wireshark would show in a dialog.
    private func expectGood(_ end: Finished, sourceLocation: SourceLocation = #_sourceLocation) {
      #expect(end.status == 0, "\(end.errors)", sourceLocation: sourceLocation)
      #expect(!end.errors.contains("extcap pipe:"), "\(end.errors)", sourceLocation: sourceLocation)
    }

    @Test func runningPodsAreInterfaces() throws {
      let run = try folder.tshark(["-D"])
      #expect(run.status == 0, "\(run.errors)")
      for name in ["web", "bb", "distroless", "quiet", "duo", "nonroot", "moved"] + lab.replicas {
        #expect(run.output.contains(" pod:shop/\(name) (shop/\(name) · n"), "\(run.output)")
      }
      #expect(run.output.contains(" pod:kube-system/dns ("))
      #expect(run.output.contains(" poddump (Kubernetes: choose a pod…)"), "\(run.output)")
      #expect(!run.output.contains("shop/pending") && !run.output.contains("shop/completed"))
    }

    @Test(arguments: ["pod:shop/web", "shop/web"])
    func aPodIsCapturedByItsValueAndByItsDisplay(name: String) throws {
      let file = folder.path + "/web.pcapng"
      expectGood(try folder.tshark(["-i", name, "-c", "10", "-w", file]))
      try PacketFile(file).expectPackets(10, of: lab.address("web"))
      #expect(
        try PacketFile(file).packets("frame.interface_name", "frame.interface_description")
          .allSatisfy {
            $0[0] == "shop/web/eth0" && $0[1].hasSuffix("node n1, context lab")
          })
    }

    @Test func thePortalReachesAPodBeyondTheLimit() throws {
      let narrow = try Folder()
      let settings = [
        "PODDUMP_CONFIG": try narrow.write("[listing]\nlimit = 7\n", to: "config.toml")
      ]
      try narrow.waitUntilListed("poddump", environment: settings)
      try narrow.waitUntilListed("pod:baseline/base", environment: settings)
      let listed = try narrow.tshark(["-D"], environment: settings)
      // Pods and what stands for several, which all say their context.
      #expect(listed.output.split(separator: "\n").filter { $0.contains(" · lab)") }.count == 7)
      #expect(!listed.output.contains("pod:shop/web "))
      let file = narrow.path + "/web.pcapng"
      expectGood(
        try narrow.tshark(
          [
            "-i", "poddump", "-o", "extcap.poddump.namespace:shop", "-o", "extcap.poddump.pod:web",
            "-c", "3", "-w", file,
          ], environment: settings))
      try PacketFile(file).expectPackets(3, of: lab.address("web"))
    }

    @Test func twoPodsAreCapturedAtOnce() throws {
      let file = folder.path + "/two.pcapng"
      expectGood(
        try folder.tshark(["-i", "pod:shop/web", "-i", "pod:shop/readonly", "-c", "40", "-w", file])
      )
      let packets = try PacketFile(file).packets("frame.interface_name", "ip.addr", filter: "ip")
      let addresses = ["shop/web/eth0": "web", "shop/readonly/eth0": "readonly"]
      #expect(Set(packets.map { $0[0] }) == Set(addresses.keys))
      for packet in packets {
        let pod = try #require(addresses[packet[0]])
        #expect(try packet[1].split(separator: ",").map(String.init).contains(lab.address(pod)))
      }
    }

    @Test func aRingOfTsharksIsWhole() throws {
      expectGood(
        try folder.tshark([
          "-i", "pod:shop/web", "-b", "filesize:2", "-b", "files:3", "-c", "60", "-w",
          folder.path + "/ring.pcapng",
        ]))
      let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        .filter { $0.hasPrefix("ring_") }
      #expect(names.count == 3, "\(names)")
      for name in names {
        try PacketFile(folder.path + "/" + name).expectPackets(of: lab.address("web"))
      }
    }

    @Test func aFilterIsHonoured() throws {
      let file = folder.path + "/icmp.pcapng"
      expectGood(try folder.tshark(["-i", "pod:shop/web", "-f", "icmp", "-c", "4", "-w", file]))
      #expect(try PacketFile(file).packets("ip.proto") == Array(repeating: ["1"], count: 4))
    }

    @Test func aBadFilterEndsAtOnceAndIsNamed() throws {
      // What tshark itself takes is measured by the same call for an interface that is not there.
      let before = try Lab.processes()
      let none = try folder.tshark(["-i", "pod:shop/none", "-w", folder.path + "/none.pcapng"])
      let end = try folder.tshark([
        "-i", "pod:shop/web", "-f", "tcp prot 80", "-w", folder.path + "/bad.pcapng",
      ])
      #expect(end.status != 0)
      #expect(
        end.errors.contains("extcap pipe:") && end.errors.contains("capture filter"),
        "\(end.errors)")
      #expect(
        end.seconds - none.seconds <= 2, "\(end.seconds) s, and \(none.seconds) s for nothing")
      try Lab.expectNothingLeft(since: before, within: 0)
    }

    @Test func aValueMeansTheContextItWasListedFrom() throws {
      let original = try #require(ProcessInfo.processInfo.environment["KUBECONFIG"])
      let copy = folder.path + "/kubeconfig"
      try FileManager.default.copyItem(atPath: original, toPath: copy)
      let environment = ["KUBECONFIG": copy]
      try folder.waitUntilListed("pod:shop/web", environment: environment)
      let change = try Program.run(
        ["/usr/bin/env", "kubectl", "config", "use-context", "lab-expired"],
        environment: environment)
      #expect(change.status == 0, "\(change.errors)")
      let refused = try Program.run(
        [Lab.poddump, "capture", "shop/web", "--count", "1", "-w", "-"],
        environment: folder.environment.merging(environment) { _, own in own })
      #expect(refused.status == 4, "the current context is not the one that is refused")
      let file = folder.path + "/web.pcapng"
      expectGood(
        try folder.tshark(
          ["-i", "pod:shop/web", "-c", "3", "-w", file], environment: environment))
      try PacketFile(file).expectPackets(3, of: lab.address("web"))
      #expect(
        try PacketFile(file).packets("frame.interface_description")
          .allSatisfy { $0[0].hasSuffix("context lab") })
    }
  }
}
