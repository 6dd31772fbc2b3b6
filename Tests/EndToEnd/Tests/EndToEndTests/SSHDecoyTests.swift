import Foundation
import Testing

extension InLab {
  /// `shop/moved` has an interface with a random name on its node, and what has the name that would be
  /// computed for it there is a decoy, which sends to UDP port 6666: route ssh is never taken in.
  @Suite(.serialized, .timeLimit(.minutes(2)))
  struct SSHDecoyTests {
    let folder: Folder
    let lab: Inventory

    init() throws {
      folder = try Folder()
      lab = try Inventory.load()
    }

    private func expectNoDecoy(
      _ words: [String], user: String, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
      let end = try SSHLogin(user: user).poddump(
        ["capture", "shop/moved", "-v", "--count", "60", "-w", "-"] + words, in: folder)
      #expect(end.status == 0, "\(words): \(end.errors)", sourceLocation: sourceLocation)
      let file = try PacketFile(end.bytes, in: folder)
      try file.expectPackets(60, of: lab.address("moved"), sourceLocation: sourceLocation)
      #expect(
        try file.packets("frame.number", filter: "udp.port == 6666").isEmpty,
        sourceLocation: sourceLocation)
      #expect(
        !end.errors.contains("-i \(try decoy()) "), "\(end.errors)", sourceLocation: sourceLocation)
    }

    /// The name that Calico would compute for the pod's interface, as sha1sum(1) has it.
    private func decoy() throws -> String {
      let run = try Program.run(["/bin/sh", "-c", "printf shop.moved | sha1sum | cut -c1-11"])
      return "cali" + run.output.trimmingCharacters(in: .newlines)
    }

    @Test func theDecoyIsThereAndHeard() throws {
      // Its absence elsewhere means something only then.
      let node = try Program.run([
        Lab.command, "in", "n1", "timeout", "10", "tcpdump", "-n", "-i", decoy(), "-c", "3", "-w",
        "-", "udp dst port 6666",
      ])
      #expect(try PacketFile(node.bytes, in: folder).packets("udp.dstport").count == 3)
    }

    @Test(arguments: ["root", "ops"])
    func itIsNeverCaptured(user: String) throws {
      for words in [[], ["--at", "host"], ["--at", "pod"]] { try expectNoDecoy(words, user: user) }
    }

    /// Less and less to find the interface by: then it is refused, or found by other means, but not guessed.
    @Test(arguments: [
      ["no-nsenter"], ["no-ip"], ["no-lsns"], ["no-nsenter", "no-ip"],
      ["no-nsenter", "no-ip", "no-lsns"], ["busybox"],
    ])
    func norWhereTheNodeLacksPrograms(settings: [String]) throws {
      defer { _ = try? Lab.run("node", "n1", "clear") }
      for setting in settings { try Lab.run("node", "n1", setting, "on") }
      for words in [[], ["--at", "host"], ["--at", "pod"]] {
        let plan = try SSHLogin().poddump(["plan", "shop/moved"] + words, in: folder)
        if plan.output.contains("route ssh: usable") {
          try expectNoDecoy(words, user: "root")
        } else {
          #expect(words != [], "\(settings): \(plan.output)")
          #expect(plan.output.contains("Nothing would be run."), "\(plan.output)")
          let end = try SSHLogin().poddump(
            ["capture", "shop/moved", "--count", "1", "-w", "-"] + words, in: folder)
          #expect(end.status == 6 && end.bytes.isEmpty, "\(end)")
        }
      }
    }
  }
}
