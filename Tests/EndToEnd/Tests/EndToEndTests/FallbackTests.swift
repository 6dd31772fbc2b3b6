import Foundation
import Testing

extension InLab {
  /// A route that fails when it is opened: the next one is tried, and the failure told.
  @Suite(.serialized, .timeLimit(.minutes(2)))
  struct FallbackTests {
    let folder: Folder
    let lab: Inventory

    init() throws {
      folder = try Folder()
      lab = try Inventory.load()
      try folder.clean()
    }

    /// Puts something in the place of a container's tcpdump while something is done.
    private func withTcpdump(
      _ script: String, in pod: String, _ body: () throws -> Void
    ) throws {
      func run(_ words: String) throws {
        let end = try Program.run([Lab.command, "exec-in", pod, "bash", "-c", words])
        try #require(end.status == 0, "\(end.errors)")
      }
      let path = "/usr/bin/tcpdump"
      try run(
        "mv \(path) \(path).kept && printf '%s\\n' '#!/bin/bash' '\(script)' >\(path) && chmod 755 \(path)"
      )
      defer { try? run("mv -f \(path).kept \(path)") }
      try body()
    }

    private func capture(_ pod: String, _ words: String...) throws -> Finished {
      try RoutesTests.nothing.poddump(
        ["capture", pod, "--count", "5", "-w", "-"] + words, in: folder)
    }

    /// Ways in which a tcpdump that is there is of no use.
    static let broken = [
      (script: "exit 1", words: "exit status 1"),
      (script: "ulimit -c 0; kill -SEGV \"$$\"", words: "tcpdump crashed"),
      (script: "kill -KILL \"$$\"", words: "exit status 137"),
      (script: "echo something else; exit 0", words: "something else"),
    ]

    @Test(arguments: broken)
    func aTcpdumpThatIsBroken(script: String, words: String) throws {
      let pod = "privileged/free"
      let before = try Lab.processes()
      let files = try Lab.files(pod)
      try withTcpdump(script, in: pod) {
        let plan = try PlanAnswer(
          RoutesTests.nothing.poddump(["plan", pod, "-o", "json"], in: folder))
        #expect(plan.chosen?.route == "exec")
        let end = try capture(pod)
        #expect(end.status == 0, "\(end.errors)")
        let lines = end.errors.split(separator: "\n")
        let told = lines.firstIndex { $0.contains("Not by exec: ") && $0.contains(words) }
        let took = lines.firstIndex { $0.contains(") by upload.") }
        #expect(told != nil && took != nil && (told ?? 0) < (took ?? 0), "\(end.errors)")
        try PacketFile(end.bytes, in: folder).expectPackets(5, of: lab.pod(at: pod).podIP ?? "")

        let forced = try capture(pod, "--route", "exec")
        #expect(forced.status != 0 && forced.bytes.isEmpty, "\(forced)")
      }
      try Lab.expectNothingLeft(since: before, within: 10)
      #expect(try Lab.files(pod).subtracting(files) == [])
      folder.expectNoJournal()
    }

    /// Somebody whose images are nowhere: what debug cannot do, node does, with another image.
    @Test func anImageThatCannotBePulled() throws {
      let before = try Lab.processes()
      // Not on the node with a bridge: it floods what goes to the old address of a pod that was replaced.
      let pod = "shop/nocap"
      let text = "[route]\nallow = [\"node\"]\n[image]\ndebug = \"lab/nowhere:1\"\n"
      var environment = folder.environment
      environment["PODDUMP_CONFIG"] = try folder.write(text, to: "config.toml")
      let end = try Program.run(
        [Lab.poddump, "capture", pod, "--count", "5", "-w", "-"], environment: environment,
        within: 60)
      #expect(end.status == 0, "\(end.errors)")
      #expect(
        end.errors.contains("Not by debug: The image cannot be pulled: "), "\(end.errors)")
      #expect(end.errors.contains("Waiting for it: ErrImagePull: "), "\(end.errors)")
      #expect(end.errors.contains(") by node.\n"), "\(end.errors)")
      try PacketFile(end.bytes, in: folder).expectPackets(5, of: lab.pod(at: pod).podIP ?? "")
      folder.expectNoJournal()
      try Cluster.expectNoHelpers(within: 1)
      // The container that waits for its image goes with its pod only.
      try Lab.run("replace", pod)
      let left = try Lab.processes().subtracting(before).filter {
        $0.contains("poddump") || $0.contains("tcpdump")
      }
      #expect(left == [])
    }

    /// The login that was there before another route was opened is over by then: it is made anew.
    @Test func sshAfterARouteThatCannotBeOpened() throws {
      let before = try Lab.processes()
      try Cluster.withPod("relogin") { target in
        let login = SSHLogin(order: ["exec", "debug", "ssh"])
        let text = login.text + "[image]\ndebug = \"lab/nowhere:1\"\n"
        let configuration = try folder.write(text, to: "relogin.toml")
        let end = try login.poddump(
          ["capture", target, "-i", "lo", "--duration", "2s", "-w", "-"], in: folder,
          environment: ["PODDUMP_CONFIG": configuration], within: 60)
        #expect(end.status == 0, "\(end.errors)")
        #expect(end.errors.contains("Not by exec: "), "\(end.errors)")
        #expect(end.errors.contains("Not by debug: The image cannot be pulled: "), "\(end.errors)")
        #expect(end.errors.contains(") by ssh.\n"), "\(end.errors)")
        folder.expectNoJournal()
      }
      try Lab.expectNothingLeft(since: before, within: 15)
    }

    @Test func whenNothingWorksEveryReasonIsSaid() throws {
      let pod = "sealed/sealed"
      let end = try capture(pod)
      #expect(end.status != 0 && end.bytes.isEmpty)
      Golden.expect(end.errors, "Fallback", "nothing works")
    }

    /// Another route would not like the filter either.
    @Test func aFilterThatTheFarEndRefuses() throws {
      try Lab.forgetRequests()
      let pod = "shop/web"
      // The name of a service is known here and not in the container.
      let end = try capture(pod, "-f", "tcp port postgresql")
      #expect(end.status == 7 && end.bytes.isEmpty, "\(end)")
      #expect(end.errors.contains("does not accept the filter"), "\(end.errors)")
      #expect(!end.errors.contains("Not by exec"), "\(end.errors)")
      #expect(try Lab.changes() == [])
    }

    @Test func aFileThatCannotBeWrittenIsNoReasonForAnotherRoute() throws {
      let end = try RoutesTests.nothing.poddump(
        ["capture", "shop/web", "--count", "5", "-w", "/proc/nowhere/file.pcap"], in: folder)
      #expect(end.status == 1, "\(end)")
      #expect(!end.errors.contains("Not by exec"), "\(end.errors)")
    }
  }
}
