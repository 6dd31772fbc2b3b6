import Base
import Cluster
import Testing

@testable import Broker

/// Pods as an API server had them.
@Suite struct ChooseContainerTests {
  @Test(
    arguments: [
      ("pod-running", nil, "web"),
      ("pod-two-containers", nil, "server"),  // the first
      ("pod-two-containers", "tools", "tools"),
      ("pod-default-container-annotation", nil, "second"),  // the annotated one
      ("pod-default-container-annotation", "first", "first"),
      ("pod-one-container-terminated", "two", "two"),
      ("pod-sidecar-init-container", nil, "main"),
      ("pod-sidecar-init-container", "proxy", "proxy"),
      ("pod-init-running", "wait-for-db", "wait-for-db"),
      ("pod-ephemeral-containers", nil, "eph"),
      ("pod-ephemeral-containers", "put1", "put1"),
      ("pod-terminating-on-not-ready-node", nil, "a"),
      ("pod-hostnetwork", nil, "hostnet"),
    ] as [(String, String?, String)])
  func choosesAsKubectlDoes(_ recording: String, _ named: String?, _ chosen: String) throws {
    #expect(try chooseContainer(of: Recording.pod(recording), named: named).name == chosen)
  }

  @Test(
    arguments: [
      ("pod-completed", nil, Failure.Kind.noRoute, "The pod has completed (Completed)"),
      ("pod-failed", nil, .noRoute, "The pod has completed (Error)"),
      ("pod-completed", "nope", .noRoute, "The pod has completed"),
      ("pod-running", "nope", .notFound, "The pod has no container nope."),
      ("pod-running", "\u{1b}[2J", .notFound, "The pod has no container �[2J."),
      ("pod-running", "", .notFound, "The pod has no container"),
      ("pod-pending-unschedulable", nil, .noRoute, "The pod is Pending and has no node yet."),
    ] as [(String, String?, Failure.Kind, String)])
  func refusesWithTheReason(
    _ recording: String, _ named: String?, _ kind: Failure.Kind, _ why: String
  ) throws {
    let pod = try Recording.pod(recording)
    let failure = try #require(
      #expect(throws: Failure.self) { try chooseContainer(of: pod, named: named) })
    #expect(failure.kind == kind)
    #expect(failure.what == "Cannot capture from demo/\(pod.name).")
    #expect(failure.why?.contains(why) == true, "\(failure.sentence)")
    #expect(failure.fix?.hasSuffix(".") == true)
  }

  /// Chosen they can be, since a node sees their packets all the same; nothing can be run in them.
  @Test(
    arguments: [
      ("pod-crashloopbackoff", nil, "it waits (CrashLoopBackOff)."),
      ("pod-imagepullbackoff", nil, "it waits (ImagePullBackOff)."),
      ("pod-containercreating-secret-missing", nil, "it waits (ContainerCreating)."),
      ("pod-init-running", nil, "it waits (PodInitializing)."),
      ("pod-one-container-terminated", "one", "it ended (Completed, exit status 0)."),
      ("pod-ephemeral-containers", "dbg136c1", "it ended ("),
    ] as [(String, String?, String)])
  func aContainerThatDoesNotRunIsChosenAndSaidSo(
    _ recording: String, _ named: String?, _ why: String
  ) throws {
    let pod = try Recording.pod(recording)
    let container = try chooseContainer(of: pod, named: named)
    let failure = try #require(whyNotRunning(container, of: pod))
    #expect(failure.kind == .noRoute)
    #expect(failure.what == "Cannot capture from demo/\(pod.name).")
    #expect(failure.why?.hasPrefix("Its container \(container.name) is not running: ") == true)
    #expect(failure.why?.contains(why) == true, "\(failure.sentence)")
    #expect(failure.fix?.hasSuffix(".") == true)
  }

  @Test func aContainerThatRunsOrMayRunIsNotHeldBack() throws {
    let pod = try Recording.pod("pod-running")
    #expect(whyNotRunning(try chooseContainer(of: pod, named: nil), of: pod) == nil)
    #expect(whyNotRunning(Container(name: "new", role: .main), of: pod) == nil)
  }

  @Test func whatTheKubeletSaysCannotDriveTheTerminal() throws {
    var container = Container(name: "c", role: .main)
    for state: Container.State in [
      .waiting(reason: "\u{1b}[2J", message: nil), .terminated(reason: "\u{1b}[2J", exitCode: 1),
    ] {
      container.state = state
      let failure = try #require(whyNotRunning(container, of: Pod(namespace: "a", name: "b")))
      #expect(failure.why?.contains("\u{1b}") == false)
    }
  }

  @Test func theOtherContainersAreNamed() throws {
    let failure = #expect(throws: Failure.self) {
      try chooseContainer(of: Recording.pod("pod-two-containers"), named: "x")
    }
    #expect(failure?.fix == "Choose one of server, tools with -c.")
  }

  @Test func aPodWithoutContainersIsNoCrash() {
    let failure = #expect(throws: Failure.self) {
      try chooseContainer(of: Pod(namespace: "a", name: "b"), named: nil)
    }
    #expect(failure?.kind == .notFound)
  }
}
