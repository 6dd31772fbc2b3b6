internal import Base
package import Foundation
internal import Synchronization

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// A process in a session of its own, so that everything it started can be found afterwards.
package final class Spawned: Sendable {
  /// The process ID, which is its session's as well.
  package let pid: Int32
  /// Our ends of its standard streams.
  package let input: FileHandle
  package let output: FileHandle
  package let errors: FileHandle

  package struct CannotStart: Error { package let code: Int32 }

  /// How a process ended.
  package enum End: Equatable, Sendable {
    case exited(Int32)
    case signalled(Int32)
    /// It was still there when patience was over, and was killed.
    case stillRunning
  }

  /// What a process said, and how it ended.
  package struct Answer: Sendable {
    package let end: End
    package let output: [UInt8]
    package let errors: String
    package var text: String { String(decoding: output, as: UTF8.self) }
  }

  /// Starts a program with pipes for its streams.
  ///
  /// - Parameters:
  ///   - words: The program's absolute path and its arguments.
  ///   - environment: All of its environment; nil for our own.
  /// - Throws: `CannotStart`, or `Failure` when no descriptor is left.
  package init(_ words: [String], environment: [String: String]? = nil) throws {
    // Closed on exec from the start: a program that another test starts meanwhile would otherwise
    // hold the input open.
    let toChild = try Base.Pipe()
    let fromChild = try Base.Pipe()
    let wordsFromChild = try Base.Pipe()
    input = FileHandle(fileDescriptor: toChild.writer.release(), closeOnDealloc: true)
    output = FileHandle(fileDescriptor: fromChild.reader.release(), closeOnDealloc: true)
    errors = FileHandle(fileDescriptor: wordsFromChild.reader.release(), closeOnDealloc: true)

    _ = brokenPipesAreIgnored

    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    let streams = [toChild.reader, fromChild.writer, wordsFromChild.writer]
    for (number, end) in streams.enumerated() {
      posix_spawn_file_actions_adddup2(&actions, end.raw, Int32(number))
    }
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    // The threads that tests run on have signals blocked, which a child would inherit.
    var none = sigset_t()
    sigemptyset(&none)
    var all = sigset_t()
    sigfillset(&all)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setsigdefault(&attributes, &all)
    // POSIX_SPAWN_SETSIGDEF, _SETSIGMASK and _SETSID of <spawn.h>.
    posix_spawnattr_setflags(&attributes, 0x04 | 0x08 | 0x80)

    let variables = environment ?? ProcessInfo.processInfo.environment
    let arguments = words.map { strdup($0) } + [nil]
    let settings = variables.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { for word in arguments + settings { free(word) } }
    var child: pid_t = 0
    let code = posix_spawn(&child, words[0], &actions, &attributes, arguments, settings)
    for end in streams { end.close() }
    guard code == 0 else { throw CannotStart(code: code) }
    pid = child
  }

  /// Waits for the end. Blocks.
  package func wait(atMost seconds: Double = 20) -> End {
    let end = Date().addingTimeInterval(seconds)
    var status: Int32 = 0
    while waitpid(pid, &status, WNOHANG) == 0 {
      guard Date() < end else {
        for process in ProcessTable.session(pid) { kill(process.pid, SIGKILL) }
        kill(pid, SIGKILL)
        waitpid(pid, &status, 0)
        return .stillRunning
      }
      usleep(10_000)
    }
    return status & 0x7F == 0 ? .exited(status >> 8 & 0xFF) : .signalled(status & 0x7F)
  }

  /// Reads both outputs to their ends and waits. Blocks.
  package func answer(atMost seconds: Double = 20) -> Answer {
    let reading = DispatchQueue(label: "errors")
    let words = Box()
    let group = DispatchGroup()
    reading.async(group: group) { words.set(Array(self.errors.readDataToEndOfFile())) }
    // Whoever does not end is killed, or the reads would not end either.
    let guarding = DispatchWorkItem {
      for process in ProcessTable.session(self.pid) { kill(process.pid, SIGKILL) }
    }
    DispatchQueue.global().asyncAfter(deadline: .now() + seconds, execute: guarding)
    let bytes = Array(output.readDataToEndOfFile())
    group.wait()
    let end = wait(atMost: seconds)
    guarding.cancel()
    return Answer(end: end, output: bytes, errors: String(decoding: words.get(), as: UTF8.self))
  }

  private final class Box: Sendable {
    private let bytes = Mutex<[UInt8]>([])
    func set(_ new: [UInt8]) { bytes.withLock { $0 = new } }
    func get() -> [UInt8] { bytes.withLock { $0 } }
  }
}

/// Writing to what has ended already is an error of the call, not the end of all tests. What is started gets
/// the default back.
private let brokenPipesAreIgnored: Void = { _ = signal(SIGPIPE, SIG_IGN) }()

/// Runs a program without input to its end.
package func runProgram(
  _ words: [String], environment: [String: String]? = nil, atMost seconds: Double = 60
) async throws -> Spawned.Answer {
  try await blocking {
    let process = try Spawned(words, environment: environment)
    try process.input.close()
    return process.answer(atMost: seconds)
  }
}
