import Foundation
import Testing

/// A capture that Wireshark asks for and that cannot be made.
struct BadCapture: Sendable, CustomTestStringConvertible {
  var name: String
  var interface = "poddump"
  /// The dialog's settings by the long options' names.
  var settings: [String: String] = [:]
  var filter: String?
  var kubeconfig: String?
  var fault: [String] = []
  /// The exit code of poddump-extcap.
  var code: Int32
  /// The time that the failure itself takes, in seconds: an API that does not answer.
  var bound = 0.0
  /// Whether it is known before the cluster is asked; tshark 4.0 then has seen no header, and fails too.
  var isWrongRequest = false

  var testDescription: String { name }

  static func pod(
    _ name: String, _ pod: String, code: Int32, _ settings: [String: String] = [:],
    fault: [String] = [], bound: Double = 0
  ) -> BadCapture {
    BadCapture(
      name: name, settings: settings.merging(["pod": pod]) { $1 }, fault: fault, code: code,
      bound: bound)
  }

  static let all: [BadCapture] = [
    BadCapture(
      name: "no kubeconfig", settings: ["pod": "shop/web"], kubeconfig: "SCRATCH/none", code: 1),
    BadCapture(
      name: "broken YAML", settings: ["pod": "shop/web"], kubeconfig: "SCRATCH/broken.yaml", code: 1
    ),
    .pod("unknown context", "shop/web", code: 5, ["context": "nope"]),
    .pod("API refuses connections", "shop/web", code: 3, fault: ["refuse"]),
    .pod("API is a black hole", "shop/web", code: 3, fault: ["black-hole", "on"], bound: 5),
    .pod("login not accepted", "shop/web", code: 4, ["context": "lab-expired"]),
    .pod("may not get pods", "shop/web", code: 4, ["context": "lab-nobody"]),
    .pod("may not exec", "shop/web", code: 4, ["context": "lab-viewer"]),
    .pod("no such pod", "shop/nosuch", code: 5),
    .pod("no such namespace", "web", code: 5, ["namespace": "nosuch"]),
    .pod("no such container", "shop/duo", code: 5, ["container": "nosuch"]),
    .pod("pod is pending", "shop/pending", code: 6),
    .pod("pod has completed", "shop/completed", code: 6),
    .pod("container crashes", "shop/crash", code: 6),
    .pod("no such interface", "shop/web", code: 5, ["interface": "eth7"]),
    BadCapture(name: "no tcpdump", interface: "pod:shop/bb", code: 6),
    BadCapture(name: "no shell", interface: "pod:shop/distroless", code: 6),
    BadCapture(name: "not root", interface: "pod:shop/nonroot", code: 4),
    BadCapture(name: "no capability", interface: "pod:shop/nocap", code: 4),
    BadCapture(name: "no sleep", interface: "pod:shop/bare", code: 6),
    BadCapture(name: "no pod chosen", code: 2, isWrongRequest: true),
    BadCapture(
      name: "no name of a pod", settings: ["pod": "$(id)"], code: 2, isWrongRequest: true),
    BadCapture(
      name: "no name of an interface", interface: "pod:shop/web", settings: ["interface": "-w/x"],
      code: 2, isWrongRequest: true),
    BadCapture(
      name: "no duration", settings: ["pod": "shop/web", "duration": "soon"], code: 2,
      isWrongRequest: true),
    BadCapture(
      name: "filter: syntax error", interface: "pod:shop/web", filter: "bad(", code: 7,
      isWrongRequest: true),
    BadCapture(
      name: "filter: curly quotes", interface: "pod:shop/web", filter: "host “web”", code: 7,
      isWrongRequest: true),
    BadCapture(
      name: "filter: shell command", interface: "pod:shop/web", filter: "; rm -rf /", code: 7,
      isWrongRequest: true),
    BadCapture(
      name: "filter: too long", interface: "pod:shop/web",
      filter: String(repeating: "tcp or ", count: 1500), code: 7, isWrongRequest: true),
  ]
}

extension InLab {
  /// A capture that cannot be made ends at once, and says why in the few bytes that Wireshark shows.
  @Suite(.serialized, .timeLimit(.minutes(3)))
  struct ExtcapBadInputTests {
    let scratch: Scratch

    init() throws {
      scratch = try Scratch()
      try scratch.chooseExecOnly()
      try scratch.write("broken.yaml", "clusters: [a\n  b: c\n")
      try scratch.install()
      try scratch.list()
      scratch.expectQuiet()
    }

    /// What tshark takes to find that an interface is not there.
    private func secondsForNothing(_ environment: [String: String?]) throws -> Double {
      try scratch.run(["/usr/bin/tshark", "-i", "pod:shop/none"], environment).seconds
    }

    @Test(arguments: BadCapture.all) func ends(_ capture: BadCapture) throws {
      var environment: [String: String?] = [:]
      if let kubeconfig = capture.kubeconfig {
        environment["KUBECONFIG"] = kubeconfig.replacing("SCRATCH", with: scratch.path)
      }
      let processes = try Lab.processes()
      let settings = capture.settings.sorted { $0.key < $1.key }

      // As Wireshark starts it.
      let fifo = try Fifo(scratch)
      var words = settings.flatMap { ["--\($0.key)", $0.value] }
      if let filter = capture.filter { words += ["--extcap-capture-filter", filter] }
      try Lab.with(fault: capture.fault) {
        let run = try scratch.extcap(
          fifo.capture(capture.interface, words: words), environment: environment)
        #expect(run.status == capture.code)
        #expect(run.bytes.isEmpty)
        #expect(run.errors.utf8.count <= 1000)
        #expect(run.errors.split(separator: "\n").count == 1)
        #expect(run.seconds < 2 + capture.bound)
        Golden.expect(run.errors, "ExtcapBadInput", capture.name, scratch: scratch)
        let bytes = fifo.bytes
        #expect(bytes.isEmpty == capture.isWrongRequest)
        #expect(bytes.isEmpty || bytes.starts(with: Fifo.sectionHeader))
        try FileManager.default.removeItem(atPath: fifo.path)

        // And through the real one.
        var line = ["/usr/bin/tshark", "-i", capture.interface, "-w", "\(scratch.path)/x.pcapng"]
        line += settings.flatMap { ["-o", "extcap.poddump.\($0.key):\($0.value)"] }
        if let filter = capture.filter { line += ["-f", filter] }
        let isSetByPreference = capture.interface == "poddump" || settings.isEmpty
        guard isSetByPreference else { return }
        let tshark = try scratch.run(line, environment)
        // What tshark takes on a machine as busy as this one is not ours to answer for.
        let own = tshark.seconds < 3 + capture.bound ? 0 : try secondsForNothing(environment)
        #expect(tshark.seconds < 3 + capture.bound + own)
        #expect(tshark.errors.contains("extcap pipe: \(run.errors)"), "\(tshark.errors)")
        #expect(tshark.status != 0 || !capture.isWrongRequest)
      }
      #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.temporary) == [])
      try Lab.expectNothingLeft(since: processes, within: 2, capture.name)
      scratch.expectQuiet()
    }

    @Test func aPodThatIsGoneIsNamed() throws {
      try Lab.with(fault: ["extra-pods", "20"]) { try scratch.list() }
      let run = try scratch.run(["/usr/bin/tshark", "-i", "pod:load-7/load-00007", "-c", "1"])
      #expect(run.errors.contains("extcap pipe: Cannot find pod load-7/load-00007"))
      #expect(run.seconds < 3)
      #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.temporary) == [])
    }

    /// A value that no cache knows means a pod of the current context, or nothing.
    @Test func anUnknownValueIsLookedForInTheCurrentContext() throws {
      try FileManager.default.removeItem(atPath: scratch.cache)
      for (context, value, code) in [
        ("lab", "pod:shop/web", 0), ("lab", "pod:shop/nosuch", 5),
        ("lab-nobody", "pod:shop/web", 4),
        ("lab", "pod:shop/we~0123456789", 5),
      ] as [(String, String, Int32)] {
        let changes = try scratch.environment(currentContext: context)
        let fifo = try Fifo(scratch)
        let run = try scratch.extcap(
          fifo.capture(value, "--count", "1"), environment: changes)
        #expect(run.status == code, "\(context) \(value): \(run.errors)")
        #expect(run.errors.isEmpty == (code == 0))
        if FileManager.default.fileExists(atPath: scratch.cache) {
          try FileManager.default.removeItem(atPath: scratch.cache)
        }
      }
    }

    // MARK: The FIFO

    @Test func aFifoThatIsNoneIsRefused() throws {
      let file = try scratch.write("file", "kept")
      for (name, path) in [
        ("missing", scratch.path + "/none"), ("a regular file", file), ("a folder", scratch.home),
        ("a device", "/dev/null"),
      ] {
        let run = try scratch.extcap([
          "--capture", "--extcap-interface", "pod:shop/web", "--fifo", path,
        ])
        #expect(run.status == 1)
        #expect(run.seconds < 1)
        #expect(run.bytes.isEmpty)
        #expect(run.errors.split(separator: "\n").count == 1)
        Golden.expect(run.errors, "ExtcapBadInput", "FIFO: \(name)", scratch: scratch)
      }
      let run = try scratch.extcap(["--capture", "--extcap-interface", "pod:shop/web"])
      #expect(run.status == 2)
      Golden.expect(run.errors, "ExtcapBadInput", "FIFO: not named", scratch: scratch)
      #expect(scratch.files["file"] == Data("kept".utf8))
      #expect(scratch.files["none"] == nil)
    }

    @Test func aReaderIsWaitedFor() throws {
      let fifo = try Fifo(scratch, isRead: false)
      let program = try Program(
        [Lab.extcap] + fifo.capture("pod:shop/web", "--count", "1"),
        environment: scratch.environment)
      usleep(700_000)
      #expect(program.process.isRunning)
      try fifo.startReading()
      let run = program.finish()
      #expect(run.status == 0)
      #expect(run.errors.isEmpty && run.bytes.isEmpty)
      #expect(fifo.bytes.starts(with: Fifo.sectionHeader))
    }

    @Test(arguments: [SIGTERM, SIGINT, SIGHUP]) func waitingForAReaderCanBeEnded(signal: Int32)
      throws
    {
      let fifo = try Fifo(scratch, isRead: false)
      let program = try Program(
        [Lab.extcap] + fifo.capture("pod:shop/web"), environment: scratch.environment)
      usleep(400_000)
      kill(program.pid, signal)
      let run = program.finish(within: 2)
      #expect(run.status == 0)
      #expect(run.errors.isEmpty)
    }

    @Test func aReaderThatLeavesIsNoFailure() throws {
      let processes = try Lab.processes()
      let fifo = try Fifo(scratch)
      let program = try Program(
        [Lab.extcap] + fifo.capture("pod:shop/web"), environment: scratch.environment)
      var arrived = 0
      program.wait(10) {
        arrived += fifo.bytes.count
        return arrived > 500
      }
      fifo.stopReading()
      let run = program.finish(within: 3)
      #expect(run.status == 0)
      #expect(run.errors.isEmpty)
      try Lab.expectNothingLeft(since: processes, within: 3)
    }

    /// The header comes at once, whatever the cluster does.
    @Test func theHeaderComesFirst() throws {
      try Lab.with(fault: ["black-hole", "on"]) {
        let fifo = try Fifo(scratch)
        let program = try Program(
          [Lab.extcap] + fifo.capture("pod:shop/web"), environment: scratch.environment)
        let start = Date()
        var bytes = Data()
        program.wait(3) {
          bytes += fifo.bytes
          return !bytes.isEmpty
        }
        #expect(Date().timeIntervalSince(start) < 0.5)
        #expect(bytes.starts(with: Fifo.sectionHeader))
        kill(program.pid, SIGTERM)
        let run = program.finish(within: 3)
        #expect(run.status == 0)
        #expect(run.errors.isEmpty)
      }
    }

    // MARK: Forms of options

    @Test(arguments: [
      ["--count", "1"], ["--count=1"], ["--count", "7", "--count=1"],
      ["--throughput", "--count=1"], ["--throughput", "true", "--count=1"],
      ["--throughput", "false", "--count=1"], ["--throughput=false", "--count=1"],
      ["--extcap-nosuch", "--count=1"], ["--extcap-nosuch", "x", "--count=1"],
      ["--extcap-nosuch=x", "--count=1"], ["--extcap-capture-filter", "", "--count=1"],
      ["--interface", "eth0", "--route", "auto", "--snaplen", "", "--count=1"],
      ["--count=1", "--extcap-version=4.6"], ["--count=1", "--ttl", "1h", "--duration=20s"],
    ])
    func optionsHaveManyForms(words: [String]) throws {
      let fifo = try Fifo(scratch)
      let forwards =
        ["--capture", "--extcap-interface", "pod:shop/web", "--fifo", fifo.path] + words
      let run = try scratch.extcap(forwards)
      #expect(run.status == 0)
      #expect(run.errors.isEmpty && run.bytes.isEmpty)
      let backwards =
        words + ["--fifo=\(fifo.path)", "--extcap-interface=pod:shop/web", "--capture"]
      let again = try scratch.extcap(backwards)
      #expect(again.status == 0)
      #expect(again.errors.isEmpty && again.bytes.isEmpty)
    }

    @Test(arguments: [
      ["--nosuch"], ["--nosuch=1"], ["-x"], ["stray"], ["--count", "-1"], ["--snaplen", "much"],
      ["--route", "magic"], ["--ttl", "soon"], ["--count"],
    ])
    func aWrongOptionIsRefused(words: [String]) throws {
      try Lab.forgetRequests()
      let fifo = try Fifo(scratch)
      let run = try scratch.extcap(fifo.capture("pod:shop/web", words: words))
      #expect(run.status == 2)
      #expect(run.bytes.isEmpty)
      #expect(run.errors.split(separator: "\n").count == 1)
      Golden.expect(
        run.errors, "ExtcapBadInput", "option: \(words.joined(separator: " "))", scratch: scratch)
      #expect(try Lab.requests() == [])
    }
  }
}
