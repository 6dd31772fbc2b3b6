import Foundation
import Testing

extension InLab {
  /// `shop/moved` has an interface with a random name on its node, and the name that would be computed
  /// for it there belongs to something else, whose traffic is easily told.
  @Suite(.serialized, .timeLimit(.minutes(1)))
  struct DecoyTests {
    let folder: Folder
    let lab: Inventory

    init() throws {
      folder = try Folder()
      lab = try Inventory.load()
    }

    @Test func thePodsOwnTrafficIsShownAndNeverTheDecoys() throws {
      // On the node the decoy is heard, so that its absence from the pod means something.
      let node = try Program.run([
        Lab.command, "in", "n1", "timeout", "10", "tcpdump", "-n", "-i", "any", "-c", "3", "-w",
        "-",
        "udp dst port 6666",
      ])
      let heard = try PacketFile(node.bytes, in: folder).packets(
        "ip.src", "data.text", "udp.dstport")
      #expect(heard.count == 3)
      let decoy = try #require(heard.first?.first)
      let moved = try lab.address("moved")
      #expect(decoy != moved)

      let run = try Program.run(
        [Lab.poddump, "capture", "shop/moved", "--count", "60", "-w", "-"],
        environment: folder.environment)
      #expect(run.status == 0, "\(run.errors)")
      let file = try PacketFile(run.bytes, in: folder)
      try file.expectPackets(60, of: moved)
      #expect(try file.packets("ip.src", filter: "ip.addr == \(decoy)").isEmpty)
      #expect(try file.packets("ip.src", filter: "udp.port == 6666").isEmpty)
    }
  }
}
