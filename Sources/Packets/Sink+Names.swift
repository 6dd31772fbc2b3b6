package import Base
internal import Synchronization

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

extension Sink {
  /// How long the first packets of an interface wait for names that are being found out: kept back in pipes, they
  /// lose nothing.
  private static let namesPatience = Duration.seconds(1)

  /// Gives the stream its names, or those that it has by now. What is new is written before the next packet;
  /// in pipes, names are repeated. Streams of classic pcap have none.
  ///
  /// Safe from every thread; waits for nothing.
  package func setNames(_ table: NameTable) {
    let (before, generation) = names.withLock { ($0.table, $0.generation) }
    guard table != before else { return }
    // Not under the lock: ten thousand names take a few milliseconds.
    let (all, news) = (table.blocks, table.blocks(since: before))
    names.withLock { flow in
      flow.set(table, all: all, news: flow.generation == generation ? news : all)
    }
  }

  /// Has interfaces that begin wait a moment for the names, until a bell rings.
  ///
  /// - Parameter found: Rings when the names are there, or will not be.
  package func expectNames(_ found: Bell) { expected.withLock { $0 = found } }

  /// Waits for names that are expected, for a moment.
  func waitForNames(stop: Bell) {
    guard let found = expected.withLock({ $0 }) else { return }
    let deadline = ContinuousClock.now + Self.namesPatience
    while true {
      var entries = [
        pollfd(fd: found.reader, events: Int16(POLLIN), revents: 0),
        pollfd(fd: stop.reader, events: Int16(POLLIN), revents: 0),
        pollfd(fd: readerWatch ?? -1, events: 0, revents: 0),
      ]
      let left = ContinuousClock.now.duration(to: deadline).pollTimeout
      if poll(&entries, nfds_t(entries.count), left) >= 0 || errno != EINTR { return }
    }
  }

  /// What is repeated among packets.
  var repeatedNames: RecordBatch.Names {
    names.withLock { flow in
      flow.repeats
        ? RecordBatch.Names(block: flow.table.near, generation: flow.generation)
        : RecordBatch.Names()
    }
  }
}
