import Foundation
import TestSupport
import Testing

@testable import Broker

/// Where a file can be put that is to be run.
@Suite struct ContainerDirectoriesTests {
  private static func directories(_ lines: [String]) throws -> [String] {
    try #require(
      ContainerFacts(answer: (lines + ["end=", ""]).joined(separator: "\n"))
    ).directories
  }

  @Test(
    arguments: [
      // Directories, mounts, what is left.
      (["/tmp", "/run"], [], ["/tmp", "/run"]),
      (["/tmp"], ["/ rw,relatime"], ["/tmp"]),
      (["/tmp"], ["/ ro,relatime"], []),
      (["/tmp", "/run"], ["/ ro", "/run rw,nosuid"], ["/run"]),
      (["/tmp", "/run"], ["/ rw", "/run rw,noexec,nosuid"], ["/tmp"]),
      (["/dev/shm"], ["/ rw", "/dev rw,nosuid", "/dev/shm rw,nosuid,noexec"], []),
      // The innermost counts, whatever the order.
      (["/data/a"], ["/data/a rw", "/data ro", "/ ro"], ["/data/a"]),
      (["/data/a"], ["/ rw", "/data ro"], []),
      // A mount over a mount hides it.
      (["/tmp"], ["/tmp rw", "/tmp rw,noexec"], []),
      (["/tmp"], ["/tmp ro", "/tmp rw"], ["/tmp"]),
      // Neighbours are none of its mounts.
      (["/tmpx"], ["/ rw", "/tmp ro"], ["/tmpx"]),
      (["/"], ["/ rw"], ["/"]), (["/"], ["/ ro"], []),
      (["/a"], ["/ rw", "/a/b ro"], ["/a"]),
      // Words that merely contain the options.
      (["/tmp"], ["/tmp rw,errors=remount-ro"], ["/tmp"]),
      (["/tmp"], ["/tmp rw,context=noexecutive"], ["/tmp"]),
      // Cut lines say nothing.
      (["/tmp"], ["/tmp"], ["/tmp"]), (["/tmp"], [""], ["/tmp"]),
    ] as [([String], [String], [String])])
  func mounts(_ directories: [String], _ mounts: [String], _ left: [String]) throws {
    #expect(
      try Self.directories(directories.map { "dir=\($0)" } + mounts.map { "mount=\($0)" }) == left)
  }

  @Test func hostileLinesAreSkipped() throws {
    let lines = [
      "dir=relative", "dir=", "dir=/a b", "dir=/a\u{1b}[2J", "dir=/\u{e9}", "dir=-rf",
      "dir=/" + String(repeating: "x", count: 2000), "dir", "mount=", "mount= ", "mount=/x",
      "mount==", "dir=/ok",
    ]
    #expect(try Self.directories(lines) == ["/ok"])
    let many = (0..<10_000).flatMap { ["dir=/d\($0)", "mount=/d\($0) rw"] }
    #expect(try Self.directories(many).count <= 64)
  }

  @Test func cutsAndNoise() throws {
    let whole =
      "cat=/bin/cat\ntar=/bin/tar\ndir=/tmp\ndir=/run\nmount=/ rw\nmount=/run rw,noexec\nend=\n"
    for cut in 0..<whole.utf8.count - 1 {
      #expect(
        ContainerFacts(answer: String(whole.prefix(cut))) == nil || cut >= whole.utf8.count - 1)
    }
    var random = SeededGenerator(64)
    for _ in 0..<3000 {
      var bytes = Array(whole.utf8)
      for _ in 0..<Int.random(in: 1...8, using: &random) {
        let at = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<3, using: &random) {
        case 0: bytes[at] = .random(in: 0...255, using: &random)
        case 1: bytes.remove(at: at)
        default: bytes.insert(.random(in: 0...255, using: &random), at: at)
        }
      }
      guard let facts = ContainerFacts(answer: String(decoding: bytes, as: UTF8.self)) else {
        continue
      }
      for directory in facts.directories {
        #expect(
          directory.hasPrefix("/") && directory.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F })
      }
      #expect(facts.programs.isSubset(of: ContainerFacts.placingPrograms))
    }
  }

  // MARK: - The question in real shells

  private func ask(_ shell: TestShell, _ directories: [String]) async throws -> Spawned.Answer {
    try await runProgram(
      shell.words() + ["-c", ContainerFacts.directoryQuestions + "\necho end=", "poddump"]
        + directories)
  }

  @Test(arguments: TestShell.allCases)
  func everyShellAnswers(_ shell: TestShell) async throws {
    let scratch = try Scratch()
    let file = try scratch.text("file", "")
    let answer = try await ask(
      shell, [scratch.path, file, scratch.path + "/missing", "/proc", "-n", "*", "$(touch x)", ""])
    #expect(answer.end == .exited(0) && answer.errors == "", "\(answer.errors)")
    let facts = try #require(ContainerFacts(answer: answer.text))
    #expect(facts.directories.contains(scratch.path))
    #expect(!facts.directories.contains(file))
    let lines = answer.text.split(separator: "\n")
    #expect(lines.contains { $0.hasPrefix("mount=/ ") })
    #expect(try scratch.names() == ["file"], "it changes nothing")
  }

  @Test(arguments: TestShell.allCases)
  func mountsThatForbidItAreSeen(_ shell: TestShell) async throws {
    let scratch = try Scratch()
    let names = ["plain", "noexec", "readonly"]
    for name in names {
      #expect(
        try Spawned([Programs.path("mkdir"), "\(scratch.path)/\(name)"]).wait() == .exited(0))
    }
    // A mount namespace of its own, which goes with its last process.
    let script = """
      d=$1 q=$2
      shift 2
      mount -t tmpfs -o noexec none "$d/noexec" && mount -t tmpfs -o ro none "$d/readonly" || exit 9
      exec "$@" -c "$q" poddump "$d/plain" "$d/noexec" "$d/readonly"
      """
    let answer = try await runProgram(
      [
        Programs.path("unshare"), "--mount", "--map-root-user", "/bin/sh", "-c", script, "sh",
        scratch.path, ContainerFacts.directoryQuestions + "\necho end=",
      ] + shell.words())
    #expect(answer.end == .exited(0), "\(answer.errors)")
    let facts = try #require(ContainerFacts(answer: answer.text))
    #expect(facts.directories == [scratch.path + "/plain"])
  }
}
