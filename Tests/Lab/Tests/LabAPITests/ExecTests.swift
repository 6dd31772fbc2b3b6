import Foundation
import Testing

@testable import LabAPI

/// Exec behaves as recorded: the frames as a client sees them, and what kubectl makes of them.
struct ExecTests {
  /// The command of a recording, as kubectl's arguments after `exec`, with the lab's names.
  private static let commands: [(recording: String, arguments: [String])] = [
    ("ok-stdout-stderr", ["shell", "--", "sh", "-c", "echo out; echo err >&2; exit 0"]),
    ("exit-3", ["shell", "--", "sh", "-c", "echo out; exit 3"]),
    ("exit-3-quiet", ["-q", "shell", "--", "sh", "-c", "exit 3"]),
    ("signal-kill", ["shell", "--", "sh", "-c", "kill -KILL $$"]),
    ("signal-segv", ["shell", "--", "sh", "-c", "kill -SEGV $$"]),
    ("signal-term", ["shell", "--", "sh", "-c", "kill -TERM $$"]),
    ("command-not-found", ["shell", "--", "nosuchcommand"]),
    ("no-such-file", ["shell", "--", "/opt/nosuch/tcpdump"]),
    ("permission-denied", ["shell", "--", "/etc/passwd"]),
    ("is-a-directory", ["shell", "--", "/etc"]),
    ("container-not-found", ["shell", "-c", "nope", "--", "true"]),
    ("container-terminated-in-running-pod", ["halfdone", "-c", "one", "--", "true"]),
    ("pod-completed", ["completed", "--", "true"]),
    ("pod-not-found", ["nopod", "--", "true"]),
    ("namespace-not-found", ["-n", "nons", "nopod", "--", "true"]),
    ("pod-pending", ["pending", "--", "true"]),
  ]

  /// An exec's number is another one each time.
  private static func normalized(_ text: String) -> String {
    text.replacing(#/"[0-9a-f]{64}"|\\"[0-9a-f]{64}\\"/#, with: "\"ID\"")
  }

  @Test func `kubectl says and exits as recorded`() async throws {
    try await LabServer.with { server in
      for (recording, arguments) in Self.commands {
        let recorded = try Recordings.json("exec/\(recording).json")
        let outcome = try await Running(
          [try LabServer.kubectlPath(), "exec"] + arguments,
          environment: ["KUBECONFIG": server.kubeconfig, "HOME": server.directory + "/home"]
        ).wait()
        #expect(outcome.status == recorded["exit_code"]?.integer.map(Int32.init), "\(recording)")
        #expect(outcome.stdout == recorded["stdout"]?.string, "\(recording)")
        #expect(
          Self.normalized(outcome.stderr) == Self.normalized(recorded["stderr"]?.string ?? ""),
          "\(recording)")
      }
    }
  }

  /// Recordings whose frames are compared, and what the client sends.
  @Test(arguments: [
    "ok-stdout-stderr", "exit-3", "exit-3-quiet", "signal-kill", "command-not-found",
    "no-such-file", "permission-denied", "is-a-directory", "stdin-cat", "stdin-cat-empty",
    "tty-without-terminal", "remote-closes-stdout-early",
  ])
  func `frames are as recorded`(_ recording: String) async throws {
    let exchange = try Self.exchange(recording)
    let expected = Self.joined(Self.frames(exchange, from: "server"))
    try await LabServer.with { server in
      let exec = try await RawExec(server, target: Self.target(exchange))
      for frame in Self.frames(exchange, from: "client") {
        // The command may have ended, and the connection with it, before it got its input.
        try? await exec.send(frame.payload)
      }
      let frames = try await exec.untilClosed()
      #expect(Self.joined(frames).map(\.description) == expected.map(\.description))
      #expect(frames.allSatisfy { !$0.isMasked })
      let recordedHead = exchange[path: ["response", "headers"]]?.array ?? []
      let names = exec.head.dropFirst().map { $0.prefix { $0 != ":" }.lowercased() }
      #expect(exec.head.first == exchange[path: ["response", "line"]]?.string)
      #expect(names == recordedHead.compactMap { $0.array?.first?.string?.lowercased() })
    }
  }

  /// A line per thing that the server says on one channel; output that came in pieces is joined.
  private struct Said: CustomStringConvertible {
    var channel: UInt8?
    var text: String
    var description: String { "\(channel.map(String.init) ?? "close"): \(text)" }
  }

  private static func joined(_ frames: [RawExec.Frame]) -> [Said] {
    var said: [Said] = []
    for frame in frames {
      guard let channel = frame.channel else {
        said.append(Said(channel: nil, text: "\(frame.closeCode ?? -1)"))
        continue
      }
      if let last = said.last, last.channel == channel, !last.text.isEmpty {
        said[said.count - 1].text += frame.text
      } else {
        said.append(Said(channel: channel, text: normalized(frame.text)))
      }
    }
    // stdout and stderr are two pipes: which is read first is chance.
    return said.filter { $0.channel != 2 } + said.filter { $0.channel == 2 }
  }

  private static func exchange(_ recording: String) throws -> JSON {
    let exchanges = try Recordings.json("exec/\(recording).json")["exchanges"]?.array ?? []
    return try #require(exchanges.last { $0["websocket_frames"] != nil })
  }

  private static func target(_ exchange: JSON) -> String {
    let line = exchange[path: ["request", "line"]]?.string ?? ""
    return String(line.split(separator: " ")[1])
      .replacing("/namespaces/demo/", with: "/namespaces/shop/")
  }

  private static func frames(_ exchange: JSON, from direction: String) -> [RawExec.Frame] {
    (exchange["websocket_frames"]?.array ?? []).filter { $0["dir"]?.string == direction }
      .compactMap { frame in
        if frame["type"]?.string == "close" {
          let code = frame["close_code"]?.integer ?? 0
          return direction == "client"
            ? nil
            : RawExec.Frame(opcode: 8, payload: [UInt8(code >> 8), UInt8(code & 0xff)])
        }
        guard frame["type"]?.string == "binary", let channel = frame["channel"]?.integer else {
          return nil
        }
        let text = frame[path: ["payload", "text"]]?.string.map { Array($0.utf8) }
        let base64 = frame[path: ["payload", "base64"]]?.string.flatMap { Data(base64Encoded: $0) }
        return RawExec.Frame(
          opcode: 2, payload: [UInt8(channel)] + (text ?? base64.map { Array($0) } ?? []))
      }
  }

  @Test func `stdin arrives whole and its end is seen`() async throws {
    try await LabServer.with { server in
      let bytes = Data((0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) })
      let outcome = try await server.kubectl(
        "exec", "-i", "shell", "--", "sh", "-c", "cksum; exit 5", stdin: bytes)
      let local = try await Running(["/usr/bin/cksum"], stdin: bytes).wait()
      #expect(outcome.status == 5)
      #expect(outcome.stdout == local.stdout)
      #expect(!local.stdout.isEmpty)
    }
  }

  @Test func `output arrives whole`() async throws {
    try await LabServer.with { server in
      let outcome = try await server.kubectl(
        "exec", "shell", "--", "sh", "-c", "seq 1 300000; seq 1 100000 >&2")
      #expect(outcome.status == 0)
      #expect(outcome.stdout.split(separator: "\n").count == 300_000)
      #expect(outcome.stdout.hasSuffix("\n300000\n"))
      #expect(outcome.stderr.hasSuffix("\n100000\n"))
    }
  }

  @Test func `a command's own 127 and its own words pass through`() async throws {
    try await LabServer.with { server in
      let complaint = #"time="t" level=error msg="exec failed: unable"#
      for script in ["exit 127", "exit 126", "exit 255"] {
        let outcome = try await server.kubectl("exec", "shell", "--", "sh", "-c", script)
        #expect(outcome.stderr == "command terminated with exit code \(script.dropFirst(5))\n")
      }
      let outcome = try await server.kubectl(
        "exec", "shell", "--", "sh", "-c", "echo '\(complaint)\"' >&2; exit 1")
      #expect(outcome.stderr == "\(complaint)\"\ncommand terminated with exit code 1\n")
    }
  }

  @Test func `a background process holds the exec open as long as it holds stdout`() async throws {
    try await LabServer.with { server in
      let outcome = try await server.kubectl(
        "exec", "shell", "--", "sh", "-c", "sleep 2 & echo started")
      #expect(outcome.stdout == "started\n")
      #expect(outcome.seconds >= 2)
      let recorded = try Recordings.json("exec/background-child-holds-stdout.json")
      #expect(outcome.stdout == recorded["stdout"]?.string)
      #expect(try #require(recorded["command"]?.string).contains("sleep 4 & echo started"))
    }
  }

  @Test func `a program gets three descriptors, default signals and a session`() async throws {
    try await LabServer.with { server in
      let outcome = try await server.kubectl(
        "exec", "-i", "shell", "--", "sh", "-c",
        // No pipe, which the shell itself would hold open for a moment.
        "ls /proc/$$/fd; grep SigIgn /proc/$$/status; "
          + "[ $(cut -d' ' -f6 /proc/$$/stat) = $$ ] && echo session")
      #expect(outcome.stdout.hasPrefix("0\n1\n2\nSigIgn"))
      // The mask of the signals 1 to 31; those above are the C library's own.
      let mask = outcome.stdout.firstMatch(of: #/SigIgn:\t([0-9a-f]{16})/#)?.1 ?? ""
      #expect(UInt64(mask, radix: 16).map { $0 & 0x7fff_ffff } == 0)
      #expect(outcome.stdout.hasSuffix("session\n"))
    }
  }

  @Test func `pings are answered, also with v4`() async throws {
    try await LabServer.with { server in
      let exec = try await RawExec(
        server,
        target: "/api/v1/namespaces/shop/pods/shell/exec?command=cat&container=shell"
          + "&stdin=true&stdout=true&stderr=true", subprotocol: "v4.channel.k8s.io")
      try await exec.send(opcode: 9, Array("hello".utf8))
      let pong = RawExec.Frame(opcode: 10, payload: Array("hello".utf8))
      #expect(try await eventually { exec.frames.contains(pong) })
      #expect(exec.head.contains("Sec-WebSocket-Protocol: v4.channel.k8s.io"))
      try await exec.connection.close()
    }
  }

  /// Recordings of a kubectl that is killed, and what runs at the far end (there it ran for minutes).
  @Test(arguments: [
    ("client-sigkill-silent", "while :; do sleep 1; done"),
    ("client-sigkill-writer", "while :; do echo tick; sleep 0.2; done"),
    ("client-sigkill-writer", "yes"), ("client-sigkill-stdin-cat", "cat; echo after-eof; sleep 2"),
  ])
  func `after kill -9 of kubectl only what reads stdin ends`(
    _ recording: String, _ script: String
  ) async throws {
    let counts = try Recordings.json("exec/\(recording).json")["remote_processes"]?.array ?? []
    let stays = try #require(counts.last?.array?.last?.integer) > 0
    try await LabServer.with { server in
      let marker = "marker-" + UUID().uuidString
      let client = try server.start(
        "exec", "-i", "shell", "--", "sh", "-c", "\(script) # \(marker)", stdin: nil)
      try #require(try await eventually { !Self.processes(marker).isEmpty })
      let remote = Self.processes(marker)
      defer { for pid in remote { kill(-getsid(pid), SIGKILL) } }
      client.send(SIGKILL)
      _ = try await client.wait()
      if stays {
        try await Task.sleep(for: .seconds(3))
        #expect(Self.processes(marker) == remote)
      } else {
        #expect(try await eventually { Self.processes(marker).isEmpty })
      }
    }
  }

  /// The processes of the exec whose command line contains a text; not kubectl, which has it too.
  private static func processes(_ marker: String) -> [pid_t] {
    let all = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return all.compactMap { pid_t($0) }.filter { pid in
      guard let line = FileManager.default.contents(atPath: "/proc/\(pid)/cmdline") else {
        return false
      }
      let words = line.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
      return words.first == "sh" && words.contains { $0.contains(marker) }
    }.sorted()
  }

  @Test func `a reader of stdin that leaves data behind hangs the exec`() async throws {
    let recorded = try Recordings.json("exec/stdin-reader-leaves.json")
    #expect(recorded["killed_by_recorder_after_s"]?.integer != nil, "it hung in reality, too")
    try await LabServer.with { server in
      let client = try server.start(
        "exec", "-i", "shell", "--", "sh", "-c", "sleep 1; head -c 5",
        stdin: Data(repeating: UInt8(ascii: "x"), count: 1_048_576))
      #expect(try await eventually { client.stdout == "xxxxx" })
      try await Task.sleep(for: .seconds(7))  // longer than the time between two pings
      #expect(client.isRunning)
      client.send(SIGKILL)
      _ = try await client.wait()
    }
  }

  @Test func `memory is bounded when neither side reads`() async throws {
    try await LabServer.with { server in
      func resident() throws -> Int {
        let text = try String(
          contentsOfFile: "/proc/\(server.process.pid)/status", encoding: .utf8)
        let line = text.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
        return try #require(line.flatMap { Int($0.filter(\.isNumber)) })
      }
      let before = try resident()
      // A client that does not read while the process writes without end.
      let writer = try await RawExec(
        server,
        target: "/api/v1/namespaces/shop/pods/shell/exec?command=sh&command=-c"
          + "&command=head+-c+300000000+/dev/zero&container=shell&stdout=true&stderr=true")
      try #require(try await eventually { !writer.frames.isEmpty })
      try await writer.connection.setReading(false)
      // A process that does not read while the client sends.
      let sleeper = try await RawExec(
        server,
        target: "/api/v1/namespaces/shop/pods/shell/exec?command=sleep&command=4"
          + "&container=shell&stdin=true&stdout=true&stderr=true")
      let block = [0] + [UInt8](repeating: 7, count: 32 * 1024)
      let sender = Task {
        for _ in 0..<2000 { try await sleeper.send(block) }
      }
      try await Task.sleep(for: .seconds(2))
      let after = try resident()
      sender.cancel()
      #expect(after - before < 40_000, "kilobytes")
      try await writer.connection.close()
      try await sleeper.connection.close()
      _ = await sender.result
    }
  }
}
