import Base
import Foundation
import Testing

@testable import Cluster

@Suite struct AdmissionRefusalTests {
  /// Every recorded refusal and who refused.
  static let expected: [String: AdmissionRefusal.Cause] = {
    let privileged = #"privileged (container "tap" must not set securityContext.privileged=true)"#
    let host = "host namespaces (hostNetwork=true)"
    func restricted(_ name: String, _ capabilities: String) -> [String] {
      [
        "allowPrivilegeEscalation != false (container \"\(name)\" must set securityContext.allowPrivilegeEscalation=false)",
        "unrestricted capabilities (container \"\(name)\" must set securityContext.capabilities.drop=[\"ALL\"]\(capabilities))",
        "runAsNonRoot != true (pod or container \"\(name)\" must set securityContext.runAsNonRoot=true)",
        "seccompProfile (pod or container \"\(name)\" must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\")",
      ]
    }
    func capabilities(_ name: String, _ list: String) -> String {
      "(container \"\(name)\" must not include \(list) in securityContext.capabilities.add)"
    }
    let policy = { AdmissionRefusal.Cause.policy(name: "no-capture", message: $0) }
    let denier = AdmissionRefusal.Cause.webhook(
      name: "denier.example.com",
      message: "capturing traffic is against policy NET-7; ask the platform team")
    let gone = AdmissionRefusal.Cause.webhookUnreachable(
      name: "gone.example.com",
      message:
        "Post \"https://127.0.0.1:9444/validate?timeout=2s\": dial tcp 127.0.0.1:9444: connect: connection refused"
    )
    return [
      "psa-restricted-ephemeral": .podSecurity(
        level: .restricted,
        violations: restricted(
          "x",
          "; container \"x\" must not include \"SYS_PTRACE\" in securityContext.capabilities.add")),
      "psa-restricted-ephemeral-netadmin": .podSecurity(
        level: .restricted,
        violations: restricted(
          "x",
          "; container \"x\" must not include \"NET_ADMIN\", \"NET_RAW\" in securityContext.capabilities.add"
        )),
      "psa-baseline-ephemeral-netadmin": .podSecurity(
        level: .baseline,
        violations: [
          "non-default capabilities " + capabilities("x", "\"NET_ADMIN\", \"NET_RAW\"")
        ]),
      "psa-baseline-ephemeral-sysadmin": .podSecurity(
        level: .baseline,
        violations: [#"privileged (container "x" must not set securityContext.privileged=true)"#]),
      "psa-baseline-ephemeral-general": .podSecurity(
        level: .baseline,
        violations: ["non-default capabilities " + capabilities("g136b", "\"SYS_PTRACE\"")]),
      "psa-baseline-ephemeral-general@1.32": .podSecurity(
        level: .baseline,
        violations: ["non-default capabilities " + capabilities("g132b", "\"SYS_PTRACE\"")]),
      "psa-baseline-pod": .podSecurity(level: .baseline, violations: [host, privileged]),
      "psa-restricted-pod": .podSecurity(
        level: .restricted, violations: [host, privileged] + restricted("tap", "")),
      "quota-pods": .quota(
        "failed quota: team: must specify limits.cpu for: tap; limits.memory for: tap"),
      "quota-must-specify": .quota(
        "failed quota: team: must specify limits.cpu for: tap; limits.memory for: tap"),
      "quota-big": .quota(
        "exceeded quota: team, requested: limits.cpu=1,limits.memory=1Gi,pods=1, used: limits.cpu=100m,limits.memory=32Mi,pods=1, limited: limits.cpu=100m,limits.memory=64Mi,pods=1"
      ),
      "limitrange-max": .quota(
        "maximum cpu usage per Container is 200m, but limit is 1, maximum memory usage per Container is 64Mi, but limit is 1Gi"
      ),
      "policy-ephemeral": policy("debug containers are not allowed in this namespace"),
      "policy-exec": policy("exec is switched off in this namespace"),
      "policy-exec@1.32": policy("exec is switched off in this namespace"),
      "policy-pod": policy("capture pods are not allowed in this namespace"),
      "webhook-denies-ephemeral": denier, "webhook-denies-exec": denier,
      "webhook-denies-pod": denier,
      "webhook-unreachable-ephemeral": gone, "webhook-unreachable-exec": gone,
      "webhook-unreachable-pod": gone,
      "static-pod-ephemeral": .staticPod,
      "already-exists": .exists,
      "put-ephemeral-conflict": .conflict,
      "put-ephemeral-uid": .replaced,
      "put-ephemeral-pod-missing": .notFound("pods \"nopod\" not found"),
      "put-ephemeral-change": .invalid(
        "spec.ephemeralContainers: Forbidden: existing ephemeral containers \"dbg136c1\" may not be changed"
      ),
      "debug-name-taken": .invalid(
        "spec.ephemeralContainers: Forbidden: existing ephemeral containers \"dbg136c1\" may not be changed"
      ),
      "put-ephemeral-remove": .invalid(
        "spec.ephemeralContainers: Forbidden: existing ephemeral containers \"dbg136c1\" may not be removed"
      ),
      "put-ephemeral-name-of-container": .invalid(
        "spec.ephemeralContainers[10].name: Duplicate value: \"eph\""),
      "put-ephemeral-resources": .invalid(
        "spec.ephemeralContainers[10].resources: Forbidden: cannot be set for an Ephemeral Container"
      ),
      "put-ephemeral-target": .invalid(
        "spec.ephemeralContainers[10].targetContainerName: Not found: \"nope\""),
      "debug-target-missing": .invalid(
        "spec.ephemeralContainers[0].targetContainerName: Not found: \"nope\""),
      "put-ephemeral-old-kind": .invalid(
        "EphemeralContainers in version \"v1\" cannot be handled as a Pod: no kind \"EphemeralContainers\" is registered for version \"v1\" in scheme \"pkg/api/legacyscheme/scheme.go:30\""
      ),
    ]
  }()

  static let groups: Set = [
    "ephemeral-container", "pod-security", "quota", "admission-policy", "admission-webhook",
    "static-pod", "conflict",
  ]

  /// Refused by kubectl itself, before anything was sent.
  static let local: Set = ["debug-bad-image-name", "debug-bad-profile"]

  @Test(
    arguments: try RecordedError.all().filter { groups.contains($0.group) && $0.exit_code == 1 })
  func recordedRefusals(_ error: RecordedError) throws {
    let refusal = AdmissionRefusal(errors: error.stderr)
    switch error.id {
    case _ where Self.local.contains(error.id): #expect(refusal == nil)
    case "put-ephemeral-forbidden":
      guard case .forbidden(let denial) = refusal?.cause else {
        Issue.record("\(String(describing: refusal))")
        return
      }
      #expect(denial.verb == "update" && denial.resource == "pods/ephemeralcontainers")
      #expect(denial.namespace == "demo")
    default:
      #expect(try #require(refusal).cause == #require(Self.expected[error.id]))
    }
  }

  /// What is refused for want of a right, and what is no refusal of the API server at all.
  @Test func otherRecordings() throws {
    var forbidden = 0
    for error in try RecordedError.all() where error.exit_code == 1 {
      let refusal = AdmissionRefusal(errors: error.stderr)
      switch error.group {
      case "forbidden":
        guard case .forbidden = refusal?.cause else {
          Issue.record("\(error.id)")
          continue
        }
        forbidden += 1
      case "kubeconfig", "unreachable", "tls", "credential-plugin", "timeout":
        let isAnswer = error.stderr.contains("Error from server (")
        #expect((refusal != nil) == isAnswer, "\(error.id) \(error.stderr)")
      default: break
      }
    }
    #expect(forbidden > 20)
  }

  @Test(arguments: [
    (
      "Error from server (Forbidden): pods \"x\" is forbidden: violates PodSecurity \"strange:v1.30\": a (b, \"c, d)\"), e",
      AdmissionRefusal.Cause.podSecurity(level: nil, violations: ["a (b, \"c, d)\")", "e"])
    ),
    (
      "Error from server (Forbidden): pods \"x\" is forbidden: violates PodSecurity \"",
      .podSecurity(level: nil, violations: [])
    ),
    (
      "Error from server: admission webhook \"a\" denied the request without explanation",
      .webhook(name: "a", message: "without explanation")
    ),
    ("Error from server (InternalError): boom", .other("boom")),
    // As OpenShift's documentation and source have it; no cluster of that kind was at hand to record.
    (
      "Error from server (Forbidden): pods \"web\" is forbidden: unable to validate against any security context constraint: [provider \"anyuid\": Forbidden: not usable by user or serviceaccount, provider restricted-v2: .spec.ephemeralContainers[0].capabilities.add: Invalid value: \"NET_RAW\": capability may not be added]",
      .securityContext(
        "provider \"anyuid\": Forbidden: not usable by user or serviceaccount, provider restricted-v2: .spec.ephemeralContainers[0].capabilities.add: Invalid value: \"NET_RAW\": capability may not be added"
      )
    ),
    (
      "Error from server (Forbidden): pods \"web\" is forbidden: unable to validate against any security context constraint: []",
      .securityContext("")
    ),
    (
      "Error from server (Conflict): Operation cannot be fulfilled on Pod \"x\": the UID in the precondition (a) does not match the UID in record (b). The object might have been deleted and then recreated",
      .replaced
    ),
  ])
  func otherWords(_ errors: String, _ cause: AdmissionRefusal.Cause) {
    #expect(AdmissionRefusal(errors: errors)?.cause == cause)
  }

  @Test func aWebhookThatQuotesAnotherFailureStaysAWebhook() {
    let cause = KubectlCause(
      errors:
        "error: unable to upgrade connection: admission webhook \"w\" denied the request: x509: container not found (\"a\")"
    )
    #expect(
      cause == .rejected(.webhook(name: "w", message: "x509: container not found (\"a\")")))
  }

  @Test func hostileWordsAreShownHarmlessAndBounded() {
    let words = String(repeating: "\u{1B}[2J\u{202E}", count: 20_000)
    let refusal = AdmissionRefusal(
      errors: "Error from server: admission webhook \"w\" denied the request: \(words)")
    let failure = refusal?.failure("-")
    let all = "\(failure?.sentence ?? "")\(failure?.detail ?? "")"
    #expect(all.unicodeScalars.count < 5000)
    #expect(!all.unicodeScalars.contains { $0.value == 0x1B || $0.value == 0x202E })
  }

  @Test func mutatedWordsDoNotTrap() async throws {
    var generator = SeededGenerator(seed: 12)
    for error in try RecordedError.all() where Self.groups.contains(error.group) {
      await Task.yield()
      for _ in 0..<40 {
        let text = String(
          decoding: mutated(Array(error.stderr.utf8), &generator), as: UTF8.self)
        _ = AdmissionRefusal(errors: text)?.failure("-")
      }
    }
  }
}
