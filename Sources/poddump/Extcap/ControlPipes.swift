internal import Base
internal import Extcap

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// The two pipes between Wireshark's toolbar and us, on a thread of their own.
///
/// Nothing here waits for the other end and nothing here is a failure: a pipe that is not there, that nobody
/// reads or that was closed only means that nobody is told.
final class ControlPipes: Sendable {
  private let input: OwnedFD
  private let outputPath: String?
  /// Wakes the thread.
  private let wake: Pipe
  private let start = ContinuousClock.now

  private struct State {
    /// What is to be told, the oldest first.
    var frames: [ControlFrame] = []
    var isClosing = false
    var isHurried = false
  }

  private let state = Locked(State())

  /// The most frames that wait for a reader: 100 kB.
  private static let mostWaiting = 200
  /// How often it is tried whether somebody reads our messages, in milliseconds: at first, and later.
  private static let retry: (soon: Int32, late: Int32) = (50, 1000)
  /// How long Wireshark's window may take to open its end, in milliseconds. It is frozen if we are gone by then.
  private static let openingTime = Duration.milliseconds(2000)

  /// Opens the pipe that Wireshark writes to, at once and without waiting: its window is frozen until then.
  /// Nil where there is nothing to do.
  ///
  /// - Parameters:
  ///   - input: The FIFO that we read; nil if there is none.
  ///   - output: The FIFO that we write; nil if there is none.
  init?(input: String?, output: String?) {
    guard input != nil || output != nil else { return nil }
    self.input = OwnedFD(input.map { openFifoWithoutWaiting($0, O_RDONLY) } ?? -1)
    outputPath = output
    guard let wake = try? Pipe() else { return nil }
    for end in [wake.reader, wake.writer] { _ = fcntl(end.raw, F_SETFL, O_NONBLOCK) }
    self.wake = wake
  }

  /// Has messages written when the reader takes them; the oldest ones are dropped if it takes none. Does not
  /// block.
  ///
  /// - Parameters:
  ///   - frames: The messages.
  ///   - replaces: Whether those of the same command and control that still wait are dropped.
  func send(_ frames: [ControlFrame], replaces: Bool = false) {
    state.withLock { state in
      guard !state.isClosing else { return }
      if replaces {
        state.frames.removeAll { waiting in
          frames.contains { $0.command == waiting.command && $0.control == waiting.control }
        }
      }
      state.frames += frames
      state.frames.removeFirst(max(0, state.frames.count - Self.mostWaiting))
    }
    ring()
  }

  /// Ends `run` once what waits is written as far as the reader takes it at once.
  ///
  /// - Parameter hurry: Whether not to wait even for a window that has not opened its end yet.
  func close(hurry: Bool) {
    state.withLock { state in
      state.isClosing = true
      state.isHurried = hurry
    }
    ring()
  }

  private func ring() {
    var byte: UInt8 = 1
    _ = write(wake.writer.raw, &byte, 1)
  }

  // MARK: - On the thread

  /// Moves messages until `close`. Blocks: own thread only.
  ///
  /// - Parameters:
  ///   - interval: How often `tick` is called, in milliseconds.
  ///   - tick: Gives messages that replace those before.
  ///   - heard: Is given what Wireshark sends.
  func run(
    every interval: Int32, tick: () -> [ControlFrame], heard: (ControlFrame) -> Void
  ) {
    var parser = ControlParser()
    var output = Output(path: outputPath)
    var buffer = [UInt8](repeating: 0, count: 4096)
    var isInputOpen = input.raw >= 0
    var hasHeard = false
    var nextTick = start
    while true {
      let now = ContinuousClock.now
      if nextTick <= now {
        send(tick(), replaces: true)
        nextTick = now + .milliseconds(Int(interval))
      }
      let (isClosing, isHurried) = state.withLock { ($0.isClosing, $0.isHurried) }
      let wait = output.write(state, age: now - start)
      let mayLeave = isHurried || input.raw < 0 || hasHeard || now - start >= Self.openingTime
      if isClosing, mayLeave { break }

      var entries = [
        pollfd(fd: wake.reader.raw, events: Int16(POLLIN), revents: 0),
        pollfd(fd: isInputOpen ? input.raw : -1, events: Int16(POLLIN), revents: 0),
        pollfd(fd: output.watched, events: output.events, revents: 0),
      ]
      // A pipe that has no writer would wake us all the time: it is looked at now and then.
      let pause: Int32 = input.raw < 0 || isInputOpen ? interval : 200
      poll(&entries, 3, min(wait, pause, isClosing ? 20 : interval))
      if entries[0].revents != 0 { _ = read(wake.reader.raw, &buffer, buffer.count) }
      if entries[2].revents & Int16(POLLERR | POLLHUP | POLLNVAL) != 0 { output.leave() }
      isInputOpen = input.raw >= 0
      guard isInputOpen, entries[1].fd < 0 || entries[1].revents != 0 else { continue }
      let count = read(input.raw, &buffer, buffer.count)
      guard count > 0 else {
        isInputOpen = count < 0 && (errno == EAGAIN || errno == EINTR)
        continue
      }
      hasHeard = true
      for frame in parser.take(buffer[..<count]) { heard(frame) }
    }
  }

  /// The pipe that we write, which can be opened only when somebody reads it.
  private struct Output {
    let path: String?
    private var descriptor: OwnedFD?
    private var isOver = false
    private var isFull = false

    init(path: String?) {
      self.path = path
      isOver = path == nil
    }

    /// What to poll: the pipe once it is open, for its reader's end and, if it is full, for room.
    var watched: Int32 { descriptor?.raw ?? -1 }
    var events: Int16 { isFull ? Int16(POLLOUT) : 0 }

    /// The reader has gone. Closed no sooner: a window that reads the end of it would turn round and
    /// round (interface_toolbar_reader.cpp).
    mutating func leave() {
      isOver = true
      isFull = false
      descriptor = nil
    }

    /// Writes what it can without waiting.
    ///
    /// - Returns: In how many milliseconds to try again.
    mutating func write(_ state: Locked<State>, age: Duration) -> Int32 {
      guard !isOver else {
        state.withLock { $0.frames = [] }
        return .max
      }
      if descriptor == nil, let path {
        let opened = openFifoWithoutWaiting(path, O_WRONLY)
        if opened >= 0 {
          descriptor = OwnedFD(opened)
        } else if errno == ENXIO {
          return age < .seconds(10) ? retry.soon : retry.late
        } else {
          leave()
          return .max
        }
      }
      guard let descriptor else { return .max }
      isFull = false
      while let frame = state.withLock({ $0.frames.first }) {
        // Not longer than what goes in one piece or not at all.
        let bytes = frame.bytes
        guard descriptor.write(bytes[...]) == bytes.count else {
          if errno == EINTR { continue }
          if errno == EAGAIN { isFull = true } else { leave() }
          return .max
        }
        state.withLock { state in
          // Another thread may have dropped it meanwhile.
          if state.frames.first == frame { state.frames.removeFirst() }
        }
      }
      return .max
    }
  }
}

/// Opens a FIFO if that is possible at once.
///
/// - Returns: The descriptor, or -1 with errno set: ENXIO if it is to be written and nobody reads.
private func openFifoWithoutWaiting(_ path: String, _ mode: Int32) -> Int32 {
  var status = stat()
  // What is no FIFO is neither read nor written: it might be a device, or somebody's file.
  guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFIFO else {
    errno = EINVAL
    return -1
  }
  return open(path, mode | O_NONBLOCK | O_CLOEXEC)
}
