import Foundation
import Testing

/// A wrong request to the command line, and what must become of it.
struct BadRequest: Sendable, CustomTestStringConvertible {
  var name: String
  /// What follows `poddump`; SCRATCH stands for the test's folder, FILE for an existing packet file.
  var words: [String]
  var environment: [String: String?] = [:]
  /// The lab's fault while it runs.
  var fault: [String] = []
  /// The exit code (design: 2 usage, 3 unreachable, 4 denied, 5 not found, 6 no route, 7 filter).
  var code: Int32
  /// What the message must name.
  var names: [String]
  /// How long it may take, in seconds.
  var seconds = 5.0
  /// Whether it must be refused before any kubectl is started.
  var isRefusedHere = false

  var testDescription: String { name }

  static func capture(
    _ name: String, _ words: [String], code: Int32, names: [String],
    environment: [String: String?] = [:], fault: [String] = [], isRefusedHere: Bool = false
  ) -> BadRequest {
    let writes = words.contains("-w") ? [] : ["-w", "FILE"]
    return BadRequest(
      name: name, words: ["capture"] + words + writes, environment: environment, fault: fault,
      code: code, names: names, isRefusedHere: isRefusedHere)
  }

  static let all: [BadRequest] = cluster + targets + filters + outputs

  static let cluster: [BadRequest] = [
    .capture(
      "no kubeconfig", ["shop/web"], code: 1, names: ["kubeconfig", "KUBECONFIG"],
      environment: ["KUBECONFIG": nil]),
    .capture(
      "kubeconfig that does not exist", ["shop/web", "--kubeconfig", "SCRATCH/none"], code: 1,
      names: ["SCRATCH/none", "--kubeconfig"]),
    .capture(
      "broken YAML", ["shop/web", "--kubeconfig", "SCRATCH/broken.yaml"], code: 1,
      names: ["broken.yaml", "line 1"]),
    BadRequest(
      name: "broken YAML, list", words: ["list", "--kubeconfig", "SCRATCH/broken.yaml"], code: 1,
      names: ["broken.yaml", "line 1"]),
    .capture(
      "unknown context", ["shop/web", "--context", "nope"], code: 5, names: ["nope"]),
    BadRequest(
      name: "unknown context, list", words: ["list", "--context", "nope"], code: 5,
      names: ["nope", "lab-viewer"]),
    .capture(
      "API refuses connections", ["shop/web"], code: 3, names: ["shop/web", "127.0.0.1:"],
      fault: ["refuse"]),
    BadRequest(
      name: "API refuses connections, list", words: ["list", "-A"], fault: ["refuse"], code: 3,
      names: ["127.0.0.1:"]),
    .capture(
      "API is a black hole", ["shop/web"], code: 3, names: ["shop/web", "4.5 s"],
      fault: ["black-hole", "on"]),
    BadRequest(
      name: "API is a black hole, list", words: ["list", "-A"], fault: ["black-hole", "on"],
      code: 3,
      names: ["4.5 s"]),
    BadRequest(
      name: "API is a black hole, with an option",
      words: ["list", "-A", "--request-timeout", "1200ms"], fault: ["black-hole", "on"], code: 3,
      names: ["1.2 s"]),
    .capture(
      "login not accepted", ["shop/web", "--context", "lab-expired"], code: 4,
      names: ["lab-expired", "login"]),
    .capture(
      "login has expired", ["shop/web"], code: 4, names: ["login"], fault: ["expired"]),
    .capture(
      "may not get pods", ["shop/web", "--context", "lab-nobody"], code: 4,
      names: ["lab-nobody", "get pods in namespace shop"]),
    BadRequest(
      name: "may not list pods", words: ["list", "--context", "lab-nobody"], code: 4,
      names: ["lab-nobody", "list pods in namespace shop"]),
    BadRequest(
      name: "may not list all pods", words: ["list", "-A", "--context", "lab-nobody"], code: 4,
      names: ["lab-nobody", "list pods in the whole cluster"]),
    .capture(
      "may not exec", ["shop/web", "--context", "lab-viewer"], code: 4,
      names: ["lab-viewer", "pods/exec", "namespace shop"]),
  ]

  static let targets: [BadRequest] = [
    .capture("no such pod", ["shop/nosuch"], code: 5, names: ["shop/nosuch", "poddump list"]),
    .capture("no such namespace", ["nosuch/web"], code: 5, names: ["nosuch/web", "poddump list"]),
    .capture(
      "no such deployment", ["deploy/nosuch", "-n", "shop"], code: 5, names: ["deploy/nosuch"]),
    .capture(
      "several pods", ["deploy/api", "-n", "shop", "--format", "pcap"], code: 2,
      names: ["deploy/api", "pcapng"], isRefusedHere: true),
    .capture(
      "no such container", ["shop/duo", "-c", "nosuch"], code: 5,
      names: ["shop/duo", "nosuch", "app, tools"]),
    .capture(
      "no name of a pod", ["Shop/Web"], code: 2, names: ["Shop/Web"], isRefusedHere: true),
    .capture("pod is pending", ["shop/pending"], code: 6, names: ["shop/pending", "Pending"]),
    .capture(
      "pod has completed", ["shop/completed"], code: 6, names: ["shop/completed", "Completed"]),
    .capture(
      "container crashes", ["shop/crash"], code: 6, names: ["shop/crash", "CrashLoopBackOff"]),
    .capture(
      "a container of a node", ["node/n1", "-c", "web"], code: 2, names: ["node/n1"],
      isRefusedHere: true),
    .capture(
      "no such interface", ["shop/web", "-i", "eth7"], code: 5,
      names: ["shop/web", "eth7", "eth0, any"]),
    .capture(
      "no name of an interface", ["shop/web", "-i", "eth0; id"], code: 2, names: ["interface"],
      isRefusedHere: true),
    .capture("no tcpdump", ["shop/bb"], code: 6, names: ["shop/bb", "no tcpdump"]),
    .capture(
      "no tcpdump in this container", ["shop/duo"], code: 6, names: ["shop/duo", "-c", "tools"]),
    .capture("no shell", ["shop/distroless"], code: 6, names: ["shop/distroless", "\"sh\""]),
    .capture("not root", ["shop/nonroot"], code: 4, names: ["shop/nonroot", "NET_RAW"]),
    .capture("no capability", ["shop/nocap"], code: 4, names: ["shop/nocap", "NET_RAW"]),
    .capture("no sleep", ["shop/bare"], code: 6, names: ["shop/bare", "sleep", "--ttl 0"]),
  ]

  static let filters: [BadRequest] = [
    ("syntax error", "tcp port"),
    ("curly quotes", "host “web”"),
    ("shell command", "; rm -rf /"),
    ("command substitution", "$(touch SCRATCH/injected)"),
    ("too long", String(repeating: "tcp or ", count: 1500) + "udp"),
    ("two lines", "tcp\nor udp"),
  ].map { name, filter in
    .capture(
      "filter: \(name)", ["shop/web", "-f", filter], code: 7, names: ["filter"], isRefusedHere: true
    )
  }

  static let outputs: [BadRequest] = [
    .capture(
      "output is a directory", ["shop/web", "-w", "SCRATCH/home"], code: 1,
      names: ["SCRATCH/home", "directory"], isRefusedHere: true),
    .capture(
      "output folder does not exist", ["shop/web", "-w", "SCRATCH/none/x.pcap"], code: 1,
      names: ["SCRATCH/none/x.pcap"], isRefusedHere: true),
  ]
}

extension InLab {
  /// What is wrong is said in one line (what, why, what to do) with the right exit code, and nothing is
  /// started, written or left.
  @Suite(.serialized, .timeLimit(.minutes(3))) struct BadInputTests {
    let scratch: Scratch
    /// What an existing packet file held before.
    static let kept = Data("kept".utf8)

    init() throws {
      scratch = try Scratch()
      try scratch.chooseExecOnly()
      try scratch.write("broken.yaml", "clusters: [a\n  b: c\n")
    }

    @Test(arguments: BadRequest.all) func refused(_ request: BadRequest) throws {
      let file = try scratch.write("old.pcapng", "kept")
      let filesBefore = scratch.files
      let processes = try Lab.processes()
      try Lab.forgetRequests()
      var environment = request.environment
      if request.isRefusedHere { environment["PATH"] = try trap() }

      let words = request.words.map {
        $0 == "FILE" ? file : $0.replacing("SCRATCH", with: scratch.path)
      }
      let run = try Lab.with(fault: request.fault) {
        try scratch.poddump(words, environment: environment)
      }

      #expect(run.status == request.code)
      #expect(run.bytes.isEmpty)
      #expect(run.seconds < request.seconds)
      Golden.expect(run.errors, "BadInput", request.name, scratch: scratch)
      for name in request.names {
        #expect(run.errors.contains(name.replacing("SCRATCH", with: scratch.path)))
      }
      expectOneMessage(run.errors, sentences: request.code == 2 ? 2 : 3)
      #expect(scratch.files == filesBefore)
      if request.isRefusedHere { #expect(try Lab.requests() == []) }
      try Lab.expectNothingLeft(since: processes, within: 2, request.name)
    }

    /// A PATH whose kubectl leaves a trace when it is started; `filesBefore` would differ then.
    private func trap() throws -> String {
      let folder = scratch.path + "/trap"
      try scratch.write(
        "trap/kubectl", "#!/bin/sh\n>\(scratch.path)/kubectl-was-started\n", mode: 0o755)
      return "\(folder):/usr/bin:/bin"
    }

    /// One line, of at least so many sentences, and nothing but it.
    private func expectOneMessage(
      _ text: String, sentences: Int, sourceLocation: SourceLocation = #_sourceLocation
    ) {
      let lines = text.split(separator: "\n")
      guard text.hasPrefix("poddump: ") else { return }  // the parser's own usage lines
      #expect(lines.count == 1, sourceLocation: sourceLocation)
      let ends = text.ranges(of: /[.?](\s|$)/).count
      #expect(ends >= sentences, "\(text)", sourceLocation: sourceLocation)
    }

    @Test func aNewFileIsNotMade() throws {
      for pod in ["nosuch", "nonroot", "bb"] {
        for name in ["new.pcap", "new.pcapng"] {
          let before = scratch.files
          let run = try scratch.poddump(["capture", "shop/\(pod)", "-w", "\(scratch.path)/\(name)"])
          #expect(run.status != 0)
          #expect(scratch.files == before)
        }
      }
    }

    @Test func aRingIsNotBegun() throws {
      let before = scratch.files
      let run = try scratch.poddump([
        "capture", "shop/nonroot", "-w", "\(scratch.path)/x.pcapng", "--ring", "2:1MB",
      ])
      #expect(run.status == 4)
      #expect(scratch.files == before)
    }

    @Test(arguments: ["pcap", "pcapng"]) func aPipeGetsNothing(format: String) throws {
      let run = try scratch.poddump(["capture", "shop/nonroot", "-w", "-", "--format", format])
      #expect(run.status == 4)
      #expect(run.bytes.isEmpty)
    }

    @Test func aFileIsReplacedOncePacketsCome() throws {
      let file = try scratch.write("old.pcapng", String(repeating: "old", count: 100_000))
      let run = try scratch.poddump(["capture", "shop/web", "-w", file, "--count", "2"])
      #expect(run.status == 0, "\(run.errors)")
      let counted = try scratch.run(["/usr/bin/tshark", "-r", file])
      #expect(counted.status == 0)
      #expect(counted.output.split(separator: "\n").count == 2)
    }

    @Test func nobodyElseMayReadThePackets() throws {
      let file = scratch.path + "/new.pcap"
      let run = try scratch.poddump(["capture", "shop/web", "-w", file, "--count", "1"])
      #expect(run.status == 0, "\(run.errors)")
      let mode = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions]
      #expect(mode as? Int == 0o600)
    }

    // MARK: Disks

    /// Mounts a small disk (tmpfs) for a test.
    private func withDisk(
      _ options: String, holding file: (name: String, text: String)? = nil,
      _ body: (_ folder: String) throws -> Void
    ) throws {
      let disk = scratch.path + "/disk"
      try FileManager.default.createDirectory(atPath: disk, withIntermediateDirectories: true)
      func mount(_ options: String) throws {
        let run = try Program.run(["/usr/bin/mount", "-t", "tmpfs", "-o", options, "none", disk])
        try #require(run.status == 0, "\(run.errors)")
      }
      try mount("size=64k")
      defer { _ = try? Program.run(["/usr/bin/umount", disk]) }
      if let file { try Data(file.text.utf8).write(to: URL(filePath: "\(disk)/\(file.name)")) }
      try mount("remount," + options)
      try body(disk)
    }

    @Test func aReadOnlyDiskIsNotWritable() throws {
      try withDisk("ro", holding: ("old.pcap", "kept")) { disk in
        for name in ["old.pcap", "new.pcap"] {
          let run = try scratch.poddump(
            ["capture", "shop/web", "-w", "\(disk)/\(name)"], environment: ["PATH": try trap()])
          #expect(run.status == 1)
          Golden.expect(run.errors, "BadInput", "read-only disk: \(name)", scratch: scratch)
        }
        #expect(scratch.files["kubectl-was-started"] == nil)
        #expect(try Data(contentsOf: URL(filePath: "\(disk)/old.pcap")) == Self.kept)
      }
    }

    @Test(arguments: ["pcap", "pcapng"]) func aDiskIsFull(format: String) throws {
      let filler = String(repeating: "x", count: 65_536)
      try withDisk("size=64k", holding: ("filler", filler)) { disk in
        let processes = try Lab.processes()
        let run = try scratch.poddump(["capture", "shop/web", "-w", "\(disk)/x.\(format)"])
        #expect(run.status == 1)
        Golden.expect(run.errors, "BadInput", "disk is full: \(format)", scratch: scratch)
        #expect(try FileManager.default.contentsOfDirectory(atPath: disk) == ["filler"])
        try Lab.expectNothingLeft(since: processes, within: 3)
      }
    }

    @Test(arguments: ["pcap", "pcapng"]) func aDiskFillsUp(format: String) throws {
      try withDisk("size=8k") { disk in
        let processes = try Lab.processes()
        let file = "\(disk)/x.\(format)"
        let run = try scratch.poddump(["capture", "shop/web", "-i", "any", "-w", file])
        #expect(run.status == 1)
        #expect(run.errors.contains("Cannot write to \(file). The disk is full. Free some space"))
        // What is there is whole.
        let read = try scratch.run(["/usr/bin/tshark", "-r", file])
        #expect(read.status == 0, "\(read.errors)")
        #expect(!read.output.isEmpty)
        try Lab.expectNothingLeft(since: processes, within: 3)
      }
    }

    @Test func aTerminalGetsNoPackets() throws {
      let terminal = try PseudoTerminal()
      for words in [["capture", "shop/web"], ["capture", "shop/web", "-w", "-"]] {
        let program = try Program(
          [Lab.poddump] + words,
          environment: scratch.environment.merging(["PATH": try trap()]) { $1 },
          output: terminal.side)
        let run = program.finish()
        #expect(run.status == 2)
        Golden.expect(run.errors, "BadInput", "standard output is a terminal")
      }
      #expect(scratch.files["kubectl-was-started"] == nil)
      #expect(terminal.written() == "")
    }

    /// Whoever sits there may be the one whom kubectl waits for.
    @Test func atATerminalItIsSaidThatKubectlIsWaitedFor() throws {
      let command = "\(Lab.poddump) list -A --request-timeout 5s"
      let run = try Lab.with(fault: ["black-hole", "on"]) {
        try scratch.run(["/usr/bin/script", "-qefc", command, "/dev/null"])
      }
      #expect(run.status == 3)
      let lines = run.output.split(whereSeparator: \.isNewline)
      #expect(lines.count == 2, "\(run.output)")
      #expect(lines.first == "poddump: Waiting for kubectl: for a login in the browser?")
      #expect(lines.last?.contains("kubectl had no answer for 5 s.") == true)
    }
  }
}
