import Foundation
import Testing

extension InLab {
  /// What poddump-extcap tells Wireshark before a capture: interfaces, arguments, link types.
  @Suite(.serialized, .timeLimit(.minutes(3)))
  struct ExtcapListingTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    // MARK: What may be printed

    /// Every line is a sentence of Wireshark's grammar, in UTF-8 and without control characters.
    private func expectGrammar(
      _ run: Finished, sourceLocation: SourceLocation = #_sourceLocation
    ) {
      #expect(run.status == 0, "\(run.errors)", sourceLocation: sourceLocation)
      #expect(run.errors.isEmpty, sourceLocation: sourceLocation)
      #expect(String(bytes: run.bytes, encoding: .utf8) != nil, sourceLocation: sourceLocation)
      for line in run.output.split(separator: "\n") {
        let isSentence = line.wholeMatch(
          of: /(extcap|interface|dlt|arg|value|control) (\{[a-zA-Z_-]+=[^\p{Cc}]*?\})+/)
        #expect(isSentence != nil, "\(line)", sourceLocation: sourceLocation)
      }
    }

    private func values(_ key: String = "value", in run: Finished, of sentence: String) -> [String]
    {
      run.output.split(separator: "\n").filter { $0.hasPrefix("\(sentence) {") }.compactMap {
        line in
        guard let from = line.range(of: "{\(key)=")?.upperBound,
          let to = line[from...].range(of: "}")?.lowerBound
        else { return nil }
        return String(line[from..<to])
      }
    }

    private func interfaces(_ changes: [String: String?] = [:]) throws -> [String] {
      let run = try scratch.extcap(["--extcap-interfaces"], environment: changes)
      expectGrammar(run)
      return values(in: run, of: "interface")
    }

    // MARK: Interfaces

    @Test(arguments: [[], ["--extcap-version=4.0"], ["--extcap-version", "4.6"]])
    func interfacesArePodsAndPortal(version: [String]) throws {
      try scratch.list()
      let run = try scratch.extcap(["--extcap-interfaces"] + version)
      expectGrammar(run)
      #expect(run.output.hasPrefix("extcap {version="))
      let values = values(in: run, of: "interface")
      #expect(values.last == "poddump")
      #expect(values.contains("pod:shop/web"))
      #expect(!values.contains("pod:shop/pending"))
      #expect(Set(values.map { $0.lowercased() }).count == values.count)
      for value in values {
        #expect(value.utf8.count <= 200)
        #expect(
          value == "poddump"
            || value.wholeMatch(of: /(pod|deploy|sts|ds|svc):[a-z0-9-]+\/[a-z0-9.~-]+/) != nil)
      }
      for display in self.values("display", in: run, of: "interface").dropLast() {
        #expect(display.hasSuffix(" · lab"))
      }
    }

    /// Workloads and services stand for all pods behind them; one without any is not listed.
    @Test func workloadsAndServicesAreInterfaces() throws {
      try scratch.list()
      let run = try scratch.extcap(["--extcap-interfaces"])
      let lines = run.output.split(separator: "\n")
      #expect(
        lines.contains(
          "interface {value=deploy:shop/api}{display=shop/api · deployment, 3 pods · lab}"))
      #expect(
        lines.contains("interface {value=svc:shop/api}{display=shop/api · service, 3 pods · lab}"))
      #expect(
        lines.contains(
          "interface {value=svc:kube-system/kube-dns}"
            + "{display=kube-system/kube-dns · service, 1 pod · lab}"))
      let config = try scratch.extcap(["--extcap-config", "--extcap-interface", "deploy:shop/api"])
      expectArguments(config, isPortal: false)
    }

    @Test func furtherContextsAreListedBesideTheCurrentOne() throws {
      try scratch.write(
        "home/.config/poddump/config.toml",
        """
        favourites = ["pod:shop/web@lab-viewer"]
        [listing]
        limit = 9
        contexts = ["lab", "lab-viewer", "lab-expired", "nosuch"]
        """)
      // The first list is that of the one context that was asked; then all are.
      try scratch.list()
      try Lab.with(fault: ["slow", "300"]) {
        for _ in 0..<3 {
          // While one context has answered and another has not, there are no more than the limit says either.
          repeat {
            let count = try interfaces().count
            #expect(count <= 10)
            usleep(50_000)
          } while !scratch.processes.isEmpty
          usleep(5_100_000)
        }
      }
      let values = try interfaces()
      #expect(values.count == 10)
      #expect(values.contains("pod:shop/web@lab-viewer"))
      #expect(values.count { $0.hasSuffix("@lab-viewer") } > 1)
      #expect(values.count { !$0.contains("@") } > 2)
      // A value of another context is captured there, or not at all.
      let fifo = try Fifo(scratch)
      let run = try scratch.extcap(
        fifo.capture("pod:shop/web@lab-viewer", "--route", "exec", "--count", "1"))
      #expect(run.status == 4)
      let other = try Fifo(scratch)
      let unknown = try scratch.extcap(other.capture("pod:shop/web@other"))
      withExtendedLifetime(other) {}
      #expect(unknown.status == 5)
      #expect(unknown.errors.contains("another context"))
      scratch.expectQuiet()
    }

    @Test func everyRunSaysTheSame() throws {
      try scratch.list()
      #expect(try interfaces() == interfaces())
      let pods = try interfaces()
      try FileManager.default.removeItem(atPath: scratch.cache)
      try scratch.list()
      #expect(try interfaces() == pods)
    }

    @Test func everyInterfaceHasArgumentsAndLinkTypes() throws {
      try scratch.list()
      try Lab.with(fault: ["black-hole", "on"]) {
        for value in try interfaces() {
          let config = try scratch.extcap(["--extcap-config", "--extcap-interface", value])
          expectGrammar(config)
          #expect(config.seconds < 1)
          expectArguments(config, isPortal: value == "poddump")
          let dlts = try scratch.extcap(["--extcap-dlts", "--extcap-interface", value])
          expectGrammar(dlts)
          #expect(dlts.output.hasPrefix("dlt {number="))
          #expect(dlts.seconds < 1)
        }
      }
    }

    /// What makes Wireshark abort at start, or forget settings.
    private func expectArguments(_ run: Finished, isPortal: Bool) {
      let calls = values("call", in: run, of: "arg")
      #expect(calls.count > 3)
      #expect(calls.allSatisfy { $0.wholeMatch(of: /--[a-z0-9_.-]+/) != nil })
      #expect(Set(calls.map { $0.replacing("-", with: "") }).count == calls.count)
      #expect(values("display", in: run, of: "arg").allSatisfy { $0.count <= 80 })
      for line in run.output.split(separator: "\n") where line.hasPrefix("arg ") {
        #expect(isPortal != line.contains("{save=false}"))
        #expect(!(line.contains("{required=true}") && line.contains("{default=")))
        #expect(!(line.contains("{type=boolflag}") && line.contains("{default=true}")))
      }
    }

    @Test(arguments: ["nosuch", "pod:", "pod:Shop/Web", "", "poddump2"])
    func whatIsNoInterfaceHasNothing(value: String) throws {
      for call in ["--extcap-config", "--extcap-dlts"] {
        let run = try scratch.extcap([call, "--extcap-interface", value])
        #expect(run.status == 1 || run.bytes.isEmpty)
        #expect(run.seconds < 1)
      }
    }

    // MARK: Without a cache

    @Test func theFirstFetchListsPods() throws {
      let run = try scratch.extcap(["--extcap-interfaces"])
      expectGrammar(run)
      #expect(values(in: run, of: "interface").contains("pod:shop/web"))
      #expect(run.seconds < 1.2)
      scratch.expectQuiet()
    }

    @Test(arguments: [["black-hole", "on"], ["refuse"], ["expired"]])
    func aClusterThatDoesNotAnswerLeavesThePortal(fault: [String]) throws {
      try Lab.with(fault: fault) {
        let run = try scratch.extcap(["--extcap-interfaces"])
        expectGrammar(run)
        #expect(values(in: run, of: "interface") == ["poddump"])
        #expect(run.seconds < 1.2)
        let shown = try scratch.run([
          "/bin/sh", "-c", "\"$0\" --extcap-interfaces | cat", Lab.extcap,
        ])
        #expect(shown.output.contains("{value=poddump}"))
        #expect(shown.seconds < 1.2)
        // From then on it is known that nothing is known, and nobody waits.
        scratch.expectQuiet(within: 20)
        let later = try scratch.extcap(["--extcap-interfaces"])
        #expect(values(in: later, of: "interface") == ["poddump"])
        #expect(later.seconds < 0.5)
      }
      scratch.expectQuiet(within: 20)
    }

    @Test(arguments: ["none", "broken.yaml", "empty", "folder"])
    func aKubeconfigThatCannotBeUsedLeavesThePortal(name: String) throws {
      try scratch.write("broken.yaml", "clusters: [a\n  b: c\n")
      try scratch.write("empty", "")
      try scratch.write("folder/x", "")
      let changes = ["KUBECONFIG": "\(scratch.path)/\(name)"]
      #expect(try interfaces(changes) == ["poddump"])
      scratch.expectQuiet()
    }

    /// Where every place that may hold a kubectl holds none.
    @Test func withoutKubectlThereIsThePortal() throws {
      let run = try scratch.run(withoutKubectl([Lab.extcap, "--extcap-interfaces"]))
      expectGrammar(run)
      #expect(values(in: run, of: "interface") == ["poddump"])
      let capture = try scratch.run(
        withoutKubectl([Lab.poddump, "capture", "shop/web", "-w", "x.pcap"]))
      #expect(capture.status == 1)
      #expect(capture.bytes.isEmpty)
      Golden.expect(capture.errors, "BadInput", "no kubectl", scratch: scratch)
      scratch.expectQuiet()
    }

    /// A login program is not asked to talk to anybody: no terminal, no display, no browser.
    @Test func aLoginProgramIsNotLetLoose() throws {
      let trace = scratch.path + "/trace"
      let plugin = try scratch.write(
        "login",
        """
        #!/bin/sh
        { echo "$KUBERNETES_EXEC_INFO"; echo "display=$DISPLAY browser=$BROWSER"; } >>\(trace)
        [ -t 0 ] && echo terminal >>\(trace)
        echo nobody is logged in >&2
        exit 1
        """, mode: 0o755)
      let text = try String(contentsOfFile: Lab.kubeconfig, encoding: .utf8)
      let user = """
        "user": {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "\(plugin)",
          "interactiveMode": "IfAvailable"}}
        """
      let config = try scratch.write(
        "kubeconfig", text.replacing(/"user" ?: ?\{[^}]*\}/, with: user))
      let changes = ["KUBECONFIG": config, "DISPLAY": ":99"]
      #expect(try interfaces(changes) == ["poddump"])
      scratch.expectQuiet()
      let traced = try String(contentsOfFile: trace, encoding: .utf8)
      #expect(traced.contains("\"interactive\":false"))
      #expect(traced.contains("display= browser=true"))
      #expect(!traced.contains("terminal"))
    }

    // MARK: A stale cache

    /// Is printed at once; who refreshes it holds nothing of ours, so that a pipe's reader does not wait.
    @Test func aStaleListIsPrintedAndMadeAnewByADetachedChild() throws {
      let changes = try scratch.environment(currentContext: "lab")
      try scratch.list(changes)
      _ = try scratch.environment(currentContext: "lab-viewer")
      try Lab.with(fault: ["black-hole", "on"]) {
        let run = try scratch.run(
          ["/bin/sh", "-c", "\"$0\" --extcap-interfaces 2>&1 | cat", Lab.extcap], changes)
        #expect(run.seconds < 1)
        #expect(values(in: run, of: "interface").contains("pod:shop/web"))
        #expect(values("display", in: run, of: "interface").contains("shop/web · n1 · lab"))
        let child = try #require(scratch.processes.first { $0.words.contains("--refresh") })
        #expect(getsid(child.pid) == child.pid)
        let descriptors = "/proc/\(child.pid)/fd"
        for name in ["0", "1", "2"] {
          let file = try FileManager.default.destinationOfSymbolicLink(
            atPath: "\(descriptors)/\(name)")
          #expect(file == "/dev/null")
        }
        // A second one is not started beside it.
        _ = try scratch.extcap(["--extcap-interfaces"], environment: changes)
        #expect(scratch.processes.count { $0.words.contains("--refresh") } == 1)
      }
      scratch.expectQuiet()
      let run = try scratch.extcap(["--extcap-interfaces"], environment: changes)
      #expect(values("display", in: run, of: "interface").contains("shop/web · n1 · lab-viewer"))
      scratch.expectQuiet()
    }

    @Test func aFreshListAsksNobody() throws {
      try scratch.list()
      try Lab.forgetRequests()
      let pods = try interfaces()
      #expect(pods.count > 10)
      for call in ["--extcap-config", "--extcap-dlts"] {
        _ = try scratch.extcap([call, "--extcap-interface", pods[1]])
      }
      #expect(scratch.processes.isEmpty)
      #expect(try Lab.requests() == [])
    }

    /// A cluster that cannot be reached takes nothing away that was known.
    @Test func anOldListOutlivesTheCluster() throws {
      let changes = try scratch.environment(currentContext: "lab")
      try scratch.list(changes)
      let before = try interfaces(changes)
      try Lab.with(fault: ["refuse"]) {
        // Touched, so that it is made anew.
        _ = try scratch.environment(currentContext: "lab")
        #expect(try interfaces(changes) == before)
        scratch.expectQuiet()
        #expect(try interfaces(changes) == before)
        scratch.expectQuiet()
      }
    }

    // MARK: Many pods

    @Test func tenThousandPodsAreListedUpToTheLimit() throws {
      try scratch.install()
      try scratch.write(
        "home/.config/poddump/config.toml",
        "favourites = [\"pod:shop/web\", \"pod:load-9/load-09999\"]\n")
      try Lab.with(fault: ["extra-pods", "10000"]) { try scratch.list() }
      let values = try interfaces()
      #expect(values.count == 251)
      #expect(values.contains("poddump"))
      #expect(values.contains("pod:shop/web"))
      #expect(values.contains("pod:load-9/load-09999"))
      let empty = try Scratch()
      let without = try empty.run(["/usr/bin/tshark", "-D"])
      let devices = try scratch.run(["/usr/bin/tshark", "-D"])
      #expect(devices.status == 0)
      let lines = devices.output.split(separator: "\n")
      #expect(lines.count { $0.contains(" pod:") } >= 240)
      #expect(lines.contains { $0.contains(" deploy:shop/api (") })
      #expect(lines.contains { $0.contains(" poddump (Kubernetes: choose a pod…)") })
      #expect(devices.seconds < without.seconds + 4)
      let preferences = try scratch.run(["/usr/bin/tshark", "-G", "currentprefs"])
      #expect(preferences.status == 0)
      #expect(preferences.output.contains("extcap.poddump.namespace"))
      #expect(!preferences.output.contains("extcap.pod_"))
    }

    /// Whoever has looked for a pod in the portal's dialog finds it in the list from then on.
    @Test func whatWasCapturedIsListedUnderTheLimit() throws {
      try scratch.write("home/.config/poddump/config.toml", "[listing]\nlimit = 2\n")
      try scratch.list()
      let before = try interfaces()
      #expect(!before.contains("pod:shop/web") && before.count == 3)
      let fifo = try Fifo(scratch)
      let run = try scratch.extcap(
        fifo.capture("poddump", "--pod", "shop/web", "--count", "1"))
      #expect(run.status == 0 && run.errors.isEmpty, "\(run.errors)")
      try scratch.list()
      let after = try interfaces()
      #expect(after.contains("pod:shop/web") && after.count == 3, "\(after)")
      // And so does what is chosen in the list.
      let one = try #require(before.first { $0 != "poddump" && !after.contains($0) })
      let other = try Fifo(scratch)
      let program = try Program(
        [Lab.extcap] + other.capture(one), environment: scratch.environment)
      program.wait(10) { !other.bytes.isEmpty }
      program.wait(10) { scratch.recent.contains(one) }
      kill(program.pid, SIGTERM)
      _ = program.finish(within: 10)
      try scratch.list()
      #expect(try Set(interfaces()) == ["poddump", "pod:shop/web", one])
    }

    @Test func theConfiguredLimitCounts() throws {
      try scratch.write(
        "home/.config/poddump/config.toml",
        """
        favourites = ["pod:shop/web", "pod:shop/quiet"]
        [listing]
        limit = 2
        """)
      try scratch.list()
      #expect(Set(try interfaces()) == ["poddump", "pod:shop/quiet", "pod:shop/web"])
      try scratch.write(
        "home/.config/poddump/config.toml",
        "[listing]\nhidden = [\"shop\", "
          + "\"odd\", \"baseline\", \"restricted\", \"privileged\", \"full\", \"denied\", \"sealed\"]\n"
      )
      try scratch.list()
      #expect(
        try Set(interfaces()) == ["poddump", "pod:kube-system/dns", "svc:kube-system/kube-dns"])
    }

    /// Whoever filled the cache: a command that lists everything, or Wireshark.
    @Test func onlyTheConfiguredNamespacesAreListed() throws {
      try scratch.write(
        "home/.config/poddump/config.toml", "[listing]\nnamespaces = [\"kube-system\"]\n")
      func namespaces() throws -> Set<Substring> {
        Set(
          try interfaces().filter { $0 != "poddump" && !$0.hasPrefix("node:") }
            .compactMap { $0.split(separator: ":").last?.split(separator: "/").first })
      }
      try scratch.list()
      #expect(try namespaces() == ["kube-system"])
      try FileManager.default.removeItem(atPath: scratch.cache)
      #expect(try namespaces() == ["kube-system"])
      scratch.expectQuiet()
    }

    // MARK: Surroundings

    /// As a desktop starts Wireshark: hardly any environment, a folder that cannot be written to, no
    /// standard input.
    @Test func littleEnvironmentIsEnough() throws {
      let kubectl = try Program.run(["/bin/sh", "-c", "command -v kubectl"]).output
        .trimmingCharacters(in: .newlines)
      try FileManager.default.createDirectory(
        atPath: scratch.home + "/bin", withIntermediateDirectories: true)
      try FileManager.default.createSymbolicLink(
        atPath: scratch.home + "/bin/kubectl", withDestinationPath: kubectl)
      try scratch.write(
        "home/.kube/config", String(contentsOfFile: Lab.kubeconfig, encoding: .utf8))
      let bare = ["/usr/bin/env", "-i", "HOME=\(scratch.home)", "PATH=/nonexistent"]
      for (start, stop) in [("", ""), ("cd /proc;", ""), ("", "<&-"), ("", "<&- 2>&-")] {
        let script = "\(start) exec \"$0\" \"$@\" \(stop)"
        for words in [
          ["--extcap-interfaces"], ["--extcap-config", "--extcap-interface", "poddump"],
        ] {
          let run = try Program.run(bare + ["/bin/sh", "-c", script, Lab.extcap] + words)
          expectGrammar(run)
          #expect(run.output.contains("shop/web"))
        }
      }
      scratch.expectQuiet()
      let fifo = try Fifo(scratch)
      let capture = try Program.run(
        bare + ["/bin/sh", "-c", "cd /proc; exec \"$0\" \"$@\" <&-", Lab.extcap]
          + fifo.capture("pod:shop/web", "--count", "1"))
      #expect(capture.status == 0)
      #expect(capture.errors.isEmpty && capture.bytes.isEmpty)
      #expect(fifo.bytes.starts(with: Fifo.sectionHeader))
    }

    @Test(arguments: [[], ["--help"], ["-h"], ["--version"], ["--extcap-cleanup-postkill"]])
    func whatIsNoQuestionIsNoError(words: [String]) throws {
      let run = try scratch.extcap(words)
      #expect(run.status == 0)
      #expect(run.errors.isEmpty)
      #expect(run.bytes.isEmpty == (words == ["--extcap-cleanup-postkill"]))
    }

    // MARK: Reload

    private func reload(
      _ argument: String, _ words: [String] = [], of value: String = "poddump",
      sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> (values: [String], displays: [String]) {
      let run = try scratch.extcap(
        ["--extcap-config", "--extcap-interface", value, "--extcap-reload-option", argument] + words
      )
      expectGrammar(run, sourceLocation: sourceLocation)
      #expect(run.seconds < 3.5, sourceLocation: sourceLocation)
      // One argument's values and nothing else: Wireshark stops at the first of another one.
      #expect(run.output.split(separator: "\n").allSatisfy { $0.hasPrefix("value {") })
      #expect(Set(values("arg", in: run, of: "value")).count <= 1, sourceLocation: sourceLocation)
      return (values(in: run, of: "value"), values("display", in: run, of: "value"))
    }

    @Test func choicesAreAskedForAgain() throws {
      #expect(
        try reload("context").values
          == ["", "lab", "lab-cert", "lab-expired", "lab-nobody", "lab-viewer"])
      #expect(
        try reload("namespace").values
          == [
            "", "baseline", "default", "denied", "full", "kube-system", "odd", "privileged",
            "restricted", "sealed", "shop",
          ])
      #expect(try reload("pod").values.contains("kube-system/dns"))
      let shop = try reload("pod", ["--namespace", "shop"]).values
      #expect(shop.contains("web") && !shop.contains("pending"))
      #expect(try reload("pod", ["--namespace", "kube-system"]).values == ["dns"])
      #expect(
        try reload("container", ["--namespace", "shop", "--pod", "duo"]).values
          == ["", "app", "tools"])
      #expect(try reload("container", ["--pod", "shop/duo"]).values == ["", "app", "tools"])
      try scratch.list()
      #expect(
        try reload("container", of: "pod:shop/annotated").displays.first == "default (main)")
    }

    @Test func theChoiceMadeStaysAChoice() throws {
      #expect(try reload("pod", ["--namespace", "shop", "--pod", "gone"]).values.contains("gone"))
      #expect(try reload("namespace", ["--namespace", "gone"]).values.contains("gone"))
    }

    @Test(arguments: [
      ("pod", ["--context", "lab-nobody"], []), ("namespace", ["--context", "lab-nobody"], []),
      ("pod", ["--context", "nope"], []), ("pod", ["--context", "lab-expired"], []),
      ("container", ["--namespace", "shop"], []), ("container", ["--pod", "shop/nosuch"], []),
      ("pod", [], ["black-hole", "on"]), ("namespace", [], ["refuse"]),
      ("container", ["--pod", "shop/web"], ["black-hole", "on"]),
    ])
    func aProblemIsTheOneChoice(argument: String, words: [String], fault: [String]) throws {
      let reply = try Lab.with(fault: fault) { try reload(argument, words) }
      #expect(reply.values == [""])
      let name = ([argument] + words + fault).joined(separator: " ")
      Golden.expect(reply.displays.first ?? "", "ExtcapReload", name, scratch: scratch)
    }

    // MARK: Filters

    @Test func filtersAreChecked() throws {
      for filter in ["tcp port 80", "", "host 198.51.100.1 and not icmp"] {
        for words in [
          ["--extcap-capture-filter", filter, "--extcap-interface", "pod:shop/web"],
          ["--extcap-interface=poddump", "--extcap-capture-filter=\(filter)"],
        ] {
          let run = try scratch.extcap(words)
          #expect(run.status == 0)
          #expect(run.bytes.isEmpty && run.errors.isEmpty)
          #expect(run.seconds < 0.7)
        }
      }
    }

    @Test(arguments: [
      "bad(", "; touch x", "host “web”", "$(touch x)", String(repeating: "tcp or ", count: 1500),
    ])
    func aBadFilterHasOneLine(filter: String) throws {
      try Lab.forgetRequests()
      let run = try scratch.extcap([
        "--extcap-capture-filter", filter, "--extcap-interface", "pod:shop/web",
      ])
      #expect(run.status == 0)
      #expect(run.errors.isEmpty)
      #expect(run.output.split(separator: "\n").count == 1)
      #expect(run.output.count > 20)
      #expect(run.seconds < 0.7)
      #expect(scratch.files.isEmpty)
      #expect(try Lab.requests() == [])
    }
  }
}

/// A command line in a mount namespace where no kubectl is in the places that are looked at.
func withoutKubectl(_ words: [String]) -> [String] {
  let script = """
    for folder in /usr/local/bin /usr/bin /bin /snap/bin /opt/homebrew/bin; do
      [ ! -e "$folder/kubectl" ] || mount --bind /dev/null "$folder/kubectl" || exit 99
    done
    PATH=/usr/bin:/bin exec "$0" "$@"
    """
  return ["/usr/bin/unshare", "--mount", "/bin/sh", "-c", script] + words
}
