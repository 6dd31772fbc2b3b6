import Base
import Foundation
import Packets
import Testing

@Suite(.timeLimit(.minutes(2))) struct PumpTests {
  static let interface = PcapngInterface(name: "shop/web/eth0")

  struct Pumped {
    var end: PumpEnd
    var bytes: [UInt8]
    var meter: PumpMeter
  }

  /// Pumps a stream into a file, with a section header and nothing after it if it is to be pcapng.
  static func pumped(
    _ pieces: [[UInt8]], as encoding: StreamEncoding, limits: PumpLimits = PumpLimits(),
    pause: Duration = .zero
  ) async throws -> Pumped {
    let scratch = try Scratch()
    let path = scratch.path + "/out"
    let sink = try Sink(file: path)
    let meter = PumpMeter()
    let bell = try Bell()
    if encoding != .pcap {
      #expect(try sink.begin(PcapngSection(application: "test"), stop: bell) == .written)
    }
    let source = try feed(pieces, pause: pause)
    let end = try await pump(
      from: source.reader, to: sink, as: encoding, limits: limits, meter: meter, stop: bell)
    try sink.finish()
    // A capture that never began leaves no file.
    let bytes = try sink.bytesWritten == 0 ? [] : contents(path)
    #expect(bytes.count == sink.bytesWritten)
    #expect(FileManager.default.fileExists(atPath: path) == !bytes.isEmpty)
    return Pumped(end: end, bytes: bytes, meter: meter)
  }

  @Test(arguments: PcapHeaderTests.variants) func pcapPassesUntouched(
    _ builder: PcapBuilder
  ) async throws {
    let stream = stream(builder, packets: 1000)
    let result = try await Self.pumped([stream], as: .pcap)
    #expect(result.end == .sourceEnded(complete: true))
    #expect(result.meter.packets == 1000)
    #expect(result.meter.bytes == stream.count - 24)
    #expect(result.meter.interfaceNumber == nil)
    #expect(try #require(result.meter.silence) < .seconds(60))
    #expect(result.bytes == stream)
  }

  @Test(arguments: PcapHeaderTests.variants) func piecesAreTheWhole(
    _ builder: PcapBuilder
  ) async throws {
    var random = SeededGenerator(21)
    let stream = Array("motd\r\n".utf8) + stream(builder, packets: 60)
    for encoding in [StreamEncoding.pcap, .pcapng(Self.interface)] {
      let whole = try await Self.pumped([stream], as: encoding)
      let pieces = try await Self.pumped(
        stream.cut(&random), as: encoding, pause: .microseconds(50))
      #expect(pieces.bytes == whole.bytes)
      #expect(pieces.end == .sourceEnded(complete: true))
      #expect(pieces.meter.packets == 60)
    }
  }

  @Test(arguments: [
    PcapBuilder(), PcapBuilder(isNano: true), PcapBuilder(isBigEndian: true, isNano: true),
  ])
  func tcpdumpReadsTheSame(_ builder: PcapBuilder) async throws {
    let scratch = try Scratch()
    let stream = stream(builder, packets: 300, length: 91)
    let result = try await Self.pumped([stream], as: .pcapng(Self.interface))
    let before = try scratch.file("in.pcap", stream)
    let after = try scratch.file("out.pcapng", result.bytes)
    let arguments = ["--nano", "-tt", "-nn", "-xx", "-r"]
    let (one, two) = (
      try run("tcpdump", arguments + [before]), try run("tcpdump", arguments + [after])
    )
    #expect(one.status == 0)
    #expect(two.status == 0)
    #expect(one.output.split(separator: "\n").count > 300)
    #expect(one.output == two.output)
  }

  @Test func tsharkAndCapinfosReadIt() async throws {
    let scratch = try Scratch()
    let path = scratch.path + "/out.pcapng"
    let sink = try Sink(file: path)
    let (meter, bell) = (PumpMeter(), try Bell())
    _ = try sink.begin(PcapngWriterTests.section, stop: bell)
    let source = try feed([stream(packets: 1000)])
    let end = try await pump(
      from: source.reader, to: sink, as: .pcapng(PcapngWriterTests.interface), meter: meter,
      stop: bell)
    #expect(end == .sourceEnded(complete: true))
    #expect(meter.interfaceNumber == 0)
    var trailer: [UInt8] = []
    PcapngWriter.append(
      PcapngWriterTests.statistics, interface: 0, resolution: .microseconds, to: &trailer)
    try sink.finish(trailer)

    let fields = [
      "frame.number", "frame.interface_name", "frame.interface_description", "udp.dstport",
    ]
    let shark = try run(
      "tshark", ["-r", path, "-T", "fields"] + fields.flatMap { ["-e", $0] })
    #expect(shark.status == 0)
    let lines = shark.output.split(separator: "\n")
    #expect(lines.count == 1000)
    #expect(lines.last == "1000\tshop/web/eth0\tshop/web · node1 · lab\t9")

    let infos = try run("capinfos", [path])
    #expect(infos.status == 0)
    for words in [
      "Number of packets:   1000", "Capture hardware:    x86_64",
      "Capture oper-sys:    Linux 6.1.0", "Capture application: poddump 1.2.3",
      "Capture comment:     Route exec.", "Name = shop/web/eth0", "Capture length = 262144",
      "Operating system = Linux 5.15", "Filter string = tcp port 80",
      "Number of stat entries = 1", "Number of packets = 1000", "microseconds (6)",
    ] {
      #expect(infos.output.contains(words), "\(words)")
    }
  }

  @Test(arguments: [0, 1, 10, 999, 1000, 1001]) func packetLimitIsExact(_ limit: Int) async throws {
    let stream = stream(packets: 1000)
    for encoding in [StreamEncoding.pcap, .pcapng(Self.interface)] {
      let result = try await Self.pumped(
        [stream], as: encoding, limits: PumpLimits(packets: limit))
      #expect(result.end == (limit > 1000 ? .sourceEnded(complete: true) : .limitReached))
      #expect(result.meter.packets == min(limit, 1000))
      if encoding == .pcap {
        #expect(packets(in: result.bytes)?.count == min(limit, 1000))
      } else {
        let blocks = try BlockReader.blocks(result.bytes)
        #expect(blocks.count { $0.type == 6 } == min(limit, 1000))
      }
    }
  }

  @Test(arguments: [0, 1, 7, 1999, 2000, 3500, 4000, 4001]) func severalPumpsShareOneLimit(
    _ limit: Int
  ) async throws {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    defer { try? FileManager.default.removeItem(at: file) }
    let sink = try Sink(file: file.path)
    sink.beginWithFirstInterface(PcapngSection.here(application: "test"))
    let limits = PumpLimits(packets: limit)
    let stop = try Bell()
    let meters = (0..<4).map { _ in PumpMeter() }
    let ends = try await withThrowingTaskGroup(of: PumpEnd.self) { group in
      for meter in meters {
        let source = try feed([stream(packets: 1000)])
        group.addTask {
          try await pump(
            from: source.reader, to: sink, as: .pcapng(Self.interface), limits: limits,
            meter: meter, stop: Bell(), readerStop: stop)
        }
      }
      return try await group.reduce(into: [PumpEnd]()) { $0.append($1) }
    }
    try sink.finish()
    #expect(meters.reduce(0) { $0 + $1.packets } == min(limit, 4000))
    if limit < 4000 { #expect(ends.contains(.limitReached)) }
    if limit > 4000 { #expect(ends.allSatisfy { $0 == .sourceEnded(complete: true) }) }
    let blocks = try BlockReader.blocks(Array(Data(contentsOf: file)))
    #expect(blocks.count { $0.type == 6 } == min(limit, 4000))
  }

  @Test(arguments: [500, 3000, 40_000, 200_000]) func severalPumpsShareOneSize(_ limit: Int)
    async throws
  {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    defer { try? FileManager.default.removeItem(at: file) }
    let sink = try Sink(file: file.path)
    sink.beginWithFirstInterface(PcapngSection.here(application: "test"))
    let limits = PumpLimits(bytes: limit)
    let stop = try Bell()
    let meters = (0..<4).map { _ in PumpMeter() }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for meter in meters {
        let source = try feed([stream(packets: 1000)])
        group.addTask {
          _ = try await pump(
            from: source.reader, to: sink, as: .pcapng(Self.interface), limits: limits,
            meter: meter, stop: Bell(), readerStop: stop)
        }
      }
      try await group.waitForAll()
    }
    try sink.finish()
    let bytes = try Array(Data(contentsOf: file))
    // Interfaces are written whatever the limit; packets only up to it.
    #expect(bytes.count <= max(limit, 800))
    let blocks = try BlockReader.blocks(bytes)
    #expect(blocks.count { $0.type == 6 } == meters.reduce(0) { $0 + $1.packets })
  }

  @Test func theLimitIsReachedWithItsLastPacket() async throws {
    // The source stays open and silent: nobody waits for a packet too many.
    let source = try feed([stream(packets: 3)], staysOpen: true)
    let end = try await pump(
      from: source.reader, to: Sink(file: "/dev/null"), as: .pcap,
      limits: PumpLimits(packets: 3), meter: PumpMeter(), stop: Bell())
    #expect(end == .limitReached)
  }

  @Test(arguments: [0, 24, 24 + 79, 24 + 80, 5000, 200_000]) func byteLimitHolds(
    _ limit: Int
  ) async throws {
    let stream = stream(packets: 1000)
    for encoding in [StreamEncoding.pcap, .pcapng(Self.interface)] {
      let result = try await Self.pumped([stream], as: encoding, limits: PumpLimits(bytes: limit))
      if limit < stream.count {
        #expect(result.end == .limitReached)
        let headers = encoding == .pcap ? 24 : 120
        #expect(result.bytes.count <= max(limit, headers))
        // As much as goes in.
        if limit > 200 { #expect(result.bytes.count > limit - 96) }
      } else {
        #expect(result.end == .sourceEnded(complete: true))
      }
      if encoding == .pcap { #expect(packets(in: result.bytes)?.count == result.meter.packets) }
    }
  }

  @Test func aCutSourceIsNotComplete() async throws {
    let stream = stream(packets: 20)
    for missing in [1, 63, 64, 70, 79] {
      let cut = Array(stream.dropLast(missing))
      let result = try await Self.pumped([cut], as: .pcap)
      #expect(result.end == .sourceEnded(complete: false))
      #expect(result.bytes == Array(stream.dropLast(80)))
      #expect(result.meter.packets == 19)
    }
    #expect(
      try await Self.pumped([Array(stream.prefix(24))], as: .pcap).end
        == .sourceEnded(complete: true))
  }

  @Test func junkEndsWithAFailureAfterThePacketsBeforeIt() async throws {
    let scratch = try Scratch()
    let sink = try Sink(file: scratch.path + "/out.pcap")
    let good = stream(packets: 7)
    let source = try feed([good + Array("error: connection lost, good bye\n".utf8)])
    let meter = PumpMeter()
    await #expect {
      _ = try await pump(
        from: source.reader, to: sink, as: .pcap, meter: meter, stop: Bell())
    } throws: { error in
      (error as? Failure)?.what == "The packet stream is broken after packet 7."
    }
    try sink.finish()
    #expect(try contents(scratch.path + "/out.pcap") == good)
    #expect(meter.packets == 7)
  }

  @Test func textInsteadOfPackets() async throws {
    let text = Array("sh: tcpdump: not found\n".utf8)
    let result = try await Self.pumped([text], as: .pcap)
    guard case .noCapture(let bytes, let reason?) = result.end else {
      Issue.record("\(result.end)")
      return
    }
    #expect(bytes == text.count)
    #expect(reason.why == "It says: sh: tcpdump: not found")
    #expect(result.bytes.isEmpty)
    #expect(try await Self.pumped([], as: .pcap).end == .noCapture(bytes: 0, reason: nil))
    await #expect(throws: Failure.self) { try await Self.pumped([[0, 1, 2, 3, 4]], as: .pcap) }
  }

  @Test func theHeaderIsTold() async throws {
    let source = try feed([stream(PcapBuilder(isNano: true, linkType: 276), packets: 1)])
    let (seen, told) = AsyncStream.makeStream(of: PcapHeader.self)
    _ = try await pump(
      from: source.reader, to: Sink(file: "/dev/null"), as: .pcap, meter: PumpMeter(),
      stop: Bell(), onHeader: { told.yield($0) })
    told.finish()
    var headers: [PcapHeader] = []
    for await header in seen { headers.append(header) }
    #expect(headers.map(\.linkType) == [.linuxCooked2])
    #expect(headers.map(\.resolution) == [.nanoseconds])
  }

  @Test func severalSourcesShareOneFile() async throws {
    let scratch = try Scratch()
    let path = scratch.path + "/out.pcapng"
    let sink = try Sink(file: path)
    let bell = try Bell()
    _ = try sink.begin(PcapngSection(application: "test"), stop: bell)
    let variants = [PcapBuilder(), PcapBuilder(isBigEndian: true, isNano: true), PcapBuilder()]
    try await withThrowingTaskGroup(of: Void.self) { group in
      for (number, builder) in variants.enumerated() {
        group.addTask {
          var random = SeededGenerator(UInt64(number))
          let source = try feed(
            stream(builder, packets: 100).cut(&random, longest: 500), pause: .microseconds(200))
          let meter = PumpMeter()
          let end = try await pump(
            from: source.reader, to: sink, as: .pcapng(PcapngInterface(name: "pod\(number)")),
            meter: meter, stop: bell)
          #expect(end == .sourceEnded(complete: true))
          #expect(meter.packets == 100)
          #expect(meter.interfaceNumber != nil)
        }
      }
      try await group.waitForAll()
    }
    try sink.finish()
    let shark = try run("tshark", ["-r", path, "-T", "fields", "-e", "frame.interface_name"])
    #expect(shark.status == 0)
    let names = shark.output.split(separator: "\n")
    for number in 0..<3 { #expect(names.count { $0 == "pod\(number)" } == 100) }
  }

  @Test func fuzz() async throws {
    var random = SeededGenerator(22)
    let end = ContinuousClock.now + .seconds(2)
    while ContinuousClock.now < end {
      let builder = PcapHeaderTests.variants.randomElement(using: &random) ?? PcapBuilder()
      var bytes = stream(builder, packets: 5)
      for _ in 0..<Int.random(in: 1...6, using: &random) {
        let place = Int.random(in: 0..<bytes.count, using: &random)
        bytes[place] = UInt8.random(in: 0...255, using: &random)
      }
      do {
        let result = try await Self.pumped([bytes], as: .pcapng(Self.interface))
        // Whatever came in, what goes out is well formed.
        #expect(try BlockReader.blocks(result.bytes).count { $0.type == 6 } == result.meter.packets)
      } catch let failure as Failure {
        #expect(failure.why != nil)
      }
    }
  }
}
