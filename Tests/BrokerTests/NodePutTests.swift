import Base
import Foundation
import SSH
import TestSupport
import Testing

@testable import Broker

/// An engine that goes to a node through the script's own input, in real shells.
@Suite(.ownThreads) struct NodePutTests {
  /// Says what it was started with, and its own digest as the tap does.
  private static let tap = Array(
    """
    #!/bin/sh
    if [ "$1" = --facts ]; then echo uid=0; exit; fi
    printf '%s|' "$@"
    cat
    """.utf8)

  /// Sends a file and reads the answer up to its last line.
  private func put(
    _ bytes: [UInt8], to path: String, isTap: Bool = true, _ run: ScriptRun
  ) async throws -> String {
    try await blocking {
      let request = NodeScript.put(path: path, size: bytes.count, isTap: isTap)
      DispatchQueue.global().async {
        try? run.process.input.write(contentsOf: Array(request.utf8) + bytes)
      }
      var answer: [UInt8] = []
      while !answer.reversed().starts(with: "\nplaced=\n".utf8.reversed()) {
        let more = run.process.output.whatIsThere()
        guard !more.isEmpty else { break }
        answer += more
      }
      return String(decoding: answer, as: UTF8.self)
    }
  }

  private func order(_ words: [String], _ run: ScriptRun) throws {
    try run.process.input.write(contentsOf: Array(try #require(NodeScript.order(words)).utf8))
  }

  @Test(arguments: TestShell.allCases)
  func aFileThatArrivesIsSaidToHave(_ shell: TestShell) async throws {
    let scratch = try Scratch()
    let path = scratch.path + "/.poddump-7f3a"
    let bytes = Self.tap + Array("\nexit\n".utf8) + [UInt8](repeating: 0x23, count: 300_000)
    let run = try await ScriptRun(shell)
    let answer = try await put(bytes, to: path, run)
    #expect(answer.contains("\nsha256=\(try #require(sha256(bytes)))\n"), "\(answer)")
    #expect(answer.contains("\nuid=0\n") && answer.hasSuffix("\nplaced=\n"))
    #expect(try contents(path) == bytes)
    try order([NodeScript.direct, path, "a b", "$x", ""], run)
    try run.process.input.write(contentsOf: Array("beat\n".utf8))
    try run.process.input.close()
    let rest = try await blocking { run.process.answer() }
    // Its input is its own, and its status the shell's.
    #expect(rest.text == "a b|$x||beat\n" && rest.end == .exited(0), "\(rest)")
    #expect(try scratch.names().isEmpty, "what the engine leaves, the shell removes")
    #expect(try await run.nothingIsLeft())
  }

  /// What cannot be written is read to its end all the same: the next line is an order.
  @Test(arguments: TestShell.allCases)
  func aDirectoryThatTakesNothingIsFollowedByAnother(_ shell: TestShell) async throws {
    let scratch = try Scratch()
    let run = try await ScriptRun(shell)
    let bytes = Self.tap + Array("\nexit\n".utf8) + [UInt8](repeating: 0x0A, count: 200_000)
    for folder in ["/no/such", "/proc/self", scratch.path + "/missing"] {
      let answer = try await put(bytes, to: folder + "/.poddump-7f3a", run)
      #expect(!answer.contains("sha256="), "\(answer)")
      #expect(answer.hasSuffix("\nplaced=\n"))
    }
    let good = try await put(bytes, to: scratch.path + "/.poddump-7f3a", run)
    #expect(good.contains("\nsha256=\(try #require(sha256(bytes)))\n"))
    try await run.order(["/bin/echo", "ordered"])
    let rest = try await blocking { run.process.answer() }
    #expect(rest.text == "ordered\n" && rest.end == .exited(0), "\(rest)")
    #expect(try scratch.names().isEmpty)
  }

  /// In a container with few programs: what says that the file arrived.
  @Test(arguments: [
    (["sha256sum"], "sha256="), (["wc"], "size=300051"), ([], "size=300051"),
  ])
  func whatThereIsSaysThatItArrived(_ programs: [String], _ words: String) async throws {
    let scratch = try Scratch()
    let bin = try Scratch()
    for name in Placement.shellPrograms + ["rm"] + programs {
      try FileManager.default.createSymbolicLink(
        atPath: bin.path + "/" + name, withDestinationPath: Programs.path(name))
    }
    try FileManager.default.createSymbolicLink(
      atPath: bin.path + "/sh", withDestinationPath: Programs.path("dash"))
    let start = ContainerScript.arguments(directories: [scratch.path])
    let process = try Spawned(
      [bin.path + "/sh"] + start.dropFirst(), environment: ["PATH": bin.path])
    let bytes = Array("#!\(bin.path)/sh\nexit\n".utf8)
    let whole = bytes + [UInt8](repeating: 0x23, count: 300_051 - bytes.count)
    let path = scratch.path + "/.poddump-7f3a"
    let request = NodeScript.put(path: path, size: whole.count, isTap: false)
    let answer = try await blocking {
      DispatchQueue.global().async {
        try? process.input.write(contentsOf: Array(request.utf8) + whole)
        try? process.input.close()
      }
      return process.answer()
    }
    #expect(answer.text.contains("\n\(words)"), "\(answer)")
    let placement = Placement(
      EngineFile(path: "", machine: "x86_64", size: whole.count, isTap: false),
      directories: [scratch.path], session: "7f3a", writer: .head)
    let digest = try #require(sha256(whole))
    #expect(placement.arrival(answer.text, digest: digest) == .whole)
  }

  @Test(arguments: [
    ("sha256=d", Placement.Arrival.whole), ("sha256=e", .other), ("sha256=e\nsha256=d", .whole),
    ("sha256=e\nsize=7", .other), ("size=7", .whole), ("size=6", .other), ("size=", .other),
    ("", .unusable), ("exit status 3\nplaced=", .unusable),
  ])
  func arrivals(_ answer: String, _ arrival: Placement.Arrival) {
    let placement = Placement(
      EngineFile(path: "", machine: "x86_64", size: 7, isTap: true), directories: ["/"],
      session: "", writer: .head)
    #expect(placement.arrival(answer, digest: "d") == arrival)
  }

  /// A disk that fills up in the middle.
  @Test(arguments: TestShell.allCases)
  func aFullDiskIsReadToTheEndToo(_ shell: TestShell) async throws {
    let scratch = try Scratch()
    let script = """
      d=$1
      shift
      mount -t tmpfs -o size=16k none "$d" || exit 9
      exec "$@"
      """
    let run = try await ScriptRun(
      [
        Programs.path("unshare"), "--mount", "--map-root-user", "/bin/sh", "-c", script, "sh",
        scratch.path,
      ] + shell.words() + ["-s"] + ScriptRun.connection)
    let bytes = Self.tap + Array("\nexit\n".utf8) + [UInt8](repeating: 0x0A, count: 200_000)
    let answer = try await put(bytes, to: scratch.path + "/.poddump-7f3a", run)
    #expect(!answer.contains("sha256=") && answer.hasSuffix("\nplaced=\n"), "\(answer)")
    try await run.order([try Programs.path("ls"), "-A", scratch.path])
    let rest = try await blocking { run.process.answer() }
    #expect(rest.text == "" && rest.end == .exited(0), "\(rest)")
  }

  @Test(arguments: TestShell.allCases)
  func whatDoesNotRunIsRemoved(_ shell: TestShell) async throws {
    let scratch = try Scratch()
    let run = try await ScriptRun(shell)
    for bytes in [Array("#!/bin/sh\nexit 3\n".utf8), EngineFileTests.elf(22, isLittle: false)] {
      let answer = try await put(bytes, to: scratch.path + "/.poddump-7f3a", run)
      #expect(!answer.contains("sha256="), "\(answer)")
      #expect(try scratch.names().isEmpty)
    }
    try run.process.input.close()
    #expect(try await blocking { run.process.wait() } == .exited(0))
  }

  /// Whoever is gone between the file and the order leaves no file.
  @Test(arguments: TestShell.allCases)
  func withoutAnOrderTheFileGoes(_ shell: TestShell) async throws {
    let scratch = try Scratch()
    for part in ["", "3\n", "put\n/x\n"] {
      let run = try await ScriptRun(shell)
      _ = try await put(Self.tap, to: scratch.path + "/.poddump-7f3a", run)
      #expect(try scratch.names().count == 1)
      try run.process.input.write(contentsOf: Array(part.utf8))
      try run.process.input.close()
      #expect(try await blocking { run.process.wait() } == .exited(0))
      #expect(try scratch.names().isEmpty, "after \(part)")
      #expect(try await run.nothingIsLeft())
    }
  }

  /// An engine that cannot be started leaves its file to the shell.
  @Test(arguments: TestShell.allCases)
  func anOrderThatFailsLeavesNoFile(_ shell: TestShell) async throws {
    let scratch = try Scratch()
    let path = scratch.path + "/.poddump-7f3a"
    for words in [
      [NodeScript.direct, "/no/such/nsenter", path],
      Stanza.parameters(["/no/such", path], ttl: 60),
    ] {
      let run = try await ScriptRun(shell)
      _ = try await put(Self.tap, to: path, run)
      try order(words, run)
      #expect(try await blocking { run.process.answer() }.end == .exited(127))
      #expect(try scratch.names().isEmpty)
    }
  }

  /// A given tcpdump runs inside the stanza, its file gone.
  @Test(arguments: TestShell.allCases)
  func aGivenTcpdumpRunsFromItsDescriptor(_ shell: TestShell) async throws {
    let scratch = try Scratch()
    let path = scratch.path + "/.poddump-7f3a"
    let bytes = try contents(Programs.path("sleep"))
    let run = try await ScriptRun(shell)
    let answer = try await put(bytes, to: path, isTap: false, run)
    #expect(answer.contains("\nsha256=\(try #require(sha256(bytes)))\n"))
    try await run.order(["sh", "-c", ContainerEngine.unlinking, path, "1000"])
    #expect(try await eventually { try scratch.names().isEmpty })
    try run.process.input.close()
    #expect(try await blocking { run.process.wait() } == .exited(143))
    #expect(try await run.nothingIsLeft())
  }
}
