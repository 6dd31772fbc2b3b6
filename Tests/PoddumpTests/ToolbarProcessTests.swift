import Base
import Extcap
import Foundation
import TestSupport
import Testing

/// A capture for Wireshark's window: the test is the window's end of the two control pipes.
@Suite(.serialized) struct ToolbarProcessTests {
  /// A window that has started a capture from a cluster that never answers.
  private struct Window {
    let poddump: Executable
    let fifo: String
    let toUs: String
    let fromUs: String

    init() throws {
      poddump = try Executable()
      try poddump.link("sleep", to: Programs.path("sleep"))
      try poddump.fakeKubectl("PATH=$home/bin; exec sleep 600")
      fifo = poddump.scratch.path + "/fifo"
      toUs = poddump.scratch.path + "/control-out"
      fromUs = poddump.scratch.path + "/control-in"
      for path in [fifo, toUs, fromUs] { try #require(mkfifo(path, 0o600) == 0) }
    }

    func start(_ words: [String] = []) throws -> Spawned {
      try Spawned(
        [
          Executable.path("poddump"), "extcap", "--capture", "--extcap-interface", "pod:shop/web",
          "--fifo", fifo, "--extcap-control-in", fromUs, "--extcap-control-out", toUs,
        ] + words, environment: poddump.environment)
    }

    /// The capture has opened the pipe that the window writes to, whose own open would wait.
    func openToCapture() async throws -> OwnedFD {
      let opened = Locked(OwnedFD(-1))
      let isOpen = try await eventually(within: 20) {
        let raw = open(fromUs, O_WRONLY | O_NONBLOCK | O_CLOEXEC)
        if raw >= 0 { opened.value = OwnedFD(raw) }
        return raw >= 0
      }
      #expect(isOpen)
      return opened.value
    }

    func reader(_ path: String) throws -> OwnedFD {
      let reader = OwnedFD(open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC))
      try #require(reader.raw >= 0)
      return reader
    }
  }

  /// What the window has been told so far.
  private final class Told: Sendable {
    private let reader: OwnedFD
    private let state = Locked((parser: ControlParser(), frames: [ControlFrame]()))

    init(_ reader: OwnedFD) { self.reader = reader }

    var frames: [ControlFrame] {
      var buffer = [UInt8](repeating: 0, count: 65_536)
      let count = reader.read(into: &buffer)
      return state.withLock { state in
        if count > 0 { state.frames += state.parser.take(buffer[..<count]) }
        return state.frames
      }
    }

    func contains(_ command: ControlFrame.Command, _ control: UInt8 = 0, _ text: String) -> Bool {
      frames.contains {
        $0.command == command && $0.control == control
          && (text.isEmpty || String(decoding: $0.payload, as: UTF8.self).contains(text))
      }
    }
  }

  private static let initialized = ControlFrame(.initialized).bytes

  private func end(_ process: Spawned, within seconds: Double = 2) async throws -> Spawned.End {
    let start = ContinuousClock.now
    kill(process.pid, SIGTERM)
    let end = try await blocking { process.wait(atMost: 20) }
    // Generous to a machine with other work; a capture that waited for a pipe would never end.
    #expect(ContinuousClock.now - start < .seconds(seconds + 8))
    return end
  }

  @Test func theWindowIsAnsweredBeforeAnythingElseIs() async throws {
    let window = try Window()
    // Not even the packets' FIFO has a reader yet.
    let process = try window.start()
    let pipe = try await window.openToCapture()
    let told = Told(try window.reader(window.toUs))
    #expect(pipe.writeAll(Self.initialized))
    let isSetUp = try await eventually {
      told.contains(.disable, 2, "") && told.contains(.disable, 0, "")
        && told.contains(.set, 0, "Connecting")
    }
    #expect(isSetUp, "\(told.frames)")
    let packets = try window.reader(window.fifo)
    let isNamed = try await eventually { told.contains(.status, 0, "Connecting to shop/web…") }
    #expect(isNamed, "\(told.frames)")
    #expect(try await end(process) == .exited(0))
    withExtendedLifetime(packets) {}
  }

  @Test func whatIsUnknownIsPassedOverAndHelpIsAnswered() async throws {
    let window = try Window()
    let packets = try window.reader(window.fifo)
    let process = try window.start()
    let pipe = try await window.openToCapture()
    let told = Told(try window.reader(window.toUs))
    // Other first bytes, other commands, other controls, and then a button, a byte at a time.
    let stream =
      [0x51, 0, 0, 0, 0x4C, 0, 0, 3, 1, 1, 1, 0x54, 0, 0, 2, 9, 9]
      + ControlFrame(.set, control: 200).bytes + ControlFrame(.set, control: 0, text: "typed").bytes
      + ControlFrame(.set, control: 2).bytes + ControlFrame(.set, control: 3).bytes
    for byte in stream { #expect(pipe.writeAll([byte])) }
    let isExplained = try await eventually { told.contains(.information, 0, "man poddump") }
    #expect(isExplained, "\(told.frames)")
    #expect(told.frames.filter { $0.command == .information }.count == 1)
    #expect(try await end(process) == .exited(0))
    withExtendedLifetime(packets) {}
  }

  @Test func pipesThatNobodyUsesHoldNothingUp() async throws {
    let window = try Window()
    let packets = try window.reader(window.fifo)
    let process = try window.start()
    let hasBegun = try await eventually { window.poddump.calls().isEmpty == false }
    #expect(hasBegun)
    #expect(try await end(process) == .exited(0))
    withExtendedLifetime(packets) {}
  }

  @Test func pipesThatAreClosedEarlyHoldNothingUp() async throws {
    let window = try Window()
    let packets = try window.reader(window.fifo)
    let process = try window.start()
    let pipe = try await window.openToCapture()
    let reader = try window.reader(window.toUs)
    #expect(pipe.writeAll(Self.initialized + [0x54, 0, 0]))
    #expect(try await eventually { Told(reader).frames.isEmpty == false })
    pipe.close()
    reader.close()
    usleep(500_000)
    #expect(ProcessTable.entry(process.pid)?.state != "Z", "it goes on")
    #expect(try await end(process) == .exited(0))
    withExtendedLifetime(packets) {}
  }

  @Test func aWindowThatReadsNothingHoldsNothingUp() async throws {
    let window = try Window()
    let packets = try window.reader(window.fifo)
    let process = try window.start()
    let pipe = try await window.openToCapture()
    let reader = try window.reader(window.toUs)
    // More answers than the pipe holds, and nobody takes one.
    let isFull = try await eventually {
      for _ in 0..<50 where !pipe.writeAll(ControlFrame(.set, control: 3).bytes) { return false }
      var waiting: Int32 = 0
      return ioctl(reader.raw, UInt(FIONREAD), &waiting) == 0 && waiting > 60_000
    }
    #expect(isFull)
    #expect(try await end(process) == .exited(0))
    // What is there are whole frames.
    let told = Told(reader)
    #expect(try await eventually { told.contains(.information, 0, "man poddump") })
    withExtendedLifetime(packets) {}
  }

  /// A window opens its end after the capture was started, and is frozen for ever if the capture has
  /// failed and gone by then.
  @Test func aCaptureThatFailsAtOnceStaysUntilTheWindowHasLooked() async throws {
    let window = try Window()
    let packets = try window.reader(window.fifo)
    let process = try window.start(["--extcap-capture-filter", "bad("])
    let pipe = try await window.openToCapture()
    let told = Told(try window.reader(window.toUs))
    #expect(pipe.writeAll(Self.initialized))
    let answer = try await blocking { process.answer(atMost: 20) }
    #expect(answer.end == .exited(7))
    #expect(answer.errors.contains("filter is not valid"))
    #expect(told.contains(.set, 0, "filter is not valid"), "\(told.frames)")
    withExtendedLifetime(packets) {}
  }

  @Test(arguments: ["", "/nonexistent/pipe", "/dev/null", "/etc/passwd"])
  func whatIsNoPipeIsLeftAlone(path: String) async throws {
    let window = try Window()
    let packets = try window.reader(window.fifo)
    let process = try Spawned(
      [
        Executable.path("poddump"), "extcap", "--capture", "--extcap-interface", "pod:shop/web",
        "--fifo", window.fifo, "--extcap-control-in", path, "--extcap-control-out", path,
      ], environment: window.poddump.environment)
    let hasBegun = try await eventually { window.poddump.calls().isEmpty == false }
    #expect(hasBegun)
    #expect(try await end(process) == .exited(0))
    withExtendedLifetime(packets) {}
  }
}
