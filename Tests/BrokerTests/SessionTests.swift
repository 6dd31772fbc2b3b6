import Base
import Foundation
import Packets
import TestSupport
import Testing

@testable import Broker

/// Sessions whose far end is a local process that does what far ends do, good and bad.
@Suite(.ownThreads) struct SessionTests {
  private static let brokenPipesAreIgnored: Bool = {
    ignoreBrokenPipes()
    return true
  }()

  /// tcpdump's last words.
  private static let counters =
    "echo '5 packets captured' >&2; echo '7 packets received by filter' >&2; echo '2 packets dropped by kernel' >&2"

  /// One run and everything that is to be seen of it.
  private final class Run: Sendable {
    let scratch: Scratch
    let transport = LocalTransport()
    let stops = StopSource()
    let meter = PumpMeter()
    let source: [UInt8]

    init(packets: Int = 5) throws {
      #expect(SessionTests.brokenPipesAreIgnored)
      scratch = try Scratch()
      source = Pcap(packets: packets).bytes
      try scratch.file("in.pcap", source)
    }

    var input: String { scratch.path + "/in.pcap" }
    func written() throws -> [UInt8] { try contents(scratch.path + "/out.pcap") }

    /// Runs a plan into a file.
    func callAsFunction(
      _ plan: Plan, limits: PumpLimits = PumpLimits(), duration: Duration? = nil,
      sink: Sink? = nil, started: @escaping @Sendable (PcapHeader) -> Void = { _ in }
    ) async throws -> CaptureReport {
      let sink = try sink ?? Sink(file: scratch.path + "/out.pcap")
      let session = Session(
        plan: plan, transport: transport, sink: sink, encoding: .pcap, limits: limits,
        duration: duration, meter: meter, stops: stops)
      let report = try await session.run(started: started)
      try sink.finish()
      let transport = transport
      #expect(try await eventually { transport.groups.running.isEmpty })
      #expect(transport.groups.count == 1)
      return report
    }
  }

  // MARK: - Ends in good order

  @Test func aFarEndThatEndsByItself() async throws {
    let run = try Run()
    let report = try await run(.script("cat \"$1\"; \(Self.counters)", [run.input]))
    #expect(report.failure == nil)
    #expect(report.end == .farEnd)
    #expect(report.packets == 5)
    #expect(report.bytes == 5 * Pcap.recordLength)
    #expect(report.statistics.captured == 5)
    #expect(report.statistics.receivedByFilter == 7)
    #expect(report.drops == 2)
    #expect(report.header?.linkType == .ethernet)
    #expect(try run.written() == run.source)
  }

  /// The far end says now and then how much was lost, as tcpdump does when asked, and the stream with it.
  @Test func countersWhileItRuns() async throws {
    let run = try Run(packets: 2)
    let path = run.scratch.path + "/out.pcapng"
    let sink = try Sink(file: path)
    _ = try sink.begin(PcapngSection(application: "test"), stop: Bell())
    let meter = run.meter
    let session = Session(
      plan: .script(
        "head -c 100 \"$1\"; echo 'tcpdump: 1 packet captured, 9 packets received by filter, "
          + "7 packets dropped by kernel' >&2; sleep 2; tail -c +101 \"$1\"; \(Self.counters)",
        [run.input]),
      transport: run.transport, sink: sink,
      encoding: .pcapng(PcapngInterface(name: "shop/web/eth0")), limits: PumpLimits(),
      duration: nil, meter: meter, stops: run.stops)
    async let report = session.run { _ in }
    #expect(try await eventually { meter.drops == 7 })
    #expect(try await report.failure == nil)
    try sink.finish()
    let shark = try await blocking {
      try Spawned(
        [
          "/usr/bin/tshark", "-r", path, "-T", "fields", "-e", "frame.number", "-e",
          "frame.comment",
        ]
      ).answer()
    }
    #expect(shark.text.contains("2\t7 packets were lost before this one (kernel)"))
    let infos = try await blocking { try Spawned(["/usr/bin/capinfos", path]).answer() }
    #expect(infos.text.contains("Number of stat entries = 1"), "\(infos.text)")
  }

  @Test func slowlyAndInPieces() async throws {
    let run = try Run(packets: 3)
    let report = try await run(
      .script(
        "i=0; while [ $i -lt 60 ]; do dd if=\"$1\" bs=7 skip=$i count=1 2>/dev/null; i=$((i+1)); done",
        [run.input]))
    #expect(report.end == .farEnd && report.failure == nil)
    #expect(report.packets == 3)
    #expect(try run.written() == run.source)
  }

  @Test func textBeforeTheCaptureIsNoObstacle() async throws {
    let run = try Run()
    let report = try await run(
      .script("echo 'Welcome to web-1!'; sleep 0.1; cat \"$1\"", [run.input]))
    #expect(report.end == .farEnd && report.failure == nil)
    #expect(try run.written() == run.source)
  }

  @Test func aLimitOfPackets() async throws {
    let run = try Run(packets: 50)
    let report = try await run(
      .script("cat \"$1\"; \(Self.counters); exec sleep 1000", [run.input]),
      limits: PumpLimits(packets: 3))
    #expect(report.end == .limit && report.failure == nil)
    #expect(report.packets == 3)
    #expect(try run.written() == Array(run.source.prefix(24 + 3 * Pcap.recordLength)))
  }

  @Test func aLimitOfBytes() async throws {
    let run = try Run(packets: 50)
    let report = try await run(
      .script("cat \"$1\"; exec sleep 1000", [run.input]), limits: PumpLimits(bytes: 200))
    #expect(report.end == .limit && report.failure == nil)
    #expect(try run.written().count == 24 + 2 * Pcap.recordLength)
  }

  @Test func aDurationCountsFromTheFirstHeader() async throws {
    let run = try Run()
    let report = try await run(
      .script("sleep 1; cat \"$1\"; cat; \(Self.counters)", [run.input]),
      duration: .milliseconds(200))
    #expect(report.end == .limit && report.failure == nil)
    #expect(report.packets == 5)
    #expect(report.statistics.captured == 5)  // the last words were waited for
  }

  @Test func aRequestToStop() async throws {
    for reason in [StopReason.signal, .parentGone] {
      let run = try Run()
      let stops = run.stops
      let report = try await run(
        .script("cat \"$1\"; cat; \(Self.counters)", [run.input]),
        started: { _ in stops.request(reason) })
      #expect(report.end == .stopped && report.failure == nil)
      #expect(report.packets == 5)
      #expect(report.statistics.captured == 5)
    }
  }

  @Test func aRequestToStopBeforeAnythingCame() async throws {
    let run = try Run()
    run.stops.request(.signal)
    let report = try await run(.script("exec cat"))
    #expect(report.end == .stopped && report.failure == nil)
    #expect(report.header == nil)
  }

  @Test func aFarEndThatIgnoresTheEndIsNotWaitedForLong() async throws {
    let run = try Run()
    let begin = ContinuousClock.now
    let stops = run.stops
    let report = try await run(
      .script("trap '' TERM HUP INT; cat \"$1\"; while :; do sleep 0.1; done", [run.input]),
      started: { _ in stops.request(.signal) })
    #expect(report.end == .stopped && report.failure == nil)
    #expect(report.packets == 5)
    #expect(ContinuousClock.now - begin < .seconds(60))
  }

  @Test func aFloodThatIgnoresTheEnd() async throws {
    let run = try Run()
    let stops = run.stops
    let report = try await run(
      .script(
        "trap '' TERM HUP INT; head -c 24 \"$1\"; while :; do tail -c +25 \"$1\"; done",
        [run.input]),
      started: { _ in
        Task(executorPreference: OwnThreads.shared) {
          try await Task.sleep(for: .milliseconds(100))
          stops.request(.signal)
        }
      })
    #expect(report.end == .stopped && report.failure == nil)
    #expect(try (run.written().count - 24) % Pcap.recordLength == 0)
    #expect(try run.written().count == 24 + report.bytes)
  }

  @Test func aReaderThatLeaves() async throws {
    let run = try Run()
    let pipe = try Base.Pipe()
    let sink = Sink(pipe.writer, name: "standard output")
    let reader = pipe.reader
    let report = try await run(
      .script("cat \"$1\"; while :; do tail -c +25 \"$1\"; sleep 0.02; done", [run.input]),
      sink: sink, started: { _ in reader.close() })
    #expect(report.end == .readerClosed && report.failure == nil)
  }

  @Test func aReaderThatLeavesAnIdleCapture() async throws {
    let run = try Run(packets: 0)
    let pipe = try Base.Pipe()
    let reader = pipe.reader
    let report = try await run(
      .script("cat \"$1\"; exec sleep 1000", [run.input]),
      sink: Sink(pipe.writer, name: "standard output"), started: { _ in reader.close() })
    #expect(report.end == .readerClosed && report.failure == nil)
  }

  // MARK: - Failures

  @Test func aStreamCutWithinARecord() async throws {
    let run = try Run()
    let report = try await run(.script("head -c -10 \"$1\"", [run.input]))
    #expect(report.failure?.kind == .other)
    #expect(report.failure?.why == "Its last packet arrived in part only.")
    #expect(report.packets == 4)
    #expect(try run.written() == Array(run.source.dropLast(Pcap.recordLength)))
  }

  @Test func aStreamCutWithinItsHeader() async throws {
    let run = try Run()
    let report = try await run(.script("head -c 10 \"$1\"", [run.input]))
    #expect(report.failure?.kind == .other)
    #expect(report.failure?.why == "It ended within the header of the capture.")
    #expect(report.header == nil && report.packets == 0)
  }

  @Test func tcpdumpsOwnRefusal() async throws {
    let run = try Run()
    let report = try await run(
      .script("echo 'tcpdump: eth0: No such device exists' >&2; exit 1"))
    #expect(report.failure?.kind == .notFound)
    #expect(report.failure?.why == "There is no interface eth0 in the container.")
    #expect(report.failure?.detail == "tcpdump: eth0: No such device exists")
  }

  @Test func anEndWithAnErrorAfterPackets() async throws {
    let run = try Run()
    let report = try await run(.script("cat \"$1\"; exit 137", [run.input]))
    #expect(report.failure?.kind == .other)
    #expect(report.failure?.why?.contains("137") == true)
    #expect(report.packets == 5)
    #expect(try run.written() == run.source)
  }

  @Test func aTransportThatBreaks() async throws {
    let run = try Run()
    let report = try await run(.script("cat \"$1\"; kill -9 $$", [run.input]))
    #expect(report.failure?.kind == .unreachable)
    #expect(report.packets == 5)
  }

  @Test func textInPlaceOfPackets() async throws {
    let run = try Run()
    let report = try await run(.script("echo 'sh: permission denied'; echo more >&2"))
    #expect(report.failure?.kind == .other)
    #expect(report.failure?.what == "Cannot capture from shop/web (container web, interface eth0).")
    #expect(report.failure?.why == "It says: sh: permission denied")
    #expect(report.failure?.detail?.contains("more") == true)
  }

  @Test func nothingAtAll() async throws {
    let run = try Run()
    let report = try await run(.script("exit 0"))
    #expect(report.failure?.kind == .other)
    #expect(report.failure?.why == "The far end ended without sending anything.")
  }

  @Test func junkBetweenPackets() async throws {
    let run = try Run()
    let report = try await run(
      .script("cat \"$1\"; printf 'kernel: oops, this is no packet'; exec sleep 1000", [run.input]))
    #expect(report.failure?.kind == .other)
    #expect(report.failure?.what.contains("broken") == true, "\(report.failure?.sentence ?? "")")
    #expect(report.packets == 5)
  }

  @Test func theTimeLimitIsACut() async throws {
    let run = try Run()
    let report = try await run(.script("cat \"$1\"; exec cat", [run.input], ttl: 1))
    #expect(report.failure?.kind == .other)
    #expect(report.failure?.why == "Its time limit of 1 s was reached.")
    #expect(report.packets == 5)
  }

  /// Takes as long as silence may last.
  @Test func silenceIsACut() async throws {
    let run = try Run()
    let report = try await run(.script("cat \"$1\"; exec sleep 1000", [run.input]))
    #expect(report.failure?.kind == .unreachable)
    #expect(report.failure?.why == "Nothing was heard from it for 20 s.")
    #expect(report.packets == 5)
  }

  @Test func aSlowReaderIsNoSilence() async throws {
    let run = try Run(packets: 40_000)  // more than all pipes hold
    let pipe = try Base.Pipe()
    let reader = pipe.reader
    let stops = run.stops
    let report = try await run(
      .script("cat \"$1\"; exec sleep 1000", [run.input]),
      sink: Sink(pipe.writer, name: "standard output"),
      started: { _ in
        Task(executorPreference: OwnThreads.shared) {
          try await Task.sleep(for: .seconds(23))
          stops.request(.signal)
        }
      })
    #expect(report.end == .stopped && report.failure == nil)
    withExtendedLifetime(reader) {}
  }

  @Test func aDiskThatIsFull() async throws {
    let run = try Run(packets: 100)
    let report = try await run(
      .script("cat \"$1\"; exec sleep 1000", [run.input]), sink: Sink(file: "/dev/full"))
    #expect(report.failure?.kind == .other)
    #expect(report.failure?.why == "The disk is full.")
  }

  @Test func aProgramThatCannotBeStarted() async throws {
    let scratch = try Scratch()
    let session = Session(
      plan: .script(""), transport: Unstartable(), sink: try Sink(file: scratch.path + "/out"),
      encoding: .pcap, limits: PumpLimits(), duration: nil, meter: PumpMeter(), stops: StopSource())
    await #expect(throws: Failure.self) { _ = try await session.run { _ in } }
  }

  private struct Unstartable: Transport {
    func command(_ argv: [String]) throws(Failure) -> Command { Command("/no/such/kubectl", argv) }

    func withProcess<R: Sendable>(
      _ argv: [String], errors: @escaping @Sendable (R) -> String,
      _ body: @escaping @Sendable (RemoteStreams) async throws(Failure) -> R
    ) async throws(Failure) -> (R, RemoteEnd) {
      let (result, _) = try await withChild(command(argv)) { child throws(Failure) in
        try await body(
          RemoteStreams(input: child.input, output: child.output, errors: child.errors))
      }
      return (result, .exited(0))
    }
  }

  @Test func cancellationEndsIt() async throws {
    let run = try Run()
    let (headers, tell) = AsyncStream.makeStream(of: PcapHeader.self)
    let task = Task(executorPreference: OwnThreads.shared) {
      try await run(
        .script("cat \"$1\"; exec sleep 1000", [run.input]), started: { tell.yield($0) })
    }
    _ = await headers.first { _ in true }
    task.cancel()
    let report = try await task.value
    #expect(report.end == .stopped)
    #expect(report.packets <= 5)
  }

  // MARK: - With the real stanza around it

  // `busybox sh` is two words where a plan has one: StanzaTests runs it.
  @Test(arguments: [TestShell.bash, .dash])
  func theStanzaEndsTheFarEnd(_ shell: TestShell) async throws {
    let run = try Run()
    let stops = run.stops
    let report = try await run(
      .script(
        "end() { \(Self.counters); exit 0; }; trap end TERM; cat \"$1\"; while :; do sleep 0.05; done",
        [run.input], ttl: 1000, stanza: try Programs.path(shell.rawValue)),
      started: { _ in
        Task(executorPreference: OwnThreads.shared) {
          try await Task.sleep(for: .milliseconds(300))
          stops.request(.signal)
        }
      })
    #expect(report.end == .stopped && report.failure == nil)
    #expect(report.packets == 5)
    #expect(report.statistics.captured == 5)
    #expect(report.statistics.messages == [])  // "poddump: alive" is none
    #expect(try run.written() == run.source)
  }

  @Test func anIdleCaptureThatAnswersLivesOn() async throws {
    let run = try Run(packets: 0)
    let stops = run.stops
    let report = try await run(
      .script(
        "cat \"$1\"; exec sleep 1000", [run.input], ttl: 1000,
        stanza: try Programs.path("bash")),
      started: { _ in
        Task(executorPreference: OwnThreads.shared) {
          try await Task.sleep(for: .seconds(23))
          stops.request(.signal)
        }
      })
    #expect(report.end == .stopped && report.failure == nil)
  }

  @Test func wordsOnStandardErrorStayBounded() async throws {
    let run = try Run()
    let report = try await run(
      .script("yes noise | head -c 3000000 >&2; cat \"$1\"", [run.input]))
    #expect(report.end == .farEnd && report.failure == nil)
    #expect(report.statistics.messages.count == CaptureStatistics.maximumMessages)
    #expect(report.statistics.omittedMessages > 1000)
  }
}
