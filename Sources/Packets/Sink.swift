package import Base
internal import Synchronization

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// What became of bytes given to a sink.
package enum WriteOutcome: Sendable, Equatable {
  /// They are all on their way.
  case written
  /// Nobody reads any more; this is an ordinary end.
  case readerClosed
  /// The bell rang while the reader took nothing; that many bytes were written. They end with a whole
  /// record if the reader took that much; otherwise the sink takes nothing more.
  case stopped(written: Int)
  /// There was no room for them; none was written.
  case full
}

/// Where a capture's bytes go: a pipe, a file, or a ring of files.
///
/// A sink takes whole records (or blocks) only, one call at a time from any thread, so that several
/// sources may write into one; they then share one bell, since each waits for the others' writes. It
/// numbers the pcapng interfaces in the order they are added.
package final class Sink: Sendable {
  /// What the sink is called in messages: a path, or "standard output".
  package let name: String
  /// The descriptor to poll for a reader that has gone (POLLERR), nil where there is no reader.
  package let readerWatch: Int32?

  private struct State {
    var output: any Output
    var framing: Framing?
    /// A header that waits for the first interface.
    var header: [UInt8] = []
    var interfaces: UInt32 = 0
    /// Which names the output begins its files with.
    var namesGiven = 0
    var isOver = false
    /// Why it is, where something went wrong.
    var failure: Failure?
    /// Whether the reader took nothing for a moment although the end was near.
    var isStalled = false
  }

  private let state: Mutex<State>
  private let written = Atomic<Int>(0)
  /// Apart from the rest, so that nobody who has names waits for a slow reader.
  let names: Mutex<NameFlow>
  /// Rings when names that are being found out are there.
  let expected = Mutex<Bell?>(nil)

  init(name: String, readerWatch: Int32?, _ output: any Output) {
    self.name = name
    self.readerWatch = readerWatch
    state = Mutex(State(output: output))
    names = Mutex(NameFlow(repeats: readerWatch != nil))
  }

  deinit { state.withLock { try? $0.output.close() } }

  /// Why it takes nothing more; nil where nothing is wrong with it.
  package var failure: Failure? { state.withLock { $0.failure } }

  /// Bytes written so far, over all files of a ring.
  package var bytesWritten: Int { written.load(ordering: .relaxed) }

  /// Begins the stream.
  ///
  /// - Parameters:
  ///   - header: A pcap file header or a pcapng section header; every file of a ring begins with it.
  ///   - framing: How the records that follow are told apart.
  ///   - stop: The bell that ends waiting for a reader.
  /// - Returns: What became of the header.
  /// - Throws: `Failure` naming the sink when it cannot be written.
  package func begin(
    _ header: [UInt8], framing: Framing, stop: Bell
  ) throws(Failure) -> WriteOutcome {
    try locked { state throws(Failure) in
      state.framing = framing
      return try self.put(header.span.bytes, .prologue, into: &state, stop: stop)
    }
  }

  /// Begins a pcapng stream, but not before its first interface is known: a capture that never starts
  /// leaves an existing file as it was, and nothing in a pipe.
  ///
  /// - Parameter header: The section header; every file of a ring begins with it.
  package func beginWithFirstInterface(_ header: [UInt8]) {
    state.withLock { state in
      state.framing = .pcapng
      state.header = header
    }
  }

  /// Adds a pcapng interface, which every later file of a ring repeats.
  ///
  /// - Parameters:
  ///   - block: Its interface description block.
  ///   - limit: The most bytes of the whole stream; the first interface is always added.
  ///   - stop: The bell that ends waiting for a reader.
  /// - Returns: The interface's number, for the packets that came from it; nobody's where it was not added.
  /// - Throws: `Failure` naming the sink when it cannot be written.
  package func addInterface(
    _ block: [UInt8], upTo limit: Int? = nil, stop: Bell
  ) throws(Failure) -> (number: UInt32, outcome: WriteOutcome) {
    try locked { state throws(Failure) in
      let number = state.interfaces
      if let limit, number > 0, self.bytesWritten + block.count > limit { return (number, .full) }
      state.interfaces += 1
      let beginning = state.header + block
      state.header = []
      return (number, try self.put(beginning.span.bytes, .prologue, into: &state, stop: stop))
    }
  }

  /// Writes whole records.
  ///
  /// - Parameters:
  ///   - records: One or more whole records, or pcapng blocks.
  ///   - limit: The most bytes of the whole stream; nil for no limit.
  ///   - stop: The bell that ends waiting for a slow reader.
  /// - Returns: What became of the records.
  /// - Throws: `Failure` naming the sink when it cannot be written; a file then ends with the last
  ///   record that is whole.
  package func write(
    _ records: RawSpan, upTo limit: Int? = nil, stop: Bell
  ) throws(Failure) -> WriteOutcome {
    try write(records, names: nil, upTo: limit, stop: stop)
  }

  /// Writes whole records, before them the names that are due.
  ///
  /// - Parameters:
  ///   - records: One or more whole records, or pcapng blocks.
  ///   - names: The names among them; nil where there are none.
  ///   - limit: The most bytes of the whole stream, which names leave room in; nil is no limit.
  ///   - stop: The bell that ends waiting for a slow reader.
  /// - Returns: What became of the records; names before them do not count.
  /// - Throws: As above.
  func write(
    _ records: RawSpan, names: BatchNames?, upTo limit: Int?, stop: Bell
  ) throws(Failure) -> WriteOutcome {
    try records.withUnsafeBytes { bytes throws(Failure) in
      try locked { state throws(Failure) in
        let count = bytes.count
        // Here and not earlier: others may have written meanwhile.
        if let limit, self.bytesWritten + count > limit { return .full }
        if state.framing == .pcapng, state.header.isEmpty {
          let room = limit.map { $0 - self.bytesWritten - count } ?? .max
          let due = self.dueNames(before: names?.lead ?? count, room: room, &state)
          switch try self.put(due.span.bytes, .records, into: &state, stop: stop) {
          case .written: break
          case .readerClosed: return .readerClosed
          case .full: return .full
          case .stopped: return .stopped(written: 0)
          }
          self.names.withLock { $0.count(count, names) }
        }
        return try self.put(bytes.bytes, .records, into: &state, stop: stop)
      }
    }
  }

  /// Ends the sink: writes last blocks as far as the reader takes them within a moment, gives an
  /// inherited descriptor back as it was, and asks files whether all arrived.
  ///
  /// - Parameter trailer: Whole records, such as statistics blocks; dropped when the stream was cut
  ///   within a record.
  /// - Throws: `Failure` when a file cannot be written to its end.
  package func finish(_ trailer: [UInt8] = []) throws(Failure) {
    try locked { state throws(Failure) in
      defer { state.isOver = true }
      let last = trailer + self.names.withLock { $0.last() }
      _ = try self.put(last.span.bytes, .records, into: &state, stop: nil)
      try state.output.close()
    }
  }

  /// The names to be written now, if they fit; and those for the files that are begun later.
  private func dueNames(before lead: Int, room: Int, _ state: inout State) -> [UInt8] {
    names.withLock { flow in
      if flow.generation != state.namesGiven {
        state.namesGiven = flow.generation
        state.output.setNames(near: flow.table.near, all: flow.all)
      }
      return flow.due(before: lead, room: min(room, state.output.namesRoom), at: .now)
    }
  }

  private func put(
    _ bytes: RawSpan, _ part: StreamPart, into state: inout State, stop: Bell?
  ) throws(Failure) -> WriteOutcome {
    guard !state.isOver else { return .readerClosed }
    guard !bytes.isEmpty else { return .written }
    // The time that a reader has at the end is not given to each source anew.
    if state.isStalled, stop?.isRung ?? true, !hasRoom { return .stopped(written: 0) }
    var count = 0
    defer { written.add(count, ordering: .relaxed) }
    do throws(Failure) {
      let outcome = try state.output.write(
        bytes, part, framing: state.framing, stop: stop, written: &count)
      if outcome == .readerClosed { state.isOver = true }
      if case .stopped = outcome {
        state.isStalled = true
        if !isWhole(count, of: bytes, part, state.framing) { state.isOver = true }
      }
      return outcome
    } catch {
      state.isOver = true
      state.failure = error
      throw error
    }
  }

  /// Whether the reader would take something right now.
  private var hasRoom: Bool {
    guard let readerWatch else { return true }
    var entry = pollfd(fd: readerWatch, events: Int16(POLLOUT), revents: 0)
    return poll(&entry, 1, 0) > 0
  }

  /// Waits until nobody reads any more. Blocks: own thread only.
  ///
  /// - Parameter stop: Ends the wait.
  /// - Returns: Whether the reader is gone; false where there is none, once `stop` rings.
  package func waitForReaderToLeave(stop: Bell) -> Bool {
    var entries = [
      pollfd(fd: stop.reader, events: Int16(POLLIN), revents: 0),
      // No event is asked for: errors are always told.
      pollfd(fd: readerWatch ?? -1, events: 0, revents: 0),
    ]
    while true {
      guard poll(&entries, nfds_t(entries.count), -1) > 0 else { continue }
      if entries[0].revents != 0 { return false }
      if isReaderGone(entries[1].revents) { return true }
    }
  }

  private func isWhole(
    _ count: Int, of bytes: RawSpan, _ part: StreamPart, _ framing: Framing?
  ) -> Bool {
    guard part == .records, let framing else { return count == bytes.byteCount }
    return framing.wholeRecords(of: bytes, atMost: count) == count
  }

  private func locked<R>(
    _ body: (inout State) throws(Failure) -> R
  ) throws(Failure) -> R {
    try state.withLock { state throws(Failure) in try body(&state) }
  }
}

/// Whether bytes are the beginning that every file of a ring needs, or the records after it.
enum StreamPart: Sendable, Equatable {
  case prologue
  case records
}

/// One kind of place for bytes.
protocol Output: Sendable {
  /// Writes all bytes, or as many as can be.
  ///
  /// Where `stop` is nil it is as if the bell were ringing; `written` receives how many bytes are
  /// written and stay written, on throw too.
  mutating func write(
    _ bytes: RawSpan, _ part: StreamPart, framing: Framing?, stop: Bell?, written: inout Int
  ) throws(Failure) -> WriteOutcome
  /// The bytes that the present file is for; names are to be a small part of them.
  var namesRoom: Int { get }
  /// Takes the names that each further file begins with, as blocks: the nearest, and all of them.
  mutating func setNames(near: [UInt8], all: [UInt8])
  /// Leaves the descriptor as it was found; a second call does nothing.
  mutating func close() throws(Failure)
}

extension Output {
  var namesRoom: Int { .max }
  mutating func setNames(near: [UInt8], all: [UInt8]) {}
}

/// Makes a write to a pipe that nobody reads an error (EPIPE) instead of the end of the process.
/// To be called once, first thing in `main`. Child processes get the default back when started with
/// `withChild`.
package func ignoreBrokenPipes() {
  signal(SIGPIPE, SIG_IGN)
}

extension Failure {
  /// A sink that cannot be written, with the usual causes in words.
  static func cannotWrite(_ name: String, errno code: Int32) -> Failure {
    let what = "Cannot write to \(name)."
    switch code {
    case ENOSPC:
      return Failure(
        .other, what, why: "The disk is full.", fix: "Free some space, or use --ring or --max-size."
      )
    case EDQUOT:
      return Failure(
        .other, what, why: "Your disk quota is used up.",
        fix: "Free some space, or use --ring or --max-size.")
    case EFBIG:
      return Failure(
        .other, what, why: "The file may not grow any further.",
        fix: "Raise the limit (ulimit -f), or use --ring.")
    case ENXIO:
      return Failure(
        .other, what, why: "It is a FIFO that nobody reads.", fix: "Start its reader first.")
    case EACCES, EPERM, EROFS, ENOENT, ENOTDIR, EISDIR:
      return .system(what, errno: code, fix: "Choose another file with -w.")
    default:
      return .system(what, errno: code)
    }
  }
}
