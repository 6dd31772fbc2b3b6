import Foundation
import TestSupport
import Testing

/// The built program from command line to file, with a far end on this machine: kubectl's place is taken
/// by a script that runs what it is given in a shell here, and tcpdump's by one that replays a file.
@Suite struct CaptureProcessTests {
  private struct Lab {
    let poddump: Executable
    var scratch: Scratch { poddump.scratch }

    /// - Parameters:
    ///   - tcpdump: What stands in tcpdump's place does, with `$pcap` the file to replay.
    ///   - kubectl: What is done before each call of kubectl.
    /// - Throws: When a program is missing or a file cannot be made.
    init(tcpdump: String, kubectl: String = "") throws {
      poddump = try Executable()
      for name in ["sh", "cat", "sleep", "uname", "head", "touch", "true"] {
        try poddump.link(name, to: Programs.path(name))
      }
      let data = try #require(Bundle.module.url(forResource: "Data", withExtension: nil))
      try poddump.link("tcpdump", to: data.appendingPathComponent("fake-tcpdump").path)
      try poddump.scratch.text("tcpdump.sh", tcpdump)
      try poddump.scratch.file("in.pcap", Self.pcap)
      try poddump.scratch.text("pod.json", Self.pod)
      try poddump.fakeKubectl(
        """
        PATH=$home/bin
        \(kubectl)
        case "$*" in
        *"get --request-timeout"*"/namespaces/shop/pods/web") cat "$home/pod.json" ;;
        *"exec"*" -- "*)
          while [ "$1" != -- ]; do shift; done
          shift
          "$@"
          rc=$?
          [ $rc = 0 ] || { echo "command terminated with exit code $rc" >&2; exit $rc; } ;;
        *) echo "error: unexpected call: $*" >&2; exit 1 ;;
        esac
        """)
    }

    static let pod = """
      {"kind": "Pod", "apiVersion": "v1",
       "metadata": {"name": "web", "namespace": "shop", "uid": "1"},
       "spec": {"nodeName": "node1", "containers": [{"name": "web", "image": "web:1"}]},
       "status": {"phase": "Running", "containerStatuses": [
         {"name": "web", "ready": true, "started": true, "containerID": "containerd://1",
          "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}}}]}}
      """

    /// Three packets of 60 bytes.
    static let pcap: [UInt8] =
      [0xD4, 0xC3, 0xB2, 0xA1, 2, 0, 4, 0] + [UInt8](repeating: 0, count: 8)
      + [0, 0, 4, 0, 1, 0, 0, 0]
      + (0..<3).flatMap { number in
        [UInt8(number), 0, 0, 0x60, 0, 0, 0, 0, 60, 0, 0, 0, 60, 0, 0, 0]
          + [UInt8](repeating: UInt8(number), count: 60)
      }

    var written: [UInt8]? { try? contents(scratch.path + "/out.pcap") }

    /// Starts a capture into a file, with what else the call has.
    func start(_ arguments: [String], interface: String = "lo") throws -> Spawned {
      try Spawned(
        [Executable.path("poddump"), "capture", "shop/web", "-i", interface] + arguments,
        environment: poddump.environment)
    }

    func run(_ arguments: [String], interface: String = "lo") async throws -> Spawned.Answer {
      try await blocking {
        let process = try start(arguments, interface: interface)
        try process.input.close()
        return process.answer(atMost: 60)
      }
    }

    /// Everything that was started has ended: whoever is left has the scratch folder in its
    /// environment.
    func nothingIsLeft() async throws {
      let marker = scratch.path
      let isEmpty = try await eventually(within: 20) { Self.processes(of: marker).isEmpty }
      #expect(isEmpty, "\(Self.processes(of: marker))")
    }

    static func processes(of marker: String) -> [ProcessEntry] {
      ProcessTable.all().filter { entry in
        guard
          let data = FileManager.default.contents(atPath: "/proc/\(entry.pid)/environ")
        else { return false }
        return String(decoding: data, as: UTF8.self).contains(marker)
      }
    }
  }

  private static let counters =
    "echo '3 packets captured' >&2; echo '4 packets received by filter' >&2; echo '1 packet dropped by kernel' >&2"

  /// tcpdump that replays its file and then listens until it is asked to end.
  private static let listening =
    "trap '\(counters.replacing("'", with: "\""));exit 0' TERM; cat \"$pcap\"; while :; do sleep 0.1; done"

  @Test func aCaptureThatEndsByItself() async throws {
    let lab = try Lab(tcpdump: "cat \"$pcap\"; \(Self.counters)")
    let file = lab.scratch.path + "/out.pcap"
    let answer = try await lab.run(["-w", file, "-f", "tcp port 80", "-s", "96"])
    #expect(answer.end == .exited(0), "\(answer.errors)")
    #expect(answer.text == "")
    #expect(lab.written == Lab.pcap)
    #expect(
      answer.errors.contains("Capturing from shop/web (container web, interface lo) by exec."))
    #expect(answer.errors.contains("3 packets, 228 B; 1 dropped of 4 received."))
    #expect(answer.errors.contains("Warning: packets were lost"))
    let calls = lab.poddump.calls()
    #expect(calls.first == "get --request-timeout=60s --raw /api/v1/namespaces/shop/pods/web ")
    let arguments = String(
      decoding: try contents(lab.scratch.path + "/tcpdump.args"), as: UTF8.self)
    #expect(
      arguments.hasSuffix("-U\n--immediate-mode\n-B\n32768\n-s\n96\n-w\n-\n--\ntcp port 80\n"),
      "\(arguments)")
    try await lab.nothingIsLeft()
  }

  @Test func standardOutputHasNothingButTheCapture() async throws {
    let lab = try Lab(tcpdump: "cat \"$pcap\"; \(Self.counters)")
    let answer = try await lab.run(["-q"])
    #expect(answer.end == .exited(0))
    #expect(answer.output == Lab.pcap)
    #expect(!answer.errors.contains("Capturing"))
    let pcapng = try await lab.run(["--format", "pcapng", "-w", "-"])
    #expect(pcapng.output.starts(with: [0x0A, 0x0D, 0x0D, 0x0A]))
    try await lab.nothingIsLeft()
  }

  /// Whoever reads waits for the last holder of the pipe to go, and kubectl may outlive us.
  @Test func kubectlDoesNotHoldStandardOutputOpen() async throws {
    let lab = try Lab(
      tcpdump: "cat \"$pcap\"; \(Self.counters)",
      kubectl: """
        PATH=/usr/bin:/bin
        for f in /proc/$$/fd/*; do readlink "$f" >>"$home/descriptors"; done
        PATH=$home/bin
        """)
    let process = try lab.start(["-w", "-"])
    let answer = try await blocking {
      let link = "/proc/\(process.pid)/fd/1"
      let pipe = try FileManager.default.destinationOfSymbolicLink(atPath: link)
      let answer = process.answer(atMost: 60)
      let held = String(decoding: try contents(lab.scratch.path + "/descriptors"), as: UTF8.self)
      #expect(held.contains("pipe:["))
      #expect(!held.contains(pipe), "\(held)")
      return answer
    }
    #expect(answer.end == .exited(0), "\(answer.errors)")
    try await lab.nothingIsLeft()
  }

  @Test func aCountEndsIt() async throws {
    let lab = try Lab(tcpdump: Self.listening)
    let answer = try await lab.run(["--count", "2", "-w", "-"])
    #expect(answer.end == .exited(0))
    #expect(answer.output == Array(Lab.pcap.prefix(24 + 2 * 76)))
    try await lab.nothingIsLeft()
  }

  @Test func aDurationEndsIt() async throws {
    let lab = try Lab(tcpdump: Self.listening)
    let answer = try await lab.run(["--duration", "300ms", "-w", "-"])
    #expect(answer.end == .exited(0), "\(answer.errors)")
    #expect(answer.output == Lab.pcap)
    #expect(answer.errors.contains("1 dropped of 4 received"))
    try await lab.nothingIsLeft()
  }

  @Test func theTimeLimitIsACut() async throws {
    let lab = try Lab(tcpdump: Self.listening)
    let answer = try await lab.run(["--ttl", "1s", "-w", "-"])
    #expect(answer.end == .exited(1))
    #expect(answer.output == Lab.pcap)
    #expect(answer.errors.contains("Its time limit of 1 s was reached."), "\(answer.errors)")
    try await lab.nothingIsLeft()
  }

  @Test(arguments: [SIGINT, SIGTERM, SIGHUP])
  func aSignalEndsItInGoodOrder(_ number: Int32) async throws {
    let lab = try Lab(tcpdump: Self.listening)
    let process = try lab.start(["-w", "-"])
    let answer = try await blocking {
      let bytes = try process.output.read(upToCount: 24) ?? Data()
      kill(process.pid, number)
      kill(process.pid, number)  // a second one changes nothing
      let rest = process.answer(atMost: 60)
      #expect(Array(bytes) + rest.output == Lab.pcap)
      return rest
    }
    #expect(answer.end == .exited(0), "\(answer.errors)")
    #expect(answer.errors.contains("1 dropped of 4 received"), "\(answer.errors)")
    try await lab.nothingIsLeft()
  }

  @Test func killedWithoutWarningItLeavesNothing() async throws {
    let lab = try Lab(tcpdump: Self.listening)
    let process = try lab.start(["-w", "-"])
    try await blocking {
      _ = try process.output.read(upToCount: 24)
      kill(process.pid, SIGKILL)
      #expect(process.wait() == .signalled(SIGKILL))
    }
    try await lab.nothingIsLeft()
  }

  @Test func aReaderThatLeavesIsSuccess() async throws {
    let lab = try Lab(tcpdump: Self.listening)
    let process = try lab.start(["-w", "-"])
    let end = try await blocking {
      _ = try process.output.read(upToCount: 24)
      try process.output.close()
      return process.wait(atMost: 60)
    }
    #expect(end == .exited(0))
    try await lab.nothingIsLeft()
  }

  @Test func aRefusalOfTcpdumpLeavesNoFile() async throws {
    let lab = try Lab(
      tcpdump:
        "echo \"tcpdump: lo: You don't have permission to perform this capture on that device\" >&2; exit 1"
    )
    let file = lab.scratch.path + "/out.pcap"
    let answer = try await lab.run(["--route", "exec", "-w", file])
    #expect(answer.end == .exited(4), "\(answer.errors)")
    #expect(answer.errors.contains("NET_RAW"))
    #expect(lab.written == nil)
    // Unless a route is named the others are tried, and each says why not.
    let every = try await lab.run(["-w", file])
    #expect(every.end == .exited(6), "\(every.errors)")
    for route in ["exec", "ssh", "upload", "debug", "node"] {
      #expect(every.errors.contains("By \(route): "), "\(every.errors)")
    }
    #expect(every.errors.contains("NET_RAW") && lab.written == nil)
    try await lab.nothingIsLeft()
  }

  @Test func whatIsMissingThereIsFoundOutBefore() async throws {
    let lab = try Lab(tcpdump: "")
    let none = try await lab.run(
      ["--route", "exec", "-w", lab.scratch.path + "/out.pcap"], interface: "nope0")
    #expect(none.end == .exited(5))
    #expect(none.errors.contains("There is no interface nope0 in the container."))
    let container = try await lab.run(["-c", "db", "-w", lab.scratch.path + "/out.pcap"])
    #expect(container.end == .exited(5))
    #expect(container.errors.contains("The pod has no container db."))
    try FileManager.default.removeItem(atPath: lab.scratch.path + "/bin/tcpdump")
    let tcpdump = try await lab.run(["--route", "exec", "-w", lab.scratch.path + "/out.pcap"])
    #expect(tcpdump.end == .exited(6))
    #expect(tcpdump.errors.contains("The container has no tcpdump."))
    #expect(lab.written == nil)
    try await lab.nothingIsLeft()
  }

  @Test func aPodThatWasDeletedMeanwhileIsTheReason() async throws {
    let gone =
      "Error from server (NotFound): pods \"web\" not found"
    let lab = try Lab(
      tcpdump: "cat \"$pcap\"; touch \"$home/gone\"; exit 137",
      kubectl: """
        case "$*" in *"get --request"*)
          if [ -e "$home/gone" ]; then echo '\(gone)' >&2; exit 1; fi ;;
        esac
        """)
    let answer = try await lab.run(["-w", lab.scratch.path + "/out.pcap"])
    #expect(answer.end == .exited(1), "\(answer.errors)")
    #expect(answer.errors.contains("was cut. The pod shop/web was deleted."), "\(answer.errors)")
    #expect(lab.written == Lab.pcap)  // what came stays
    try await lab.nothingIsLeft()
  }

  @Test func aStreamThatIsCutSaysSo() async throws {
    let lab = try Lab(tcpdump: "head -c 150 \"$pcap\"")
    let answer = try await lab.run(["-w", lab.scratch.path + "/out.pcap"])
    #expect(answer.end == .exited(1))
    #expect(answer.errors.contains("Its last packet arrived in part only."), "\(answer.errors)")
    #expect(lab.written == Array(Lab.pcap.prefix(24 + 76)))
    try await lab.nothingIsLeft()
  }

  @Test func thePlanRunsNothingButItsQuestion() async throws {
    let lab = try Lab(tcpdump: "touch \"$home/ran\"")
    let answer = try await runProgram(
      [Executable.path("poddump"), "plan", "shop/web", "-i", "lo"],
      environment: lab.poddump.environment)
    #expect(answer.end == .exited(0), "\(answer.errors)")
    #expect(answer.text.hasPrefix("route exec: usable (tcpdump)\n"))
    #expect(lab.poddump.calls().filter { $0.hasPrefix("exec -i") }.count == 1)
    let json = try await runProgram(
      [Executable.path("poddump"), "plan", "shop/web", "-i", "lo", "-o", "json"],
      environment: lab.poddump.environment)
    #expect((try? JSONSerialization.jsonObject(with: Data(json.output))) != nil)
  }
}
