import Base
import Foundation
import TestSupport
import Testing

/// What the kernel says about our descriptors (proc_pid_fd(5)). Tests run side by side, so that only
/// the identity of a pipe tells, never how many descriptors there are.
enum Descriptors {
  /// "pipe:[12345]" for a descriptor; nil when it is not open.
  static func identity(_ descriptor: Int32) -> String? {
    try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(descriptor)")
  }

  /// Whether any descriptor of this process leads there.
  static func isOpen(_ identity: String) -> Bool {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
    return names.contains { Int32($0).flatMap(Self.identity) == identity }
  }

  /// Whether any descriptor of this process is a pidfd of that process.
  static func holdsProcess(_ pid: Int32) -> Bool {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fdinfo")) ?? []
    return names.contains { name in
      let data = FileManager.default.contents(atPath: "/proc/self/fdinfo/\(name)") ?? Data()
      return String(decoding: data, as: UTF8.self).split(separator: "\n").contains {
        $0.hasPrefix("Pid:") && $0.split(separator: "\t").last == "\(pid)"
      }
    }
  }
}

@Suite struct OwnedFDTests {
  @Test func closesOnceAndAtTheLatestWithItsLastReference() throws {
    var pipe: Base.Pipe? = try Base.Pipe()
    let identity = try #require(pipe.flatMap { Descriptors.identity($0.reader.raw) })
    pipe?.reader.close()
    #expect(Descriptors.isOpen(identity))  // the writer
    pipe?.reader.close()
    pipe = nil
    #expect(!Descriptors.isOpen(identity))
  }

  @Test func whatIsReleasedStaysOpen() throws {
    var pipe: Base.Pipe? = try Base.Pipe()
    let raw = try #require(pipe?.writer.release())
    let identity = try #require(Descriptors.identity(raw))
    pipe?.writer.close()
    pipe = nil
    #expect(Descriptors.identity(raw) == identity)
    #expect(close(raw) == 0)
    #expect(!Descriptors.isOpen(identity))
  }

  @Test func noDescriptorIsNoError() {
    let none = OwnedFD(-1)
    none.close()
    #expect(none.raw == -1)
  }

  @Test func pipesAreClosedOnExecAndAsLargeAsAsked() throws {
    let pipe = try Base.Pipe(bufferSize: Base.Pipe.packetBufferSize)
    for end in [pipe.reader, pipe.writer] {
      #expect(fcntl(end.raw, F_GETFD) & FD_CLOEXEC != 0)
    }
    #expect(fcntl(pipe.writer.raw, 1032) == 1 << 20)  // F_GETPIPE_SZ
  }
}

@Suite struct BellTests {
  @Test func onceRungStaysRung() throws {
    let bell = try Bell()
    #expect(!bell.isRung)
    bell.ring()
    #expect(bell.isRung)
    #expect(bell.isRung)
  }

  @Test func ringingNeverBlocks() async throws {
    let bell = try Bell()
    try await blocking { for _ in 0..<100_000 { bell.ring() } }  // more than a pipe holds
    #expect(bell.isRung)
  }
}

@Suite struct OwnThreadTests {
  private static func wait(_ bell: Bell) {
    var entry = pollfd(fd: bell.reader, events: Int16(POLLIN), revents: 0)
    _ = poll(&entry, 1, -1)
  }

  @Test func returnsWhatTheLoopReturnsAndThrowsWhatItThrows() async throws {
    #expect(try await onOwnThread("test", stop: {}) { () throws(Failure) in 42 } == 42)
    await #expect(throws: Failure(.usage, "No.")) {
      try await onOwnThread("test", stop: {}) { () throws(Failure) -> Int in
        throw Failure(.usage, "No.")
      }
    }
  }

  @Test func cancellationRingsAndTheLoopIsWaitedFor() async throws {
    let bell = try Bell()
    let task = Task {
      try await onOwnThread("test", stop: { bell.ring() }) { () throws(Failure) -> String in
        Self.wait(bell)
        return "ended by itself"
      }
    }
    try await Task.sleep(for: .milliseconds(50))
    task.cancel()
    #expect(try await task.value == "ended by itself")
  }

  @Test func aTaskThatIsCancelledAlreadyRingsToo() async throws {
    let bell = try Bell()
    let task = Task {
      while !Task.isCancelled { await Task.yield() }
      return try await onOwnThread("test", stop: { bell.ring() }) { () throws(Failure) -> Bool in
        Self.wait(bell)
        return bell.isRung
      }
    }
    task.cancel()
    #expect(try await task.value)
  }

  @Test func manyLoopsWaitAtOnce() async throws {
    // More than there are threads for tasks: none may keep another from starting.
    let bells = try (0..<32).map { _ in try Bell() }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for (index, bell) in bells.enumerated() {
        group.addTask {
          try await onOwnThread("test", stop: {}) { () throws(Failure) in
            if index + 1 < bells.count { Self.wait(bells[index + 1]) }
            bell.ring()
          }
        }
      }
      try await group.waitForAll()
    }
    #expect(bells.allSatisfy { $0.isRung })
  }
}
