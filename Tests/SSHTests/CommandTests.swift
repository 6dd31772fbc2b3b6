import Base
import Foundation
import SSH
import TestSupport
import Testing

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Commands over libssh2, against a real sshd.
@Suite(.serialized) struct CommandTests {
  @Test func `streams and status go their own ways`() async throws {
    let server = try TestServer()
    let answer = try await server.settings().run(
      "cat; echo to-errors >&2; exit 7", input: Array("over there".utf8))
    #expect(answer.text == "over there")
    #expect(String(decoding: answer.errors, as: UTF8.self) == "to-errors\n")
    #expect(answer.end == .exited(7))
  }

  @Test(arguments: [("kill -9 $$", 137), ("kill -TERM $$", 143), ("kill -STKFLT $$", 255)])
  func `an end by a signal is numbered as a shell does`(command: String, status: Int32) async throws
  {
    let server = try TestServer()
    #expect(try await server.settings().run(command).end == .exited(status))
  }

  @Test func `64 MiB arrive unchanged while errors flood, over new keys too`() async throws {
    let server = try TestServer(["RekeyLimit 16M"])
    // A stream of numbers: any loss, doubling or change of order shows.
    let answer = try await server.settings().run(
      "(head -c 33554432 /dev/zero | tr '\\0' e >&2) & seq 1 20000000 | head -c 67108864; wait")
    #expect(answer.end == .exited(0))
    #expect(answer.errors.count == 32 << 20)
    #expect(answer.errors.allSatisfy { $0 == UInt8(ascii: "e") })
    let expected = try await runProgram(
      [Programs.path("sh"), "-c", "seq 1 20000000 | head -c 67108864"])
    #expect(answer.output == expected.output)
  }

  @Test func `16 MiB of input arrive unchanged`() async throws {
    let server = try TestServer()
    var chance = SeededGenerator(1)
    let input = (0..<(16 << 20)).map { _ in UInt8.random(in: .min ... .max, using: &chance) }
    let answer = try await server.settings().run("cat", input: input)
    #expect(answer.end == .exited(0))
    #expect(answer.output == input)
  }

  /// Longer than a dead connection is believed in: the answers to keepalives are heard all the same. (Standard
  /// error shares the channel's window, RFC 4254, 5.2: what comes after a full one waits with it.)
  @Test func `a reader that pauses gets all, and memory is bounded meanwhile`() async throws {
    let server = try TestServer()
    // The second fits into the window: the far end is long over when its reader comes.
    async let large: Void = stall(server, 50_000_000)
    async let small: Void = stall(server, 2_500_000)
    _ = try await (large, small)
  }

  private func stall(_ server: TestServer, _ size: Int) async throws {
    let connection = try await server.settings().connect()
    let before = residentKilobytes()
    let (count, words, end) = try await connection.withProcess(
      "echo here >&2; head -c \(size) /dev/zero; exit 5"
    ) { process in
      let words = try? await blocking { readLine(process.streams.errors) }
      try? await Task.sleep(for: .seconds(24))
      let held = residentKilobytes() - before
      // Not before the other has looked too: what is read is held as well.
      try? await Task.sleep(for: .seconds(2))
      #expect(held < 30_000, "memory grew by \(held) kB while nobody read")
      let bytes = try? await blocking { readAll(process.streams.output).count }
      return (bytes, words, await process.end(errors: ""))
    }
    #expect(words == "here\n")
    #expect(count == size)
    #expect(end == .exited(5))
  }

  @Test func `a reader that leaves lets the command end`() async throws {
    let server = try TestServer()
    let connection = try await server.settings().connect()
    let end = try await connection.withProcess("head -c 3000000 /dev/zero; exit 3") { process in
      process.streams.output.close()
      return await process.end(errors: "")
    }
    #expect(end == .exited(3))
  }

  @Test func `end closes the input and waits 3 s at most`() async throws {
    let server = try TestServer()
    let start = ContinuousClock.now
    let connection = try await server.settings().connect()
    let end = try await connection.withProcess("sleep 30") { await $0.end(errors: "") }
    guard case .failed = end else {
      Issue.record("\(end)")
      return
    }
    #expect(ContinuousClock.now - start < .seconds(6))
    let second = try await server.settings().connect()
    let quick = try await second.withProcess("cat; exit 4") { process in
      let first = await process.end(errors: "")
      return (first, await process.end(errors: ""))
    }
    #expect(quick.0 == .exited(4) && quick.1 == .exited(4))
  }

  @Test func `a server that dies is noticed`() async throws {
    let server = try TestServer()
    let connection = try await server.settings().connect()
    let start = ContinuousClock.now
    let end = try await connection.withProcess("echo up; exec sleep 60") { process in
      _ = try? await blocking { readLine(process.streams.output) }
      server.endSessions()
      _ = try? await blocking { readAll(process.streams.output) }
      return await process.end(errors: "")
    }
    guard case .failed(let failure) = end else {
      Issue.record("\(end)")
      return
    }
    #expect(failure.kind == .unreachable)
    #expect(ContinuousClock.now - start < .seconds(4))
  }

  @Test func `a silent connection is asked for a sign of life`() async throws {
    let server = try TestServer()
    let answer = try await server.settings().run("sleep 12; echo done")
    #expect(answer.text == "done\n")
    #expect(answer.end == .exited(0))
  }

  @Test func `a server that stops answering is given up after 20 s`() async throws {
    let server = try TestServer()
    let connection = try await server.settings().connect()
    let start = ContinuousClock.now
    let end = try await connection.withProcess("echo up; exec sleep 60") { process in
      _ = try? await blocking { readLine(process.streams.output) }
      server.endSessions(SIGSTOP)
      _ = try? await blocking { readAll(process.streams.output) }
      return await process.end(errors: "")
    }
    server.endSessions(SIGCONT)
    guard case .failed(let failure) = end else {
      Issue.record("\(end)")
      return
    }
    #expect(failure.why == "Nothing was heard from node-1 for 20 s.")
    #expect(ContinuousClock.now - start < .seconds(25))
  }

  @Test func `a command that is cancelled leaves nothing there`() async throws {
    let server = try TestServer()
    let task = Task {
      let connection = try await server.settings().connect()
      try await connection.withProcess("exec sleep 4321") { process throws(Failure) in
        do { try await Task.sleep(for: .seconds(60)) } catch { throw Failure(.other, "over") }
      }
    }
    #expect(try await eventually { !server.sessions().isEmpty })
    try await Task.sleep(for: .milliseconds(500))
    let start = ContinuousClock.now
    task.cancel()
    _ = await task.result
    #expect(ContinuousClock.now - start < .milliseconds(300))
    #expect(try await eventually { server.sessions().isEmpty })
  }

  @Test func `a user without commands is told so`() async throws {
    let server = try TestServer(["MaxSessions 0"])
    let connection = try await server.settings().connect()
    do throws(Failure) {
      try await connection.withProcess("true") { _ in }
      Issue.record("it ran")
    } catch {
      #expect(error.kind == .denied)
      #expect(error.why?.contains("opens no session") == true)
    }
  }
}

/// Reads one line. Blocks.
private func readLine(_ descriptor: OwnedFD) -> String {
  var line: [UInt8] = []
  var byte: UInt8 = 0
  while read(descriptor.raw, &byte, 1) == 1 {
    line.append(byte)
    if byte == 0x0A { break }
  }
  return String(decoding: line, as: UTF8.self)
}

/// This process's memory (proc_pid_statm(5)).
private func residentKilobytes() -> Int {
  let text = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
  return (Int(text.split(separator: " ").dropFirst().first ?? "") ?? 0) * 4
}
