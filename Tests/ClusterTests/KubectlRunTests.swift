import Base
import Foundation
import Testing

@testable import Cluster

@Suite(.serialized) struct KubectlRunTests {
  static let what = "Cannot do it."

  func text(_ fake: FakeKubectl, _ arguments: [String] = []) async throws -> String {
    String(decoding: try await fake.kubectl.output(Self.what, arguments), as: UTF8.self)
  }

  @Test func argumentsReachKubectlUntouched() async throws {
    var fake = try FakeKubectl(#"for word; do printf '<%s>' "$word"; done"#)
    #expect(try await text(fake, ["get", "a b", "$(id)", "'", ""]) == "<get><a b><$(id)><'><>")
    fake.kubectl.context = "--kubeconfig=/etc/passwd"
    fake.kubectl.kubeconfig = "-x"
    #expect(
      try await text(fake, ["get"])
        == "<--kubeconfig=-x><--context=--kubeconfig=/etc/passwd><get>")
  }

  @Test func aTiedOneEndsWithItsInputAndNotBefore() async throws {
    let command = Kubectl.tied(
      Command("/bin/sh", ["-c", "trap 'exit 9' TERM; echo ready; while :; do sleep 0.05; done"]))
    let (isEarly, status) = try await withChild(command, grace: .seconds(10)) {
      (child) async throws(Failure) -> Bool in
      var buffer = [UInt8](repeating: 0, count: 16)
      let count = child.output.read(into: &buffer)
      try? await Task.sleep(for: .milliseconds(300))
      var entry = pollfd(fd: child.output.raw, events: Int16(POLLIN), revents: 0)
      return count != 6 || poll(&entry, 1, 0) != 0
    }
    #expect(!isEarly)
    // withChild closes the input behind its body, as the kernel does for one that was killed.
    #expect(status == .exited(9))

    let fake = try FakeKubectl("echo \"$@\"; exit 3")
    await #expect {
      try await fake.kubectl.stream(
        Self.what, ["get"], isTied: true, into: CollectedOutput(what: Self.what, limit: 100))
    } throws: { _ in true }
    let good = try FakeKubectl("echo \"$@\"")
    let read = try await good.kubectl.stream(
      Self.what, ["get", "a b"], isTied: true, into: CollectedOutput(what: Self.what, limit: 100))
    #expect(String(decoding: read.bytes, as: UTF8.self) == "get a b\n")
  }

  @Test func execCommandLine() throws {
    let kubectl = Kubectl(executable: "/k", context: "lab")
    let command = try kubectl.execCommand(
      namespace: "shop", pod: "web-1.a", container: "app", argv: ["sh", "-c", "x", "--", "-n"])
    #expect(command.executable == "/k")
    #expect(
      command.arguments == [
        "--context=lab", "exec", "-i", "-n", "shop", "web-1.a", "-c", "app", "--", "sh", "-c", "x",
        "--", "-n",
      ])
    for (namespace, pod, container) in [
      ("-A", "web", "app"), ("shop", "--all", "app"), ("shop", "web", "-x"), ("shop", "a/b", "app"),
      ("shop", "web", "a.b"), ("", "web", "app"),
    ] {
      #expect {
        try kubectl.execCommand(namespace: namespace, pod: pod, container: container, argv: ["x"])
      } throws: { ($0 as? Failure)?.kind == .usage }
    }
  }

  @Test func loginProgramsAreFoundAndNothingIsShown() async throws {
    let script = #"echo "$PATH"; echo "${DISPLAY-none} ${WAYLAND_DISPLAY-none} ${BROWSER-none}""#
    var fake = try FakeKubectl(script, isInteractive: false)
    fake.kubectl.environment["HOME"] = "/home/u"
    let lines = try await text(fake).split(separator: "\n")
    #expect(lines[0].split(separator: ":").contains("/usr/local/bin"))
    #expect(lines[1] == "none none true")
  }

  @Test func inputIsAtItsEnd() async throws {
    let fake = try FakeKubectl("cat; test -t 0 || echo done")
    #expect(try await text(fake) == "done\n")
  }

  @Test func theLastWordsOnStderrCount() async throws {
    let fake = try FakeKubectl(
      """
      i=0; while [ $i -lt 4000 ]; do
        echo 'E1123 06:25:25.176255   27426 memcache.go:265] "Unhandled Error" err="x"' >&2
        i=$((i+1)); done
      echo 'Error from server (NotFound): pods "web" not found' >&2; exit 1
      """)
    let (failure, _) = try await failure { () throws(Failure) in
      try await fake.kubectl.output(Self.what, [])
    }
    #expect(failure.kind == .notFound)
    #expect(failure.what == Self.what)
    #expect(failure.detail?.utf8.count ?? 0 < 3000)
  }

  @Test func silenceEndsKubectlAndWhatItStarted() async throws {
    let fake = try FakeKubectl(
      "echo $$ > pids; sleep 60 & echo $! >> pids; echo 'visit https://login' >&2; trap '' TERM; wait; wait"
    )
    let patience = Patience(silence: .milliseconds(500), total: .seconds(60))
    let (failure, seconds) = try await failure { () throws(Failure) in
      try await fake.kubectl.output(Self.what, [], within: patience)
    }
    #expect(failure.kind == .unreachable)
    #expect(failure.why?.contains("0.5 s") == true)
    #expect(failure.why?.contains("visit https://login") == true)
    #expect(seconds < farBelowAMinute)
    #expect(try await fake.survivors() == [])
  }

  /// A person is told what kubectl waits for before it is given up, and told once.
  @Test func silenceIsToldOnce() async throws {
    let told = Locked<[String]>([])
    let notice = SilenceNotice(after: .milliseconds(200)) { words in
      told.withLock { $0.append(words) }
    }
    let patience = Patience(silence: .seconds(60), total: .seconds(60), notice: notice)
    let quick = try FakeKubectl("echo at once; sleep 0.5")
    _ = try await quick.kubectl.output(Self.what, [], within: patience)
    #expect(told.value == [])
    let slow = try FakeKubectl(
      "echo 'visit https://login' >&2; while [ ! -e go ]; do sleep 0.05; done; echo in")
    async let output = slow.kubectl.output(Self.what, [], within: patience)
    while told.value.isEmpty { try await Task.sleep(for: .milliseconds(20)) }
    #expect(told.value == ["visit https://login"])
    _ = try slow.scratch.write("go", "")
    #expect(String(decoding: try await output, as: UTF8.self) == "in\n")
    let again = try FakeKubectl("sleep 0.5")
    _ = try await again.kubectl.output(Self.what, [], within: patience)
    #expect(told.value.count == 1)
  }

  @Test func theStandardPatienceEndsAKubectlThatStays() async throws {
    let fake = try FakeKubectl("trap '' TERM; while :; do sleep 1; done")
    let (failure, seconds) = try await failure { () throws(Failure) in
      try await fake.kubectl.output(Self.what, [], within: .standard)
    }
    #expect(failure.kind == .unreachable)
    #expect(seconds < farBelowAMinute)
  }

  /// What does not end on SIGTERM is killed after a fifth of a second, not when withChild's own patience
  /// ends: measured by the clock of the process itself, which no busy test run delays.
  @Test func whatIgnoresTheFirstSignalIsKilledSoon() async throws {
    let fake = try FakeKubectl(
      "trap 'date +%s%N >> term' TERM; while :; do date +%s%N > new; mv new last; sleep 0.05; done")
    let (failure, _) = try await failure { () throws(Failure) in
      try await fake.kubectl.output(Self.what, [], within: Patience(.seconds(1)))
    }
    #expect(failure.kind == .unreachable)
    func nanoseconds(_ name: String) throws -> Int {
      try #require(Int(try fake.scratch.read(name).prefix { $0 != "\n" }))
    }
    #expect(try nanoseconds("last") - nanoseconds("term") < 1_000_000_000)
  }

  @Test func slowIsNotSilent() async throws {
    let fake = try FakeKubectl("for i in 1 2 3 4 5 6 7 8; do printf $i; sleep 0.2; done")
    let patience = Patience(silence: .seconds(1), total: .seconds(60))
    let bytes = try await fake.kubectl.output(Self.what, [], within: patience)
    #expect(String(decoding: bytes, as: UTF8.self) == "12345678")
  }

  @Test func theTotalIsBounded() async throws {
    let fake = try FakeKubectl("echo $$ > pids; while :; do printf x; sleep 0.1; done")
    let (failure, seconds) = try await failure { () throws(Failure) in
      try await fake.kubectl.output(Self.what, [], within: Patience(.seconds(1)))
    }
    #expect(failure.kind == .unreachable)
    #expect(seconds < farBelowAMinute)
    #expect(try await fake.survivors() == [])
  }

  @Test func aHelperThatHoldsStderrDoesNotHoldUs() async throws {
    let fake = try FakeKubectl("sleep 60 >/dev/null & echo $! > pids; echo out; exit 0")
    let clock = ContinuousClock()
    let start = clock.now
    #expect(try await text(fake) == "out\n")
    #expect(clock.now - start < .seconds(farBelowAMinute))
    #expect(try await fake.survivors() == [])
  }

  @Test func tooMuchIsRefused() async throws {
    let fake = try FakeKubectl("echo $$ > pids; exec cat /dev/zero")
    let (failure, seconds) = try await failure { () throws(Failure) in
      try await fake.kubectl.output(Self.what, [], limit: 100_000)
    }
    #expect(failure.kind == .other)
    #expect(failure.why?.contains("larger") == true)
    #expect(seconds < farBelowAMinute)
    #expect(try await fake.survivors() == [])
  }

  @Test func cancellationEndsKubectl() async throws {
    let fake = try FakeKubectl("echo $$ > pids; exec sleep 60")
    let clock = ContinuousClock()
    let start = clock.now
    let task = Task { () -> Bool in
      do throws(Failure) {
        _ = try await fake.kubectl.output(Self.what, [])
        return false
      } catch {
        return true
      }
    }
    while (try? fake.scratch.read("pids"))?.isEmpty != false {
      try await Task.sleep(for: .milliseconds(20))
    }
    task.cancel()
    #expect(await task.value)
    #expect(clock.now - start < .seconds(farBelowAMinute))
    #expect(try await fake.survivors() == [])
  }

  @Test func endsBySignalAndWithoutAWord() async throws {
    let killed = try FakeKubectl("kill -9 $$")
    let (signal, _) = try await failure { () throws(Failure) in
      try await killed.kubectl.output(Self.what, [])
    }
    #expect(signal.why == "kubectl was ended by signal 9.")
    let mute = try FakeKubectl("exit 7")
    let (silent, _) = try await failure { () throws(Failure) in
      try await mute.kubectl.output(Self.what, [])
    }
    #expect(silent.why == "kubectl ended with exit status 7 and said nothing.")
  }

  @Test func whatIsNoKubectlIsTold() async throws {
    let fake = try FakeKubectl("echo 'Usage: kubectl [OPTIONS]'")
    let (config, _) = try await failure { () throws(Failure) in try await fake.kubectl.config() }
    #expect(config.kind == .other)
    #expect(config.fix?.contains("is kubectl") == true)
    let (pods, _) = try await failure { () throws(Failure) in try await fake.kubectl.pods() }
    #expect(pods.why == "The answer is no valid JSON (at byte 0).")
    let (version, _) = try await failure { () throws(Failure) in
      try await fake.kubectl.clientVersion()
    }
    #expect(version.kind == .other)
    let missing = Kubectl(executable: "/nonexistent/kubectl")
    let (start, _) = try await failure { () throws(Failure) in try await missing.config() }
    #expect(start.what == "Cannot start /nonexistent/kubectl.")
  }

  @Test(arguments: [
    (#"echo '{"status": {"allowed": true}}'"#, true),
    (#"echo '{"status": {"allowed": false}}'"#, false),
    (#"echo 'Warning: old' >&2; echo '{"status": {"allowed": true, "reason": "RBAC"}}'"#, true),
    (#"echo '{"status": {"allowed": false, "reason": "no - RBAC: role not found"}}'"#, false),
  ])
  func rights(_ script: String, _ expected: Bool) async throws {
    let fake = try FakeKubectl(script)
    #expect(
      try await fake.kubectl.isAllowed(Right("create", "pods/exec", namespace: "shop"))
        == expected)
  }

  @Test func rightsThatCannotBeAskedFor() async throws {
    let fake = try FakeKubectl(
      "echo 'Unable to connect to the server: dial tcp: no route to host' >&2; exit 1")
    let (failure, _) = try await failure { () throws(Failure) in
      try await fake.kubectl.isAllowed(Right("list", "pods", namespace: nil))
    }
    #expect(failure.kind == .unreachable)
  }
}
