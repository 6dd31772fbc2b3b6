package import Base

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// In which form packets leave.
package enum StreamEncoding: Sendable, Equatable {
  /// The source's own bytes, untouched; the pump writes the header.
  case pcap
  /// pcapng; the caller has begun the sink with a section header, the pump adds this interface.
  case pcapng(PcapngInterface)
}

/// When a stream ends by itself. All pumps that are given one value share it: what one of them has written the
/// others may not write any more.
package struct PumpLimits: Sendable {
  /// Packets of all sources; exactly as many come out.
  package let packets: Int?
  /// Bytes in the sink, headers included, over all sources and all files of a ring; never more.
  package let bytes: Int?
  private let used = Locked(0)

  /// No limit where nil.
  package init(packets: Int? = nil, bytes: Int? = nil) {
    self.packets = packets
    self.bytes = bytes
  }

  /// The packets that may still be written.
  var packetsLeft: Int { packets.map { max(0, $0 - used.value) } ?? .max }

  /// Takes so many of them, all or none.
  func takePackets(_ count: Int) -> Bool {
    guard let packets else { return true }
    return used.withLock { used in
      guard used + count <= packets else { return false }
      used += count
      return true
    }
  }

  /// Gives back what was taken and not written.
  func giveBackPackets(_ count: Int) { used.withLock { $0 -= count } }
}

/// Why a pump ended.
package enum PumpEnd: Sendable, Equatable {
  /// The source has no more. Not complete: its last record was cut off.
  case sourceEnded(complete: Bool)
  /// The source ended before a capture began, after that many bytes. The reason quotes the text that
  /// came, nil when nothing did; the caller may know more, from the far end's stderr.
  case noCapture(bytes: Int, reason: Failure?)
  /// Nobody reads the sink any more.
  case readerClosed
  /// One of the limits is reached.
  case limitReached
  /// The bell rang.
  case stopped
}

/// Moves one source's packets into a sink, on a thread of its own, until something ends it.
///
/// Every read is followed by at most one write, so nothing that has arrived waits, and memory is
/// bounded: a slow reader fills the pipes, and the far end counts what it drops.
///
/// - Parameters:
///   - source: A classic pcap stream; text may come before it.
///   - sink: Where the packets go.
///   - encoding: In which form.
///   - limits: When to end.
///   - meter: Counts as the packets go.
///   - stop: Ends the pump at once; cancellation rings it too.
///   - readerStop: Ends waiting for a slow reader, where other pumps write into the sink too: each waits for the
///     others' writes, so that they have one for all; nil takes `stop`.
///   - onHeader: Called on the pump's thread when the capture's header has arrived.
/// - Returns: Why it ended.
/// - Throws: `Failure` when the source is no capture or breaks, or the sink cannot be written.
package func pump(
  from source: OwnedFD, to sink: Sink, as encoding: StreamEncoding, limits: PumpLimits = .init(),
  meter: PumpMeter, stop: Bell, readerStop: Bell? = nil,
  onHeader: @escaping @Sendable (PcapHeader) -> Void = { _ in }
) async throws(Failure) -> PumpEnd {
  try await onOwnThread("pump", stop: { stop.ring() }) { () throws(Failure) -> PumpEnd in
    var loop = PumpLoop(
      source: source, sink: sink, encoding: encoding, limits: limits, meter: meter, stop: stop,
      readerStop: readerStop ?? stop, onHeader: onHeader)
    return try loop.run()
  }
}

/// The loop of one pump.
private struct PumpLoop {
  /// The most bytes per read: more did not pay (measured).
  static let readSize = 256 << 10

  /// A read of this many bytes is part of a mass of data: kubectl copies 32 KiB at a time, and a few
  /// packets are never that large.
  static let bulkSize = 16 << 10
  /// How long to let such a mass gather before the next read, in microseconds. Waking for each of
  /// kubectl's writes costs both of us more than the copying: on two busy cores a transfer was 1.04 times as
  /// fast as plain kubectl with the pause, 0.84 times without. A 1 MiB pipe holds 2 ms of 500 MB/s.
  static let bulkPause: UInt32 = 500

  let source: OwnedFD
  let sink: Sink
  let encoding: StreamEncoding
  let limits: PumpLimits
  let meter: PumpMeter
  let stop: Bell
  let readerStop: Bell
  let onHeader: @Sendable (PcapHeader) -> Void

  var check = HeaderCheck()
  var batch: RecordBatch?
  /// The unit of the packets' timestamps.
  var resolution = TimestampResolution.microseconds
  /// Whether the last wait was for something.
  var isReadable = false

  mutating func run() throws(Failure) -> PumpEnd {
    // A record that was cut, at the front, and then room for one read.
    var memory = [UInt8](repeating: 0, count: Self.readSize + RecordLayout.maximumLength + 24)
    var filled = 0
    while true {
      if let end = try writeStatistics() { return end }
      if let end = waitForData() { return end }
      guard isReadable else { continue }
      let count = systemRead(source.raw, &memory, from: filled, atMost: Self.readSize)
      guard count > 0 else {
        if count == 0 { return sourceEnd(rest: filled) }
        let code = errno
        guard code == EINTR || code == EAGAIN else {
          throw .system("Cannot read from the far end.", errno: code)
        }
        continue
      }
      meter.noteData()
      filled += count
      let isBulk = count >= Self.bulkSize && count < Self.readSize
      let step = try take(memory.span.bytes.extracting(0..<filled))
      if let end = step.end { return end }
      memory.withUnsafeMutableBytes { bytes in
        bytes.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[step.consumed..<filled]))
      }
      filled -= step.consumed
      if isBulk { usleep(Self.bulkPause) }
    }
  }

  /// What to do after some bytes: to end, or to go on behind those that are done with.
  private struct Step {
    var consumed = 0
    var end: PumpEnd?
  }

  /// Does with the bytes read so far what can be done.
  private mutating func take(_ bytes: RawSpan) throws(Failure) -> Step {
    guard batch == nil else { return try passOn(bytes) }
    // Before the header nothing is kept here, so these are all new.
    guard case .header(let header, let packetsAt) = try check.take(bytes) else {
      return Step(consumed: bytes.byteCount)
    }
    if let end = try begin(header) { return Step(end: end) }
    if let end = try writeStatistics() { return Step(end: end) }
    var step = try passOn(bytes.extracting(packetsAt..<bytes.byteCount))
    step.consumed += packetsAt
    return step
  }

  private func sourceEnd(rest: Int) -> PumpEnd {
    guard batch != nil else { return .noCapture(bytes: check.byteCount, reason: check.reason) }
    return .sourceEnded(complete: rest == 0)
  }

  /// Sleeps until there is something to read; an end when the bell rings or the reader leaves.
  private mutating func waitForData() -> PumpEnd? {
    var entries = [
      pollfd(fd: source.raw, events: Int16(POLLIN), revents: 0),
      pollfd(fd: stop.reader, events: Int16(POLLIN), revents: 0),
      // No event is asked for: errors are always told.
      pollfd(fd: sink.readerWatch ?? -1, events: 0, revents: 0),
    ]
    // Statistics that come while there are no packets are not left for the next one.
    let timeout: Int32 = batch?.interface == nil ? -1 : 1000
    isReadable = false
    while true {
      let count = poll(&entries, nfds_t(entries.count), timeout)
      if count == 0 { return nil }
      guard count > 0 else { continue }
      if entries[1].revents != 0 { return .stopped }
      if isReaderGone(entries[2].revents) { return .readerClosed }
      if entries[0].revents != 0 {
        isReadable = true
        return nil
      }
    }
  }

  /// Takes what others left for the stream, and writes counters.
  private mutating func writeStatistics() throws(Failure) -> PumpEnd? {
    guard let number = batch?.interface, let notes = meter.takeNotes() else { return nil }
    batch?.comments += notes.remarks
    guard let statistics = notes.statistics else { return nil }
    var block: [UInt8] = []
    PcapngWriter.append(statistics, interface: number, resolution: resolution, to: &block)
    guard block.count <= room else { return nil }
    return end(of: try sink.write(block.span.bytes, upTo: limits.bytes, stop: readerStop))
  }

  /// How many bytes may still be written.
  private var room: Int { limits.bytes.map { max(0, $0 - sink.bytesWritten) } ?? .max }

  /// Tells the sink and the caller what kind of packets will come.
  private mutating func begin(_ header: PcapHeader) throws(Failure) -> PumpEnd? {
    onHeader(header)
    switch encoding {
    case .pcap:
      batch = RecordBatch(header, interface: nil)
      return end(of: try sink.begin(header.bytes, framing: .pcap(header.layout), stop: readerStop))
    case .pcapng(let interface):
      var block: [UInt8] = []
      PcapngWriter.append(interface, of: header, to: &block)
      let (number, outcome) = try sink.addInterface(block, upTo: limits.bytes, stop: readerStop)
      guard outcome != .full else { return .limitReached }
      meter.noteInterface(number)
      resolution = header.resolution
      batch = RecordBatch(header, interface: number)
      if outcome == .written { sink.waitForNames(stop: stop) }
      return end(of: outcome)
    }
  }

  /// Writes the whole records there are.
  private mutating func passOn(_ bytes: RawSpan) throws(Failure) -> Step {
    guard var batch else { return Step() }
    defer { self.batch = batch }
    self.batch = nil  // one owner, so that its buffer is not copied
    let room = room
    let names = batch.interface == nil ? RecordBatch.Names() : sink.repeatedNames
    let start = (walker: batch.walker, comments: batch.comments)
    var walk = batch.take(bytes, packets: limits.packetsLeft, room: room, names: names)
    while !limits.takePackets(walk.packets) {
      // Others were faster.
      batch.rewind(to: start.walker, comments: start.comments)
      walk = batch.take(bytes, packets: limits.packetsLeft, room: room, names: names)
    }
    if walk.packets > 0 {
      let outcome: WriteOutcome
      meter.noteWriting(true)
      defer { meter.noteWriting(false) }
      if batch.interface == nil {
        outcome = try sink.write(
          bytes.extracting(0..<walk.consumed), upTo: limits.bytes, stop: readerStop)
      } else {
        outcome = try sink.write(
          batch.buffer.span.bytes.extracting(first: batch.length), names: walk.names,
          upTo: limits.bytes, stop: readerStop)
      }
      count(outcome, of: walk, in: batch, bytes)
      if let end = end(of: outcome) { return Step(end: end) }
    }
    switch walk.end {
    case .cut: return Step(consumed: walk.consumed)
    case .limit: return Step(end: .limitReached)
    case .junk: throw batch.walker.junk(at: walk.consumed, in: bytes)
    }
  }

  /// Counts what was written: all of a batch, or its first records when the bell rang meanwhile.
  private func count(
    _ outcome: WriteOutcome, of walk: RecordBatch.Walk, in batch: RecordBatch, _ bytes: RawSpan
  ) {
    let isConverted = batch.interface != nil
    switch outcome {
    case .written:
      meter.count(
        packets: walk.packets, bytes: isConverted ? batch.length : walk.consumed)
    case .stopped(let written):
      let framing = isConverted ? Framing.pcapng : .pcap(batch.walker.layout)
      let packets =
        isConverted
        ? framing.recordCount(in: batch.buffer.span.bytes, before: written)
        : framing.recordCount(in: bytes, before: written)
      meter.count(packets: packets, bytes: written)
      limits.giveBackPackets(walk.packets - packets)
    case .full: limits.giveBackPackets(walk.packets)
    case .readerClosed: break
    }
  }

  private func end(of outcome: WriteOutcome) -> PumpEnd? {
    switch outcome {
    case .written: nil
    case .readerClosed: .readerClosed
    case .stopped: .stopped
    case .full: .limitReached
    }
  }
}

private func systemRead(
  _ descriptor: Int32, _ memory: inout [UInt8], from start: Int, atMost count: Int
) -> Int {
  memory.withUnsafeMutableBytes { bytes in
    read(descriptor, bytes.baseAddress?.advanced(by: start), min(count, bytes.count - start))
  }
}
