import Base
import Foundation
import Packets
import Testing

#if canImport(Glibc)
import Glibc
#endif

@Suite(.timeLimit(.minutes(2))) struct SinkTests {
  static func failure(_ body: () throws -> Void) -> Failure? {
    do {
      try body()
      return nil
    } catch {
      return error as? Failure
    }
  }

  /// A stream of records of different lengths.
  static func records(_ count: Int) -> [UInt8] {
    (0..<count).flatMap { PcapBuilder().record(frame($0, length: 46 + $0 % 200)) }
  }

  static func framing() throws -> Framing { .pcap(try PcapHeader(PcapBuilder().header).layout) }

  @Test func newFilesAreTheirOwnersOnly() throws {
    let scratch = try Scratch()
    func mode(_ path: String) throws -> Int? {
      try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    }
    let path = try scratch.file("old.pcap", [1, 2, 3])
    #expect(chmod(path, 0o640) == 0)
    let sink = try Sink(file: path)
    #expect(try sink.begin([9], framing: .pcapng, stop: Bell()) == .written)
    try sink.finish()
    #expect(try contents(path) == [9])
    // Somebody has given it those permissions.
    #expect(try mode(path) == 0o640)
    let new = scratch.path + "/new.pcap"
    try Sink(file: new).finish([1])
    #expect(try mode(new) == 0o600)
  }

  @Test func nothingWrittenChangesNothing() throws {
    let scratch = try Scratch()
    let old = try scratch.file("old.pcap", [1, 2, 3])
    let new = scratch.path + "/new.pcap"
    for path in [old, new] {
      let sink = try Sink(file: path)
      sink.beginWithFirstInterface([9])
      try sink.finish()
    }
    let ring = try Sink(ring: scratch.path + "/ring.pcapng", files: 2, size: 1000)
    try ring.finish()
    #expect(try contents(old) == [1, 2, 3])
    #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path) == ["old.pcap"])
  }

  @Test func theFirstInterfaceBringsTheHeader() throws {
    let scratch = try Scratch()
    let path = try scratch.file("old.pcapng", [1, 2, 3])
    let sink = try Sink(file: path)
    let bell = try Bell()
    sink.beginWithFirstInterface([9])
    _ = try sink.addInterface([5], stop: bell)
    _ = try sink.addInterface([6], stop: bell)
    try sink.finish()
    #expect(try contents(path) == [9, 5, 6])
  }

  @Test func whatCannotBeOpenedIsNamed() throws {
    let scratch = try Scratch()
    for path in [scratch.path + "/none/x.pcap", scratch.path, ""] {
      let failure = Self.failure { _ = try Sink(file: path) }
      #expect(failure?.kind == .other)
      #expect(failure?.what == "Cannot write to \(path).")
      #expect(failure?.why != nil)
      #expect(failure?.fix != nil)
    }
    let failure = Self.failure {
      _ = try Sink(ring: scratch.path + "/none/x.pcap", files: 2, size: 1000)
    }
    #expect(failure?.why?.contains("No such file") == true)
  }

  @Test func afterTheEndNothingIsWritten() throws {
    let scratch = try Scratch()
    let path = scratch.path + "/x"
    let sink = try Sink(file: path)
    try sink.finish([1, 2, 3])
    try sink.finish([4, 5, 6])
    #expect(try sink.write([7].span.bytes, stop: Bell()) == .readerClosed)
    #expect(try contents(path) == [1, 2, 3])
  }

  @Test func aFullDeviceIsAFailure() throws {
    let sink = try Sink(file: "/dev/full")
    let failure = Self.failure { _ = try sink.begin([1], framing: .pcapng, stop: Bell()) }
    #expect(failure?.what == "Cannot write to /dev/full.")
    #expect(failure?.why == "The disk is full.")
  }

  @Test func numbersCountUp() throws {
    let scratch = try Scratch()
    let sink = try Sink(file: scratch.path + "/x")
    let bell = try Bell()
    for number in 0..<3 as Range<UInt32> {
      let added = try sink.addInterface([1, 2], stop: bell)
      #expect(added.number == number)
      #expect(added.outcome == .written)
    }
    #expect(sink.bytesWritten == 6)
  }

  // MARK: pipes

  @Test func sharedFlagsComeBack() throws {
    let pipe = try Base.Pipe()
    func isNonBlocking() -> Bool { fcntl(pipe.writer.raw, F_GETFL) & O_NONBLOCK != 0 }
    for finishes in [true, false] {
      var sink: Sink? = Sink(pipe.writer, name: "standard output")
      #expect(isNonBlocking())
      #expect(sink?.readerWatch == pipe.writer.raw)
      if finishes { try sink?.finish() }
      #expect(isNonBlocking() == !finishes)
      sink = nil
      #expect(!isNonBlocking())
    }
    // One that was so before stays so.
    _ = fcntl(pipe.writer.raw, F_SETFL, O_NONBLOCK)
    try Sink(pipe.writer, name: "standard output").finish()
    #expect(isNonBlocking())
  }

  @Test func pipesAreMadeBig() throws {
    let pipe = try Base.Pipe()
    let sink = Sink(pipe.writer, name: "x")
    let bytes = [UInt8](repeating: 1, count: 1 << 20)
    let bell = try Bell()
    bell.ring()
    #expect(try sink.begin(bytes, framing: .pcapng, stop: bell) == .written)
  }

  @Test func aRecordIsFinishedOrNothingFollowsIt() throws {
    let pipe = try Base.Pipe()
    let sink = Sink(pipe.writer, name: "x")
    let bell = try Bell()
    bell.ring()
    #expect(try sink.begin([], framing: Self.framing(), stop: bell) == .written)
    let record = PcapBuilder().record(frame(1, length: 1400))
    let many = [UInt8]([[UInt8]](repeating: record, count: 1000).joined())
    guard case .stopped(let written) = try sink.write(many.span.bytes, stop: bell) else {
      Issue.record("not stopped")
      return
    }
    #expect(written >= 1 << 20)
    #expect(written < many.count)
    #expect(sink.bytesWritten == written)
    let next: WriteOutcome = written % record.count == 0 ? .stopped(written: 0) : .readerClosed
    #expect(try sink.write(record.span.bytes, stop: bell) == next)
  }

  @Test func goneReadersAreNoFailure() throws {
    ignoreBrokenPipes()
    let pipe = try Base.Pipe()
    let sink = Sink(pipe.writer, name: "x")
    pipe.reader.close()
    #expect(try sink.begin([1], framing: .pcapng, stop: Bell()) == .readerClosed)
    try sink.finish([1, 2])
  }

  // MARK: FIFOs

  /// Whoever made it may be gone without a trace.
  @Test func aFifoThatNobodyReadsIsNotWaitedForForEver() async throws {
    let scratch = try Scratch()
    let path = scratch.path + "/fifo"
    try #require(mkfifo(path, 0o600) == 0)
    let begin = ContinuousClock.now
    #expect(try await openFifo(path, stop: Bell(), within: .milliseconds(200)) == nil)
    #expect(ContinuousClock.now - begin >= .milliseconds(200))
  }

  @Test func fifosWaitForTheirReader() async throws {
    let scratch = try Scratch()
    let path = scratch.path + "/fifo"
    #expect(mkfifo(path, 0o600) == 0)
    let bell = try Bell()
    async let opening = openFifo(path, stop: bell)
    try await Task.sleep(for: .milliseconds(100))
    let reader = OwnedFD(open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC))
    let fifo = try #require(try await opening)
    let sink = Sink(fifo, name: path)
    #expect(try sink.begin([1, 2, 3], framing: .pcapng, stop: bell) == .written)
    #expect(await take(3, from: reader) == [1, 2, 3])
    // With a reader there, no wait.
    #expect(try await openFifo(path, stop: bell) != nil)
  }

  @Test func aFifoIsAStreamByItsPathToo() async throws {
    let scratch = try Scratch()
    let path = scratch.path + "/fifo"
    #expect(mkfifo(path, 0o600) == 0)
    let reader = OwnedFD(open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC))
    _ = fcntl(reader.raw, F_SETFL, 0)
    // More than the FIFO holds, for a reader that takes its time.
    let stream = stream(packets: 3000, length: 700)
    func write() async throws {
      let sink = try Sink(file: path)
      #expect(sink.readerWatch != nil)
      let end = try await pump(
        from: feed([stream]).reader, to: sink, as: .pcap, meter: PumpMeter(), stop: Bell())
      #expect(end == .sourceEnded(complete: true))
      try sink.finish()
    }
    async let writing: Void = write()
    #expect(await take(stream.count, from: reader) == stream)
    try await writing
  }

  @Test func theBellEndsTheWaitForAReader() async throws {
    let scratch = try Scratch()
    let path = scratch.path + "/fifo"
    #expect(mkfifo(path, 0o600) == 0)
    let bell = try Bell()
    async let opening = openFifo(path, stop: bell)
    try await Task.sleep(for: .milliseconds(50))
    bell.ring()
    let fifo = try await opening
    #expect(fifo == nil)
    let failure = Self.failure { _ = try Sink(file: path) }
    #expect(failure?.why == "It is a FIFO that nobody reads.")
  }

  @Test func whatIsNoFifoIsRefused() async throws {
    let scratch = try Scratch()
    let file = try scratch.file("file", [1])
    for (path, why) in [
      (file, "It is not a FIFO."), ("/dev/null", "It is not a FIFO."),
      (scratch.path, "The system says: Is a directory."),
      (scratch.path + "/none", "The system says: No such file or directory."),
    ] {
      do {
        _ = try await openFifo(path, stop: Bell())
        Issue.record("opened \(path)")
      } catch {
        #expect(error.why == why)
        #expect(error.what.contains(path))
      }
    }
    #expect(try contents(file) == [1])
  }

  // MARK: rings

  @Test(arguments: [1, 2, 5]) func ringsKeepTheLastFiles(_ files: Int) throws {
    let scratch = try Scratch()
    let size = 2000
    let sink = try Sink(ring: scratch.path + "/trace.pcap", files: files, size: size)
    let bell = try Bell()
    let header = PcapBuilder().header
    _ = try sink.begin(header, framing: Self.framing(), stop: bell)
    let records = Self.records(200)
    var random = SeededGenerator(31)
    // Batches end between records, as a pump's do.
    var rest = records
    while !rest.isEmpty {
      let some = try #require(packets(in: header + rest))
        .prefix(Int.random(in: 1...30, using: &random))
      let length = some.reduce(0) { $0 + $1.count + 16 }
      #expect(try sink.write(Array(rest.prefix(length)).span.bytes, stop: bell) == .written)
      rest.removeFirst(length)
      #expect(try scratch.names().count <= files)
    }
    try sink.finish()
    #expect(sink.bytesWritten == header.count + records.count)

    let names = try scratch.names()
    #expect(names.count == files)
    var kept: [UInt8] = []
    for name in names {
      #expect(name.wholeMatch(of: /trace_\d{5}_\d{14}\.pcap/) != nil, "\(name)")
      let bytes = try contents(scratch.path + "/" + name)
      #expect(bytes.count <= size)
      #expect(packets(in: bytes) != nil)
      kept += bytes.dropFirst(24)
    }
    #expect(records.suffix(kept.count) == kept[...])
    #expect(kept.count > (files - 1) * 1500)
  }

  @Test func ringFilesAreNumberedAndDated() throws {
    let scratch = try Scratch()
    let folder = scratch.path + "/with.dot"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
    let format = DateFormatter()
    format.locale = Locale(identifier: "en_US_POSIX")
    format.dateFormat = "yyyyMMddHHmmss"
    let before = format.string(from: Date())
    let sink = try Sink(ring: folder + "/trace", files: 3, size: 1)
    _ = try sink.begin(PcapBuilder().header, framing: Self.framing(), stop: Bell())
    _ = try sink.write(Self.records(4).span.bytes, stop: Bell())
    let after = format.string(from: Date())
    let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    // No file is without a packet, however small it should be.
    #expect(names.map { $0.prefix(12) } == ["trace_00002_", "trace_00003_", "trace_00004_"])
    for name in names {
      #expect(name.count == 26)
      #expect((before...after).contains(String(name.suffix(14))))
    }
  }

  @Test func everyRingFileOfPcapngIsWhole() async throws {
    let scratch = try Scratch()
    let sink = try Sink(ring: scratch.path + "/trace.pcapng", files: 4, size: 20_000)
    let bell = try Bell()
    _ = try sink.begin(PcapngWriterTests.section, stop: bell)
    _ = try await pump(
      from: feed([stream(packets: 2000)]).reader, to: sink,
      as: .pcapng(PcapngWriterTests.interface), meter: PumpMeter(), stop: bell)
    try sink.finish()
    let names = try scratch.names()
    #expect(names.count == 4)
    for name in names {
      let path = scratch.path + "/" + name
      let blocks = try BlockReader.blocks(contents(path))
      #expect(blocks.prefix(3).map(\.type) == [0x0A0D_0D0A, 1, 6])
      let infos = try run("capinfos", ["-T", "-c", path])
      #expect(infos.status == 0)
      #expect(try run("tshark", ["-r", path, "-c", "1"]).status == 0)
    }
  }

  // MARK: full disks

  /// Lends a file system of a few pages; mounting it needs root.
  static func withTinyDisk(_ body: (String) async throws -> Void) async throws {
    let scratch = try Scratch()
    let mounted = try run(
      "mount", ["-t", "tmpfs", "-o", "size=64k", "packets-test", scratch.path])
    try #require(mounted.status == 0, "\(mounted.errors)")
    let result: Result<Void, any Error>
    do {
      result = .success(try await body(scratch.path))
    } catch {
      result = .failure(error)
    }
    // Lazily: the mount goes at once even if a test that failed still holds a file.
    let unmounted = try run("umount", ["-l", scratch.path])
    #expect(unmounted.status == 0, "\(unmounted.errors)")
    try result.get()
  }

  /// Who is not root has /dev/full only; a complete run fails rather than leave these out.
  static var hasTinyDisks: Bool {
    geteuid() == 0 || ProcessInfo.processInfo.environment["CI"] == "true"
  }

  @Test(.enabled(if: hasTinyDisks)) func aFullDiskLeavesWholeRecords() async throws {
    try await Self.withTinyDisk { folder in
      let path = folder + "/x.pcap"
      let stream = stream(packets: 5000, length: 333)
      let sink = try Sink(file: path)
      do {
        _ = try await pump(
          from: feed([stream]).reader, to: sink, as: .pcap, meter: PumpMeter(), stop: Bell())
        Issue.record("no failure")
      } catch {
        let failure = error as? Failure
        #expect(failure?.what == "Cannot write to \(path).")
        #expect(failure?.why == "The disk is full.")
        #expect(failure?.fix != nil)
      }
      try sink.finish([1, 2, 3])
      let bytes = try contents(path)
      #expect(try #require(packets(in: bytes)).count > 100)
      #expect(bytes == Array(stream.prefix(bytes.count)))
      #expect(bytes.count == sink.bytesWritten)
      #expect(try run("capinfos", [path]).status == 0)
    }
  }

  @Test(.enabled(if: hasTinyDisks)) func aFullDiskLeavesWholeBlocks() async throws {
    try await Self.withTinyDisk { folder in
      let path = folder + "/x.pcapng"
      let sink = try Sink(file: path)
      let bell = try Bell()
      _ = try sink.begin(PcapngWriterTests.section, stop: bell)
      await #expect(throws: Failure.self) {
        _ = try await pump(
          from: feed([stream(packets: 5000, length: 333)]).reader, to: sink,
          as: .pcapng(PcapngWriterTests.interface), meter: PumpMeter(), stop: bell)
      }
      try sink.finish()
      #expect(try BlockReader.blocks(contents(path)).count { $0.type == 6 } > 100)
    }
  }

  @Test(.enabled(if: hasTinyDisks)) func aFullDiskKeepsWhatWasThereBefore() async throws {
    try await Self.withTinyDisk { folder in
      let path = folder + "/log"
      try Data("before\n".utf8).write(to: URL(fileURLWithPath: path))
      let appended = OwnedFD(open(path, O_WRONLY | O_APPEND | O_CLOEXEC))
      let sink = Sink(appended, name: "standard output")
      #expect(sink.readerWatch == nil)
      let stream = stream(packets: 5000, length: 333)
      await #expect(throws: Failure.self) {
        _ = try await pump(
          from: feed([stream]).reader, to: sink, as: .pcap, meter: PumpMeter(), stop: Bell())
      }
      let bytes = try contents(path)
      #expect(bytes.starts(with: Array("before\n".utf8)))
      #expect(packets(in: Array(bytes.dropFirst(7)))?.isEmpty == false)
    }
  }

  @Test(.enabled(if: hasTinyDisks)) func aFullDiskEndsARing() async throws {
    try await Self.withTinyDisk { folder in
      let sink = try Sink(ring: folder + "/x.pcap", files: 100, size: 10_000)
      await #expect(throws: Failure.self) {
        _ = try await pump(
          from: feed([stream(packets: 5000, length: 333)]).reader, to: sink, as: .pcap,
          meter: PumpMeter(), stop: Bell())
      }
      let names = try FileManager.default.contentsOfDirectory(atPath: folder)
      #expect(names.count > 3)
      for name in names {
        let bytes = try contents(folder + "/" + name)
        #expect(bytes.isEmpty || packets(in: bytes) != nil)
      }
      // A ring that fits goes round for ever.
      for name in names { unlink(folder + "/" + name) }
      let round = try Sink(ring: folder + "/x.pcap", files: 3, size: 10_000)
      let end = try await pump(
        from: feed([stream(packets: 5000, length: 333)]).reader, to: round, as: .pcap,
        meter: PumpMeter(), stop: Bell())
      #expect(end == .sourceEnded(complete: true))
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder).count == 3)
    }
  }
}
