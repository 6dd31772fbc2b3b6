import Foundation
import Testing

/// Captures where something is in the way: what people see, how long it takes, how much memory, and that
/// nothing is left.
struct HostileGround {
  let folder: Folder
  let lab: Inventory
  /// The largest memory that poddump may ever have had, in KiB.
  static let memory = 64 * 1024

  init() throws {
    folder = try Folder()
    lab = try Inventory.load()
    // What another test has let run would be used again.
    try folder.clean()
  }

  /// A run of poddump, and the most memory that it had, in KiB.
  struct Run {
    var end: Finished
    var peak: Int

    var status: Int32 { end.status }
    var errors: String { end.errors }
  }

  /// Starts poddump in this home.
  func start(
    _ words: [String], _ changes: [String: String?] = [:], program: String = Lab.poddump
  ) throws -> Program {
    let started = try Program(
      [program] + words, environment: folder.environment.merging(changes) { $1 })
    try? started.input.fileHandleForWriting.close()
    return started
  }

  /// Runs poddump to its end, and expects that it stays small and within its time, and says nothing that
  /// drives a terminal.
  func run(
    _ words: [String], _ changes: [String: String?] = [:], program: String = Lab.poddump,
    within seconds: Double = 40, sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> Run {
    let started = try start(words, changes, program: program)
    var peak = 0
    let ended = started.wait(seconds) {
      peak = max(peak, Self.peakMemory(of: started.pid))
      return !started.process.isRunning
    }
    let end = started.finish(within: 1)
    #expect(
      ended, "\(words): longer than \(seconds) s: \(end.errors)", sourceLocation: sourceLocation)
    #expect(
      (peak > 1000 || end.seconds < 1) && peak <= Self.memory, "\(words): \(peak) KiB",
      sourceLocation: sourceLocation)
    expectHarmless(end.errors, "\(words)", sourceLocation: sourceLocation)
    return Run(end: end, peak: peak)
  }

  private static func peakMemory(of pid: Int32) -> Int {
    let text = (try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)) ?? ""
    let line = text.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
    return line?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
  }

  /// No byte in it drives a terminal, and it is no flood.
  func expectHarmless(
    _ text: String, _ title: String, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let isHarmless = text.unicodeScalars.allSatisfy {
      $0 == "\n" || $0.value >= 0x20 && !(0x7F...0x9F).contains($0.value)
    }
    #expect(isHarmless, "\(title): \(text.debugDescription)", sourceLocation: sourceLocation)
    #expect(text.utf8.count < 4000, "\(title)", sourceLocation: sourceLocation)
  }

  /// Does something, and expects that nothing of it is left: no process on the nodes or here, no file in
  /// these containers, no pod, no entry of the journal. Where pods come and go meanwhile, only what is named
  /// after us counts.
  func leavingNothing<R>(
    in pods: [String] = [], _ title: String = "", whilePodsChange isChanging: Bool = false,
    sourceLocation: SourceLocation = #_sourceLocation,
    _ body: () throws -> R
  ) throws -> R {
    let before = try Lab.processes()
    let files = try pods.map { try Lab.files($0) }
    let result = try body()
    try folder.clean(sourceLocation: sourceLocation)
    folder.expectNoJournal(within: 15, title, sourceLocation: sourceLocation)
    try Cluster.expectNoHelpers(within: 10, title, sourceLocation: sourceLocation)
    if isChanging {
      var left: Set<String> = []
      let deadline = Date(timeIntervalSinceNow: 15)
      repeat {
        left = try Lab.processes().subtracting(before).filter {
          $0.contains("poddump") || $0.contains("tcpdump")
        }
      } while !left.isEmpty && Date() < deadline
      #expect(left == [], "\(title)", sourceLocation: sourceLocation)
    } else {
      try Lab.expectNothingLeft(since: before, within: 15, title, sourceLocation: sourceLocation)
    }
    for (pod, earlier) in zip(pods, files) {
      let left = try Lab.files(pod).subtracting(earlier)
      #expect(left == [], "\(title): files left in \(pod)", sourceLocation: sourceLocation)
    }
    let deadline = Date(timeIntervalSinceNow: 5)
    var here: [LocalProcess] = []
    repeat {
      here = LocalProcess.all(marked: "HOME=\(folder.path)")
      if !here.isEmpty { usleep(100_000) }
    } while !here.isEmpty && Date() < deadline
    #expect(here.isEmpty, "\(title): \(here)", sourceLocation: sourceLocation)
    return result
  }

  /// Expects so many packets of the pod in what was written to standard output.
  func expectPackets(
    _ run: Run, _ count: Int, of pod: String, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    #expect(run.status == 0, "\(pod): \(run.errors)", sourceLocation: sourceLocation)
    guard run.status == 0 else { return }
    let pod = try lab.pod(at: pod)
    try PacketFile(run.end.bytes, in: folder).expectPackets(
      count, of: try #require(pod.podIP), pod.target, sourceLocation: sourceLocation)
  }

  /// What people see, without what differs from run to run.
  func stable(_ text: String) -> String {
    // What is waited for depends on when somebody looks, and how far a capture is.
    let lines = text.split(separator: "\n").filter {
      !$0.contains("Waiting for it: ") && !$0.contains(" packets/s, ")
    }
    return lines.joined(separator: "\n").replacing(folder.path, with: "HOME")
      .replacing(/poddump-[0-9a-f]{8,16}/, with: "poddump-SESSION")
      .replacing(/[0-9]+ B; [0-9]+ dropped of [0-9]+ received/, with: "SOME B; 0 dropped")
      .replacing(
        /[1-9][0-9]* packets?, [0-9.]+ k?B; the far/, with: "SOME packets, SOME B; the far"
      )
      .replacing(/length of [0-9]+/, with: "length of MUCH")
      .replacing(/sent [0-9]+ bytes/, with: "sent SOME bytes")
  }

  /// A configuration as a file; the environment in which it is the user's.
  func configured(_ text: String) throws -> [String: String?] {
    ["PODDUMP_CONFIG": try folder.write(text, to: "config-\(folder.nextNumber()).toml")]
  }

  /// A user with these rights in a namespace; the environment in which it is him. Each right is a verb and
  /// a resource: "create pods/exec".
  func user(_ rights: [String], in namespace: String) throws -> [String: String?] {
    let rules: [[String: Any]] = rights.map { right in
      let parts = right.split(separator: " ").map(String.init)
      return ["apiGroups": [""], "resources": [parts[1]], "verbs": [parts[0]]]
    }
    let number = folder.nextNumber()
    let role: [String: Any] = [
      "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
      "metadata": ["name": "some", "namespace": namespace], "rules": rules,
    ]
    let json = try JSONSerialization.data(withJSONObject: role)
    let file = try folder.write(String(decoding: json, as: UTF8.self), to: "role-\(number).json")
    let path = try Lab.run("user", "ground", file).output
    return ["KUBECONFIG": path.trimmingCharacters(in: .newlines)]
  }
}
