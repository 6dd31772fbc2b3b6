package import Base
internal import CShim

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

extension Sink {
  /// A sink that writes to an open descriptor: a FIFO, or standard output, whatever that is.
  ///
  /// A regular file is treated as one. A pipe is asked to hold 1 MiB, and does not block while it is
  /// written; `finish` restores how it was, since the shell may share it.
  ///
  /// - Parameters:
  ///   - descriptor: Where to write; never closed by the sink.
  ///   - name: What it is called in messages.
  package convenience init(_ descriptor: OwnedFD, name: String) {
    let file = FileOutput(descriptor, name: name)
    if file.isRegular {
      self.init(name: name, readerWatch: nil, file)
    } else {
      self.init(
        name: name, readerWatch: descriptor.raw, StreamOutput(descriptor, name: name))
    }
  }
}

/// Writes into a pipe, FIFO, socket or device whose reader may be slow, or leave.
struct StreamOutput: Output {
  /// How long a reader has, once the bell rang, to take the rest of a record.
  static let grace = Duration.milliseconds(250)

  private let descriptor: OwnedFD
  private let name: String
  private var originalFlags: Int32?

  init(_ descriptor: OwnedFD, name: String) {
    self.descriptor = descriptor
    self.name = name
    _ = poddump_set_pipe_size(descriptor.raw, Pipe.packetBufferSize)
    let flags = fcntl(descriptor.raw, F_GETFL)
    if flags >= 0, flags & O_NONBLOCK == 0 {
      originalFlags = flags
      _ = fcntl(descriptor.raw, F_SETFL, flags | O_NONBLOCK)
    }
  }

  mutating func write(
    _ bytes: RawSpan, _ part: StreamPart, framing: Framing?, stop: Bell?, written: inout Int
  ) throws(Failure) -> WriteOutcome {
    var goal = bytes.byteCount
    var deadline: ContinuousClock.Instant?
    while written < goal {
      let rest = bytes.extracting(written..<goal)
      let count = rest.withUnsafeBytes { systemWrite(descriptor.raw, $0) }
      let code = errno
      if count >= 0 {
        written += count
        continue
      }
      switch code {
      case EINTR: continue
      case EPIPE, ECONNRESET: return .readerClosed
      case EAGAIN, EWOULDBLOCK: break
      default: throw .cannotWrite(name, errno: code)
      }
      if deadline == nil, stop?.isRung ?? true {
        // Whoever stops us will not wait long: end with the record that has begun, no further.
        deadline = .now + Self.grace
        if stop != nil, part == .records, let framing {
          goal = framing.wholeRecords(of: bytes, atLeast: written)
          continue
        }
      }
      if let deadline, deadline <= .now { return .stopped(written: written) }
      if waitForRoom(stop: stop, until: deadline) == .readerClosed { return .readerClosed }
    }
    return goal == bytes.byteCount ? .written : .stopped(written: written)
  }

  mutating func close() {
    if let flags = originalFlags { _ = fcntl(descriptor.raw, F_SETFL, flags) }
    originalFlags = nil
  }

  /// Sleeps until the reader has taken something or left, the bell rings, or the deadline is over.
  private func waitForRoom(stop: Bell?, until deadline: ContinuousClock.Instant?) -> WriteOutcome {
    var entries = [
      pollfd(fd: descriptor.raw, events: Int16(POLLOUT), revents: 0),
      // Once it has rung, it has nothing more to say.
      pollfd(fd: deadline == nil ? stop?.reader ?? -1 : -1, events: Int16(POLLIN), revents: 0),
    ]
    let timeout = deadline.map { ContinuousClock.now.duration(to: $0).pollTimeout } ?? -1
    guard poll(&entries, nfds_t(entries.count), timeout) > 0 else { return .written }
    return isReaderGone(entries[0].revents) ? .readerClosed : .written
  }
}

/// Whether poll(2)'s answer for a descriptor being written says that nobody reads any more.
func isReaderGone(_ events: Int16) -> Bool {
  Int32(events) & (POLLERR | POLLHUP | POLLNVAL) != 0
}

extension Duration {
  /// As poll(2) wants it: whole milliseconds, rounded up so that no wait is cut to a busy loop.
  var pollTimeout: Int32 {
    Int32(clamping: max(0, Int64((self / .milliseconds(1)).rounded(.up))))
  }
}

func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
  write(descriptor, bytes.baseAddress, bytes.count)
}
