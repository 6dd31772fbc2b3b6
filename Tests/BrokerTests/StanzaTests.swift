import Foundation
import TestSupport
import Testing

@testable import Broker

/// The real script in the real shells that containers have.
@Suite(.ownThreads) struct StanzaTests {
  /// Starts the script in a shell.
  private static func start(
    _ shell: TestShell, ttl: Int = 1000, silence: Int = 1000, _ command: [String]
  ) throws -> Spawned {
    try Spawned(
      shell.words() + ["-c", Stanza.script, "poddump", String(ttl), String(silence)] + command)
  }

  /// A command that says when it is there.
  private static func sh(_ script: String, _ words: String...) -> [String] {
    ["/bin/sh", "-c", script, "sh"] + words
  }

  private static let ready: UInt8 = 0x52

  /// Waits until the command has said so.
  private static func awaitReady(_ process: Spawned) async throws {
    let first = try await blocking { try process.output.read(upToCount: 1) }
    #expect(first?.first == ready)
  }

  /// Nothing is left of a session, not even a zombie.
  private static func nothingIsLeft(of process: Spawned) async throws {
    let isEmpty = try await eventually(within: 3) { ProcessTable.session(process.pid).isEmpty }
    #expect(isEmpty, "\(ProcessTable.session(process.pid))")
  }

  @Test(arguments: TestShell.allCases)
  func endOfInputEndsTheCommand(_ shell: TestShell) async throws {
    let process = try Self.start(
      shell, Self.sh("trap 'exit 5' TERM; printf R; while :; do sleep 0.05; done"))
    try await Self.awaitReady(process)
    try process.input.close()
    #expect(try await blocking { process.wait() } == .exited(5))
    try await Self.nothingIsLeft(of: process)
  }

  /// A question is passed on as SIGUSR1, and answered as a heartbeat; a plain heartbeat is not passed on.
  @Test(arguments: TestShell.allCases)
  func aQuestionIsPassedOn(_ shell: TestShell) async throws {
    let process = try Self.start(
      shell,
      Self.sh(
        "trap 'echo counters >&2; n=1' USR1; printf R; until [ \"$n\" ]; do sleep 0.05; done; printf Q; "
          + "while :; do sleep 0.05; done"))
    try await Self.awaitReady(process)
    try process.input.write(contentsOf: Data("\n".utf8))
    try process.input.write(contentsOf: Data(Stanza.question.utf8))
    let second = try await blocking { try process.output.read(upToCount: 1) }
    #expect(second == Data("Q".utf8))
    try process.input.close()
    let answer = try await blocking { process.answer() }
    // The test's own shell may say what became of its sleep.
    let lines = answer.errors.split(separator: "\n").filter { $0 != "Terminated" }.sorted()
    #expect(lines == ["counters", "\(Stanza.alive)", "\(Stanza.alive)"])
    try await Self.nothingIsLeft(of: process)
  }

  @Test(arguments: TestShell.allCases)
  func endOfInputAtOnceIsNoticedToo(_ shell: TestShell) async throws {
    let process = try Self.start(shell, Self.sh("exec sleep 1000"))
    try process.input.close()
    #expect(try await blocking { process.wait() } == .exited(143))
    try await Self.nothingIsLeft(of: process)
  }

  @Test(arguments: TestShell.allCases, [0, 1, 7, 42, 126])
  func aCommandThatEndsTakesEverythingWithIt(_ shell: TestShell, _ status: Int32) async throws {
    let process = try Self.start(shell, Self.sh("exit \(status)"))
    let answer = try await blocking { process.answer() }
    #expect(answer.end == .exited(status))
    #expect(answer.errors == "")
    try await Self.nothingIsLeft(of: process)
  }

  @Test(arguments: TestShell.allCases)
  func aMissingProgramIsStatus127(_ shell: TestShell) async throws {
    let process = try Self.start(shell, ["/no/such/tcpdump"])
    let answer = try await blocking { process.answer() }
    #expect(answer.end == .exited(127))
    #expect(answer.errors.contains("/no/such/tcpdump"))
    try await Self.nothingIsLeft(of: process)
  }

  /// The time limit's sleep is started at about the time when a failing command ends.
  @Test(arguments: TestShell.allCases)
  func aCommandThatEndsAtOnceLeavesNoSleepBehind(_ shell: TestShell) async throws {
    for _ in 0..<60 {
      let process = try Self.start(shell, ["/bin/false"])
      #expect(try await blocking { process.wait() } == .exited(1))
      try await Self.nothingIsLeft(of: process)
    }
  }

  @Test(arguments: TestShell.allCases)
  func silenceEndsTheCommandWhereTheShellTimesItsReads(_ shell: TestShell) async throws {
    let process = try Self.start(shell, silence: 1, Self.sh("printf R; exec sleep 1000"))
    try await Self.awaitReady(process)
    if shell.timesReads {
      #expect(try await blocking { process.wait() } == .exited(143))
    } else {
      try await Task.sleep(for: .seconds(3))
      #expect(ProcessTable.entry(process.pid) != nil)
      try process.input.close()
      #expect(try await blocking { process.wait() } == .exited(143))
    }
    try await Self.nothingIsLeft(of: process)
  }

  @Test(arguments: TestShell.allCases)
  func heartbeatsAreAnsweredAndKeepItAlive(_ shell: TestShell) async throws {
    let process = try Self.start(shell, silence: 4, Self.sh("printf R; exec sleep 1000"))
    // On one thread: between two of them a busy machine may let the silence pass.
    try await blocking {
      #expect(try process.output.read(upToCount: 1)?.first == Self.ready)
      for _ in 0..<12 {
        try process.input.write(contentsOf: [UInt8(ascii: "\n")])
        usleep(500_000)
      }
      #expect(ProcessTable.entry(process.pid)?.state != "Z")
      try process.input.close()
    }
    let answer = try await blocking { process.answer() }
    #expect(answer.end == .exited(143))
    let lines = answer.errors.split(separator: "\n")
    #expect(lines.prefix(12).allSatisfy { $0 == Stanza.alive } && lines.count >= 12, "\(lines)")
    try await Self.nothingIsLeft(of: process)
  }

  @Test(arguments: TestShell.allCases)
  func theTimeLimitEndsTheCommand(_ shell: TestShell) async throws {
    let process = try Self.start(
      shell, ttl: 1, Self.sh("trap 'exit 6' TERM; while :; do sleep 0.05; done"))
    #expect(try await blocking { process.wait() } == .exited(6))
    try await Self.nothingIsLeft(of: process)
  }

  @Test(arguments: TestShell.allCases)
  func theTimeLimitEndsTcpdumpInGoodOrder(_ shell: TestShell) async throws {
    let tcpdump = try Programs.path("tcpdump")
    // Not root everywhere: then tcpdump refuses by itself, and says so.
    let process = try Self.start(
      shell, ttl: 2, [tcpdump, "-i", "lo", "-U", "-w", "-", "--", "port 9 and port 10"])
    let answer = try await blocking { process.answer() }
    #expect(
      answer.end == .exited(0) && answer.errors.contains("packets captured")
        || answer.errors.contains("permission"), "\(answer.errors)")
    try await Self.nothingIsLeft(of: process)
  }

  @Test(arguments: TestShell.allCases)
  func withoutATimeLimitThereIsNoSleep(_ shell: TestShell) async throws {
    let process = try Self.start(shell, ttl: 0, Self.sh("printf R; exec cat /dev/zero >/dev/null"))
    try await Self.awaitReady(process)
    try await Task.sleep(for: .milliseconds(300))
    let names = ProcessTable.session(process.pid).map(\.name)
    #expect(!names.contains("sleep") && names.count == 3, "\(names)")
    try process.input.close()
    #expect(try await blocking { process.wait() } == .exited(143))
    try await Self.nothingIsLeft(of: process)
  }

  @Test(arguments: TestShell.allCases)
  func inputNeverReachesTheCommand(_ shell: TestShell) async throws {
    let process = try Self.start(
      shell,
      Self.sh("cat; readlink /proc/$$/fd/0; for f in /proc/$$/fd/*; do readlink $f; done; true"))
    try process.input.write(contentsOf: Array("secret\n".utf8))
    let pipe = try FileManager.default.destinationOfSymbolicLink(
      atPath: "/proc/self/fd/\(process.input.fileDescriptor)")
    let answer = try await blocking { process.answer() }
    #expect(answer.text.hasPrefix("/dev/null\n"))
    #expect(!answer.text.contains(pipe), "\(answer.text)")
    #expect(answer.end == .exited(0))
    try await Self.nothingIsLeft(of: process)
  }

  @Test(arguments: TestShell.allCases)
  func argumentsArriveVerbatim(_ shell: TestShell) async throws {
    let words = [
      "tcp port 80", "$(touch /tmp/x)", "`id`", "a'b", "a\"b", ";", "|", "& true", "x\ny", "", "-n",
      "$1", "${ttl}", "\\", "*", "~", "#", "ü€", "\u{1b}[2J", "%s", "a  b",
    ]
    let process = try Self.start(shell, [try Programs.path("printf"), "%s\\0"] + words)
    let answer = try await blocking { process.answer() }
    let came = answer.output.split(separator: 0, omittingEmptySubsequences: false).dropLast()
    #expect(came.map { String(decoding: $0, as: UTF8.self) } == words)
    try await Self.nothingIsLeft(of: process)
  }

  @Test(arguments: TestShell.allCases)
  func aFloodThatNobodyReadsEndsToo(_ shell: TestShell) async throws {
    let process = try Self.start(shell, ["/bin/cat", "/dev/zero"])
    try await Task.sleep(for: .milliseconds(300))  // until the pipe is full
    try process.input.close()
    #expect(try await blocking { process.wait() } == .exited(143))
    try await Self.nothingIsLeft(of: process)
  }

  @Test(arguments: TestShell.allCases)
  func aReaderThatLeavesEndsTheCommand(_ shell: TestShell) async throws {
    let process = try Self.start(shell, ["/bin/cat", "/dev/zero"])
    try process.output.close()
    #expect(try await blocking { process.wait() } == .exited(141))  // SIGPIPE
    try await Self.nothingIsLeft(of: process)
  }

  @Test func parametersOfACommand() {
    #expect(
      Stanza.parameters(["tcpdump", "-w", "-"], ttl: 60) == ["75", "20", "tcpdump", "-w", "-"])
    #expect(Stanza.parameters(["x"], ttl: 0) == ["0", "20", "x"])
  }
}
