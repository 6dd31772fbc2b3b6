import Base
import Foundation
import TestSupport
import Testing

@testable import Broker
@testable import poddump

/// `poddump clean` with a script in kubectl's place, and a journal of its own.
@Suite struct CleanTests {
  private let poddump: Executable
  private let journal: Journal

  private static let uid = "0fb4c1d2-3333-4444-5555-666677778888"
  /// A process of this machine when it had another name.
  private static let gone: ProcessIdentity = {
    var gone = ProcessIdentity.ofThisMachine(pid: 4_000_000, start: "1.1")
    gone.host = "before"
    return gone
  }()

  /// The cluster: what the script in kubectl's place answers by.
  private static let script = #"""
    PATH=/usr/bin:/bin
    case "$*" in
    *"config view"*) cat "$home/config.json" ;;
    *context=away*) echo 'Unable to connect to the server: dial tcp: lookup away: no such host' >&2
      exit 1 ;;
    *"get --request-timeout"*"/api/v1/pods"*) cat "$home/pods.json" ;;
    *"get --request-timeout"*"/pods/"*) name=${*##*/pods/}
      [ -f "$home/pod-$name" ] || {
        echo "Error from server (NotFound): pods \"$name\" not found" >&2; exit 1; }
      cat "$home/pod-$name" ;;
    *"delete --request-timeout"*) cat >/dev/null; rm -f "$home/pod-${*##*/pods/}" ;;
    *" poddump-1005 -c poddump -- "* | *"-c poddump-busy -- "*)
      echo 'command terminated with exit code 75' >&2; exit 75 ;;
    *" poddump-1001 -c poddump -- "* | *"-c poddump-1d1e -- "*) ;;
    *" -- rm "*) ;;
    *) echo "error: unexpected call: $*" >&2; exit 1 ;;
    esac
    """#

  init() throws {
    poddump = try Executable()
    journal = Journal(folder: poddump.scratch.path + "/.local/state/poddump/journal")
    try cluster(Self.script)
    try poddump.scratch.text(
      "config.json",
      #"""
      {"kind": "Config", "current-context": "lab", "contexts": [
        {"name": "lab", "context": {"cluster": "lab", "user": "u", "namespace": "shop"}},
        {"name": "away", "context": {"cluster": "lab", "user": "u"}}],
       "clusters": [{"name": "lab", "cluster": {"server": "https://198.51.100.1:6443"}}]}
      """#)
    try pods([])
  }

  private func cluster(_ script: String) throws {
    if access(poddump.scratch.path + "/bin/kubectl", F_OK) == 0 {
      try poddump.scratch.text("kubectl.sh", script)
    } else {
      try poddump.fakeKubectl(script)
    }
  }

  /// What the cluster lists, and each of them to be looked at alone.
  private func pods(_ pods: [String]) throws {
    try poddump.scratch.text(
      "pods.json",
      #"{"kind": "PodList", "metadata": {}, "items": [\#(pods.joined(separator: ","))]}"#)
    for pod in pods {
      let name = try #require(pod.split(separator: "\"name\": \"").dropFirst().first)
      try poddump.scratch.text("pod-\(name.prefix { $0 != "\"" })", pod)
    }
  }

  private static func helper(
    _ name: String, user: String, expires: String = "2126-01-01T00:00:00Z",
    phase: String = "Running"
  ) -> String {
    """
    {"kind": "Pod", "metadata": {"name": "\(name)", "namespace": "ops", "uid": "\(uid)",
      "labels": {"app.kubernetes.io/managed-by": "poddump"},
      "annotations": {"poddump/user": "\(user)", "poddump/expires": "\(expires)"}},
     "spec": {"containers": [{"name": "poddump", "image": "i"}]}, "status": {"phase": "\(phase)",
      "containerStatuses": [{"name": "poddump", "state": {\(phase == "Running" ? #""running": {}"# : "")}}]}}
    """
  }

  private static func web(_ name: String, _ containers: [(String, String)]) -> String {
    let entries = containers.map { #"{"name": "\#($0.0)", "image": "i"}"# }
    let states = containers.map { #"{"name": "\#($0.0)", "state": {\#($0.1)}}"# }
    return """
      {"kind": "Pod", "metadata": {"name": "\(name)", "namespace": "shop", "uid": "\(uid)"},
       "spec": {"nodeName": "n1", "containers": [{"name": "web", "image": "i"}],
        "ephemeralContainers": [\(entries.joined(separator: ","))]},
       "status": {"phase": "Running",
        "containerStatuses": [{"name": "web", "state": {"running": {}}}],
        "ephemeralContainerStatuses": [\(states.joined(separator: ","))]}}
      """
  }

  /// Puts an entry of any process into the journal.
  private func record(
    _ change: FarChange, _ owner: ProcessIdentity = gone, context: String? = "lab"
  ) throws {
    let written = try journal.record(change, cluster: ClusterReference(context: context))
    let entry = JournalEntry(
      name: written.name, change: change, cluster: written.cluster, owner: owner,
      time: journal.entries().entries.count)
    try Data(entry.text.utf8).write(to: URL(fileURLWithPath: "\(journal.folder)/\(entry.name)"))
  }

  /// Everything that there can be, once.
  private func everything() throws {
    try record(.pod(namespace: "ops", name: "poddump-0001"))
    try record(.pod(namespace: "ops", name: "poddump-0002"))
    try record(
      .file(
        namespace: "shop", pod: "web", uid: Self.uid, container: "web", path: "/run/.poddump-0003"))
    try record(.pod(namespace: "ops", name: "poddump-0004"), .current)
    var other = ProcessIdentity.current
    other.host = "desk2"
    other.machine = "another"
    try record(.pod(namespace: "ops", name: "poddump-0005"), other)
    try record(.pod(namespace: "ops", name: "poddump-0006"), context: "away")
    try record(.pod(namespace: "ops", name: "poddump-0007"), context: "no such")
    try Data("noise".utf8).write(to: URL(fileURLWithPath: journal.folder + "/noise.entry"))
    try pods([
      Self.helper("poddump-0001", user: UserName.current),
      Self.helper("poddump-0004", user: UserName.current),
      Self.helper("poddump-1001", user: UserName.current),
      Self.helper("poddump-1002", user: "bob@desk"),
      Self.helper("poddump-1003", user: "bob@desk", expires: "2026-01-01T00:00:00Z"),
      Self.helper("poddump-1004", user: "bob@desk", phase: "Failed"),
      Self.helper("poddump-1005", user: UserName.current),
      Self.helper("api", user: UserName.current),
      Self.web(
        "web",
        [
          ("poddump-1d1e", #""running": {}"#), ("poddump-busy", #""running": {}"#),
          ("poddump-e0d1", #""terminated": {"exitCode": 0}"#),
          ("poddump-e0d2", #""terminated": {"exitCode": 0}"#),
          ("poddump-a17e", #""waiting": {"reason": "ErrImagePull"}"#),
          ("debugger-x", #""running": {}"#),
        ]),
    ])
  }

  /// What differs from machine to machine is named.
  private func text(_ answer: Spawned.Answer) -> String {
    answer.text.replacing(poddump.scratch.path, with: "HOME")
      .replacing("process \(getpid())", with: "process PID")
  }

  @Test func saysALineForEachThing() async throws {
    try everything()
    let answer = try await poddump("clean")
    #expect(answer.errors == "")
    #expect(answer.end == .exited(1))  // a cluster was not reached
    try Golden().check(text(answer), "clean.txt")
    // What could not be undone stays, and so does what is not ours to undo.
    #expect(
      journal.entries().entries.map(\.change.text)
        == [4, 5, 6, 7].map { "pod ops/poddump-000\($0)" })
    let deleted = poddump.calls().filter { $0.contains("delete") }
    #expect(deleted.count == 4)
    for name in ["0001", "1001", "1003", "1004"] {
      #expect(deleted.contains { $0.contains("/namespaces/ops/pods/poddump-\(name) ") })
    }
  }

  @Test func aDryRunSaysTheSameAndChangesNothing() async throws {
    try everything()
    let before = journal.entries()
    let answer = try await poddump("clean", "--dry-run")
    #expect(answer.errors == "")
    #expect(answer.end == .exited(1))
    try Golden().check(text(answer), "clean-dry-run.txt")
    #expect(journal.entries() == before)
    #expect(!poddump.calls().contains { $0.contains("delete") || $0.contains(" -- ") })
  }

  @Test func nothingToDoIsSaid() async throws {
    let answer = try await poddump("clean", "--context", "lab")
    #expect(answer.text == "Nothing is left in context lab.\n")
    #expect(answer.errors == "")
    #expect(answer.end == .exited(0))
  }

  @Test func whatIsLeftToOthersIsNoFailure() async throws {
    try pods([Self.helper("poddump-1002", user: #"bob@desk\u001b[2J"#)])
    let answer = try await poddump("clean")
    #expect(answer.end == .exited(0))
    #expect(
      answer.text
        == "pod ops/poddump-1002: left, since bob@desk�[2J may use it until "
        + "2126-01-01T00:00:00Z.\n")
  }

  @Test func aMissingRightIsToldByTheExitStatus() async throws {
    try pods([Self.helper("poddump-1001", user: UserName.current)])
    try cluster(
      #"""
      case "$*" in
      *"delete --request-timeout"*)
        echo 'Error from server (Forbidden): pods "poddump-1001" is forbidden: User "ann" cannot delete resource "pods" in API group "" in the namespace "ops"' >&2
        exit 1 ;;
      esac

      """# + Self.script)
    let answer = try await poddump("clean")
    #expect(answer.end == .exited(4))
    try Golden().check(answer.text, "clean-denied.txt")
  }

  @Test(arguments: [true, false])
  func withoutTheRightToListAllItLooksWhereItMay(_ mayListNamespaces: Bool) async throws {
    try record(.pod(namespace: "tools", name: "poddump-0001"), .current)
    try poddump.scratch.text(
      "namespaces.json",
      #"{"kind": "NamespaceList", "metadata": {}, "items": ["#
        + ["ops", "secret", "shop"].map { #"{"metadata": {"name": "\#($0)"}}"# }
        .joined(separator: ",") + "]}")
    let pods = [Self.helper("poddump-1001", user: UserName.current)]
    try self.pods(pods)
    try cluster(
      #"""
      PATH=/usr/bin:/bin
      no() {
        echo "Error from server (Forbidden): $1 is forbidden: User \"ann\" cannot list resource \"$1\" in API group \"\" $2" >&2
        exit 1
      }
      case "$*" in
      *" /api/v1/namespaces") \#(mayListNamespaces ? #"cat "$home/namespaces.json""# : #"no namespaces "at the cluster scope""#)
        exit ;;
      *" /api/v1/pods"*) no pods "at the cluster scope" ;;
      *"/namespaces/secret/pods") no pods "in the namespace \"secret\"" ;;
      *"/namespaces/ops/pods") cat "$home/pods.json"; exit ;;
      *"/namespaces/shop/pods" | *"/namespaces/tools/pods")
        echo '{"kind": "PodList", "metadata": {}, "items": []}'; exit ;;
      esac

      """# + Self.script)
    let answer = try await poddump("clean")
    #expect(answer.end == .exited(0))
    let name = mayListNamespaces ? "clean-some-namespaces.txt" : "clean-current-namespace.txt"
    try Golden().check(text(answer), name)
  }

  @Test func aClusterThatIsNotReachedIsToldAfterTheJournal() async throws {
    try record(.pod(namespace: "ops", name: "poddump-0001"))
    let answer = try await poddump("clean", "--context", "away")
    #expect(answer.end == .exited(3))
    #expect(answer.text == "pod ops/poddump-0001 in context lab: gone already.\n")
    #expect(answer.errors.hasPrefix("poddump: Cannot list pods in context away."))
    #expect(journal.entries().entries == [])
  }
}
