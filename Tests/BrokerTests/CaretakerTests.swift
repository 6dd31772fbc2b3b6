import Foundation
import TestSupport
import Testing

@testable import Broker

/// The first process of a container of ours, in real shells, with time running faster.
@Suite(.ownThreads) struct CaretakerTests {
  /// Its processes are looked for by name among all of this machine's.
  private let id = String(UInt64.random(in: 1 << 60...UInt64.max), radix: 16)

  private func start(
    _ shell: TestShell, lifetime: Int = 0, most: Int = 2, path: String? = nil
  ) throws -> Spawned {
    try Spawned(
      shell.words() + [
        "-c", Caretaker.script, "poddump-\(id)", String(lifetime), String(most), "1", "poddump", id,
      ],
      environment: path.map { ["PATH": $0] })
  }

  private func end(_ process: Spawned) {
    for member in ProcessTable.session(process.pid) { kill(member.pid, SIGKILL) }
    _ = process.wait()
  }

  private func isRunning(_ process: Spawned) -> Bool {
    ProcessTable.entry(process.pid).map { $0.state != "Z" } ?? false
  }

  @Test(arguments: TestShell.allCases)
  func itEndsWhenNobodyUsesIt(_ shell: TestShell) async throws {
    let process = try start(shell)
    defer { end(process) }
    #expect(try await blocking { process.wait(atMost: 30) } == .exited(0))
    #expect(ProcessTable.session(process.pid).isEmpty)
  }

  @Test(arguments: TestShell.allCases)
  func aCaptureKeepsIt(_ shell: TestShell) async throws {
    let process = try start(shell)
    // As the stanza has it: the container's name is its own.
    let capture = try Spawned(
      shell.words() + ["-c", "sleep 1000; :", "poddump-\(id)"])
    defer {
      end(process)
      end(capture)
    }
    try await Task.sleep(for: .seconds(5))
    #expect(isRunning(process))
    end(capture)
    #expect(try await blocking { process.wait(atMost: 30) } == .exited(0))
  }

  /// A tap is known by its file's name, which begins with the container's.
  @Test(arguments: TestShell.allCases)
  func aTapKeepsItToo(_ shell: TestShell) async throws {
    let scratch = try Scratch()
    let path = try scratch.file(
      ".poddump-\(id)0001", contents(Programs.path("sleep")), mode: 0o700)
    let process = try start(shell)
    let capture = try Spawned([path, "1000"])
    defer {
      end(process)
      end(capture)
    }
    try await Task.sleep(for: .seconds(5))
    #expect(isRunning(process))
  }

  @Test(arguments: TestShell.allCases)
  func itEndsAtTheEndOfItsLifeWhoeverUsesIt(_ shell: TestShell) async throws {
    let process = try start(shell, lifetime: 2, most: 1000)
    let capture = try Spawned(shell.words() + ["-c", "sleep 1000; :", "poddump-\(id)"])
    defer {
      end(process)
      end(capture)
    }
    #expect(try await blocking { process.wait(atMost: 30) } == .exited(0))
    #expect(isRunning(capture))
  }

  @Test(arguments: TestShell.allCases, [SIGTERM, SIGINT])
  func aSignalEndsItAtOnce(_ shell: TestShell, _ signal: Int32) async throws {
    // Steps of a minute: it must not finish the one that it is at.
    let process = try Spawned(
      shell.words() + [
        "-c", Caretaker.script, "poddump-\(id)", "0", "1000", "60", "poddump", id,
      ])
    defer { end(process) }
    try await Task.sleep(for: .milliseconds(500))
    #expect(kill(process.pid, signal) == 0)
    #expect(try await blocking { process.wait(atMost: 20) } == .exited(0))
  }

  /// What cannot look does not end for want of a user, but at the end of its life.
  @Test(arguments: [TestShell.bash, .dash])
  func withoutGrepItsLifetimeEndsIt(_ shell: TestShell) async throws {
    let scratch = try Scratch()
    try FileManager.default.createSymbolicLink(
      atPath: scratch.path + "/sleep", withDestinationPath: Programs.path("sleep"))
    let process = try start(shell, lifetime: 5, most: 2, path: scratch.path)
    defer { end(process) }
    try await Task.sleep(for: .milliseconds(3500))
    #expect(isRunning(process))
    let answer = try await blocking {
      try process.input.close()
      return process.answer(atMost: 30)
    }
    #expect(answer.end == .exited(0) && answer.errors == "", "\(answer)")
  }

  @Test func theCommandHasTheNameWholeAndInParts() {
    let command = Caretaker.command(name: "poddump-7f3a0001", lifetime: 600, image: "lab/net:1")
    #expect(
      command == [
        "sh", "-c", Caretaker.script, "poddump-7f3a0001", "600", "20", "15", "poddump", "7f3a0001",
        "lab/net:1",
      ])
    let terms = Caretaker.Terms(command)
    #expect(terms?.lifetime == 600 && terms?.image == "lab/net:1")
    #expect(Caretaker.Terms(["sleep", "600"]) == nil && Caretaker.Terms([]) == nil)
    #expect(!Caretaker.script.contains("poddump-"))
  }
}
