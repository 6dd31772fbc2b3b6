package import Base
package import Packets
internal import Synchronization

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// What the far end says on standard error, read all the time: answers to heartbeats, tcpdump's
/// statistics, and everything else as bounded, printable messages.
package final class FarEndMessages: Sendable {
  private struct State {
    var statistics = CaptureStatistics()
    var lastHeard = ContinuousClock.now
    var line: [UInt8] = []
  }

  private let state = Mutex(State())

  package init() {}

  /// tcpdump's counters and messages so far.
  package var statistics: CaptureStatistics { state.withLock { $0.statistics } }

  /// How long ago the far end last said anything here.
  package var silence: Duration { state.withLock { ContinuousClock.now - $0.lastHeard } }

  /// Everything that was said, but for the answers to heartbeats and the counters.
  package var text: String { statistics.messages.joined(separator: "\n") }

  /// The most that is still read once the bell rang, in reads: what a pipe holds, several times.
  private static let lastReads = 32

  /// Reads until the far end closes its standard error; once the bell rings, only what is there, and no
  /// more than a bounded part of it: a far end may talk without end. Blocks: own thread only.
  package func read(from descriptor: OwnedFD, stop: Bell) throws(Failure) {
    var buffer = [UInt8](repeating: 0, count: 16 * 1024)
    var readsLeft = Self.lastReads
    while readsLeft > 0 {
      var entries = [
        pollfd(fd: descriptor.raw, events: Int16(POLLIN), revents: 0),
        pollfd(fd: stop.reader, events: Int16(POLLIN), revents: 0),
      ]
      guard poll(&entries, 2, -1) >= 0 || errno == EINTR else { break }
      if entries[1].revents != 0 { readsLeft -= 1 }
      if entries[0].revents != 0 {
        let count = descriptor.read(into: &buffer)
        if count <= 0 { break }
        take(buffer[..<count])
      } else if entries[1].revents != 0 {
        break
      }
    }
    state.withLock { state in
      Self.endLine(&state)
      state.statistics.finish()
    }
  }

  /// Takes some bytes, cut anywhere.
  package func take(_ bytes: ArraySlice<UInt8>) {
    state.withLock { state in
      state.lastHeard = .now
      for byte in bytes {
        if byte == UInt8(ascii: "\n") {
          Self.endLine(&state)
        } else if state.line.count < CaptureStatistics.maximumLineLength {
          state.line.append(byte)
        }
      }
    }
  }

  private static func endLine(_ state: inout State) {
    defer { state.line.removeAll(keepingCapacity: true) }
    guard !state.line.isEmpty, !state.line.elementsEqual(Stanza.alive.utf8) else { return }
    state.statistics.take(state.line + [UInt8(ascii: "\n")])
  }
}
