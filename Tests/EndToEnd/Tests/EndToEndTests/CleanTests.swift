import Foundation
import Testing

extension InLab {
  /// `poddump clean`: what is left when poddump and its janitor are killed is named, and removed; what somebody
  /// uses is left alone.
  @Suite(.serialized, .timeLimit(.minutes(5)))
  struct CleanTests {
    let folder: Folder
    let lab: Inventory

    init() throws {
      folder = try Folder()
      lab = try Inventory.load()
      try folder.clean()
    }

    private func clean(
      _ words: [String] = [], by login: SSHLogin = SSHLogin(), in home: Folder? = nil,
      environment: [String: String?] = [:]
    ) throws -> Finished {
      try login.poddump(["clean"] + words, in: home ?? folder, environment: environment)
    }

    /// What clean says, without the numbers of a run.
    private func stable(_ text: String) -> String {
      let host = ProcessInfo.processInfo.hostName
      return text.replacing(/poddump-[0-9a-f]{8,}/, with: "poddump-SESSION")
        .replacing(/process [0-9]+/, with: "process NUMBER").replacing(host, with: "HOST")
        .replacing(/until [0-9TZ:-]+/, with: "until TIME")
        .replacing(/[0-9]+ ended containers? of poddump's can .*\n/, with: "")
    }

    /// Kills poddump and its janitor, which thus undoes nothing.
    private func killBoth(_ capture: Capturing) {
      for process in capture.processesHere where process.isJanitor { kill(process.pid, SIGKILL) }
      kill(capture.program.pid, SIGKILL)
      _ = capture.program.finish(within: 10)
      [capture].expectNothingHere()
    }

    /// Expects that a dry run names something and changes nothing, that the next one removes it, and that then
    /// nothing is left.
    private func expectCleaned(
      _ name: String, since before: Set<String>, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
      let journal = folder.journal
      let there = try Lab.processes()
      #expect(journal.count == 1, "\(journal)", sourceLocation: sourceLocation)
      let dry = try clean(["--dry-run"])
      #expect(dry.status == 1 && dry.errors == "", "\(dry)", sourceLocation: sourceLocation)
      Golden.expect(
        stable(dry.output), "Clean", "\(name), dry run", sourceLocation: sourceLocation)
      #expect(folder.journal == journal, sourceLocation: sourceLocation)
      let gone = try there.subtracting(Lab.processes()).subtracting(before)
      #expect(
        gone.filter { !$0.contains(" sleep ") } == [], "the dry run ended something",
        sourceLocation: sourceLocation)

      let real = try clean()
      #expect(real.status == 0 && real.errors == "", "\(real)", sourceLocation: sourceLocation)
      Golden.expect(stable(real.output), "Clean", name, sourceLocation: sourceLocation)
      #expect(folder.journal == [], sourceLocation: sourceLocation)
      try Cluster.expectNoHelpers(within: 5, sourceLocation: sourceLocation)
      try Lab.expectNothingLeft(since: before, within: 10, sourceLocation: sourceLocation)
      let again = try clean()
      #expect(
        again.status == 0 && !again.output.contains("poddump-"), "\(again)",
        sourceLocation: sourceLocation)
    }

    // MARK: - What is left

    @Test func aHelperPod() throws {
      let before = try Lab.processes()
      let capture = try Capturing(
        .commandLine, .init(pod: "shop/web", isBusy: true), in: folder, ["--route", "node"])
      [capture].waitUntilCapturing()
      killBoth(capture)
      #expect(try Cluster.helpers().count == 1)
      try expectCleaned("a helper pod", since: before)
    }

    /// Laptops get another host name with another network: what they made before is still theirs.
    @Test(arguments: [true, false])
    func whatAMachineMadeBeforeItGotAnotherName(byJanitor: Bool) throws {
      let before = try Lab.processes()
      let capture = try Capturing(
        .commandLine, .init(pod: "shop/web", isBusy: true), in: folder, ["--route", "node"],
        inside: ["/usr/bin/unshare", "--uts", "sh", "-c", "hostname before; exec \"$@\"", "sh"])
      [capture].waitUntilCapturing()
      if byJanitor {
        let renamed = try Program.run([
          "/usr/bin/nsenter", "--uts", "--target", "\(capture.program.pid)", "hostname", "after",
        ])
        #expect(renamed.status == 0, "\(renamed)")
        kill(capture.program.pid, SIGKILL)
        _ = capture.program.finish(within: 10)
      } else {
        killBoth(capture)
        let end = try clean()
        #expect(end.status == 0 && end.output.contains(": deleted, since its poddump"), "\(end)")
      }
      try Cluster.expectNoHelpers(within: 15)
      try Lab.expectNothingLeft(since: before, within: 15)
      #expect(folder.journal == [])
    }

    /// A Wireshark that kills an extcap runs it once more, to remove what is left; each run takes a moment only.
    @Test func theExtcapCleansAfterACaptureThatWasKilled() throws {
      let before = try Lab.processes()
      let capture = try Capturing(
        .commandLine, .init(pod: "shop/web", isBusy: true), in: folder, ["--route", "node"])
      [capture].waitUntilCapturing()
      killBoth(capture)
      #expect(try Cluster.helpers().count == 1)
      for _ in 0..<5 where !folder.journal.isEmpty {
        let run = try Program.run(
          [Lab.extcap, "--extcap-cleanup-postkill"], environment: folder.environment)
        #expect(run.status == 0 && run.bytes.isEmpty && run.errors == "", "\(run)")
      }
      #expect(folder.journal == [])
      try Cluster.expectNoHelpers(within: 5)
      try Lab.expectNothingLeft(since: before, within: 10)
    }

    @Test func anEphemeralContainer() throws {
      let before = try Lab.processes()
      let capture = try Capturing(
        .commandLine, .init(pod: "shop/distroless", isBusy: true), in: folder, ["--route", "debug"])
      [capture].waitUntilCapturing()
      let name = try #require(Cluster.pod("shop/distroless").running.first)
      killBoth(capture)
      #expect(capture.program.wait(10) { !capture.isCapturing })
      #expect(try Cluster.pod("shop/distroless").running == [name])
      try expectCleaned("an ephemeral container", since: before)
      #expect(try Cluster.pod("shop/distroless").running == [])
    }

    /// A static program with so much behind it that it takes its time on the way.
    private func largeBinary() throws -> String {
      var bytes = try Data(contentsOf: URL(filePath: "/bin/busybox"))
      bytes.append(Data(count: (31 << 20) - bytes.count))
      let path = "\(folder.path)/large"
      try bytes.write(to: URL(filePath: path))
      return path
    }

    /// Starts a capture that brings a binary along, and kills everybody who has to do with it while the file is
    /// on its way: here with SIGKILL, and there, as when memory runs out.
    private func killWhileItIsPut(
      _ target: String, _ words: [String], by login: SSHLogin? = nil, root: Int32,
      folders: [String], since before: Set<String>
    ) throws -> String {
      let capture = try Capturing(
        .commandLine, .init(pod: target, isBusy: true), in: folder,
        words + ["--binary", largeBinary()], by: login)
      var found: String?
      capture.program.wait(40) {
        for folder in folders {
          let names =
            (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(root)/root\(folder)"))
            ?? []
          guard let name = names.first(where: { $0.hasPrefix(".poddump-") }) else { continue }
          kill(capture.program.pid, SIGSTOP)
          found = "\(folder)/\(name)"
        }
        return found != nil || !capture.program.process.isRunning
      }
      let path = try #require(found, "nothing was put there: \(capture.program.errors)")
      // All at once: whoever outlives another tidies up after it.
      let there = try newProcesses(since: before)
      for signal in [SIGSTOP, SIGKILL] { for pid in there { kill(pid, signal) } }
      killBoth(capture)
      try Lab.expectNothingLeft(since: before, within: 10)
      #expect(FileManager.default.fileExists(atPath: "/proc/\(root)/root\(path)"))
      return path
    }

    /// The processes that are new on the nodes, or those of a name, by their numbers here; never the runtime's,
    /// without which the API would not hear of an end.
    private func newProcesses(
      _ name: String? = nil, since before: Set<String>
    ) throws -> [Int32] {
      // NODE NUMBER-THERE START NAME …: the number here is found by name and start (proc_pid_stat(5)).
      let new = try Lab.processes().subtracting(before).map { $0.split(separator: " ") }
        .filter { name == nil ? !["crun", "runc"].contains($0[3]) : $0[3] == name ?? "" }.map {
          "(\($0[3])) \($0[2])"
        }
      let numbers = try FileManager.default.contentsOfDirectory(atPath: "/proc")
      return numbers.compactMap { Int32($0) }.filter { pid in
        guard let stat = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
          let open = stat.firstIndex(of: "("), let close = stat.lastIndex(of: ")")
        else { return false }
        let fields = stat[close...].split(separator: " ")
        return fields.count > 20 && new.contains("\(stat[open...close]) \(fields[20])")
      }
    }

    @Test func aFileInAContainer() throws {
      let before = try Lab.processes()
      let target = "odd/plain"
      let files = try Lab.files(target)
      let root = try #require(lab.pod(at: target).containers.first?.pid)
      let path = try killWhileItIsPut(
        target, ["--route", "upload"], root: root, folders: ["/tmp", "/run", "/dev/shm"],
        since: before)
      #expect(try Lab.files(target).subtracting(files).count == 1, "\(path)")
      try expectCleaned("a file in a container", since: before)
      #expect(try Lab.files(target).subtracting(files) == [])
    }

    @Test func aFileOnANode() throws {
      let before = try Lab.processes()
      let files = try Lab.files("n1")
      let text = try String(contentsOfFile: "\(Lab.directory)/nodes/n1.pid", encoding: .utf8)
      let root = try #require(text.split(separator: " ").first.flatMap { Int32($0) })
      let path = try killWhileItIsPut(
        "shop/web", ["--route", "ssh"], by: SSHLogin(user: "ops"), root: root,
        folders: ["/run", "/tmp", "/dev/shm"], since: before)
      #expect(try Lab.files("n1").subtracting(files).contains { $0.contains(path) }, "\(path)")
      // The shell there is in the journal too.
      #expect(folder.journal.count == 2)
      let dry = try clean(["--dry-run"])
      #expect(dry.status == 1)
      Golden.expect(lines(dry.output), "Clean", "a file on a node, dry run")
      #expect(try Lab.files("n1").subtracting(files).contains { $0.contains(path) })
      let real = try clean()
      #expect(real.status == 0, "\(real)")
      Golden.expect(lines(real.output), "Clean", "a file on a node")
      #expect(folder.journal == [])
      #expect(try Lab.files("n1").subtracting(files) == [])
      try Lab.expectNothingLeft(since: before, within: 10)
    }

    /// Entries of the same second have no order.
    private func lines(_ text: String) -> String {
      stable(text).split(separator: "\n").sorted().joined(separator: "\n")
    }

    // MARK: - A connection that went dead

    /// poddump is killed while nothing gets through, on nodes whose shell cannot time its reads and whose sshd
    /// will not hear of it: the janitor ends the shell there as soon as it can, and so does clean.
    @Test func aShellBehindADeadConnection() throws {
      defer {
        for node in Lab.nodes {
          _ = try? Lab.run("link", node, "clear")
          _ = try? Lab.run("node", node, "clear")
        }
      }
      for node in Lab.nodes { try Lab.run("node", node, "no-bash", "on") }
      let before = try Lab.processes()
      // One is left to its janitor; the other's is killed too.
      let others = try Folder()
      let attended = try Capturing(
        .commandLine, .init(pod: "shop/web", isBusy: true), in: others, by: SSHLogin(user: "ops"))
      let alone = try Capturing(
        .commandLine, .init(pod: "shop/web", isBusy: true), in: folder,
        by: SSHLogin(user: "root", engine: .libssh2))
      [attended, alone].waitUntilCapturing()
      #expect(attended.program.wait(10) { folder.journal.count == 1 && others.journal.count == 1 })
      let sessions = try newProcesses("sshd", since: before)
      #expect(sessions.count >= 2)
      for node in Lab.nodes { try Lab.run("link", node, "black-hole") }
      for session in sessions { kill(session, SIGSTOP) }
      kill(attended.program.pid, SIGKILL)
      _ = attended.program.finish(within: 5)
      killBoth(alone)
      sleep(3)
      #expect(attended.isCapturing && alone.isCapturing, "they ended by themselves")
      #expect(attended.here("poddump")?.isJanitor == true)
      for node in Lab.nodes { try Lab.run("link", node, "clear") }
      let begin = Date()
      #expect(attended.program.wait(60) { !attended.isCapturing })
      others.expectNoJournal(within: 20)
      [attended].expectNothingHere()
      #expect(Date().timeIntervalSince(begin) < 60)

      #expect(alone.isCapturing)
      let dry = try clean(["--dry-run"])
      Golden.expect(stable(dry.output), "Clean", "a shell on a node, dry run")
      #expect(dry.status == 1 && alone.isCapturing)
      let real = try clean()
      #expect(real.status == 0, "\(real)")
      Golden.expect(stable(real.output), "Clean", "a shell on a node")
      #expect(!alone.isCapturing && folder.journal == [])
      for session in sessions { kill(session, SIGKILL) }
      try Lab.expectNothingLeft(since: before, within: 15)
    }

    // MARK: - What is left alone

    @Test func whatSomebodyUses() throws {
      let before = try Lab.processes()
      let other = try Folder()
      let places = [("node", "shop/web"), ("debug", "shop/distroless")]
      let own = try places.map { route, pod in
        try Capturing(.commandLine, .init(pod: pod, isBusy: true), in: folder, ["--route", route])
      }
      own.waitUntilCapturing()
      // Somebody else is who has another machine's name behind the at sign.
      let theirs = try Capturing(
        .commandLine, .init(pod: "odd/pair", isBusy: true), in: other,
        ["--route", "node", "--ttl", "10m"],
        inside: ["/usr/bin/unshare", "--uts", "sh", "-c", "hostname desk; exec \"$@\"", "sh"])
      // One of the same name in another home, whose journal is not known here.
      let home = try Folder()
      let mine = try Capturing(
        .commandLine, .init(pod: "odd/pair", isBusy: true), in: home,
        ["--route", "node", "--ttl", "10m"])
      [theirs, mine].waitUntilCapturing()
      let all = own + [theirs, mine]
      let sizes = all.map(\.size)
      let end = try clean()
      #expect(end.status == 0, "\(end)")
      Golden.expect(lines(end.output), "Clean", "what somebody uses")
      for (capture, size) in zip(all, sizes) {
        #expect(capture.program.wait(15) { capture.size > size }, "\(capture.description)")
        #expect(capture.program.process.isRunning && capture.isCapturing)
        kill(capture.program.pid, SIGINT)
        let end = capture.program.finish(within: 20)
        #expect(end.status == 0, "\(end.errors)")
      }
      try folder.clean()
      try other.clean()
      try home.clean()
      try Cluster.expectNoHelpers()
      try Lab.expectNothingLeft(since: before, within: 15)
      #expect(folder.journal == [] && other.journal == [] && home.journal == [])
    }

    @Test func withoutTheRightToDelete() throws {
      let before = try Lab.processes()
      func user(whoMay verbs: String...) throws -> [String: String?] {
        let role = """
          {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
           "metadata": {"name": "cleaner"}, "rules": [
            {"apiGroups": [""], "resources": ["pods"], "verbs": \(verbs)},
            {"apiGroups": [""], "resources": ["pods/exec"], "verbs": ["create", "get"]}]}
          """
        let made = try Lab.run("user", "cleaner", folder.write(role, to: "cleaner.json"))
        return ["KUBECONFIG": made.output.trimmingCharacters(in: .whitespacesAndNewlines)]
      }
      let may = try user(whoMay: "get", "list", "create", "delete")
      let capture = try Capturing(
        .commandLine, .init(pod: "shop/web", isBusy: true), in: folder, ["--route", "node"],
        environment: folder.environment.merging(may) { $1 })
      [capture].waitUntilCapturing()
      killBoth(capture)
      let fewer = try user(whoMay: "get", "list")
      let refused = try clean(environment: fewer)
      #expect(refused.status == 4, "\(refused)")
      Golden.expect(stable(refused.output + refused.errors), "Clean", "without a right")
      #expect(try Cluster.helpers().count == 1 && folder.journal.count == 1)
      _ = try user(whoMay: "get", "list", "create", "delete")
      let done = try clean(environment: may)
      #expect(done.status == 0, "\(done)")
      try Cluster.expectNoHelpers(within: 5)
      #expect(folder.journal == [])
      try Lab.expectNothingLeft(since: before, within: 15)
    }

    // MARK: - A journal that cannot be written

    /// What makes the journal's folder one that takes nothing, in a mount namespace that goes with the program.
    enum Disk: String, CaseIterable, Sendable {
      case readOnly, full

      var words: [String] {
        let script =
          switch self {
          case .readOnly: #"mount -t tmpfs -o ro none "$0""#
          case .full:
            #"mount -t tmpfs -o size=4k none "$0"; head -c 4096 /dev/zero >"$0/full""#
          }
        return ["/usr/bin/unshare", "--mount", "sh", "-c", script + #"; exec "$@""#]
      }
    }

    @Test(arguments: Disk.allCases)
    func aJournalThatTakesNothing(disk: Disk) throws {
      let before = try Lab.processes()
      let state = "\(folder.path)/state"
      try FileManager.default.createDirectory(atPath: state, withIntermediateDirectories: true)
      func capture(_ target: String, _ route: String) throws -> Finished {
        var environment = folder.environment
        environment["XDG_STATE_HOME"] = state
        return try Program.run(
          disk.words + [
            state, Lab.poddump, "capture", target, "--route", route, "--count", "3", "-w", "-",
          ], environment: environment)
      }
      try Lab.forgetRequests()
      for (target, route) in [
        ("shop/distroless", "debug"), ("shop/web", "node"), ("odd/plain", "upload"),
      ] {
        let end = try capture(target, route)
        #expect(end.status == 1 && end.bytes.isEmpty, "\(route): \(end)")
        Golden.expect(
          stable(end.errors).replacing(folder.path, with: "HOME"), "Clean",
          "\(route), \(disk.rawValue)")
      }
      let made = try Program.run([Lab.api, "requests", "--state", Lab.directory]).output
        .split(separator: "\n").filter { !$0.contains("\"GET\"") && !$0.contains("dryRun=All") }
        .filter { !$0.contains("/exec\"") && !$0.contains("selfsubject") }
      #expect(made == [])
      let end = try capture("shop/web", "exec")
      #expect(end.status == 0, "\(end.errors)")
      try PacketFile(end.bytes, in: folder).expectPackets(3, of: lab.address("web"))
      try Lab.expectNothingLeft(since: before, within: 10)
    }
  }
}
