#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// Wakes a loop that sleeps in poll(2): the loop polls `reader` beside its own descriptors and ends
/// when it becomes readable. Once rung it stays rung.
package final class Bell: Sendable {
  private let pipe: Pipe

  /// The descriptor to poll for reading; never read from it.
  package var reader: Int32 { pipe.reader.raw }

  /// Makes a bell that has not been rung.
  ///
  /// - Throws: `Failure` when the process has no descriptor left.
  package init() throws(Failure) {
    pipe = try Pipe()
    _ = fcntl(pipe.writer.raw, F_SETFL, O_NONBLOCK)
  }

  /// Rings the bell. Safe from every thread and from signal handlers (write(2)), any number of times.
  package func ring() {
    var byte: UInt8 = 1
    _ = write(pipe.writer.raw, &byte, 1)
  }

  /// Whether the bell has been rung.
  package var isRung: Bool {
    var entry = pollfd(fd: pipe.reader.raw, events: Int16(POLLIN), revents: 0)
    return poll(&entry, 1, 0) > 0
  }
}
