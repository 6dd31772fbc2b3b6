import Base
import Foundation
import TestSupport
import Testing

@testable import Broker

/// The scripts that end things at the far end, in real shells.
@Suite(.serialized) struct UndoScriptTests {
  /// The first process of a container of ours, and a process of a capture in it.
  private static let first = "trap 'exit 0' TERM INT; sleep 60 & wait"
  private static let capture = "sleep 60; :"

  /// Runs the script that ends an unused container.
  private func endUnused(_ shell: TestShell, _ id: String) async throws -> Spawned.End {
    try await runProgram(shell.words() + ["-c", endUnusedScript, "end", "poddump", id]).end
  }

  private func isRunning(_ process: Spawned) -> Bool {
    ProcessTable.entry(process.pid).map { $0.state != "Z" } ?? false
  }

  private func end(_ process: Spawned) {
    for member in ProcessTable.session(process.pid) { kill(member.pid, SIGKILL) }
    _ = process.wait()
  }

  private func newID() -> String { String(UInt64.random(in: 1 << 60...UInt64.max), radix: 16) }

  @Test(arguments: TestShell.allCases)
  func aFileThatIsGoneIsSeenToBe(_ shell: TestShell) async throws {
    let scratch = try Scratch()
    let words = try shell.words() + ["-c", goneScript, "gone"]
    let path = try scratch.file("-f", [1], mode: 0o600)
    #expect(try await runProgram(words + [scratch.path + "/absent"]).end == .exited(0))
    #expect(try await runProgram(words + [path]).end == .exited(1))
  }

  @Test(arguments: TestShell.allCases)
  func endsTheOnlyProcessOfThatName(_ shell: TestShell) async throws {
    let id = newID()
    let process = try Spawned(shell.words() + ["-c", Self.first, "poddump-\(id)"])
    defer { end(process) }
    try await Task.sleep(for: .milliseconds(200))
    #expect(try await endUnused(shell, id) == .exited(0))
    #expect(process.wait(atMost: 5) == .exited(0))
    #expect(try await endUnused(shell, id) == .exited(69))
  }

  @Test(arguments: TestShell.allCases)
  func endsNothingWhereACaptureRuns(_ shell: TestShell) async throws {
    let id = newID()
    let process = try Spawned(shell.words() + ["-c", Self.first, "poddump-\(id)"])
    let capture = try Spawned(shell.words() + ["-c", Self.capture, "poddump-\(id)"])
    defer {
      end(process)
      end(capture)
    }
    try await Task.sleep(for: .milliseconds(200))
    #expect(try await endUnused(shell, id) == .exited(75))
    #expect(isRunning(process) && isRunning(capture))
  }

  /// As in a pod whose containers have their own processes: process 1 is the container's.
  @Test func endsAContainerByItsFirstProcess() async throws {
    let id = newID()
    let container = try Spawned([
      Programs.path("unshare"), "--pid", "--fork", "--mount-proc", "--kill-child", "/bin/sh", "-c",
      Self.first, "poddump-\(id)",
    ])
    defer { end(container) }
    let inside = try await blocking { () -> Int32? in
      for _ in 0..<100 {
        if let child = ProcessTable.all().first(where: { $0.parent == container.pid }) {
          return child.pid
        }
        usleep(20_000)
      }
      return nil
    }
    let pid = try #require(inside)
    try await Task.sleep(for: .milliseconds(200))
    let answer = try await runProgram([
      Programs.path("nsenter"), "-t", String(pid), "-p", "-m", "/bin/sh", "-c", endUnusedScript,
      "end", "poddump", id,
    ])
    // Whoever ends process 1 is ended with it, unless it is quicker.
    #expect([.exited(0), .exited(137), .signalled(SIGKILL)].contains(answer.end), "\(answer)")
    #expect(container.wait(atMost: 5) == .exited(0))
  }

  @Test(arguments: TestShell.allCases)
  func endsATreeOfTheRightTimeOnly(_ shell: TestShell) async throws {
    let tree = try Spawned(
      shell.words() + ["-c", "(sleep 61 & sleep 62 & wait) & (sleep 63; :) & wait", "tree"])
    defer { end(tree) }
    #expect(try await eventually { ProcessTable.session(tree.pid).count == 6 })
    let start = try #require(processStart(tree.pid)?.split(separator: ".").last)
    let words = try shell.words() + ["-c", SSHNodeHand.endTree, "end", String(tree.pid)]
    let wrong = try await runProgram(words + ["1" + start])
    #expect(wrong.end == .exited(3), "\(wrong.errors)")
    #expect(ProcessTable.session(tree.pid).count == 6)
    let right = try await runProgram(words + [String(start)])
    #expect(right.end == .exited(0), "\(right.errors)")
    #expect(tree.wait(atMost: 5) == .signalled(SIGKILL))
    #expect(try await eventually { ProcessTable.session(tree.pid).isEmpty })
    let again = try await runProgram(words + [String(start)])
    #expect(again.end == .exited(3), "\(again.errors)")
  }

  /// As it is sent to a node: by the script that waits for its order.
  @Test(arguments: TestShell.allCases)
  func aNodesShellTakesTheOrder(_ shell: TestShell) async throws {
    let tree = try Spawned(shell.words() + ["-c", "sleep 64; :", "tree"])
    defer { end(tree) }
    let start = try #require(processStart(tree.pid)?.split(separator: ".").last)
    let run = try await ScriptRun(shell)
    try await run.order(
      ["sh", "-c", SSHNodeHand.endTree, "end", String(tree.pid), String(start)], ttl: 20)
    let answer = try await blocking { run.process.answer(atMost: 20) }
    #expect(answer.end == .exited(0), "\(answer.errors)")
    #expect(tree.wait(atMost: 5) == .signalled(SIGKILL))
    #expect(try await run.nothingIsLeft())
  }
}
