import Testing

@testable import Extcap

struct RequestTests {
  @Test(
    arguments: [
      ([], Request.help), (["--help"], .help), (["-h"], .help),
      (["--extcap-interfaces", "--help"], .help),
      (["--version"], .version), (["--extcap-version=4.0"], .help),
      (["--extcap-interfaces"], .interfaces(version: nil)),
      (["--extcap-interfaces", "--extcap-version=4.0"], .interfaces(version: "4.0")),
      (["--extcap-interfaces", "--extcap-version", "4.6"], .interfaces(version: "4.6")),
      (["--extcap-version", "4.6", "--extcap-interfaces"], .interfaces(version: "4.6")),
      (["--extcap-version", "--extcap-interfaces"], .interfaces(version: nil)),
      (
        ["--extcap-interfaces", "--extcap-new", "x", "--extcap-newer=y", "--extcap-newest"],
        .interfaces(version: nil)
      ),
      (
        ["--extcap-config", "--extcap-interface", "poddump"],
        .config(interface: "poddump", reload: nil)
      ),
      (
        ["--extcap-interface=poddump", "--extcap-config"],
        .config(interface: "poddump", reload: nil)
      ),
      (["--extcap-dlts", "--extcap-interface", "pod:a/b"], .dlts(interface: "pod:a/b")),
      (
        ["--extcap-interface", "a", "--extcap-dlts", "--extcap-interface", "b"],
        .dlts(interface: "b")
      ),
      (
        ["--extcap-capture-filter", "tcp port 80", "--extcap-interface", "pod:a/b"],
        .checkFilter(interface: "pod:a/b", filter: "tcp port 80")
      ),
      (
        ["--extcap-interface", "pod:a/b", "--extcap-capture-filter", ""],
        .checkFilter(interface: "pod:a/b", filter: "")
      ),
      (
        ["--extcap-interface", "pod:a/b", "--extcap-capture-filter=a=b"],
        .checkFilter(interface: "pod:a/b", filter: "a=b")
      ),
      (
        ["--extcap-interface", "pod:a/b", "--extcap-capture-filter", "--help"],
        .checkFilter(interface: "pod:a/b", filter: "--help")
      ),
      (
        [
          "--extcap-config", "--extcap-interface", "poddump", "--extcap-reload-option", "pod",
          "--namespace", "shop", "--throughput", "true", "--context", "",
        ],
        .config(
          interface: "poddump",
          reload: Reload(argument: "pod", options: ["namespace": "shop", "throughput": "true"]))
      ),
      (
        [
          "--extcap-reload-option=--container", "--extcap-config", "--extcap-interface=poddump",
          "--throughput", "false",
        ], .config(interface: "poddump", reload: Reload(argument: "container", options: [:]))
      ),
      (["--extcap-cleanup-postkill"], .cleanup),
      (["--extcap-cleanup-postkill", "--extcap-interface", "pod:a/b", "--fifo", "/x"], .cleanup),
      (["--refresh"], .refresh),
      (["--extcap-config"], .invalid("--extcap-interface is missing.")),
      (["--extcap-dlts"], .invalid("--extcap-interface is missing.")),
      (["--extcap-capture-filter", "tcp"], .invalid("--extcap-interface is missing.")),
      (["--extcap-interfaces", "--frobnicate"], .invalid("There is no option --frobnicate.")),
      (
        ["--frobnicate", "value", "--extcap-interfaces"],
        .invalid("There is no option --frobnicate.")
      ),
      (["-x"], .invalid("\"-x\" is not expected here.")),
      (["--extcap-interface"], .invalid("--extcap-interface needs a value.")),
      (["eth0"], .invalid("\"eth0\" is not expected here.")),
      (
        ["--extcap-interface", "poddump"],
        .invalid("What to do with the interface is missing, for example --extcap-config.")
      ),
    ] as [([String], Request)])
  func reads(arguments: [String], wanted: Request) {
    #expect(Request(arguments: arguments) == wanted)
  }

  @Test(
    arguments: [
      (["--capture", "--extcap-interface", "pod:a/b", "--fifo", "/tmp/f"], [:], []),
      (["--fifo=/tmp/f", "--capture", "--extcap-interface=pod:a/b"], [:], []),
      (["--capture", "true", "--extcap-interface", "pod:a/b", "--fifo", "/tmp/f"], [:], []),
      (
        ["--fifo", "/wrong", "--capture", "--fifo", "/tmp/f", "--extcap-interface", "pod:a/b"], [:],
        []
      ),
      (
        [
          "--capture", "--extcap-interface", "pod:a/b", "--fifo", "/tmp/f", "--container", "app",
          "--snaplen=96", "--throughput", "--count", "10", "--duration=30s", "--route", "exec",
          "--log-level", "debug", "--log-file", "/tmp/a b", "--ttl", "1h", "--interface", "any",
        ],
        [
          "container": "app", "snaplen": "96", "throughput": "true", "count": "10",
          "duration": "30s",
          "route": "exec", "log-level": "debug", "log-file": "/tmp/a b", "ttl": "1h",
          "interface": "any",
        ], []
      ),
      (
        [
          "--throughput", "--capture", "--extcap-interface", "pod:a/b", "--throughput", "FALSE",
          "--fifo", "/tmp/f", "--context", "", "--pod=", "--container", "a", "--container", "b",
        ], ["container": "b"], []
      ),
      (
        [
          "--container", "a", "--container", "", "--capture", "--extcap-interface", "pod:a/b",
          "--fifo=/tmp/f",
        ],
        [:], []
      ),
      (
        [
          "--capture", "--extcap-interface", "pod:a/b", "--fifo", "/tmp/f", "--remote-host", "x",
          "--count", "many", "--route=sneakernet", "--snaplen=-1", "--throughput=maybe", "extra",
          "--count=99999999999999999999", "--extcap-later", "x", "--ttl",
        ], [:],
        [
          "There is no option --remote-host.",
          "--count is a number from 1 to 2147483647, not \"many\".",
          "--route is one of auto, exec, ssh, upload, debug, node, not \"sneakernet\".",
          "--snaplen is a number from 1 to 262144, not \"-1\".",
          "--throughput is true or false.", "\"extra\" is not expected here.",
          "--count is a number from 1 to 2147483647, not \"99999999999999999999\".",
          "--ttl needs a value.",
        ]
      ),
      (
        [
          "--capture", "--extcap-interface", "pod:a/b", "--fifo", "/tmp/f", "--help", "--version",
          "--extcap-interfaces", "--extcap-config",
        ], [:], []
      ),
    ] as [([String], [String: String], [String])])
  func readsACapture(arguments: [String], options: [String: String], problems: [String]) {
    let wanted = CaptureRequest(
      interface: "pod:a/b", fifo: "/tmp/f", options: options, problems: problems)
    #expect(Request(arguments: arguments) == .capture(wanted))
  }

  @Test func readsFilterAndControls() {
    let arguments = [
      "--capture", "--extcap-control-out", "/o", "--extcap-interface", "poddump", "--fifo", "/f",
      "--extcap-control-in=/i", "--extcap-capture-filter", "tcp port 80", "--pod", "shop/web",
    ]
    #expect(
      Request(arguments: arguments)
        == .capture(
          CaptureRequest(
            interface: "poddump", fifo: "/f", filter: "tcp port 80", controlIn: "/i",
            controlOut: "/o", options: ["pod": "shop/web"])))
  }

  @Test func aCaptureWithoutFIFOOrInterfaceSaysSo() {
    #expect(
      Request(arguments: ["--capture"])
        == .capture(
          CaptureRequest(
            interface: nil, fifo: nil,
            problems: ["--extcap-interface is missing.", "--fifo is missing."])))
  }

  @Test func hostileWordsBecomeHarmlessSentences() {
    for name in Sample.hostileNames {
      guard case .capture(let capture) = Request(arguments: ["--capture", "--x\(name)", name])
      else {
        Issue.record("no capture")
        return
      }
      #expect(capture.problems.count >= 2)
      for problem in capture.problems {
        #expect(problem.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control })
        #expect(problem.utf8.count < 500)
      }
    }
  }

  @Test func anyWordsInAnyOrderAreRead() {
    var random = SeededGenerator(state: 1)
    let words =
      [
        "--capture", "--fifo", "--extcap-interface", "--extcap-config", "--throughput", "true", "=",
        "--", "-", "--=", "--count", "--extcap-", "--pod", "poddump", "--extcap-reload-option",
      ] + Sample.hostileNames
    for _ in 0..<3000 {
      let arguments = (0..<Int.random(in: 0...8, using: &random)).map { _ in
        words.randomElement(using: &random) ?? ""
      }
      let request = Request(arguments: arguments)
      if arguments.first == "--capture" {
        guard case .capture = request else {
          Issue.record("\(arguments) is \(request)")
          continue
        }
      }
    }
  }
}
