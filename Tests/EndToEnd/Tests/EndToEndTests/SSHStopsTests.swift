import Foundation
import Testing

extension InLab {
  /// Whatever ends a capture by ssh: nothing is left on the nodes or here, and what is said is true.
  @Suite(.serialized, .timeLimit(.minutes(4)))
  struct SSHStopsTests {
    static let busy = Capturing.Place(pod: "shop/web", isBusy: true)
    static let idle = Capturing.Place(pod: "shop/distroless", isBusy: false)
    static let places = [busy, idle]
    /// By libssh2 as a user who becomes root by sudo, by the OpenSSH client as root, and the other way
    /// round.
    static let logins = [
      SSHLogin(user: "ops", engine: .libssh2), SSHLogin(user: "root", engine: .openssh),
    ]
    static let allLogins =
      logins + [SSHLogin(user: "root", engine: .libssh2), SSHLogin(user: "ops", engine: .openssh)]

    let folder: Folder
    let lab: Inventory

    init() throws {
      folder = try Folder()
      lab = try Inventory.load()
      try Self.logins[0].waitUntilListed("pod:shop/web", in: folder)
    }

    private func start(
      _ logins: [SSHLogin] = Self.logins, ways: [Capturing.Way] = Capturing.Way.allCases,
      _ options: [String] = []
    ) throws -> [Capturing] {
      try logins.flatMap { login in
        try ways.flatMap { way in
          try Self.places.map { try Capturing(way, $0, in: folder, options, by: login) }
        }
      }
    }

    /// Expects that captures ended well: status 0, no word that Wireshark would show, a whole file.
    private func expectWell(
      _ captures: [Capturing], sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
      for capture in captures {
        let end = capture.program.finish(within: 10)
        #expect(
          end.status == 0, "\(capture.description): \(end.errors)", sourceLocation: sourceLocation)
        #expect(
          !end.errors.contains("extcap pipe:"), "\(capture.description): \(end.errors)",
          sourceLocation: sourceLocation)
        let packets = try PacketFile(capture.file).packets(
          "frame.number", sourceLocation: sourceLocation)
        #expect(
          packets.isEmpty == !capture.place.isBusy, "\(capture.description)",
          sourceLocation: sourceLocation)
      }
    }

    @Test(arguments: [SIGINT, SIGTERM, SIGHUP])
    func aSignal(number: Int32) throws {
      let before = try Lab.processes()
      let captures = try start(number == SIGINT ? Self.allLogins : Self.logins)
      captures.waitUntilCapturing()
      for capture in captures {
        // Ctrl-C in a terminal reaches the whole process group, an ssh of ours among it.
        kill(number == SIGINT ? -getpgid(capture.program.pid) : capture.program.pid, number)
      }
      try Lab.expectNothingLeft(since: before, within: 15)
      captures.expectNothingHere()
      try expectWell(captures)
      for capture in captures where capture.way == .commandLine {
        #expect(
          capture.program.errors.contains(" dropped of "),
          "\(capture.description): \(capture.program.errors)")
        #expect(try PacketFile(capture.file).hasCounters())
      }
    }

    @Test func tsharkStopsByItself() throws {
      let before = try Lab.processes()
      let captures = try start(ways: [.tshark], ["-a", "duration:2"])
      captures.waitUntilCapturing()
      try Lab.expectNothingLeft(since: before, within: 17)
      captures.expectNothingHere()
      try expectWell(captures)
    }

    @Test func theReaderCloses() throws {
      let before = try Lab.processes()
      let captures = try Self.allLogins.flatMap { login in
        try Self.places.map { place in
          try Capturing(
            .commandLine, place, in: folder,
            reader: ["head", "-c", place.isBusy ? "2000" : "24"], by: login)
        }
      }
      for capture in captures {
        let end = capture.program.finish(within: 40)
        #expect(end.status == 0, "\(capture.description): \(end.errors)")
      }
      try Lab.expectNothingLeft(since: before, within: 15)
      captures.expectNothingHere()
    }

    /// Interrupted while it logs in, or while it looks for the pod: it has begun nothing, and leaves
    /// nothing.
    @Test(arguments: SSHLogin.Engine.allCases)
    func aSignalBeforeItCaptures(engine: SSHLogin.Engine) throws {
      let before = try Lab.processes()
      for milliseconds in stride(from: 100, through: 900, by: 80) {
        let run = try SSHLogin(user: "ops", engine: engine).start(
          ["capture", "shop/distroless", "-w", "/dev/null"], in: folder)
        usleep(UInt32(milliseconds) * 1000)
        kill(run.pid, SIGTERM)
        let end = run.finish(within: 10)
        // Before poddump has its handlers, the shell or the loader dies of it.
        #expect(
          end.status == 0 || end.signal == SIGTERM || end.status == 143,
          "\(milliseconds) ms: \(end)")
      }
      try Lab.expectNothingLeft(since: before, within: 15)
    }

    // MARK: - Kills

    /// Whom to kill.
    enum Victim: String, CaseIterable, Sendable {
      case poddump, tshark, dumpcap, ssh, tcpdump

      var ways: [Capturing.Way] {
        switch self {
        case .tshark, .dumpcap: [.tshark]
        default: Capturing.Way.allCases
        }
      }
    }

    @Test(arguments: Victim.allCases)
    func nothingIsLeft(afterTheDeathOf victim: Victim) throws {
      let before = try Lab.processes()
      let logins = victim == .ssh ? Self.allLogins.filter { $0.engine == .openssh } : Self.allLogins
      let captures = try start(logins, ways: victim.ways)
      captures.waitUntilCapturing()
      for capture in captures {
        if victim == .tcpdump {
          let there = capture.processesThere
          #expect(there.count == 1, "\(capture.description): \(there)")
          for process in there { kill(process.pid, SIGKILL) }
        } else {
          try capture.send(SIGKILL, to: victim.rawValue)
        }
      }
      try Lab.expectNothingLeft(since: before, within: 15, "\(victim)")
      captures.expectNothingHere()
      for capture in captures {
        let end = capture.program.finish(within: 10)
        switch (victim, capture.way) {
        case (.poddump, .commandLine), (.tshark, .tshark):
          #expect(end.signal == SIGKILL, "\(capture.description): \(end)")
        case (.dumpcap, _):
          #expect(!end.errors.contains("extcap pipe:"), "\(capture.description): \(end.errors)")
        case (.ssh, let way), (.tcpdump, let way):
          if way == .commandLine {
            #expect(end.status == 1, "\(capture.description): \(end)")
          } else {
            #expect(end.errors.contains("extcap pipe:"), "\(capture.description): \(end.errors)")
          }
          #expect(end.errors.contains("was cut"), "\(capture.description): \(end.errors)")
          #expect(
            end.errors.contains(
              victim == .ssh ? "The ssh client was ended by signal 9." : "The capture was killed on"
            ),
            "\(capture.description): \(end.errors)")
          #expect(
            try PacketFile(capture.file).packets("frame.number").isEmpty == !capture.place.isBusy)
        default: break
        }
      }
    }

    /// Expects that everybody noticed a connection that broke.
    private func expectCut(
      _ captures: [Capturing], since before: Set<String>,
      sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
      for capture in captures {
        let end = capture.program.finish(within: 15)
        if capture.way == .commandLine {
          #expect(
            end.status == 3, "\(capture.description): \(end)", sourceLocation: sourceLocation)
        }
        #expect(
          end.errors.contains("was cut"), "\(capture.description): \(end.errors)",
          sourceLocation: sourceLocation)
        #expect(
          try PacketFile(capture.file).packets("frame.number").isEmpty == !capture.place.isBusy,
          sourceLocation: sourceLocation)
      }
      captures.expectNothingHere()
      try Lab.expectNothingLeft(since: before, within: 15, sourceLocation: sourceLocation)
    }

    @Test func theSessionsThereAreKilled() throws {
      let before = try Lab.processes()
      let captures = try start(Self.allLogins)
      captures.waitUntilCapturing()
      for node in Lab.nodes { try Lab.run("ssh-kill", node, "session") }
      try expectCut(captures, since: before)
    }

    @Test func theConnectionIsReset() throws {
      let before = try Lab.processes()
      let captures = try start(Self.allLogins)
      captures.waitUntilCapturing()
      for node in Lab.nodes { try Lab.run("link", node, "reset") }
      try expectCut(captures, since: before)
    }

    @Test func theDaemonsEndIsNobodysElse() throws {
      defer { for node in Lab.nodes { _ = try? Lab.run("ssh-start", node) } }
      let captures = try start(ways: [.commandLine])
      captures.waitUntilCapturing()
      for node in Lab.nodes { try Lab.run("ssh-kill", node, "daemon") }
      let sizes = captures.map(\.size)
      usleep(7_000_000)
      for (capture, size) in zip(captures, sizes) {
        #expect(capture.program.process.isRunning, "\(capture.program.errors)")
        #expect(capture.isCapturing)
        #expect(!capture.place.isBusy || capture.size > size, "\(capture.description)")
      }
      // Nobody gets in any more, and is told so.
      let refused = try SSHLogin().poddump(["capture", "shop/web", "-w", "-"], in: folder)
      #expect(refused.status == 3)
      #expect(
        refused.errors.contains("198.51.100.11 refused the connection on port 22."),
        "\(refused.errors)")
      for capture in captures { kill(capture.program.pid, SIGINT) }
      try expectWell(captures)
      for node in Lab.nodes { try Lab.run("ssh-start", node) }
      for capture in captures { #expect(capture.program.wait(15) { !capture.isCapturing }) }
    }
  }
}
