import Base
import Foundation
import SSH
import TestSupport
import Testing

@testable import Broker

/// What puts an engine into a container, in real shells: the script, its refusals, and what it leaves.
@Suite(.ownThreads) struct PlacingScriptTests {
  /// Stands for a tcpdump: it says its version, and is long enough for several reads.
  private static let program: [UInt8] =
    Array("#!/bin/sh\n[ \"$1\" = --version ] && echo version 4.99\nexit\n".utf8)
    + [UInt8](repeating: 0x23, count: 100_000)

  private struct Place {
    let scratch: Scratch
    let file: EngineFile
    var placement: Placement
    var bytes = PlacingScriptTests.program
    var digest: String

    init(_ writer: Placement.Writer) throws {
      scratch = try Scratch()
      file = EngineFile(
        path: "/none", machine: "x86_64", size: PlacingScriptTests.program.count, isTap: false)
      placement = Placement(file, directories: [scratch.path], session: "7f3a0001", writer: writer)
      digest = try #require(sha256(bytes))
    }

    /// Runs the script with an input, in a shell with these folders to find programs in.
    func run(
      _ shell: TestShell, input: [UInt8]? = nil, path: String? = nil, folder: String? = nil
    ) async throws -> Spawned.Answer {
      let target = folder.map { "\($0)/\(placement.name)" } ?? placement.path
      let script = placement.arguments(path: target, digest: digest)
      #expect(script[0] == "sh")
      let words = try shell.words() + script.dropFirst()
      let environment = path.map { ["PATH": $0] }
      let bytes = input ?? placement.input(bytes)
      return try await blocking {
        let process = try Spawned(words, environment: environment)
        DispatchQueue.global().async {
          // Whoever does not want it all breaks the pipe.
          try? process.input.write(contentsOf: bytes)
          try? process.input.close()
        }
        return process.answer()
      }
    }
  }

  /// A folder with links to some programs, as a PATH.
  private static func folder(_ scratch: Scratch, _ names: [String]) throws -> String {
    let path = scratch.path + "/bin"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    for name in names {
      try FileManager.default.createSymbolicLink(
        atPath: path + "/" + name, withDestinationPath: Programs.path(name))
    }
    return path
  }

  @Test(arguments: TestShell.allCases, [Placement.Writer.cat, .tar])
  func itArrivesAndRuns(_ shell: TestShell, _ writer: Placement.Writer) async throws {
    let place = try Place(writer)
    let answer = try await place.run(shell)
    #expect(answer.end == .exited(0), "\(answer.errors)")
    #expect(answer.text == "version 4.99\n" && answer.errors == "")
    #expect(try place.scratch.names() == [".poddump-7f3a0001"])
    #expect(try contents(place.placement.path) == place.bytes)
    let mode =
      try FileManager.default.attributesOfItem(atPath: place.placement.path)[
        .posixPermissions] as? Int
    #expect(mode == 0o700)
  }

  @Test(arguments: TestShell.allCases)
  func whatArrivesOtherwiseIsRemoved(_ shell: TestShell) async throws {
    let place = try Place(.cat)
    let cut = try await place.run(shell, input: Array(place.bytes.dropLast(1)))
    #expect(cut.end == .exited(74), "\(cut.errors)")
    var changed = place.bytes
    changed[5000] ^= 1
    let wrong = try await place.run(shell, input: changed)
    #expect(wrong.end == .exited(74))
    let none = try await place.run(shell, input: [])
    #expect(none.end == .exited(74))
    #expect(try place.scratch.names().isEmpty)
  }

  @Test(arguments: TestShell.allCases)
  func anArchiveThatIsCutIsRemoved(_ shell: TestShell) async throws {
    let place = try Place(.tar)
    let archive = place.placement.input(place.bytes)
    let answer = try await place.run(shell, input: Array(archive.prefix(60_000)))
    #expect([.exited(69), .exited(74)].contains(answer.end), "\(answer.end)")
    #expect(try place.scratch.names().isEmpty)
  }

  /// Without sha256sum the size is compared, and without wc nothing.
  @Test(arguments: [TestShell.bash, .dash])
  func itMakesDoWithWhatIsThere(_ shell: TestShell) async throws {
    let place = try Place(.cat)
    let bin = try Scratch()
    let counted = try Self.folder(bin, ["cat", "chmod", "rm", "wc"])
    #expect(try await place.run(shell, path: counted).end == .exited(0))
    let cut = try await place.run(shell, input: Array(place.bytes.dropLast(9)), path: counted)
    #expect(cut.end == .exited(74))
    #expect(try place.scratch.names().isEmpty)
    try FileManager.default.removeItem(atPath: counted + "/wc")
    #expect(try await place.run(shell, path: counted).end == .exited(0))
    // Without rm, what does not arrive is at least emptied.
    try FileManager.default.removeItem(atPath: counted + "/rm")
    try FileManager.default.createSymbolicLink(
      atPath: counted + "/wc", withDestinationPath: Programs.path("wc"))
    let left = try await place.run(shell, input: [0x23], path: counted)
    #expect(left.end == .exited(74), "\(left.errors)")
    #expect(try contents(place.placement.path).isEmpty)
  }

  @Test(arguments: TestShell.allCases)
  func aDirectoryThatTakesNothing(_ shell: TestShell) async throws {
    let place = try Place(.cat)
    let answer = try await place.run(shell, folder: place.scratch.path + "/missing")
    #expect(answer.end == .exited(69))
    #expect(!answer.errors.isEmpty)
  }

  @Test(arguments: TestShell.allCases)
  func aProgramThatDoesNotRunIsRemoved(_ shell: TestShell) async throws {
    var place = try Place(.cat)
    // A program of another architecture: an ELF header of a machine that this is not.
    place.bytes = EngineFileTests.elf(22, isLittle: false) + [UInt8](repeating: 0, count: 200)
    place.placement.file.size = place.bytes.count
    place.digest = try #require(sha256(place.bytes))
    let answer = try await place.run(shell)
    #expect(answer.end == .exited(69), "\(answer)")
    #expect(try place.scratch.names().isEmpty)
  }

  @Test(arguments: TestShell.allCases)
  func aNoexecMountIsNoticed(_ shell: TestShell) async throws {
    let place = try Place(.cat)
    let argv = place.placement.arguments(path: place.placement.path, digest: place.digest)
    let script = """
      d=$1
      shift
      mount -t tmpfs -o noexec none "$d" || exit 9
      "$@"
      rc=$?
      echo "left: $(ls -A "$d")"
      exit "$rc"
      """
    let words =
      try [
        Programs.path("unshare"), "--mount", "--map-root-user", "/bin/sh", "-c", script, "sh",
        place.scratch.path,
      ] + shell.words() + argv.dropFirst()
    let answer = try await blocking {
      let process = try Spawned(words)
      DispatchQueue.global().async {
        try? process.input.write(contentsOf: place.bytes)
        try? process.input.close()
      }
      return process.answer()
    }
    #expect(answer.end == .exited(69), "\(answer)")
    #expect(answer.text.hasSuffix("left: \n"), "\(answer.text)")
    #expect(answer.text.lowercased().contains("permission denied"))
  }

  // MARK: - Archives

  @Test(arguments: [0, 1, 511, 512, 513, 34_528])
  func realTarsReadOurArchives(_ size: Int) async throws {
    var random = SeededGenerator(UInt64(size))
    let bytes = (0..<size).map { _ in UInt8.random(in: 0...255, using: &random) }
    let archive = Placement.archive(name: ".poddump-7f3a0001", bytes)
    #expect(archive.count % 512 == 0)
    for tar in [[try Programs.path("tar")], [try Programs.path("busybox"), "tar"]] {
      let scratch = try Scratch()
      let answer = try await blocking {
        let process = try Spawned(tar + ["-xf", "-", "-C", scratch.path])
        try process.input.write(contentsOf: archive)
        try process.input.close()
        return process.answer()
      }
      #expect(answer.end == .exited(0) && answer.errors == "", "\(tar): \(answer.errors)")
      #expect(try scratch.names() == [".poddump-7f3a0001"])
      let path = scratch.path + "/.poddump-7f3a0001"
      #expect(try contents(path) == bytes)
      #expect(FileManager.default.isExecutableFile(atPath: path))
    }
    let listed = try await blocking {
      let process = try Spawned([Programs.path("tar"), "-tvf", "-", "--numeric-owner"])
      try process.input.write(contentsOf: archive)
      try process.input.close()
      return process.answer()
    }
    #expect(listed.text.hasPrefix("-rwx------ 0/0"), "\(listed.text)")
  }

  // MARK: - The whole way, by a transport

  /// Records which files are kept.
  private final class Kept: Sendable {
    private let paths = Locked<[String]>([])
    var all: [String] { paths.value }
    func add(_ path: String) { paths.withLock { $0.append(path) } }
  }

  private func place(
    _ directories: [String], _ bytes: [UInt8] = program, isTap: Bool = false,
    writer: Placement.Writer = .cat
  ) async throws(Failure) -> (path: String, kept: [String]) {
    let kept = Kept()
    let scratch: Scratch
    let file: EngineFile
    do {
      scratch = try Scratch()
      file = EngineFile(
        path: try scratch.file("engine", bytes), machine: "x86_64", size: bytes.count, isTap: isTap)
    } catch {
      throw Failure(.other, "\(error)")
    }
    let placement = Placement(file, directories: directories, session: "7f3a0001", writer: writer)
    let path = try await placement.place(
      "Cannot capture.",
      keeping: { path, work async throws(Failure) in
        kept.add(path)
        return try await work()
      },
      put: { bytes, digest, path async throws(Failure) in
        try await placement.put(bytes, digest, at: path, by: LocalTransport(), "Cannot capture.")
      }
    ) { path async throws(Failure) in path }
    return (path, kept.all)
  }

  @Test(arguments: [Placement.Writer.cat, .tar])
  func theFirstDirectoryThatTakesIt(_ writer: Placement.Writer) async throws {
    let scratch = try Scratch()
    let missing = scratch.path + "/missing"
    let result = try await place([missing, scratch.path], writer: writer)
    #expect(result.path == scratch.path + "/.poddump-7f3a0001")
    #expect(result.kept == [missing + "/.poddump-7f3a0001", result.path])
  }

  @Test func noDirectoryTakesIt() async throws {
    let failure = await #expect(throws: Failure.self) {
      try await place(["/no/such", "/proc/self"])
    }
    #expect(failure?.kind == .noRoute)
    #expect(
      failure?.why?.hasPrefix(
        "A program cannot be put into /proc/self/.poddump-7f3a0001 and run there (exit status 69): "
      )
        == true, "\(failure?.why ?? "")")
    #expect(failure?.why?.hasSuffix(".") == true)
  }

  /// A tap says its own digest: what says another is not ours.
  @Test func aTapHasToKnowItself() async throws {
    let scratch = try Scratch()
    let honest = Array(
      "#!/bin/sh\necho uid=0\necho sha256=$(sha256sum <\"$0\" | cut -c 1-64)\n".utf8)
    #expect(try await place([scratch.path], honest, isTap: true).path.hasPrefix(scratch.path))
    for liar in [
      "#!/bin/sh\necho sha256=\(String(repeating: "0", count: 64))\n", "#!/bin/sh\nexit 0\n",
      "#!/bin/sh\necho sha256=\n",
    ] {
      let failure = await #expect(throws: Failure.self) {
        try await place([scratch.path], Array(liar.utf8), isTap: true)
      }
      #expect(failure?.why?.hasSuffix("is not what was sent.") == true)
    }
  }

  @Test func oneThatIsKilledIsNotTriedElsewhere() async throws {
    let scratch = try Scratch()
    let failure = await #expect(throws: Failure.self) {
      try await place(
        [scratch.path, scratch.path + "/other"], Array("#!/bin/sh\nkill -9 $$\n".utf8))
    }
    // The script tells what the program's own end would be.
    #expect(failure?.kind == .noRoute || failure?.kind == .other)
    #expect(try scratch.names().isEmpty)
  }

  // MARK: - A tcpdump's file goes as it starts

  @Test(arguments: TestShell.allCases)
  func theFileIsGoneWhileItRuns(_ shell: TestShell) async throws {
    let scratch = try Scratch()
    // A real program, as a file of the test's own.
    let path = try scratch.file(
      ".poddump-7f3a", contents(Programs.path("sleep")), mode: 0o700)
    let process = try Spawned(shell.words() + ["-c", ContainerEngine.unlinking, path, "1000"])
    #expect(try await eventually { try scratch.names().isEmpty })
    try await Task.sleep(for: .milliseconds(100))
    let executable = try? FileManager.default.destinationOfSymbolicLink(
      atPath: "/proc/\(process.pid)/exe")
    #expect(executable == path + " (deleted)")
    #expect(kill(process.pid, SIGTERM) == 0)
    #expect(try await blocking { process.wait() } == .signalled(SIGTERM))
  }

  /// As it is run: in the stanza, word by word, status and all.
  @Test(arguments: TestShell.allCases)
  func itsWordsAndStatusArePassedOn(_ shell: TestShell) async throws {
    let scratch = try Scratch()
    let path = try scratch.file(".poddump-7f3a", contents(Programs.path("printf")), mode: 0o700)
    let words = ["%s|", "a b", "", "$x", "-n", "*"]
    let stanza =
      try shell.words() + ["-c", Stanza.script, "poddump", "1000", "20"]
      + shell.words() + ["-c", ContainerEngine.unlinking, path] + words
    let answer = try await blocking { try Spawned(stanza).answer() }
    #expect(answer.text == "a b||$x|-n|*|" && answer.end == .exited(0), "\(answer.errors)")
    #expect(try scratch.names().isEmpty)
  }
}
