import Base
import Foundation
import TestSupport
import Testing

@testable import Broker
@testable import Cluster
@testable import poddump

/// What `poddump doctor` says, from what was found.
@Suite struct DoctorTextTests {
  /// Everything allowed in a namespace; helper pods have one of their own.
  private static func health(_ change: (inout RouteHealth) -> Void = { _ in }) -> RouteHealth {
    var health = RouteHealth(namespace: "shop", helperNamespace: "poddump", allowed: [:])
    for right in [
      Right("get", "pods", namespace: "shop"), Right("create", "pods/exec", namespace: "shop"),
      Right("update", "pods/ephemeralcontainers", namespace: "shop"),
      Right("patch", "pods/ephemeralcontainers", namespace: "shop"),
      Right("create", "pods", namespace: "poddump"), Right("get", "pods", namespace: "poddump"),
      Right("delete", "pods", namespace: "poddump"),
      Right("create", "pods/exec", namespace: "poddump"),
    ] { health.allowed[right] = true }
    change(&health)
    return health
  }

  private static func without(_ rights: Right...) -> RouteHealth {
    health { for right in rights { $0.allowed[right] = false } }
  }

  struct Case: Sendable, CustomTestStringConvertible {
    let name: String
    let health: RouteHealth
    var testDescription: String { name }
  }

  static let cases = [
    Case(name: "all", health: health { $0.isNodeAllowed = true }),
    Case(name: "node-not-allowed", health: health()),
    Case(name: "no-exec", health: without(Right("create", "pods/exec", namespace: "shop"))),
    Case(
      name: "no-exec-but-ssh",
      health: health {
        $0.allowed[Right("create", "pods/exec", namespace: "shop")] = false
        $0.hasOtherRoute = true
      }),
    Case(name: "no-pods", health: without(Right("get", "pods", namespace: "shop"))),
    Case(
      name: "patch-only",
      health: without(Right("update", "pods/ephemeralcontainers", namespace: "shop"))),
    Case(
      name: "neither-update-nor-patch",
      health: without(
        Right("update", "pods/ephemeralcontainers", namespace: "shop"),
        Right("patch", "pods/ephemeralcontainers", namespace: "shop"))),
    Case(
      name: "no-helper-pods",
      health: without(
        Right("create", "pods", namespace: "poddump"), Right("delete", "pods", namespace: "poddump")
      )),
    Case(name: "baseline", health: health { $0.level = .baseline }),
    Case(name: "restricted", health: health { $0.level = .restricted }),
    Case(
      name: "helper-namespace-baseline",
      health: health {
        $0.isNodeAllowed = true
        $0.helperLevel = .baseline
      }),
    Case(name: "nothing", health: health { $0.allowed = [:] }),
  ]

  @Test(arguments: cases) func routes(_ it: Case) throws {
    try Golden().check(it.health.findings.map(\.text).joined(), "doctor-routes-\(it.name).txt")
  }

  @Test func aRightThatWasNotAskedForCountsAsMissing() {
    let findings = RouteHealth(namespace: "a", helperNamespace: "b", allowed: [:]).findings
    #expect(findings.map(\.state) == [.problem, .problem, .problem, .problem])
  }

  // MARK: - Wireshark

  @Test func wireshark() throws {
    var folders = WiresharkFolders("")
    folders.personal = ["/home/ann/.config/wireshark/extcap"]
    let asked = FoundWireshark(
      program: "/usr/bin/tshark", state: .asked(folders, version: "4.0.17"))
    let cases: [(FoundWireshark, InstallText.Verdict, Bool, [String])] = [
      (asked, .shows(pods: 3), true, ["There is a /usr/lib/x too."]),
      (asked, .doesNotShow(interfaces: 4), false, []),
      (asked, .doesNotShow(interfaces: 4), true, ["There is no folder /usr/lib/x."]),
      (asked, .doesNotShow(interfaces: 4), true, []),
      (FoundWireshark(program: "/opt/w/wireshark", state: .withoutTshark), .unknown, true, []),
      (FoundWireshark(program: "/opt/w/wireshark", state: .withoutTshark), .unknown, false, []),
      (
        FoundWireshark(
          program: "/usr/bin/tshark",
          state: .silent(Failure(.other, "/usr/bin/tshark does not answer."))), .unknown, true, []
      ),
      (FoundWireshark(program: "/snap/bin/wireshark", state: .sandboxed(.snap)), .never, true, []),
    ]
    var text = cases.map { InstallText.finding($0.0, $0.1, isLinked: $0.2, notes: $0.3).text }
    text += [
      Dumpcap(path: "/usr/bin/dumpcap", mayBeRun: true, group: "wireshark"),
      Dumpcap(path: "/usr/bin/dumpcap", mayBeRun: false, group: "wireshark"),
      Dumpcap(path: "/opt/w/dumpcap", mayBeRun: false),
    ].map(\.finding.text)
    try Golden().check(text.joined(), "doctor-wireshark.txt")
  }

  // MARK: - Engines and the journal

  @Test func engines() throws {
    let text =
      Examination.engines(["x86_64", "aarch64"]).text + Examination.engines([]).text
    try Golden().check(text, "doctor-engines.txt")
  }

  private static func entry(_ number: Int, ownedBy pid: Int32) -> JournalEntry {
    JournalEntry(
      name: "\(number).entry", change: .pod(namespace: "shop", name: "poddump-0000000\(number)"),
      cluster: ClusterReference(context: "lab"),
      owner: pid == getpid()
        ? .current : ProcessIdentity(host: ProcessIdentity.thisHost, pid: pid, start: "1.1"),
      time: number)
  }

  @Test func journal() throws {
    var text = ""
    func show(_ contents: JournalContents, isWritable: Bool = true) {
      let findings = Examination.journal("/home/ann/j", isWritable: isWritable, contents)
      text += findings.map(\.text).joined() + "\n"
    }
    var contents = JournalContents()
    show(contents)
    show(contents, isWritable: false)
    contents.entries = [Self.entry(1, ownedBy: getpid())]
    show(contents)
    contents.entries.append(Self.entry(2, ownedBy: 4_000_000))
    show(contents)
    contents.entries += (3...6).map { Self.entry($0, ownedBy: 4_000_000) }
    contents.unreadable = ["/home/ann/j/odd\u{1b}.entry"]
    show(contents)
    try Golden().check(text, "doctor-journal.txt")
  }
}
