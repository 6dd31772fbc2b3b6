import Base
import Foundation
import TestSupport
import Testing

@testable import Broker

/// One of each kind, as routes make them.
let changes: [FarChange] = [
  .pod(namespace: "poddump", name: "poddump-7f3a"),
  .file(
    namespace: "shop", pod: "web-0", uid: "0fb4c1d2-3333-4444-5555-666677778888",
    container: "web", path: "/var/my data/100%/.poddump-7f3a01"),
  .ephemeralContainer(
    namespace: "shop", pod: "web.v2-0", uid: "0fb4c1d2-3333-4444-5555-666677778888",
    container: "poddump-7f3a"),
  .nodeFile(node: "n1.example", path: "/run/.poddump-7f3a01"),
  .nodeProcess(node: "n1", pid: 4_194_304, start: 81_500),
]

private func entry(
  _ change: FarChange = changes[0], _ cluster: ClusterReference = ClusterReference(),
  owner: ProcessIdentity = .current
) -> JournalEntry {
  JournalEntry(
    name: "1-a.entry", change: change, cluster: cluster, owner: owner, time: 1_795_392_000)
}

@Suite struct FarChangeTests {
  private static let uid = "0fb4c1d2-3333-4444-5555-666677778888"

  @Test(arguments: changes) func whatRoutesMakeIsValid(_ change: FarChange) {
    #expect(change.isValid)
    #expect(FarChange(words: change.words) == change)
  }

  @Test(
    arguments: [
      .pod(namespace: "shop", name: "web-0"),
      .pod(namespace: "Shop", name: "poddump-7f3a"),
      .pod(namespace: "--all", name: "poddump-7f3a"),
      .pod(namespace: "shop", name: "poddump-7f3a/../web"),
      .pod(namespace: "", name: ""),
      .file(namespace: "shop", pod: "-w", uid: uid, container: "web", path: "/.poddump-7f3a"),
      .file(namespace: "shop", pod: "w", uid: "", container: "web", path: "/.poddump-7f3a"),
      .file(namespace: "shop", pod: "w", uid: uid, container: "a.b", path: "/.poddump-7f3a"),
      .file(namespace: "shop", pod: "w", uid: uid, container: "web", path: "/etc/passwd"),
      .ephemeralContainer(namespace: "shop", pod: "w", uid: uid, container: "debugger-1"),
      .nodeFile(node: "n1;reboot", path: "/run/.poddump-7f3a"),
      .nodeFile(node: "n1", path: "/run/poddump"),
      .nodeProcess(node: "n1", pid: 1, start: 5),
      .nodeProcess(node: "n1", pid: -1, start: 5),
      .nodeProcess(node: "n1", pid: 2, start: 0),
    ] as [FarChange]) func whatPoddumpNeverMakesIsNot(_ change: FarChange)
  {
    #expect(!change.isValid)
    #expect(FarChange(words: change.words) == nil)
  }

  @Test(arguments: [
    ("/run/.poddump-7f3a", true), ("/.poddump-0123456789abcdef", true),
    (".poddump-7f3a", false), ("run/.poddump-7f3a", false), ("/run/.poddump-7f3", false),
    ("/run/.poddump-7F3A", false), ("/run/.poddump-7f3a/x", false), ("/run/.poddump-", false),
    ("/a/../.poddump-7f3a", false), ("/a\n/.poddump-7f3a", false), ("/a\0/.poddump-7f3a", false),
    ("/\u{1b}[2J/.poddump-7f3a", false), ("", false), ("/", false),
    ("/" + String(repeating: "a", count: 1100) + "/.poddump-7f3a", false),
  ]) func pathsOfOurs(_ path: String, _ isOurs: Bool) {
    #expect(FarChange.isOurFile(path) == isOurs)
  }
}

@Suite struct JournalEntryTests {
  private static let clusters = [
    ClusterReference(), ClusterReference(context: "lab"),
    ClusterReference(
      context: "arn:aws:eks:eu-1:1:cluster/a b\n%41é\u{1F980}", kubeconfig: "/home/me/my lab.yaml",
      variable: "/a:/b c"),
  ]

  @Test(arguments: changes, clusters)
  func isReadAsItWasWritten(_ change: FarChange, _ cluster: ClusterReference) {
    let entry = entry(change, cluster)
    #expect(JournalEntry(name: entry.name, bytes: Array(entry.text.utf8)) == entry)
  }

  @Test func theFormatIsTheDocumentedOne() {
    let entry = entry(
      changes[1], ClusterReference(context: "my lab", kubeconfig: "/k"),
      owner: ProcessIdentity(host: "desk", pid: 4711, start: "1f2e3d4c.815", machine: "1f2e-9.7"))
    #expect(
      entry.text == """
        poddump journal 1
        change file shop web-0 0fb4c1d2-3333-4444-5555-666677778888 web \
        /var/my%20data/100%25/.poddump-7f3a01
        context my%20lab
        kubeconfig /k
        owner desk 4711 1f2e3d4c.815 1f2e-9.7
        time 1795392000
        end

        """)
    let older = entry.text.replacing(" 1f2e-9.7", with: "")
    let owner = JournalEntry(name: "x", bytes: Array(older.utf8))?.owner
    #expect(owner == ProcessIdentity(host: "desk", pid: 4711, start: "1f2e3d4c.815"))
  }

  @Test func aCutOneIsNone() {
    let bytes = Array(entry(changes[2], Self.clusters[2]).text.utf8)
    for count in 0..<bytes.count {
      #expect(JournalEntry(name: "x", bytes: Array(bytes[..<count])) == nil, "cut at \(count)")
    }
  }

  @Test(arguments: [
    "", "\n", "poddump journal 2\n",
    "poddump journal 1\nchange pod a poddump-aaaa\nowner h 1 s\ntime 1\nend\nmore\n",
    "poddump journal 1\nchange pod a poddump-aaaa\nowner h 1 s\ntime 1\nmore x\nend\n",
    "poddump journal 1\nchange pod a poddump-aaaa\nchange pod a poddump-bbbb\nowner h 1 s\ntime 1\nend\n",
    "poddump journal 1\nchange pod a web\nowner h 1 s\ntime 1\nend\n",
    "poddump journal 1\nchange pod a poddump-aaaa\nowner h 0 s\ntime 1\nend\n",
    "poddump journal 1\nchange pod a poddump-aaaa\nowner h 1 s\ntime -1\nend\n",
    "poddump journal 1\nchange pod a poddump-aaaa\nowner h 1 s\nend\n",
    "poddump journal 1\nchange pod a poddump-aaaa\ntime 1\nend\n",
    "poddump journal 1\nchange pod a poddump-aaaa\ncontext %00\nowner h 1 s\ntime 1\nend\n",
    "poddump journal 1\nchange pod a poddump-aaaa\ncontext %4\nowner h 1 s\ntime 1\nend\n",
    "poddump journal 1\r\nchange pod a poddump-aaaa\r\nowner h 1 s\r\ntime 1\r\nend\r\n",
  ]) func whatPoddumpNeverWritesIsNone(_ text: String) {
    #expect(JournalEntry(name: "x", bytes: Array(text.utf8)) == nil)
  }

  /// Whatever the bytes: nothing traps, and what is taken is valid and written as it was read.
  @Test func changedBytesAreNoneOrAnotherValidOne() {
    var chance = SeededGenerator(4)
    var taken = 0
    let parts = ["\n", " ", "%", "%41", "end\n", "change ", "\u{0}", "pod", "9", "/.poddump-aaaa"]
    for round in 0..<20_000 {
      let cluster = Self.clusters[round % Self.clusters.count]
      var bytes = Array(entry(changes[round % changes.count], cluster).text.utf8)
      for _ in 0..<Int.random(in: 1...3, using: &chance) where !bytes.isEmpty {
        let place = Int.random(in: 0..<bytes.count, using: &chance)
        switch Int.random(in: 0..<4, using: &chance) {
        case 0: bytes[place] = UInt8.random(in: 0...255, using: &chance)
        case 1: bytes.remove(at: place)
        case 2:
          let part = parts[Int.random(in: 0..<parts.count, using: &chance)]
          bytes.insert(contentsOf: Array(part.utf8), at: place)
        default: bytes.removeSubrange(place..<min(bytes.count, place + 9))
        }
      }
      guard let read = JournalEntry(name: "x", bytes: bytes) else { continue }
      taken += 1
      #expect(read.change.isValid)
      #expect(JournalEntry(name: "x", bytes: Array(read.text.utf8)) == read)
    }
    #expect(taken > 100)  // the loop reaches the far side of the checks too
  }
}

@Suite struct ProcessIdentityTests {
  @Test func weAreRunning() {
    #expect(ProcessIdentity.current.isRunning == true)
    #expect(ProcessIdentity.current == ProcessIdentity.current)
  }

  @Test func aReusedNumberIsAnotherProcess() {
    var earlier = ProcessIdentity.current
    earlier.start = "0" + earlier.start
    #expect(earlier.isRunning == false)
  }

  @Test func anotherMachinesCannotBeSeen() {
    var other = ProcessIdentity.current
    other.host += "-2"
    other.machine = "another"
    #expect(other.isRunning == nil)
    // Nor where nothing but the name is known.
    other.machine = nil
    #expect(other.isRunning == nil)
  }

  @Test func aMachineIsKnownAfterItGotAnotherName() {
    let now = ProcessIdentity.current
    var before = now
    before.host += "-2"
    #expect(before.isRunning == true && before.isSame(as: now))
    before.start = "1.1"
    #expect(before.isRunning == false && !before.isSame(as: now))
  }

  /// As an entry of an older poddump, or of before the machine was started anew, is.
  @Test func aMachineOfTheSameNameIsTheSame() {
    var before = ProcessIdentity.current
    before.start = "1.1"
    for machine in [nil, "an earlier boot"] {
      before.machine = machine
      #expect(before.isRunning == false)
    }
  }

  #if os(Linux)
  /// A container of the same machine, with the same machine-id and the same host name, counts its processes anew.
  @Test(.enabled(if: getuid() == 0)) func aContainerHasAMarkOfItsOwn() async throws {
    let look = "stat -L -c %i /proc/self/ns/pid"
    let inside = try await runProgram([
      Programs.path("unshare"), "--pid", "--fork", "--mount-proc", "/bin/sh", "-c", look,
    ])
    let number = inside.text.trimmingCharacters(in: .newlines)
    #expect(!number.isEmpty, "\(inside.errors)")
    let mark = try #require(machineMark())
    #expect(mark.split(separator: ".").last.map(String.init) != number)
    let outside = try await runProgram(["/bin/sh", "-c", look])
    #expect(mark.hasSuffix("." + outside.text.trimmingCharacters(in: .newlines)))
  }
  #endif

  @Test func whatNobodyHasWaitedForIsGone() async throws {
    let process = try Spawned([Programs.path("sleep"), "60"])
    let start = try #require(processStart(process.pid))
    let identity = ProcessIdentity(
      host: ProcessIdentity.thisHost, pid: process.pid, start: start)
    #expect(identity.isRunning == true)
    kill(process.pid, SIGKILL)
    #expect(try await eventually { ProcessTable.entry(process.pid)?.state == "Z" })
    #expect(identity.isRunning == false)
    #expect(process.wait() == .signalled(SIGKILL))
    #expect(identity.isRunning == false)
  }
}
