import Foundation
import Testing

extension InLab {
  /// What the dialog asks for and what comes of it, by poddump-extcap as Wireshark starts it.
  @Suite(.serialized, .timeLimit(.minutes(3)))
  struct ExtcapDialogTests {
    let scratch: Scratch

    init() throws {
      scratch = try Scratch()
      try scratch.list()
    }

    private func reload(
      _ argument: String, _ words: [String] = [], of value: String = "poddump",
      sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> (values: [String], displays: [String]) {
      let run = try scratch.extcap(
        ["--extcap-config", "--extcap-interface", value, "--extcap-reload-option", argument] + words
      )
      #expect(run.status == 0 && run.errors.isEmpty, sourceLocation: sourceLocation)
      // The own deadline is 2.5 s; the rest is the machine's.
      #expect(run.seconds < 3.5, sourceLocation: sourceLocation)
      var values: [String] = []
      var displays: [String] = []
      for line in run.output.split(separator: "\n") {
        let match = try #require(
          line.wholeMatch(
            of: /value \{arg=\d+\}\{value=(.*?)\}\{display=(.*?)\}(\{default=true\})?/),
          "\(line)", sourceLocation: sourceLocation)
        values.append(String(match.1))
        displays.append(String(match.2))
      }
      return (values, displays)
    }

    /// Captures into a FIFO that is read to the end.
    private func capture(
      _ value: String, words: [String], _ changes: [String: String?] = [:],
      by program: [String] = [Lab.extcap]
    ) throws -> Finished {
      let fifo = try Fifo(scratch)
      defer { withExtendedLifetime(fifo) {} }
      return try scratch.run(program + fifo.capture(value, words: words), changes)
    }

    // MARK: Reload

    @Test func interfacesAreAskedForInThePod() throws {
      let usual = ["", "eth0", "any", "lo"]
      #expect(try reload("interface", of: "pod:shop/web").values == usual)
      #expect(try reload("interface", ["--pod", "shop/web"]).values == usual)
      // Nothing can be run in it; the dialog has the usual ones all the same.
      #expect(try reload("interface", of: "pod:shop/distroless").values == usual)
      #expect(
        try reload("interface", ["--interface", "eth7"], of: "pod:shop/web").values.last == "eth7")
    }

    @Test func aWorkloadHasTheContainersOfItsPods() throws {
      #expect(try reload("container", of: "deploy:shop/api").values == ["", "api"])
      #expect(try reload("container", of: "svc:shop/api").values == ["", "api"])
      #expect(
        try reload("container", ["--namespace", "shop", "--pod", "deploy/api"]).values
          == ["", "api"])
    }

    /// Each list is narrowed by what is chosen before it, and holds what is chosen.
    @Test func listsAreNarrowedByTheChoicesBefore() throws {
      #expect(
        try reload("pod", ["--context", "lab-viewer", "--namespace", "kube-system"]).values
          == ["dns"])
      let refused = try reload("namespace", ["--context", "lab-nobody", "--namespace", "shop"])
      #expect(refused.values == ["", "shop"])
      #expect(refused.displays.first?.contains("Not allowed") == true)
    }

    @Test(arguments: ["context", "namespace", "pod", "container", "interface"])
    func everyReloadAnswersInTimeWhereTheClusterDoesNot(argument: String) throws {
      try Lab.with(fault: ["black-hole", "on"]) {
        for words in [
          ["--pod", "shop/web"], ["--pod", "web"], ["--pod", "deploy/api", "--namespace", "shop"],
        ] {
          let reply = try reload(argument, words)
          #expect(!reply.values.isEmpty)
          #expect(argument == "context" || reply.displays.first?.contains("API server") == true)
        }
      }
      scratch.expectQuiet()
    }

    @Test func ofTenThousandPodsAThousandAreOffered() throws {
      try Lab.with(fault: ["extra-pods", "10000"]) {
        let pods = try reload("pod", ["--pod", "load-9/load-09999"])
        #expect(pods.values.count <= 1003)
        #expect(pods.values.count > 1000)
        #expect(pods.values.last == "load-9/load-09999")
        #expect(pods.displays.contains { $0.hasSuffix("narrow the choice above, or type a name") })
      }
    }

    // MARK: What the arguments do

    @Test func bothWaysCaptureTheSame() throws {
      func comment(_ bytes: Data) throws -> String {
        let text = String(decoding: bytes.filter { $0 >= 0x20 && $0 < 0x7f }, as: UTF8.self)
        return String(try #require(text.firstMatch(of: /route [a-z]+: .*? -w -/), "\(text)").output)
      }
      let fifo = try Fifo(scratch)
      let dialog = try scratch.extcap(fifo.capture("pod:shop/web", "--count", "1"))
      #expect(dialog.status == 0, "\(dialog.errors)")
      let file = scratch.path + "/web.pcapng"
      let line = try scratch.poddump(["capture", "shop/web", "--count", "1", "-w", file])
      #expect(line.status == 0, "\(line.errors)")
      #expect(try comment(fifo.bytes) == comment(Data(contentsOf: URL(filePath: file))))
    }

    @Test(arguments: ["debug", "info", "warning", "error"])
    func messagesGoToTheLogFile(level: String) throws {
      let log = scratch.path + "/log"
      let words = ["--log-file", log, "--log-level", level]
      let good = try capture("pod:shop/web", words: words + ["--count", "1"])
      #expect(good.status == 0)
      #expect(good.errors.isEmpty && good.bytes.isEmpty)
      let text = try String(contentsOfFile: log, encoding: .utf8)
      #expect(text.contains("Capturing from shop/web") == ["debug", "info"].contains(level))
      #expect(text.contains("there: ") == (level == "debug"))
      let bad = try capture("pod:shop/nosuch", words: words)
      #expect(bad.status == 5)
      #expect(
        try String(contentsOfFile: log, encoding: .utf8).contains("Cannot find pod shop/nosuch"))
    }

    @Test func aLogFileThatCannotBeWrittenIsSaid() throws {
      let run = try capture("pod:shop/web", words: ["--log-file", "/nonexistent/log"])
      #expect(run.status == 1)
      #expect(run.errors.hasPrefix("Cannot write the log file /nonexistent/log."))
    }

    @Test func theDialogsSettingsOfSSHAreUsed() throws {
      let run = try capture(
        "pod:shop/web",
        words: [
          "--route", "ssh", "--ssh-host", "127.0.0.1", "--ssh-port", "1", "--ssh-user", "nobody",
          "--ssh-engine", "libssh2",
        ])
      #expect(run.status != 0)
      #expect(run.errors.contains("127.0.0.1"), "\(run.errors)")
    }

    @Test func aCaptureEndsAtItsSize() throws {
      let fifo = try Fifo(scratch)
      let run = try scratch.extcap(fifo.capture("pod:shop/web", "--max-size", "2kB"))
      #expect(run.status == 0, "\(run.errors)")
      #expect(run.errors.isEmpty)
    }

    /// Checklist 16: agents, kubeconfigs and the environment carry secrets, command lines do not.
    @Test func nothingSecretIsInACommandLine() throws {
      let config = try String(contentsOfFile: Lab.kubeconfig, encoding: .utf8)
      let secrets = config.matches(of: /"(?:token|client-key-data|password)" ?: ?"([^"]{8,})"/)
        .map { String($0.1) }
      try #require(!secrets.isEmpty)
      let fifo = try Fifo(scratch)
      let program = try Program(
        [Lab.extcap] + fifo.capture("pod:shop/web"), environment: scratch.environment)
      var seen: [String] = []
      program.wait(10) {
        seen += scratch.processes.flatMap(\.words)
        return seen.contains("exec") && fifo.bytes.count > 500
      }
      kill(program.pid, SIGTERM)
      #expect(program.finish(within: 5).status == 0)
      #expect(seen.contains("exec"))
      for word in Set(seen) { #expect(!secrets.contains { word.contains($0) }) }
    }

    // MARK: The filter box

    private func check(_ filter: String, _ value: String = "pod:shop/web") throws -> String {
      let run = try scratch.extcap(
        ["--extcap-capture-filter", filter, "--extcap-interface", value])
      #expect(run.status == 0 && run.errors.isEmpty)
      return run.output
    }

    /// Checklist 17: filters are checked for what the packets began with the last time.
    @Test func theLinkTypeIsRemembered() throws {
      func remembered() throws -> [Substring] {
        let text = try String(contentsOfFile: scratch.cache + "/recent", encoding: .utf8)
        let line = try #require(
          text.split(separator: "\n").first { $0.hasPrefix("pod:shop/web\t") })
        return Array(line.split(separator: "\t", omittingEmptySubsequences: false)[4...5])
      }
      let all = try capture("pod:shop/web", words: ["--interface", "any", "--count", "1"])
      #expect(all.status == 0, "\(all.errors)")
      #expect(try remembered() == ["276", ""])
      // The next capture may be from eth0 again.
      #expect(try check("ether host 02:00:00:00:00:01").isEmpty)
      #expect(try check("wlan type mgt").contains("libpcap says"))
      let one = try capture("pod:shop/web", words: ["--count", "1"])
      #expect(one.status == 0, "\(one.errors)")
      #expect(try remembered() == ["1", "1"])
    }

    @Test func aTunnelHasNoEthernet() throws {
      // DLT_RAW, as seen on the interface that is captured by default.
      try scratch.write(
        "home/.cache/poddump/recent",
        "poddump-recent\t2\npod:shop/web\tweb\tlab\t1\t12\t1\t\(Lab.kubeconfig)\n")
      #expect(try check("ether host 02:00:00:00:00:01").contains("libpcap says"))
      #expect(try check("tcp port 80").isEmpty)
      #expect(try check("ether host 02:00:00:00:00:01", "pod:shop/quiet").isEmpty)
    }

    /// A name makes libpcap ask the resolver, which nobody can interrupt: it is not waited for. Nothing is begun
    /// meanwhile either.
    @Test func aResolverThatDoesNotAnswerIsNotWaitedFor() throws {
      let silent = try SilentResolver()
      defer { silent.end() }
      let words = [Lab.extcap, "--extcap-interface", "pod:shop/web", "--extcap-capture-filter"]
      var begin = Date()
      let judged = try scratch.run(silent.used(scratch, words + ["host web.example"]))
      #expect(Date().timeIntervalSince(begin) < 2)
      #expect(judged.status == 0 && judged.output.contains("Write addresses instead"), "\(judged)")
      #expect(silent.isAsked)
      #expect(try scratch.run(silent.used(scratch, words + ["host 198.51.100.7"])).output == "")
      begin = Date()
      let fifo = try Fifo(scratch)
      let capture = try scratch.run(
        silent.used(
          scratch,
          [Lab.extcap]
            + fifo.capture("pod:shop/web", "--extcap-capture-filter", "host web.example")))
      #expect(Date().timeIntervalSince(begin) < 3)
      #expect(capture.status == 7 && capture.errors.contains("Write addresses"), "\(capture)")
      #expect(fifo.bytes.isEmpty)
    }

    // MARK: A desktop's PATH

    /// Where kubectl is only on the PATH that the login shell sets, the list comes with the refresh, and
    /// captures find it too. The shell is asked once.
    @Test func theLoginShellsPathIsAskedByTheRefresh() throws {
      try FileManager.default.removeItem(atPath: scratch.cache)
      let kubectl = try Program.run(["/bin/sh", "-c", "command -v kubectl"]).output
        .trimmingCharacters(in: .newlines)
      try scratch.write("own programs/x", "")
      try FileManager.default.createSymbolicLink(
        atPath: scratch.path + "/own programs/kubectl", withDestinationPath: kubectl)
      try scratch.write(
        "home/.profile",
        "echo asked >>'\(scratch.path)/asked'; echo hello; PATH=\"$PATH:\(scratch.path)/own programs\"\n"
      )
      let changes = ["SHELL": "/bin/sh"]
      let extcap = withoutKubectl([Lab.extcap])
      let first = try scratch.run(extcap + ["--extcap-interfaces"], changes)
      #expect(first.status == 0 && first.errors.isEmpty)
      #expect(first.output.contains("{value=poddump}"))
      scratch.expectQuiet()
      usleep(5_100_000)
      var listed = ""
      for _ in 0..<3 where !listed.contains("pod:shop/web") {
        listed = try scratch.run(extcap + ["--extcap-interfaces"], changes).output
        scratch.expectQuiet()
      }
      #expect(listed.contains("{value=pod:shop/web}"))
      let run = try capture("pod:shop/web", words: ["--count", "1"], changes, by: extcap)
      #expect(run.status == 0, "\(run.errors)")
      #expect(scratch.files["asked"] == Data("asked\n".utf8))
    }

    /// A login shell that hangs delays nothing, and is ended.
    @Test func aLoginShellThatHangsIsEnded() throws {
      try FileManager.default.removeItem(atPath: scratch.cache)
      try scratch.write("home/.profile", "sleep 300\n")
      let run = try scratch.run(
        withoutKubectl([Lab.extcap]) + ["--extcap-interfaces"], ["SHELL": "/bin/sh"])
      #expect(run.output.contains("{value=poddump}"))
      #expect(run.seconds < 2)
      scratch.expectQuiet(within: 6)
    }
  }
}
