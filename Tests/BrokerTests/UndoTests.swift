import Base
import Cluster
import Foundation
import TestSupport
import Testing

@testable import Broker

/// Undoing with a script in kubectl's place.
@Suite struct UndoTests {
  private let scratch: Scratch
  private let kubectl: Kubectl

  init() throws {
    scratch = try Scratch()
    let data = try #require(Bundle.module.url(forResource: "Data", withExtension: nil))
    try FileManager.default.createDirectory(
      atPath: scratch.path + "/bin", withIntermediateDirectories: true)
    // What is run is a file of the repository: one written just now may be busy (ETXTBSY).
    try FileManager.default.createSymbolicLink(
      atPath: scratch.path + "/bin/kubectl",
      withDestinationPath: data.appendingPathComponent("fake-kubectl").path)
    kubectl = Kubectl(executable: scratch.path + "/bin/kubectl")
  }

  private func calls() -> [String] {
    let bytes = (try? contents(scratch.path + "/calls")) ?? []
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
  }

  private static let uid = "0fb4c1d2-3333-4444-5555-666677778888"
  private static let notFound =
    #"echo 'Error from server (NotFound): pods "web" not found' >&2; exit 1"#
  private static let forbidden =
    #"echo 'Error from server (Forbidden): pods "web" is forbidden: User "ann" cannot get resource "pods" in API group "" in the namespace "shop"' >&2; exit 1"#

  /// A pod as the API says it: `state` is that of the container.
  private static func pod(
    uid: String = uid, phase: String = "Running", state: String = #"{"running": {}}"#
  ) -> String {
    """
    {"kind": "Pod", "metadata": {"name": "web", "namespace": "shop", "uid": "\(uid)"},
     "spec": {"nodeName": "n1", "containers": [{"name": "web", "image": "i"}],
      "ephemeralContainers": [{"name": "poddump-7f3a", "image": "i"}]},
     "status": {"phase": "\(phase)",
      "containerStatuses": [{"name": "web", "state": \(state)}],
      "ephemeralContainerStatuses": [{"name": "poddump-7f3a", "state": \(state)}]}}
    """
  }

  private func undo(
    _ change: FarChange, get: String? = nil, exec: String = "exit 0", delete: String = "exit 0",
    hand: (any NodeHand)? = nil
  ) async throws(Failure) -> Undone {
    do {
      try scratch.text("pod.json", Self.pod())
      try scratch.text(
        "kubectl.sh",
        """
        case "$1" in
        get) \(get ?? #"cat "$home/pod.json""#) ;;
        exec) \(exec) ;;
        delete) cat >"$home/sent"; \(delete) ;;
        *) echo "error: unexpected call: $*" >&2; exit 1 ;;
        esac
        """)
    } catch {
      throw Failure(.other, "\(error)")
    }
    return try await Broker.undo(change, kubectl: kubectl, hand: hand)
  }

  private static let helper = FarChange.pod(namespace: "shop", name: "poddump-7f3a")
  private static let file = FarChange.file(
    namespace: "shop", pod: "web", uid: uid, container: "web", path: "/run/.poddump-7f3a")
  private static let ephemeral = FarChange.ephemeralContainer(
    namespace: "shop", pod: "web", uid: uid, container: "poddump-7f3a")

  @Test func aPodIsDeletedByItsUID() async throws {
    #expect(try await undo(Self.helper) == .done)
    let sent = String(decoding: try contents(scratch.path + "/sent"), as: UTF8.self)
    #expect(sent.contains(Self.uid))
    #expect(try await undo(Self.helper, get: Self.notFound) == .gone)
    #expect(!calls().last!.contains("delete"))
    // Between looking and deleting.
    #expect(try await undo(Self.helper, delete: Self.notFound) == .done)
  }

  @Test func whoeverMayDeleteNeedNotSee() async throws {
    #expect(try await undo(Self.helper, get: Self.forbidden) == .done)
    let failure = await #expect(throws: Failure.self) {
      try await undo(
        Self.helper,
        delete: Self.forbidden.replacing("cannot get", with: "cannot delete"))
    }
    #expect(failure?.kind == .denied)
  }

  @Test func aFileIsRemovedWhereItIs() async throws {
    #expect(try await undo(Self.file) == .done)
    #expect(calls().last == "exec -n shop web -c web -- rm -f -- /run/.poddump-7f3a ")
  }

  @Test(arguments: [
    (notFound, Undone.gone),
    (#"cat "$home/pod.json" | sed s/0fb4/1fb4/"#, .gone),
    (#"cat "$home/pod.json" | sed 's/"Running"/"Succeeded"/'"#, .gone),
    (
      #"cat "$home/pod.json" | sed 's/{"running": {}}/{"waiting": {"reason": "Crash"}}/'"#,
      .left("Its container is not running, so that nothing can be removed in it.")
    ),
  ]) func aFileGoesWithItsPod(_ get: String, _ outcome: Undone) async throws {
    #expect(try await undo(Self.file, get: get) == outcome)
    #expect(!calls().contains { $0.hasPrefix("exec") })
  }

  /// What a container says that has no rm.
  private static let noRm =
    #"case "$*" in *" -- rm "*) echo 'error: Internal error occurred: error executing command in container: exec: "rm": executable file not found in $PATH' >&2; exit 1 ;; esac"#
  private static let noRmWhy = "The container has no program \"rm\"."

  @Test func aFileThatIsGoneNeedsNoRm() async throws {
    #expect(try await undo(Self.file, exec: Self.noRm) == .done)
    #expect(calls().contains { $0.hasPrefix("exec -n shop web -c web -- sh -c [ ! -e") })
  }

  @Test(arguments: [
    (noRm + "; echo 'command terminated with exit code 1' >&2; exit 1", noRmWhy),
    (
      noRm
        + #"; echo 'error: Internal error occurred: error executing command in container: exec: "sh": executable file not found in $PATH' >&2; exit 1"#,
      noRmWhy
    ),
    (
      "echo 'command terminated with exit code 1' >&2; exit 1",
      "rm there ended with exit status 1."
    ),
  ]) func aFileThatStaysIsTold(_ exec: String, _ why: String) async throws {
    #expect(try await undo(Self.file, exec: exec) == .left(why))
  }

  @Test func aClusterThatIsNotReachedIsAFailure() async throws {
    let refused =
      "echo 'The connection to the server 198.51.100.1:6443 was refused - x' >&2; exit 1"
    for change in [Self.helper, Self.file, Self.ephemeral] {
      let failure = await #expect(throws: Failure.self) { try await undo(change, get: refused) }
      #expect(failure?.kind == .unreachable)
    }
  }

  @Test(arguments: [
    ("exit 0", Undone.done),
    ("echo 'command terminated with exit code 137' >&2; exit 137", .done),
    ("echo 'command terminated with exit code 143' >&2; exit 143", .done),
    ("echo 'command terminated with exit code 75' >&2; exit 75", .inUse),
    (
      "echo 'command terminated with exit code 69' >&2; exit 69",
      .left("None of the processes in it is its own first one.")
    ),
    (
      "echo 'command terminated with exit code 2' >&2; exit 2",
      .left("The shell in it ended with exit status 2.")
    ),
  ]) func aContainerIsEndedIfNothingUsesIt(_ exec: String, _ outcome: Undone) async throws {
    #expect(try await undo(Self.ephemeral, exec: exec) == outcome)
    let call = calls().joined(separator: "\n")
    #expect(call.contains("exec -n shop web -c poddump-7f3a -- sh -c set -- $(grep -l"))
    #expect(call.hasSuffix("end poddump 7f3a "))
  }

  @Test(arguments: [
    (#"{"terminated": {"exitCode": 0}}"#, Undone.gone),
    (
      #"{"waiting": {"reason": "ImagePullBackOff"}}"#,
      .left("It has not been started yet (ImagePullBackOff), so that it cannot be ended.")
    ),
    ("{}", .left("The node has not said yet whether it runs.")),
  ]) func aContainerThatDoesNotRunIsNotEntered(_ state: String, _ outcome: Undone) async throws {
    let get = #"sed 's/{"running": {}}/\#(state)/' "$home/pod.json""#
    #expect(try await undo(Self.ephemeral, get: get) == outcome)
    #expect(!calls().contains { $0.hasPrefix("exec") })
  }

  private struct Hand: NodeHand {
    func remove(file path: String, on node: String) async throws(Failure) -> Undone {
      .left("remove \(path) on \(node)")
    }
    func end(
      process pid: Int, start: UInt64, on node: String
    ) async throws(Failure) -> Undone {
      .left("end \(pid) of \(start) on \(node)")
    }
  }

  @Test func nodesAreForTheHand() async throws {
    let file = FarChange.nodeFile(node: "n1", path: "/run/.poddump-7f3a")
    let process = FarChange.nodeProcess(node: "n1", pid: 4711, start: 815)
    #expect(
      try await undo(file, hand: Hand()) == .left("remove /run/.poddump-7f3a on n1"))
    #expect(try await undo(process, hand: Hand()) == .left("end 4711 of 815 on n1"))
    #expect(try await undo(process) == .left("It takes a login on the node."))
    #expect(calls() == [])
  }

  @Test func whatPoddumpNeverMakesIsNotTouched() async throws {
    let outcome = try await undo(.pod(namespace: "shop", name: "web"))
    #expect(outcome == .left("It is not of the form that poddump gives to what it makes."))
    #expect(calls() == [])
  }
}
