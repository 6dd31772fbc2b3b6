package import Base
internal import Synchronization

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// Our end of the far end's standard input: heartbeats, and the dead-man switch.
package final class FarEndInput: Sendable {
  private let descriptor: OwnedFD
  private let open = Mutex(true)

  /// Takes over the writing end. It is made non-blocking: a connection that no longer takes bytes
  /// must not hold the sender up.
  package init(_ descriptor: OwnedFD) {
    self.descriptor = descriptor
    _ = fcntl(descriptor.raw, F_SETFL, O_NONBLOCK)
  }

  /// Sends one heartbeat; a full pipe or a far end that is gone is no error here.
  ///
  /// - Parameter asks: Whether the far end is to say its counters as well.
  package func beat(asks: Bool = false) {
    open.withLock { open in
      guard open else { return }
      let line = Array((asks ? Stanza.question : "\n").utf8)
      _ = line.withUnsafeBytes { write(descriptor.raw, $0.baseAddress, $0.count) }
    }
  }

  /// Sends heartbeats until the task is cancelled.
  ///
  /// - Parameters:
  ///   - interval: How often.
  ///   - asks: Whether the far end may be asked for its counters by now.
  package func keepBeating(every interval: Duration, asks: () -> Bool = { false }) async {
    while !Task.isCancelled {
      beat(asks: asks())
      try? await Task.sleep(for: interval)
    }
  }

  /// Ends the far end's input: it then ends what it started. A second call does nothing.
  package func end() {
    open.withLock { open in
      guard open else { return }
      open = false
      descriptor.close()
    }
  }
}
