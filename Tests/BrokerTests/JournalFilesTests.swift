import Base
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Broker

@Suite struct JournalFilesTests {
  private let scratch: Scratch
  private let journal: Journal

  init() throws {
    scratch = try Scratch()
    journal = Journal(folder: scratch.path + "/state/poddump/journal")
  }

  private func names() -> [String] {
    (try? FileManager.default.contentsOfDirectory(atPath: journal.folder)) ?? []
  }

  @Test func anEntryIsThereUntilItIsStruck() throws {
    #expect(journal.entries() == JournalContents())
    let lab = ClusterReference(context: "lab")
    let first = try journal.record(changes[0], cluster: lab)
    let second = try journal.record(changes[4], cluster: lab)
    #expect(Set(journal.entries().entries.map(\.name)) == [first.name, second.name])
    #expect(journal.entries().entries.contains(first))
    #expect(first.owner == .current)
    let folder = try FileManager.default.attributesOfItem(atPath: journal.folder)
    #expect(folder[.posixPermissions] as? Int == 0o700)
    let file = try FileManager.default.attributesOfItem(atPath: "\(journal.folder)/\(first.name)")
    #expect(file[.posixPermissions] as? Int == 0o600)
    journal.strike(first)
    #expect(journal.entries().entries == [second])
    journal.strike(second)
    journal.strike(second)
    #expect(names() == [])
  }

  /// Killed between writing and renaming: the change was never made, and is not undone.
  @Test func whatHasNoNameYetIsNoEntry() throws {
    let entry = try journal.record(changes[0], cluster: ClusterReference())
    let path = "\(journal.folder)/\(entry.name)"
    try FileManager.default.moveItem(atPath: path, toPath: path + ".tmp")
    #expect(journal.entries() == JournalContents())
    journal.sweep()
    #expect(names() == [entry.name + ".tmp"])  // somebody may be writing it right now
    try FileManager.default.setAttributes(
      [.modificationDate: Date(timeIntervalSinceNow: -120)], ofItemAtPath: path + ".tmp")
    journal.sweep()
    #expect(names() == [])
  }

  @Test func whatIsNoEntryIsNamedAndLeft() throws {
    let good = try journal.record(changes[0], cluster: ClusterReference())
    let folder = journal.folder
    func put(_ name: String, _ bytes: [UInt8]) {
      _ = FileManager.default.createFile(atPath: "\(folder)/\(name)", contents: Data(bytes))
    }
    put("cut.entry", Array(good.text.utf8.dropLast(5)))
    put("empty.entry", [])
    put("large.entry", Array(good.text.utf8) + [UInt8](repeating: 0x20, count: 20 << 10))
    put("noise.entry", (0..<2000).map { UInt8(truncatingIfNeeded: $0 * 7) })
    put("notes.txt", Array("mine".utf8))
    mkfifo("\(folder)/fifo.entry", 0o600)
    mkdir("\(folder)/folder.entry", 0o700)
    symlink("\(folder)/\(good.name)", "\(folder)/link.entry")
    let contents = journal.entries()
    #expect(contents.entries == [good])
    #expect(
      contents.unreadable
        == ["cut", "empty", "fifo", "folder", "large", "link", "noise"].map {
          "\(folder)/\($0).entry"
        })
    #expect(names().count == 9)
  }

  @Test func whatCannotBeWrittenIsAFailureBeforeAnythingIsMade() throws {
    try scratch.file("file")
    let blocked = Journal(folder: scratch.path + "/file/poddump/journal")
    var failure = #expect(throws: Failure.self) {
      try blocked.record(changes[0], cluster: ClusterReference())
    }
    #expect(failure?.why?.hasSuffix("Not a directory.") == true, "\(failure?.sentence ?? "")")
    #expect(failure?.fix?.contains("XDG_STATE_HOME") == true)
    // A file system that has no room for anything.
    let full = Journal(folder: "/proc/self/poddump")
    failure = #expect(throws: Failure.self) {
      try full.record(changes[0], cluster: ClusterReference())
    }
    #expect(failure?.why?.contains("/proc/self/poddump") == true)
  }

  @Test func aFolderThatOthersMayWriteToIsNotTrusted() throws {
    let folder = scratch.path + "/open"
    mkdir(folder, 0o700)
    chmod(folder, 0o777)
    let failure = #expect(throws: Failure.self) {
      try Journal(folder: folder).record(changes[0], cluster: ClusterReference())
    }
    #expect(failure?.why == "\(folder) is not a folder of yours alone.")
  }

  @Test func whatCouldNotBeReadBackIsRefused() throws {
    let failure = #expect(throws: Failure.self) {
      try journal.record(
        .pod(namespace: "shop", name: "web"), cluster: ClusterReference())
    }
    #expect(failure?.kind == .other)
    #expect(throws: Failure.self) {
      try journal.record(changes[0], cluster: ClusterReference(context: "a\0b"))
    }
    #expect(throws: Failure.self) {
      try journal.record(
        changes[0], cluster: ClusterReference(context: String(repeating: "x", count: 20_000)))
    }
    #expect(names() == [])
  }

  @Test func theJanitorIsThereBeforeTheFirstEntry() throws {
    let started = Mutex<[String]>([])
    let withPost = Journal(
      folder: journal.folder,
      janitor: JanitorPost { folder, input throws(Failure) in
        started.withLock { $0.append(folder) }
        #expect(fcntl(input.raw, F_GETFD) & FD_CLOEXEC != 0)
      })
    _ = try withPost.record(changes[0], cluster: ClusterReference())
    _ = try withPost.record(changes[3], cluster: ClusterReference())
    #expect(started.withLock { $0 } == [journal.folder])

    let without = Journal(
      folder: scratch.path + "/other",
      janitor: JanitorPost { _, _ throws(Failure) in throw Failure(.other, "No janitor.") })
    let failure = #expect(throws: Failure.self) {
      try without.record(changes[0], cluster: ClusterReference())
    }
    #expect(failure?.what == "No janitor.")
    #expect(without.entries() == JournalContents())
  }

  @Test(
    arguments: [
      (["XDG_STATE_HOME": "/state", "HOME": "/home/me"], "/state/poddump/journal"),
      (["XDG_STATE_HOME": "state", "HOME": "/home/me"], "/home/me/.local/state/poddump/journal"),
      (["HOME": "/home/me"], "/home/me/.local/state/poddump/journal"),
      (["HOME": "me"], nil), ([:], nil),
    ] as [([String: String], String?)])
  func theFolderIsTheOneForState(_ environment: [String: String], _ folder: String?) {
    #expect(Journal.folder { environment[$0] } == folder)
  }
}
