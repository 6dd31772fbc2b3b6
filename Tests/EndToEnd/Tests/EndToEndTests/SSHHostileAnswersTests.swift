import Foundation
import Testing

extension InLab {
  /// A node that lies: what its login shell answers is made up.
  @Suite(.serialized, .timeLimit(.minutes(6)))
  final class SSHHostileAnswersTests {
    let hostile: SSHHostile
    /// The largest memory that poddump may ever have had, in KiB.
    static let memory = 60 * 1024

    init() throws {
      hostile = try SSHHostile()
      // A user with root's number, whose shell is the test's.
      try onNode(
        """
        echo 'liar:x:0:0::/root:/opt/liar' >>/etc/passwd
        echo 'liar:*:19000:0:99999:7:::' >>/etc/shadow
        """)
      // What an honest node answers, to be changed.
      try tell("/bin/bash -c \"$2\" | tee /opt/raw")
      let run = try hostile.run(Self.login("honest", code: 0), .libssh2)
      try #require(run.status == 0, "\(run.errors)")
      try onNode("sed '/^end=$/q' /opt/raw >/opt/answer")
    }

    deinit {
      try? onNode(
        "rm -f /opt/liar /opt/raw /opt/answer /opt/order; sed -i /^liar:/d /etc/passwd /etc/shadow")
    }

    private static func login(
      _ name: String, code: Int32, seconds: Double = 8, says: [String] = []
    ) -> SSHCase {
      SSHCase(
        name: "liar: \(name)", login: SSHLogin(user: "liar"), code: code, seconds: seconds,
        says: says)
    }

    private func onNode(_ script: String) throws {
      let run = try Program.run([Lab.command, "in", "n1", "bash", "-c", script])
      try #require(run.status == 0, "\(run.errors)")
    }

    /// Makes this the shell of the user.
    private func tell(_ script: String) throws {
      let run = try Program.run([
        Lab.command, "in", "n1", "bash", "-c",
        "printf '#!/bin/bash\\n%s\\n' \"$1\" >/opt/liar.new; chmod 755 /opt/liar.new; mv /opt/liar.new /opt/liar",
        "-", script,
      ])
      try #require(run.status == 0, "\(run.errors)")
    }

    /// A packet file's header with microseconds, for Ethernet (pcap-savefile(5)).
    private static let header =
      #"printf '\324\303\262\241\2\0\4\0\0\0\0\0\0\0\0\0\0\0\4\0\1\0\0\0'"#
    /// Answers truly, and takes the order.
    private static let honest =
      #"cat /opt/answer; while read -r x; do case $x in "poddump "[0-9a-f]*) break ;; esac; done; "#
      + "read -r n; for ((; n; n--)); do read -r x; done"

    struct Lie: Sendable, CustomTestStringConvertible {
      var name: String
      var script: String
      var code: Int32
      var seconds = 8.0
      var says: [String] = []
      var testDescription: String { name }
    }

    static let lies: [Lie] = [
      Lie(
        name: "1 GiB", script: "exec head -c 1073741824 /dev/zero", code: 6, seconds: 40,
        says: ["more than 1 MiB"]),
      Lie(
        name: "1 GiB on standard error", script: "exec head -c 1073741824 /dev/zero >&2", code: 6,
        seconds: 40),
      Lie(
        name: "an answer cut short", script: "head -c 700 /opt/answer", code: 3,
        says: ["broke off"]),
      Lie(
        name: "an answer without end",
        script: "cat /opt/raw | sed '/^end=$/,$d'; while :; do echo if=x; sleep 0.5; done", code: 3,
        seconds: 32, says: ["25 s"]),
      Lie(
        name: "escape sequences",
        script: #"printf '\033[2J\033]0;x\007hello\n'; printf '\033[31mbad\233\n' >&2; exit 3"#,
        code: 6),
      Lie(
        name: "escape sequences in facts",
        script:
          #"sed 's/^version=/&\o33[2J/; s/^pid=.*/pid=\o33[31m7/' /opt/answer; printf '\033[2J' >&2; cat >/dev/null"#,
        code: 5),
      Lie(
        name: "packets before the order",
        script: "cat /opt/answer; sleep 0.5; \(header); head -c 1000000 /dev/urandom; sleep 1",
        code: 1,
        seconds: 32),
      Lie(
        name: "junk after the header", script: "\(honest); \(header); exec yes junk", code: 1,
        seconds: 30),
      Lie(
        name: "a packet of 4 GiB",
        script:
          "\(honest); \(header); printf '\\1\\0\\0\\0\\1\\0\\0\\0\\377\\377\\377\\377\\377\\377\\377\\377'; exec cat /dev/zero",
        code: 1, seconds: 30),
      Lie(
        name: "1 GiB that is no packet", script: "\(honest); exec head -c 1073741824 /dev/zero",
        code: 1, seconds: 40),
      Lie(
        name: "escape sequences from tcpdump",
        script: #"\#(honest); printf 'tcpdump: \033[31mred\007 alert\n' >&2; exit 1"#, code: 1),
      Lie(
        name: "nothing after the order", script: "\(honest); exec cat >/dev/null", code: 3,
        seconds: 32,
        says: ["20 s", "to the node"]),
    ]

    @Test(arguments: lies) func lie(_ lie: Lie) throws {
      try tell(lie.script)
      let it = Self.login(lie.name, code: lie.code, seconds: lie.seconds, says: lie.says)
      let processes = try Lab.processes()
      let program = try hostile.start(it, .libssh2)
      var peak = 0
      program.wait(it.seconds + 5) {
        peak = max(peak, Self.peakMemory(of: program.pid))
        return !program.process.isRunning
      }
      let run = program.finish(within: 1)
      #expect(run.status == lie.code, "\(run.errors)")
      #expect(run.seconds < lie.seconds)
      #expect(peak > 1000 && peak <= Self.memory, "\(peak) KiB")
      hostile.expectHarmless(run.errors, lie.name)
      for part in lie.says { #expect(run.errors.contains(part), "\(run.errors)") }
      Golden.expect(hostile.stable(run.errors), "SSHHostile", it.name)
      try hostile.expectNothingLeft(since: processes, lie.name)
    }

    private static func peakMemory(of pid: Int32) -> Int {
      let text = (try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)) ?? ""
      let line = text.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
      return line?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
    }

    /// Names that would be options or other files never come back as part of an order.
    @Test(arguments: [
      "s/: cali[0-9a-f]*@/: -w@/", #"s,: cali[0-9a-f]*@,: -w/etc/passwd@,"#,
      #"s,: eth0@,: -w /etc/passwd@,; s,: cali[0-9a-f]*@,: -z/opt/evil@,"#,
      #"s,^nsenter=.*,nsenter=/opt/evil,"#, #"s,^tcpdump=.*,tcpdump=-w/etc/passwd /opt/evil,"#,
      "s,^route=.*dev cali[0-9a-f]*,route=x dev -w/etc/passwd,; /podlink/d",
    ])
    func namesAreNotOrders(change: String) throws {
      try tell(
        "sed '\(change)' /opt/answer; while read -r x; do case $x in \"poddump \"[0-9a-f]*) break ;; esac; done; "
          + "read -r n; echo \"$n\" >/opt/order; "
          + "for ((; n; n--)); do read -r x; echo \"$x\" >>/opt/order; done; exit 1")
      try onNode("rm -f /opt/order")
      let processes = try Lab.processes()
      let run = try hostile.run(Self.login("names", code: 1), .libssh2)
      #expect(run.status != 0)
      hostile.expectHarmless(run.errors, change)
      let order = try Program.run([Lab.command, "in", "n1", "sh", "-c", "cat /opt/order || :"])
      let words = order.output.split(separator: "\n").map(String.init)
      #expect(!order.output.contains("passwd") && !order.output.contains("evil"), "\(words)")
      // tcpdump's own "-w -" is the only one.
      #expect(words.count { $0.hasPrefix("-w") } <= 1, "\(words)")
      #expect(!words.contains { $0.hasPrefix("-z") }, "\(words)")
      try hostile.expectNothingLeft(since: processes, change)
    }

    /// A flood of words is no sign of a capture, and does not keep us from stopping.
    @Test func aFloodOnStandardErrorCanBeStopped() throws {
      try tell("\(Self.honest); exec cat /dev/urandom >&2")
      let processes = try Lab.processes()
      let program = try hostile.start(Self.login("flood", code: 0), .libssh2)
      sleep(3)
      let peak = Self.peakMemory(of: program.pid)
      kill(program.pid, SIGINT)
      let run = program.finish(within: 10)
      #expect(run.status != -1, "it did not end: \(run.errors)")
      #expect(peak > 1000 && peak <= Self.memory, "\(peak) KiB")
      hostile.expectHarmless(run.errors, "flood")
      try hostile.expectNothingLeft(since: processes, "flood")
    }
  }
}
