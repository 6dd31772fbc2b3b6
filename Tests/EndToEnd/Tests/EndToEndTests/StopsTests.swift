import Foundation
import Testing

extension InLab {
  /// Whatever ends a capture in good order: nothing is left on the nodes or here, the file is whole, and
  /// the exit status says that all went well.
  @Suite(.serialized, .timeLimit(.minutes(2)))
  struct StopsTests {
    /// Shells that can time their reads (bash, busybox) and one that cannot (dash), with packets and
    /// without.
    static let places = [
      Capturing.Place(pod: "shop/web", isBusy: true),
      Capturing.Place(pod: "shop/web", isBusy: false),
      Capturing.Place(pod: "shop/busydump", isBusy: true),
      Capturing.Place(pod: "shop/busydump", isBusy: false),
      Capturing.Place(pod: "shop/quiet", isBusy: false),
    ]
    static let busy = places[0]
    static let idle = places[4]

    let folder: Folder
    let lab: Inventory

    init() throws {
      folder = try Folder()
      lab = try Inventory.load()
      try folder.waitUntilListed("pod:shop/web")
    }

    /// Runs captures in all places, ends them, and expects nothing to be left of them.
    private func endingLeavesNothing(
      ways: [Capturing.Way] = Capturing.Way.allCases, places: [Capturing.Place] = places,
      options: [String] = [], within seconds: Double = 15, _ end: (Capturing) throws -> Void,
      sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> [Capturing] {
      let files = try Set(places.map(\.pod)).map { ($0, try Lab.files($0)) }
      let before = try Lab.processes()
      let captures = try ways.flatMap { way in
        try places.map { try Capturing(way, $0, in: folder, options) }
      }
      captures.waitUntilCapturing(sourceLocation: sourceLocation)
      for capture in captures { try end(capture) }
      try Lab.expectNothingLeft(since: before, within: seconds, sourceLocation: sourceLocation)
      captures.expectNothingHere(sourceLocation: sourceLocation)
      for (pod, earlier) in files {
        let new = try Lab.files(pod).subtracting(earlier)
        #expect(new.isEmpty, "files left in \(pod)", sourceLocation: sourceLocation)
      }
      return captures
    }

    /// Expects that captures ended well: status 0, no word that Wireshark would show, a whole file.
    private func expectWell(
      _ captures: [Capturing], sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
      for capture in captures {
        let end = capture.program.finish(within: 10)
        #expect(
          end.status == 0, "\(capture.description): \(end.errors)", sourceLocation: sourceLocation)
        if capture.way == .tshark {
          #expect(
            !end.errors.contains("extcap pipe:"), "\(capture.description): \(end.errors)",
            sourceLocation: sourceLocation)
          #expect(
            try FileManager.default.contentsOfDirectory(atPath: capture.temporary).isEmpty,
            "\(capture.description)", sourceLocation: sourceLocation)
        }
        let packets = try PacketFile(capture.file).packets(
          "frame.number", sourceLocation: sourceLocation)
        #expect(
          packets.isEmpty == !capture.place.isBusy, "\(capture.description)",
          sourceLocation: sourceLocation)
      }
    }

    @Test(arguments: [SIGINT, SIGTERM, SIGHUP])
    func aSignal(number: Int32) throws {
      let places = number == SIGINT ? Self.places : [Self.busy, Self.idle]
      let captures = try endingLeavesNothing(places: places) { capture in
        // Ctrl-C in a terminal reaches the whole process group; the others are sent to one process.
        kill(number == SIGINT ? -getpgid(capture.program.pid) : capture.program.pid, number)
      }
      try expectWell(captures)
      for capture in captures where capture.way == .commandLine {
        #expect(capture.program.errors.contains(" dropped of "), "\(capture.program.errors)")
        #expect(try PacketFile(capture.file).hasCounters())
      }
    }

    @Test func aSecondSignalChangesNothing() throws {
      let captures = try endingLeavesNothing(places: [Self.busy, Self.idle]) { capture in
        kill(-getpgid(capture.program.pid), SIGINT)
        usleep(100_000)
        kill(capture.program.pid, SIGTERM)
        usleep(100_000)
        kill(capture.program.pid, SIGINT)
      }
      try expectWell(captures)
    }

    @Test func theExtcapAloneIsToldToStop() throws {
      // The order of Wireshark's window: the FIFO is still read, so that the statistics get into the file.
      let captures = try endingLeavesNothing(ways: [.tshark], places: [Self.busy, Self.idle]) {
        try $0.send(SIGTERM, to: "poddump")
      }
      try expectWell(captures)
      for capture in captures {
        #expect(try PacketFile(capture.file).hasCounters())
      }
    }

    @Test func tsharkStopsByItself() throws {
      let counted = try endingLeavesNothing(
        ways: [.tshark], places: [Self.places[0], Self.places[2]], options: ["-c", "25"]
      ) { _ in }
      try expectWell(counted)
      for capture in counted {
        try PacketFile(capture.file).expectPackets(
          25, of: lab.address(String(capture.place.pod.dropFirst(5))))
      }
      try expectWell(
        endingLeavesNothing(
          ways: [.tshark], places: [Self.busy, Self.idle], options: ["-a", "duration:2"]
        ) { _ in })
    }

    @Test func theReaderCloses() throws {
      let before = try Lab.processes()
      // The busy one's reader leaves in the midst of packets; the idle one's when it has the header.
      let captures = try Self.places.map { place in
        try Capturing(
          .commandLine, place, in: folder, reader: ["head", "-c", place.isBusy ? "2000" : "24"])
      }
      for capture in captures {
        let end = capture.program.finish(within: 30)
        #expect(end.status == 0, "\(capture.description): \(end.errors)")
      }
      try Lab.expectNothingLeft(since: before, within: 15)
      captures.expectNothingHere()
    }

    @Test func aSignalWhileTheClusterIsSlow() throws {
      let before = try Lab.processes()
      try Lab.fault("slow", "2000")
      defer { try? Lab.fault("clear") }
      let captures = try Capturing.Way.allCases.flatMap { way in
        try [SIGINT, SIGTERM].map { number in
          (number, try Capturing(way, Self.busy, in: folder))
        }
      }
      // tshark has started its extcap, and kubectl waits for an answer.
      for (_, capture) in captures {
        #expect(
          capture.program.wait(30) { capture.here("kubectl") != nil }, "\(capture.description)")
      }
      usleep(300_000)
      for (number, capture) in captures {
        #expect(!capture.isCapturing)
        kill(number == SIGINT ? -getpgid(capture.program.pid) : capture.program.pid, number)
      }
      let begin = Date()
      for (_, capture) in captures {
        let end = capture.program.finish(within: 10)
        #expect(end.status == 0, "\(capture.description): \(end.errors)")
        #expect(!end.errors.contains("extcap pipe:"), "\(capture.description): \(end.errors)")
      }
      #expect(Date().timeIntervalSince(begin) <= 3)
      captures.map(\.1).expectNothingHere()
      try Lab.fault("clear")
      try Lab.expectNothingLeft(since: before, within: 15)
    }

    @Test(arguments: [SIGINT, SIGTERM, SIGHUP])
    func aSignalWhileNobodyReadsTheFIFO(number: Int32) throws {
      let fifo = folder.path + "/fifo"
      #expect(mkfifo(fifo, 0o600) == 0)
      let program = try Program(
        [
          Lab.extcap, "--capture", "--extcap-interface", "pod:shop/web", "--fifo", fifo,
          "--extcap-capture-filter", "",
        ], environment: folder.environment)
      usleep(700_000)
      #expect(program.process.isRunning)
      kill(program.pid, number)
      let begin = Date()
      let end = program.finish(within: 10)
      #expect(Date().timeIntervalSince(begin) <= 2)
      #expect(end.status == 0 && end.errors.isEmpty && end.bytes.isEmpty, "\(end)")
    }
  }
}
