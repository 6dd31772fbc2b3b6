import Base
import Foundation
import TestSupport
import Testing

@Suite(.ownThreads) struct ChildTests {
  /// Reads to the end, on a thread of its own.
  private static func read(_ descriptor: OwnedFD) async throws(Failure) -> String {
    try await onOwnThread("test", stop: {}) { () throws(Failure) in
      var bytes: [UInt8] = []
      var buffer = [UInt8](repeating: 0, count: 65536)
      while true {
        let count = Foundation.read(descriptor.raw, &buffer, buffer.count)
        guard count > 0 else { break }
        bytes += buffer[..<count]
      }
      return String(decoding: bytes, as: UTF8.self)
    }
  }

  private static func shell(_ script: String, _ words: String...) -> Command {
    Command("/bin/sh", ["-c", script, "test"] + words)
  }

  @Test func endsByItself() async throws {
    let (text, status) = try await withChild(Self.shell("echo out; echo err >&2; exit 7")) {
      child throws(Failure) in
      let out = try await Self.read(child.output)
      return out + (try await Self.read(child.errors))
    }
    #expect(text == "out\nerr\n")
    #expect(status == .exited(7))
    #expect(!status.isSuccess)
  }

  @Test func successAndSignalsAreToldApart() async throws {
    let (_, fine) = try await withChild(Self.shell("exit 0")) { _ throws(Failure) in }
    #expect(fine.isSuccess)
    let (_, killed) = try await withChild(Self.shell("kill -9 $$")) { child throws(Failure) in
      _ = try await Self.read(child.output)
    }
    #expect(killed == .signalled(9))
  }

  @Test func argumentsAndEnvironmentArriveUntouched() async throws {
    let words = ["a b", "$(reboot)", "'", "\"", "x\ny", "", "-n", "ü"]
    let command = Command(
      "/bin/sh",
      ["-c", "printf '%s|' \"$@\"; printf %s \"$POD\"; echo \"${HOME-none}\"", "x"] + words,
      environment: ["POD": "a;b c", "HOME": nil])
    let (text, _) = try await withChild(command) { child throws(Failure) in
      try await Self.read(child.output)
    }
    #expect(text == words.map { $0 + "|" }.joined() + "a;b cnone\n")
  }

  @Test func closingTheInputIsItsEnd() async throws {
    let (text, status) = try await withChild(Self.shell("cat; echo end")) {
      child throws(Failure) in
      _ = Foundation.write(child.input.raw, "word\n", 5)
      child.input.close()
      return try await Self.read(child.output)
    }
    #expect(text == "word\nend\n")
    #expect(status == .exited(0))
  }

  @Test func theEndOfTheBodyIsTheEndOfInput() async throws {
    let (_, status) = try await withChild(Self.shell("cat >/dev/null; exit 3"), grace: .seconds(20))
    {
      _ throws(Failure) in
    }
    #expect(status == .exited(3))
  }

  @Test func aChildThatStaysIsAskedToEndThenKilled() async throws {
    let begin = ContinuousClock.now
    let (pid, asked) = try await withChild(
      Self.shell("trap 'exit 9' TERM; while :; do sleep 0.05; done"), grace: .milliseconds(300)
    ) { child throws(Failure) in child.pid }
    #expect(asked == .exited(9))
    #expect(ContinuousClock.now - begin >= .milliseconds(300))
    #expect(ProcessTable.group(pid).isEmpty)

    let (other, killed) = try await withChild(
      Self.shell("trap '' TERM; while :; do sleep 0.05; done"), grace: .milliseconds(100)
    ) { child throws(Failure) in
      try? await Task.sleep(for: .milliseconds(200))  // until the trap is set
      return child.pid
    }
    #expect(killed == .signalled(9))
    #expect(try await eventually { ProcessTable.group(other).isEmpty })
  }

  @Test func whatItStartedEndsWithIt() async throws {
    // The helper holds both outputs open and ignores what asks it to end.
    let script = "(trap '' TERM HUP; echo up; while :; do sleep 0.1; done) & exit 0"
    let (pid, status) = try await withChild(Self.shell(script), grace: .seconds(5)) {
      child throws(Failure) in
      _ = try await onOwnThread("test", stop: {}) { () throws(Failure) in
        var byte: UInt8 = 0
        return Foundation.read(child.output.raw, &byte, 1)
      }
      return child.pid
    }
    #expect(status == .exited(0))
    #expect(try await eventually { ProcessTable.group(pid).allSatisfy { $0.state == "Z" } })
  }

  @Test func cancellationEndsIt() async throws {
    let (pids, tell) = AsyncStream.makeStream(of: Int32.self)
    let bell = try Bell()
    let task = Task(executorPreference: OwnThreads.shared) {
      try await withChild(Self.shell("exec sleep 1000"), grace: .milliseconds(100)) {
        child throws(Failure) in
        tell.yield(child.pid)
        return try await onOwnThread("test", stop: { bell.ring() }) { () throws(Failure) in
          var entries = [
            pollfd(fd: bell.reader, events: Int16(POLLIN), revents: 0),
            pollfd(fd: child.output.raw, events: Int16(POLLIN), revents: 0),
          ]
          _ = poll(&entries, 2, -1)
          return "stopped"
        }
      }
    }
    let pid = try #require(await pids.first { _ in true })
    task.cancel()
    let (text, status) = try await task.value
    #expect(text == "stopped")
    #expect(status == .signalled(15))
    #expect(ProcessTable.entry(pid) == nil)
  }

  @Test func aBodyThatThrowsEndsItToo() async throws {
    let (pids, tell) = AsyncStream.makeStream(of: Int32.self)
    await #expect(throws: Failure(.denied, "No.")) {
      _ = try await withChild(Self.shell("exec sleep 1000"), grace: .milliseconds(100)) {
        child throws(Failure) -> Int in
        tell.yield(child.pid)
        throw Failure(.denied, "No.")
      }
    }
    let pid = try #require(await pids.first { _ in true })
    #expect(ProcessTable.entry(pid) == nil)
  }

  @Test(arguments: ["/no/such/program", "/etc/passwd", "/"])
  func whatCannotBeStartedIsAFailure(_ path: String) async throws {
    let failure = await #expect(throws: Failure.self) {
      _ = try await withChild(Command(path, [])) { _ throws(Failure) in }
    }
    #expect(failure?.what == "Cannot start \(path).")
    #expect(failure?.kind == .other)
    #expect(failure?.why?.hasSuffix(".") == true, "\(failure?.sentence ?? "")")
  }

  @Test func leadsAGroupOfItsOwnWithEverySignalAtItsDefault() async throws {
    _ = Self.brokenPipesAreIgnored
    let (text, _) = try await withChild(
      Self.shell("cat /proc/self/status; cut -d' ' -f5 /proc/$$/stat; echo $$")
    ) { child throws(Failure) in
      try await Self.read(child.output)
    }
    let lines = text.split(separator: "\n")
    #expect(lines.suffix(2).first == lines.last)
    for set in ["SigBlk:", "SigIgn:"] {
      let line = try #require(lines.first { $0.hasPrefix(set) })
      let bits = try #require(line.split(separator: "\t").last.flatMap { UInt64($0, radix: 16) })
      // 32 and 33 are the C library's own (nptl(7)).
      #expect(bits & ~0x1_8000_0000 == 0, "\(line)")
    }
  }

  private static let brokenPipesAreIgnored: Bool = {
    signal(SIGPIPE, SIG_IGN)
    return true
  }()

  @Test(arguments: ["exit 0", "exec sleep 1000", "(sleep 1000) & exit 1", "kill -9 $$"])
  func noDescriptorIsLeft(_ script: String) async throws {
    let ((pid, pipes), _) = try await withChild(
      Self.shell(script), grace: .milliseconds(100)
    ) { child throws(Failure) in
      (
        child.pid,
        [child.input, child.output, child.errors].compactMap { Descriptors.identity($0.raw) }
      )
    }
    #expect(pipes.count == 3)
    for pipe in pipes { #expect(!Descriptors.isOpen(pipe)) }
    #expect(!Descriptors.holdsProcess(pid))
    #expect(ProcessTable.entry(pid) == nil)
  }

  @Test func noDescriptorOfOursReachesIt() async throws {
    let foreign = try Base.Pipe()
    let identity = try #require(Descriptors.identity(foreign.writer.raw))
    let (text, _) = try await withChild(Self.shell("ls -l /proc/$$/fd")) {
      child throws(Failure) in
      try await Self.read(child.output)
    }
    #expect(text.contains("pipe:["))
    #expect(!text.contains(identity))
  }
}
