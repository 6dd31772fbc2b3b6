import Foundation
import Testing

extension InLab {
  /// The route that is taken unasked: `exec` where it works, `ssh` where it does not, and never `ssh`
  /// where nobody has said a word about it.
  @Suite(.serialized, .timeLimit(.minutes(2)))
  struct SSHAutoTests {
    let folder: Folder
    let lab: Inventory

    init() throws {
      folder = try Folder()
      lab = try Inventory.load()
    }

    /// Watches the nodes for packets to their ssh port while something is done.
    private func knocks(_ body: () throws -> Void) throws -> [String] {
      let watches = try Lab.nodes.map { node in
        try Program([
          Lab.command, "in", node, "tcpdump", "-n", "-l", "-i", "eth0", "--immediate-mode",
          "tcp dst port 22",
        ])
      }
      for watch in watches { #expect(watch.wait(10) { watch.errors.contains("listening on") }) }
      try body()
      usleep(500_000)
      return watches.map { watch in
        for process in LocalProcess.all(where: {
          $0.name == "tcpdump" && $0.arguments.last == "tcp dst port 22"
        }) { kill(process.pid, SIGTERM) }
        // At its end it begins another line.
        return watch.finish(within: 5).output.trimmingCharacters(in: .newlines)
      }
    }

    @Test func execWhereItWorksAndElseSSH() throws {
      let auto = SSHLogin(user: "ops", order: ["exec", "ssh"])
      let quiet = try knocks {
        let end = try auto.poddump(["capture", "shop/web", "--count", "5", "-w", "-"], in: folder)
        #expect(end.status == 0, "\(end.errors)")
        #expect(
          end.errors.contains("Capturing from shop/web (container web, interface eth0) by exec."),
          "\(end.errors)")
        try PacketFile(end.bytes, in: folder).expectPackets(5, of: lab.address("web"))
      }
      #expect(quiet == ["", ""], "no node is asked where exec works")

      let heard = try knocks {
        for pod in ["distroless", "nocap", "bb"] {
          let end = try auto.poddump(
            ["capture", "shop/\(pod)", "--count", "5", "-w", "-"], in: folder)
          #expect(end.status == 0, "\(end.errors)")
          #expect(
            end.errors.contains("Capturing from shop/\(pod) (interface eth0) by ssh."),
            "\(end.errors)")
          try PacketFile(end.bytes, in: folder).expectPackets(5, of: lab.address(pod))
        }
      }
      #expect(heard.allSatisfy { !$0.isEmpty }, "this is how a knock would be heard")

      let plan = try auto.poddump(["plan", "shop/distroless"], in: folder)
      #expect(plan.output.contains("route exec: refused."), "\(plan.output)")
      #expect(plan.output.contains("route ssh: usable (tcpdump)"), "\(plan.output)")
    }

    @Test func nobodysNodesAreKnockedAtUnasked() throws {
      // The container that takes the road instead is ended at once: other tests count processes.
      defer { _ = try? folder.clean() }
      let none = SSHLogin(order: [], isConfigured: false)
      let heard = try knocks {
        let end = try none.poddump(
          ["capture", "shop/distroless", "--count", "5", "-w", "-"], in: folder)
        #expect(end.status == 0, "\(end)")
        let refusal =
          "ssh to nodes is not configured ([ssh] in config.toml)."
        #expect(end.errors.contains("Not by ssh: \(refusal)"), "\(end.errors)")
        #expect(end.errors.contains("by debug."), "\(end.errors)")
        let plan = try none.poddump(["plan", "shop/distroless"], in: folder)
        #expect(plan.output.contains("route ssh: refused. \(refusal)"), "\(plan.output)")
        let doctor = try none.poddump(["doctor"], in: folder)
        #expect(!doctor.output.contains("ssh n"), "\(doctor.output)")
      }
      #expect(heard == ["", ""])
    }

    /// Whoever asks for it by the command line has said a word.
    @Test func routeSSHIsAWord() throws {
      let heard = try knocks {
        _ = try SSHLogin(order: [], isConfigured: false).poddump(
          ["capture", "shop/distroless", "--route", "ssh", "--count", "1", "-w", "-"], in: folder)
      }
      #expect(heard.contains { !$0.isEmpty })
    }
  }
}
