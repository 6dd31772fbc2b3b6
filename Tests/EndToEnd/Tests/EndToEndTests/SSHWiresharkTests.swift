import Foundation
import Testing

extension InLab {
  /// Pods and nodes as the real tshark's interfaces, with route ssh in the configuration.
  @Suite(.serialized, .timeLimit(.minutes(3)))
  struct SSHWiresharkTests {
    let folder: Folder
    let lab: Inventory
    let login = SSHLogin(user: "ops")

    init() throws {
      folder = try Folder()
      lab = try Inventory.load()
    }

    private func expectGood(_ end: Finished, sourceLocation: SourceLocation = #_sourceLocation) {
      #expect(end.status == 0, "\(end.errors)", sourceLocation: sourceLocation)
      #expect(!end.errors.contains("extcap pipe:"), "\(end.errors)", sourceLocation: sourceLocation)
    }

    @Test(arguments: SSHLogin.Engine.allCases)
    func podsAreCapturedThroughWiresharksPipe(engine: SSHLogin.Engine) throws {
      var login = login
      login.engine = engine
      try login.waitUntilListed("pod:shop/web", in: folder)
      let before = try Lab.processes()
      for pod in ["web", "distroless", "hostnet", "bare", "nonroot", "moved"] {
        let file = "\(folder.path)/\(pod).pcapng"
        expectGood(
          try login.tshark(["-i", "pod:shop/\(pod)", "-c", "5", "-w", file], in: folder))
        try PacketFile(file).expectPackets(5, of: lab.address(pod), pod)
        let shown = try PacketFile(file).packets(
          "frame.interface_name", "frame.interface_description")
        let node = try #require(lab.pod(pod).node)
        #expect(
          shown.allSatisfy {
            $0[0] == "shop/\(pod)/eth0" && $0[1].hasSuffix("node \(node), context lab")
          }, "\(shown)")
        #expect(try PacketFile(file).information().contains("route ssh: "))
      }
      try Lab.expectNothingLeft(since: before, within: 15)
    }

    @Test func nodesAreInterfacesWhereSSHIsConfigured() throws {
      try login.waitUntilListed("node:n1", in: folder)
      let listed = try login.tshark(["-D"], in: folder)
      #expect(listed.output.contains(" node:n1 ("), "\(listed.output)")
      #expect(listed.output.contains(" node:n2 ("), "\(listed.output)")
      let file = folder.path + "/n1.pcapng"
      expectGood(try login.tshark(["-i", "node:n1", "-c", "30", "-w", file], in: folder))
      let packets = try PacketFile(file).packets("frame.interface_name", "ip.src", "ip.dst")
      #expect(packets.count == 30 && packets.allSatisfy { $0[0] == "n1/eth0" })
      #expect(Set(packets.map { $0[1] }).count > 2, "\(packets)")
      #expect(
        try PacketFile(file).packets(
          "frame.number", filter: "ip.addr == 198.51.100.1 && tcp.port == 22"
        ).isEmpty)
    }

    @Test func andAreNoneWhereItIsNot() throws {
      let none = SSHLogin(order: [], isConfigured: false)
      try none.waitUntilListed("pod:shop/web", in: folder)
      let listed = try none.tshark(["-D"], in: folder)
      #expect(listed.output.contains(" pod:shop/web ("), "\(listed.output)")
      #expect(!listed.output.contains("node:"), "\(listed.output)")
    }

    @Test func aRefusalIsSaidInItsWords() throws {
      let dev = SSHLogin(user: "dev")
      try dev.waitUntilListed("pod:shop/web", in: folder)
      let before = try Lab.processes()
      let end = try dev.tshark(
        ["-i", "pod:shop/web", "-c", "5", "-w", folder.path + "/dev.pcapng"], in: folder)
      #expect(
        end.errors.contains("extcap pipe:")
          && end.errors.contains("The user dev is not root on n1"),
        "\(end.errors)")
      try Lab.expectNothingLeft(since: before, within: 15)
    }
  }
}
