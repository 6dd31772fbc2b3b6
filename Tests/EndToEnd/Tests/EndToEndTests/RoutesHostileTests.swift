import Foundation
import Testing

extension InLab {
  /// A container that lies: its shell or its tcpdump is somebody's program, written for poddump.
  @Suite(.serialized, .timeLimit(.minutes(6)))
  struct RoutesHostileTests {
    let ground: HostileGround
    var folder: Folder { ground.folder }

    init() throws { ground = try HostileGround() }

    /// What a container does, and what must become of a capture there.
    struct Lie: Sendable, CustomTestStringConvertible {
      var name: String
      /// The script that stands in the place of a program.
      var script: String
      var route = "upload"
      var code: Int32
      /// How long it may take, in seconds.
      var seconds = 15.0
      var testDescription: String { name }
    }

    /// A packet file's header with microseconds, for Ethernet (pcap-savefile(5)).
    private static let header =
      #"printf '\324\303\262\241\2\0\4\0\0\0\0\0\0\0\0\0\0\0\4\0\1\0\0\0'"#
    /// What an honest shell answers to the question, and nothing more: its input is at its end.
    private static let facts = #"/bin/bash "$@" </dev/null"#
    /// Answers its own version as the real one does.
    private static let version =
      #"[ "$1" != --version ] || { echo "tcpdump version 4.99.3"; exit; }"#

    /// In the place of sh.
    static let shells: [Lie] = [
      Lie(name: "1 GiB of zeros", script: "exec head -c 1073741824 /dev/zero", code: 6),
      Lie(name: "1 GiB of text", script: "yes some text | head -c 1073741824", code: 6),
      Lie(
        name: "1 GiB on standard error", script: "exec head -c 1073741824 /dev/zero >&2", code: 6),
      Lie(name: "no answer", script: "exec sleep 100", code: 3),
      Lie(
        name: "an answer without end", script: "while :; do echo if=x; sleep 0.2; done", code: 6),
      Lie(
        name: "an answer cut short", script: "\(facts) | head -n 3", code: 6),
      Lie(
        name: "an answer of a million lines",
        script: "yes dir=/tmp | head -n 1000000; \(facts)", code: 6),
      Lie(
        name: "thousands of directories and interfaces",
        script:
          "for ((i = 0; i < 20000; i++)); do echo dir=/tmp/$i; echo if=e$i; done; \(facts); exec cat >/dev/null",
        code: 3),
      Lie(
        name: "escape sequences", script: #"printf '\033[2J\033]0;x\007hello\n\233'; exit 3"#,
        code: 6),
      Lie(
        name: "escape sequences on standard error",
        script: #"printf '\033[31mbad\007\n' >&2; exit 3"#, code: 6),
      Lie(name: "it never takes the engine", script: "\(facts); exec sleep 100", code: 3),
      Lie(
        name: "it takes the engine and says nothing", script: "\(facts); exec cat >/dev/null",
        code: 3),
      Lie(
        name: "it writes without end instead of taking the engine",
        script: "\(facts); sleep 1; exec yes", code: 1),
      Lie(
        name: "another digest",
        script: "\(facts); sleep 1; printf '\\nsha256=00\\nplaced=\\n'; exec cat >/dev/null",
        code: 1),
      Lie(
        name: "directories that are none",
        script:
          #"\#(facts) | sed 's,^dir=.*,dir=/tmp/$(reboot),; s,^mount=/.*,,'; exec cat >/dev/null"#,
        code: 3),
      Lie(
        name: "a machine with escape sequences",
        script: #"\#(facts) | sed 's,^machine=.*,machine=x\o33[2J,'; exec cat >/dev/null"#, code: 6),
      Lie(
        name: "a killed shell", script: #"\#(facts) | head -n 5; kill -KILL "$$""#, code: 6),
    ]

    /// In the place of tcpdump.
    static let tcpdumps: [Lie] = [
      Lie(
        name: "tcpdump: 1 GiB of text", script: "yes some text | head -c 1073741824", route: "exec",
        code: 1),
      Lie(
        name: "tcpdump: 1 GiB of zeros", script: "exec head -c 1073741824 /dev/zero", route: "exec",
        code: 1),
      Lie(
        name: "tcpdump: a header and junk", script: "\(header); exec yes junk", route: "exec",
        code: 1),
      Lie(
        name: "tcpdump: a packet longer than the snaplen",
        script:
          "\(header); printf '\\1\\0\\0\\0\\1\\0\\0\\0\\1\\0\\4\\0\\1\\0\\4\\0'; exec cat /dev/zero",
        route: "exec", code: 1),
      Lie(
        name: "tcpdump: a packet of 4 GiB",
        script:
          "\(header); printf '\\1\\0\\0\\0\\1\\0\\0\\0\\377\\377\\377\\377\\377\\377\\377\\377'; exec cat /dev/zero",
        route: "exec", code: 1),
      Lie(
        name: "tcpdump: escape sequences",
        script: #"printf 'tcpdump: \033[31mred\007 \033]0;title\007 alert \233\n' >&2; exit 1"#,
        route: "exec", code: 1),
      Lie(
        name: "tcpdump: escape sequences in its version",
        script:
          #"[ "$1" != --version ] || { printf 'tcpdump \033[2J\n'; exit; }; printf '\033[2J'; exit 1"#,
        route: "exec", code: 1),
      Lie(name: "tcpdump: nothing", script: "exit 0", route: "exec", code: 1),
      Lie(
        name: "tcpdump: a flood on standard error", script: "exec cat /dev/urandom >&2",
        route: "exec", code: 1, seconds: 25),
      Lie(
        name: "tcpdump: it never begins", script: "exec sleep 100", route: "exec", code: 1,
        seconds: 20),
    ]

    @Test(arguments: shells) func shell(lie: Lie) throws {
      try expect(lie) { pod in
        try pod.replace("/usr/bin/sh", "#!/bin/bash\n\(lie.script)\n")
      }
    }

    @Test(arguments: tcpdumps) func tcpdump(lie: Lie) throws {
      try expect(lie) { pod in
        try pod.replace("/usr/bin/tcpdump", "#!/bin/bash\n\(Self.version)\n\(lie.script)\n")
      }
    }

    private func expect(_ lie: Lie, _ prepare: (OwnPod) throws -> Void) throws {
      try ground.leavingNothing(in: [], lie.name) {
        try ground.withPod("liar", image: "lab/plain:1", command: ["/serve", "80", "liar"]) { pod in
          try prepare(pod)
          let run = try ground.run(
            ["capture", pod.target, "--route", lie.route, "--count", "1", "-w", "-"],
            within: lie.seconds)
          #expect(run.status == lie.code, "\(run.errors)")
          // At most the header of the capture that was none.
          #expect(run.end.bytes.count <= 24)
          Golden.expect(ground.stable(run.errors), "RoutesHostile", lie.name)
          #expect(try pod.bash("ls -A / /tmp | grep poddump; true") == "")
        }
      }
    }

    /// Names that would be other programs or options stay what they are: words, of which no shell makes more.
    @Test func pathsThatAreOrders() throws {
      try ground.leavingNothing {
        try ground.withPod("liar", image: "lab/plain:1", command: ["/serve", "80", "liar"]) { pod in
          try pod.replace(
            "/usr/bin/sh",
            """
            #!/bin/bash
            \(Self.facts) | sed '/^mount=/d; s,^dir=/tmp$,dir=/tmp/$(touch$IFS/tmp/evil),; s,^bash=.*,bash=-x,; s,^sleep=.*,&\\ntcpdump=/usr/bin/evil;touch$IFS/tmp/evil,'
            exec cat >/tmp/order

            """)
          let plan = try ground.run(["plan", pod.target, "--route", "exec"])
          #expect(plan.status == 0, "\(plan.errors)")
          let text = plan.end.output.components(separatedBy: "Would run here:")[0]
          Golden.expect(ground.stable(text), "RoutesHostile", "a plan of hostile paths")
          let run = try ground.run(
            ["capture", pod.target, "--route", "exec", "--count", "1", "-w", "-"], within: 30)
          #expect(run.status != 0)
          let order = try pod.bash("cat /tmp/order; ls /tmp")
          #expect(order.contains("\n/usr/bin/evil;touch$IFS/tmp/evil\n"), "\(order)")
          #expect(!order.split(separator: "\n").contains("evil"), "\(order)")
        }
      }
    }

    /// With a lying shell, the automatic choice finds another road, and says why.
    @Test(arguments: ["exec head -c 1073741824 /dev/zero", "\(facts); exec sleep 100"])
    func theNextRouteIsTaken(script: String) throws {
      try ground.leavingNothing {
        try ground.withPod("liar", image: "lab/plain:1", command: ["/serve", "80", "liar"]) { pod in
          try pod.replace("/usr/bin/sh", "#!/bin/bash\n\(script)\n")
          let program = try ground.start([
            "capture", pod.target, "--count", "2", "-w", folder.path + "/next.pcap",
          ])
          #expect(program.wait(40) { program.errors.contains("by debug.") }, "\(program.errors)")
          try pod.bash(
            "echo >/dev/udp/127.0.0.1/9; echo >/dev/udp/127.0.0.1/9; echo >/dev/udp/127.0.0.1/9")
          let end = program.finish(within: 20)
          #expect(end.status == 0, "\(end.errors)")
          let told = ground.stable(end.errors)
          #expect(told.contains("Not by upload: The"), "\(told)")
          ground.expectHarmless(end.errors, script)
        }
      }
    }
  }
}
