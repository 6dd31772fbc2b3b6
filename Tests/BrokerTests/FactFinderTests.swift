import Base
import Cluster
import Foundation
import TestSupport
import Testing

@testable import Broker

/// Which questions are asked, in which order, and what comes of the answers; with a script in kubectl's place.
@Suite(.ownThreads) struct FactFinderTests {
  private let scratch: Scratch
  private let tools: RouteTools

  init() throws {
    scratch = try Scratch()
    let data = try #require(Bundle.module.url(forResource: "Data", withExtension: nil))
    try FileManager.default.createDirectory(
      atPath: scratch.path + "/bin", withIntermediateDirectories: true)
    // What is run is a file of the repository: one written just now may be busy (ETXTBSY).
    try FileManager.default.createSymbolicLink(
      atPath: scratch.path + "/bin/kubectl",
      withDestinationPath: data.appendingPathComponent("fake-kubectl").path)
    var tools = RouteTools(kubectl: Kubectl(executable: scratch.path + "/bin/kubectl"))
    tools.engines = Engines(taps: [RouteGround.tap])
    self.tools = tools
    try scratch.text("pod.json", Self.pod)
    try answer()
  }

  private static let pod = """
    {"kind": "Pod", "apiVersion": "v1",
     "metadata": {"name": "web", "namespace": "shop", "uid": "0fb4c1d2-3333-4444-5555-666677778888",
      "resourceVersion": "7"},
     "spec": {"nodeName": "n1.invalid", "containers": [{"name": "web", "image": "web:1"}]},
     "status": {"phase": "Running", "containerStatuses": [
       {"name": "web", "containerID": "containerd://1", "state": {"running": {}}}]}}
    """

  /// What is in the container: everything but tcpdump.
  private static let inside =
    "sleep=/bin/sleep\nuid=0\nCapEff:=00000000a80425fb\nCapBnd:=00000000a80425fb\nif=eth0\n"
    + "machine=x86_64\ncat=/bin/cat\nchmod=/bin/chmod\ndir=/tmp\nmount=/ rw\nend=\n"

  /// Sets what is answered: inside the container, and to dry runs.
  private func answer(
    inside: String = inside, exec: String = #"cat "$home/inside""#, allowed: String = "true",
    debug: String = "echo '{}'", helper: String = "echo '{}'"
  ) throws {
    try scratch.text("inside", inside)
    try scratch.text(
      "kubectl.sh",
      """
      case "$*" in
      *selfsubjectaccessreviews*)
        question=$(cat)
        case $question in
        \(allowed == "true" ? "" : "*\(allowed)*) echo '{\"status\": {\"allowed\": false}}' ;;")
        *) echo '{"status": {"allowed": true}}' ;;
        esac ;;
      "get "*"/namespaces/shop/pods/web"*) cat "$home/pod.json" ;;
      "get "*"/nodes/n1"*) echo '{"kind": "Node", "metadata": {"name": "n1"}}' ;;
      "exec "*) \(exec) ;;
      "replace "*"ephemeralcontainers?dryRun=All"*) cat >/dev/null; \(debug) ;;
      "create "*"/pods?dryRun=All"*) cat >"$home/helper.json"; \(helper) ;;
      *) echo "error: unexpected call: $*" >&2; exit 1 ;;
      esac
      """)
  }

  /// The calls so far, by their first word; rights and dry runs by name.
  private var calls: [String] {
    let bytes = (try? contents(scratch.path + "/calls")) ?? []
    // The script that looks into a container has lines of its own.
    let verbs = ["get", "exec", "create", "replace", "delete", "debug", "patch"]
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n").compactMap { line in
      guard let verb = verbs.first(where: { line.hasPrefix($0 == "exec" ? "exec -i " : $0 + " ") })
      else { return nil }
      return line.contains("selfsubjectaccessreviews") ? "right" : verb
    }
  }

  private func request(_ target: String = "shop/web") throws -> CaptureRequest {
    var request = CaptureRequest(target: try Target(target))
    request.session = "7f3a0001"
    return request
  }

  private var finder: FactFinder { FactFinder(tools: tools) }

  /// Tries routes until one is taken, and tells which were.
  private func attempt(
    _ request: CaptureRequest, _ finder: FactFinder? = nil, take: RouteName?
  ) async -> (tried: [RouteName], result: Result<Decision, Failure>) {
    let tried = Locked<[RouteName]>([])
    do throws(Failure) {
      let decision = try await (finder ?? self.finder).attempt(request) {
        investigation async throws(Failure) -> Attempt<Decision> in
        let plan = try investigation.decision.chosen()
        tried.withLock { $0.append(plan.route) }
        guard plan.route == take else {
          return .failed(Failure(.other, "Cannot open it.", why: "\(plan.route) did not open."))
        }
        return .done(investigation.decision)
      }
      return (tried.value, .success(decision))
    } catch {
      return (tried.value, .failure(error))
    }
  }

  private func reasons(_ decision: Decision) -> [String] {
    decision.options.map { option in
      switch option.verdict {
      case .usable: "\(option.route)"
      case .refused(let failure): "\(option.route): \(failure.why ?? failure.what)"
      }
    }
  }

  // MARK: - What is asked

  @Test func aFirstRouteThatWorksAsksNothingElse() async throws {
    try answer(inside: "tcpdump=/usr/bin/tcpdump\n" + Self.inside)
    let (tried, result) = await attempt(try request(), take: .exec)
    #expect(tried == [.exec])
    #expect(reasons(try result.get()) == ["exec"])
    #expect(calls == ["get", "exec"])
  }

  /// Upload knows by then what exec asked; whatever is left is asked for before upload is judged.
  @Test func whereTheFirstDoesNotTheRestIsAsked() async throws {
    let (tried, result) = await attempt(try request(), take: .upload)
    #expect(tried == [.upload])
    #expect(
      reasons(try result.get()) == [
        "exec: The container has no tcpdump.",
        "ssh: ssh to nodes is not configured ([ssh] in config.toml).", "upload",
      ])
    #expect(calls.filter { $0 == "exec" }.count == 1 && calls.contains("replace"))
    #expect(!calls.contains("create"), "no helper pod is asked about unless it is allowed")
  }

  @Test func inAnotherOrder() async throws {
    var tools = tools
    tools.settings.order = [.upload, .exec]
    let (_, result) = await attempt(try request(), FactFinder(tools: tools), take: .upload)
    #expect(reasons(try result.get()) == ["upload"])
    #expect(calls == ["get", "exec"])
  }

  @Test func aRouteThatIsNamedIsTheOnlyOne() async throws {
    var request = try request()
    request.route = .debug
    let (tried, result) = await attempt(request, take: .debug)
    #expect(tried == [.debug])
    #expect(reasons(try result.get()) == ["debug"])
    #expect(!calls.contains("exec"))
    request.route = .exec
    let refused = await attempt(request, take: .exec)
    guard case .failure(let failure) = refused.result else {
      Issue.record("It was taken.")
      return
    }
    #expect(refused.tried == [] && failure.why == "The container has no tcpdump.")
  }

  /// Each of two waits for the other: one after the other they would wait for good.
  @Test func factsAreGatheredAtTheSameTime() async throws {
    var tools = tools
    tools.settings.allowed = [.node]
    func meet(_ own: String, _ other: String) -> String {
      ": >\"$home/\(own)\"; n=0; while [ ! -e \"$home/\(other)\" ]; do n=$((n + 1)); "
        + "[ $n -lt 600 ] || { echo 'error: alone' >&2; exit 1; }; sleep 0.05; done; echo '{}'"
    }
    try answer(debug: meet("debug", "helper"), helper: meet("helper", "debug"))
    let (facts, decision) = try await FactFinder(tools: tools).survey(try request())
    #expect((try? facts.debug?.get()) == DebugFacts())
    #expect((try? facts.helper?.get()) == HelperFacts(namespace: "shop"))
    #expect(decision.options.map(\.route) == RouteName.allCases)
    #expect(decision.options.map(\.isUsable) == [false, false, true, true, true])
  }

  /// Nothing that is written is more than a question.
  @Test func aSurveyChangesNothing() async throws {
    var tools = tools
    tools.settings.allowed = [.node]
    _ = try await FactFinder(tools: tools).survey(try request())
    let bytes = try contents(scratch.path + "/calls")
    for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n")
    where !line.hasPrefix("get ") && !line.hasPrefix("exec ") {
      // The script that looks into a container has lines of its own.
      guard ["create ", "replace ", "delete ", "debug ", "patch "].contains(where: line.hasPrefix)
      else { continue }
      #expect(line.contains("dryRun=All") || line.contains("selfsubjectaccessreviews"), "\(line)")
    }
  }

  // MARK: - What comes of it

  @Test func aRouteThatDoesNotOpenIsFollowedByTheNext() async throws {
    try answer(inside: "tcpdump=/usr/bin/tcpdump\n" + Self.inside)
    let (tried, result) = await attempt(try request(), take: .debug)
    #expect(tried == [.exec, .upload, .debug])
    #expect(
      reasons(try result.get()) == [
        "exec: exec did not open.",
        "ssh: ssh to nodes is not configured ([ssh] in config.toml).",
        "upload: upload did not open.", "debug",
      ])
    #expect(calls.filter { $0 == "exec" }.count == 1, "nothing is asked twice")
  }

  @Test func whenNoneOpensAllReasonsAreSaid() async throws {
    let (tried, result) = await attempt(try request(), take: nil)
    #expect(tried == [.upload, .debug])
    guard case .failure(let failure) = result else {
      Issue.record("It was taken.")
      return
    }
    #expect(failure.what == "No route works for this target.")
    for part in [
      "By exec: The container has no tcpdump.", "By ssh: ssh to nodes is not configured",
      "By upload: upload did not open.", "By debug: debug did not open.",
      "By node: It creates a pod on node n1.invalid, which nobody has allowed.",
    ] { #expect(failure.why?.contains(part) == true, "\(failure.why ?? "")") }
  }

  @Test func whatNobodyCanHelpEndsTheSearch() async throws {
    let finder = finder
    let request = try request()
    let failure = await #expect(throws: Failure.self) {
      try await finder.attempt(request) {
        _ async throws(Failure) -> Attempt<Bool> in
        throw Failure(.usage, "The file cannot be made.")
      }
    }
    #expect(failure?.what == "The file cannot be made.")
  }

  /// Exec is forbidden, ephemeral containers are not, and the reverse.
  @Test func rightsThatAreMissingAreNamed() async throws {
    let forbidden =
      #"echo 'Error from server (Forbidden): pods "web" is forbidden: User "ann" cannot create resource "pods/exec" in API group "" in the namespace "shop"' >&2; exit 1"#
    try answer(exec: forbidden)
    let (_, decision) = try await finder.survey(try request())
    #expect(decision.options.map(\.isUsable) == [false, false, false, true, false])
    guard case .refused(let exec) = decision.options[0].verdict else { return }
    #expect(exec.kind == .denied)

    let refused =
      #"echo 'Error from server (Forbidden): pods "web" is forbidden: User "ann" cannot update resource "pods/ephemeralcontainers" in API group "" in the namespace "shop"' >&2; exit 1"#
    try answer(allowed: "ephemeralcontainers", debug: refused)
    let (_, other) = try await finder.survey(try request())
    #expect(other.options.map(\.isUsable) == [false, false, true, false, false])
    guard case .refused(let debug) = other.options[3].verdict else { return }
    #expect(debug.kind == .denied)
    #expect(debug.why == "You may not update pods/ephemeralcontainers in namespace shop.")
  }

  /// OpenShift answers 403 where no right is missing: rights are not asked for one by one, and the sentence says
  /// what would help.
  @Test func aSecurityContextConstraintIsNoMissingRight() async throws {
    try answer(
      debug:
        #"echo 'Error from server (Forbidden): pods "web" is forbidden: unable to validate against any security context constraint: [provider restricted-v2: .capabilities.add: Invalid value: "NET_RAW": capability may not be added]' >&2; exit 1"#
    )
    var request = try request()
    request.route = .debug
    let (_, decision) = try await finder.survey(request)
    guard case .refused(let debug) = decision.options[0].verdict else {
      Issue.record("\(decision)")
      return
    }
    #expect(debug.kind == .denied && debug.fix?.contains("SCC") == true, "\(debug.sentence)")
    // Whether exec is allowed, and nothing else.
    #expect(calls.count { $0 == "right" } == 1)
  }

  @Test func aNodeHasRoutesOfItsOwn() async throws {
    var tools = tools
    tools.settings.order = [.exec, .upload, .debug, .node]
    tools.settings.allowed = [.node]
    tools.settings.nodeNamespace = "capture"
    let (tried, result) = await attempt(
      try request("node/n1"), FactFinder(tools: tools), take: .node)
    #expect(tried == [.node])
    #expect(reasons(try result.get()) == ["node"])
    let manifest = String(decoding: try contents(scratch.path + "/helper.json"), as: UTF8.self)
    #expect(manifest.contains(#""namespace":"capture""#) && manifest.contains(#""nodeName":"n1""#))
    #expect(!manifest.contains("hostPID"))
  }

  @Test func anAPIThatSaysNoIsQuoted() async throws {
    try answer(
      debug:
        #"echo 'Error from server (Forbidden): pods "web" is forbidden: exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1' >&2; exit 1"#
    )
    let (facts, decision) = try await finder.survey(try request())
    guard case .failure(let failure)? = facts.debug else {
      Issue.record("It was accepted.")
      return
    }
    #expect(failure.sentence.contains("quota"), "\(failure.sentence)")
    #expect(decision.options.map(\.isUsable) == [false, false, true, false, false])
  }
}
