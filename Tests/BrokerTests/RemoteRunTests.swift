import Base
import Foundation
import Packets
import TestSupport
import Testing

@testable import Broker

/// Short runs at a far end that does what it likes.
@Suite(.ownThreads) struct RemoteRunTests {
  init() { ignoreBrokenPipes() }

  private func run(
    _ script: String, input: [UInt8] = [], within patience: Duration = .seconds(20),
    on transport: LocalTransport = LocalTransport()
  ) async throws(Failure) -> RemoteRun {
    try await RemoteRun.run(
      ["/bin/sh", "-c", script], input: input, on: transport, within: patience, "Cannot look.")
  }

  @Test func bothStreamsAndTheStatus() async throws {
    let run = try await run("cat; echo no >&2; exit 7", input: Array("in".utf8))
    #expect(run.output == "in" && run.errors == "no\n" && run.end == .exited(7))
  }

  /// More than a pipe holds, both ways at once.
  @Test func aFarEndThatAnswersWhileItReads() async throws {
    let input = [UInt8](repeating: 0x61, count: 900_000)
    let run = try await run("cat", input: input)
    #expect(run.output.utf8.count == input.count && run.end == .exited(0))
  }

  @Test func aFarEndThatNeverReads() async throws {
    let transport = LocalTransport()
    let failure = await #expect(throws: Failure.self) {
      try await run(
        "exec sleep 60", input: [UInt8](repeating: 0, count: 4 << 20),
        within: .milliseconds(300), on: transport)
    }
    #expect(failure?.kind == .unreachable && failure?.why == "It took longer than 0 s.")
    #expect(try await eventually { transport.groups.running.isEmpty })
  }

  /// Its answer is there, but something of it holds the streams.
  @Test func aFarEndThatNeverEnds() async throws {
    let transport = LocalTransport()
    let failure = await #expect(throws: Failure.self) {
      try await run(
        "echo end=; echo why >&2; sleep 60 & exit 0", within: .seconds(1), on: transport)
    }
    #expect(failure?.why == "It took longer than 1 s." && failure?.detail == "why\n")
    #expect(try await eventually { transport.groups.running.isEmpty })
  }

  @Test func aFarEndThatTalksWithoutEnd() async throws {
    for (stream, kind) in [("", Failure.Kind.other), (" >&2", .unreachable)] {
      let transport = LocalTransport()
      let failure = await #expect(throws: Failure.self) {
        try await run("cat /dev/zero\(stream)", within: .milliseconds(700), on: transport)
      }
      #expect(failure?.kind == kind)
      #expect((failure?.detail ?? "").utf8.count <= 1 << 20)
      #expect(try await eventually { transport.groups.running.isEmpty })
    }
  }

  @Test func whatIsKeptIsBounded() async throws {
    let run = try await run("head -c 1000000 /dev/zero; head -c 8000000 /dev/zero >&2")
    #expect(run.end == .exited(0))
    #expect(run.output.utf8.count == 1_000_000)
    #expect((1 << 16...(1 << 16) + (64 << 10)).contains(run.errors.utf8.count))
  }

  /// It ends before it has read: its own words count, not our broken pipe.
  @Test func aFarEndThatEndsEarly() async throws {
    let input = [UInt8](repeating: 0, count: 4 << 20)
    let early = try await run("echo full >&2; exit 69", input: input)
    #expect(early.end == .exited(69) && early.errors == "full\n")
    let closed = try await run("exec <&-; sleep 0.3; echo out; exit 3", input: input)
    #expect(closed.end == .exited(3) && closed.output == "out\n")
    let killed = try await run("kill -9 $$", input: input)
    guard case .failed = killed.end else {
      Issue.record("\(killed.end)")
      return
    }
  }

  @Test func cancellationEndsIt() async throws {
    let transport = LocalTransport()
    let task = Task { try? await run("exec sleep 60", within: .seconds(60), on: transport) }
    #expect(try await eventually { !transport.groups.running.isEmpty })
    task.cancel()
    let start = ContinuousClock.now
    _ = await task.value
    #expect(ContinuousClock.now - start < .seconds(20))
    #expect(try await eventually { transport.groups.running.isEmpty })
  }

  @Test func whatCannotBeStarted() async throws {
    let failure = await #expect(throws: Failure.self) {
      try await RemoteRun.run(
        ["/no/such"], on: LocalTransport(), within: .seconds(5), "Cannot look.")
    }
    #expect(failure?.what.contains("/no/such") == true)
  }
}
