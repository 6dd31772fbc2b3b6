import Base
import Foundation
import TestSupport
import Testing

@testable import Broker
@testable import poddump

/// The janitor as a process: what it holds, what it waits for, and its end.
@Suite struct JanitorProcessTests {
  private let poddump: Executable
  private let journal: Journal

  init() throws {
    poddump = try Executable()
    journal = Journal(folder: poddump.scratch.path + "/.local/state/poddump/journal")
    // A cluster that has the pod until it is deleted.
    try poddump.fakeKubectl(
      #"""
      PATH=/usr/bin:/bin
      case "$*" in
      *"config view"*) echo '{"contexts": [{"name": "lab", "context": {"cluster": "lab"}}]}' ;;
      *"get --request-timeout"*) echo '{"metadata": {"name": "poddump-7f3a", "namespace": "ops",
          "uid": "0fb4c1d2-3333"}, "status": {"phase": "Running"}}' ;;
      *"delete --request-timeout"*) cat >"$home/deleted"; tr '\0' '\n' </proc/$PPID/cmdline \
        >"$home/words" ;;
      esac
      """#)
  }

  /// A process that could have made a change.
  private func owner() throws -> (process: Spawned, identity: ProcessIdentity) {
    let process = try Spawned([Programs.path("sleep"), "60"])
    let start = try #require(processStart(process.pid))
    return (process, .ofThisMachine(pid: process.pid, start: start))
  }

  private func record(_ owner: ProcessIdentity) throws {
    let written = try journal.record(
      .pod(namespace: "ops", name: "poddump-7f3a"), cluster: ClusterReference(context: "lab"))
    let entry = JournalEntry(
      name: written.name, change: written.change, cluster: written.cluster, owner: owner,
      time: written.time)
    try Data(entry.text.utf8).write(to: URL(fileURLWithPath: "\(journal.folder)/\(entry.name)"))
  }

  private func janitor(of owner: ProcessIdentity) throws -> Spawned {
    try Spawned(
      [
        Executable.path("poddump"), "janitor", journal.folder, String(owner.pid), owner.start,
      ], environment: poddump.environment)
  }

  @Test(arguments: [false, true])
  func undoesWhatAKilledProcessLeft(_ machineGotAnotherName: Bool) async throws {
    let (process, identity) = try owner()
    var written = identity
    if machineGotAnotherName { written.host = "before" }
    try record(written)
    let janitor = try janitor(of: identity)
    // Closing a terminal and Ctrl-C are not for it.
    #expect(try await eventually { ignores(janitor.pid, SIGHUP) && ignores(janitor.pid, SIGINT) })
    kill(janitor.pid, SIGHUP)
    kill(janitor.pid, SIGINT)
    try await Task.sleep(for: .milliseconds(200))
    #expect(poddump.calls() == [])
    kill(process.pid, SIGKILL)
    _ = process.wait()
    try janitor.input.close()
    let answer = try await blocking { janitor.answer(atMost: 20) }
    #expect(answer.end == .exited(0))
    #expect(answer.output == [] && answer.errors == "")
    #expect(journal.entries().entries == [])
    let sent = String(decoding: try contents(poddump.scratch.path + "/deleted"), as: UTF8.self)
    #expect(sent.contains("0fb4c1d2-3333"))
    #expect(poddump.calls().allSatisfy { $0.contains("context=lab") || $0.contains("config view") })
  }

  @Test func withNothingLeftItEndsAtOnce() async throws {
    let (process, identity) = try owner()
    defer {
      kill(process.pid, SIGKILL)
      _ = process.wait()
    }
    let janitor = try janitor(of: identity)
    try janitor.input.close()
    #expect(try await blocking { janitor.answer(atMost: 10) }.end == .exited(0))
    #expect(poddump.calls() == [])
  }

  @Test(arguments: [
    [], ["/tmp"], ["/tmp", "x", "1.1"], ["tmp", "1", "1.1"], ["a", "b", "c", "d"],
  ])
  func aWrongCallIsRefused(_ words: [String]) async throws {
    let answer = try await poddump.run(["janitor"] + words)
    #expect(answer.end == .exited(2))
    #expect(answer.text == "" && answer.errors == "")
  }

  /// Started as `poddump capture` starts it: nothing of its parent's stays open, whatever happens to it.
  @Test func holdsNothingOpen() async throws {
    // As left behind by a careless parent: open, and not to be closed on exec.
    let leak = dup(STDERR_FILENO)
    defer { close(leak) }
    let folder = journal.folder
    let program = try Executable.path("poddump")
    var post: JanitorPost? = JanitorPost { folder, input throws(Failure) in
      try startJanitor(program, folder, input)
    }
    let entry = try Journal(folder: folder, janitor: post).record(
      .pod(namespace: "ops", name: "poddump-7f3a"), cluster: ClusterReference(context: "lab"))
    @Sendable func find() -> ProcessEntry? {
      ProcessTable.all().first { process in
        let words = (try? contents("/proc/\(process.pid)/cmdline")) ?? []
        return String(decoding: words, as: UTF8.self).contains("\0janitor\0\(folder)\0")
      }
    }
    #expect(try await eventually { find() != nil })
    let janitor = try #require(find())
    #expect(janitor.session == janitor.pid && janitor.group == janitor.pid)
    let manager = FileManager.default
    #expect(
      try await eventually {
        try manager.destinationOfSymbolicLink(atPath: "/proc/\(janitor.pid)/cwd") == "/"
      })
    let folderOfDescriptors = "/proc/\(janitor.pid)/fd"
    let targets = try Dictionary(
      uniqueKeysWithValues: manager.contentsOfDirectory(atPath: folderOfDescriptors).map {
        ($0, try manager.destinationOfSymbolicLink(atPath: "\(folderOfDescriptors)/\($0)"))
      })
    #expect(targets["1"] == "/dev/null" && targets["2"] == "/dev/null")
    #expect(targets["0"]?.hasPrefix("pipe:") == true)
    // Others may only be of its own runtime, and no file, pipe or socket.
    for (number, target) in targets where !["0", "1", "2"].contains(number) {
      #expect(target.hasPrefix("anon_inode:"), "\(number) is \(target)")
    }
    // Its input has ended, and we are still there: it waits until the entry is struck.
    post = nil
    try await Task.sleep(for: .milliseconds(300))
    #expect(ProcessTable.entry(janitor.pid).map { $0.state != "Z" } == true)
    Journal(folder: folder).strike(entry)
    #expect(try await eventually { ProcessTable.entry(janitor.pid)?.state == "Z" })
    #expect(poddump.calls() == [])
  }

  private func ignores(_ pid: Int32, _ signal: Int32) -> Bool {
    let status = (try? contents("/proc/\(pid)/status")) ?? []
    let line = String(decoding: status, as: UTF8.self).split(separator: "\n")
      .first { $0.hasPrefix("SigIgn:") }
    let bits = line?.split(separator: "\t").last.flatMap { UInt64($0, radix: 16) } ?? 0
    return bits & (1 << UInt64(signal - 1)) != 0
  }
}
