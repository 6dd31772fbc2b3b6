import Base
import Foundation
import Testing

@testable import Cluster

@Suite struct ExitCauseTests {
  @Test(
    arguments: [
      (
        1, "tcpdump: eth9: No such device exists",
        .gaveUp(status: 1, words: "tcpdump: eth9: No such device exists")
      ),
      (0, "", .gaveUp(status: 0, words: "")),
      (
        0, "bash: fork: Resource temporarily unavailable",
        .gaveUp(status: 0, words: "bash: fork: Resource temporarily unavailable")
      ),
      (2, "dash: 0: Cannot fork", .processLimit),
      (1, "poddump: fork: retry: Resource temporarily unavailable", .processLimit),
      (
        2,
        "sh: can't fork: Resource temporarily unavailable\ncommand terminated with exit code 2\n",
        .processLimit
      ),
      (
        254,
        "bash: fork: retry: Resource temporarily unavailable\nbash: fork: Resource temporarily unavailable",
        .processLimit
      ),
      (
        255, "runtime/cgo: pthread_create failed: Resource temporarily unavailable\nSIGABRT: abort",
        .processLimit
      ),
      (1, "exec /bin/junk: exec format error", .wrongArchitecture),
      (126, "bash: ./tap: cannot execute binary file: Exec format error", .wrongArchitecture),
      (126, "sh: ./tap: Permission denied", .notExecutable),
      (127, "sh: tcpdump: not found", .missing),
      (137, "", .killed), (139, "", .crashed(signal: 11)), (132, "", .crashed(signal: 4)),
      (143, "", .terminated), (124, "", .timeLimit),
      (
        3, "a\u{1B}[31m\ncommand terminated with exit code 3",
        .gaveUp(status: 3, words: "a\u{FFFD}[31m")
      ),
    ] as [(Int32, String, ExitCause)])
  func table(_ status: Int32, _ messages: String, _ expected: ExitCause) {
    #expect(ExitCause(status: status, messages: messages) == expected)
  }

  /// What runtimes say that start a program: containerd with runc as recorded, runc 1.1.5 and crun 1.8.1 as
  /// measured.
  @Test(
    arguments: [
      (
        "error: Internal error occurred: Internal error occurred: error executing command in container: failed to exec in container: failed to start exec \"a4\": OCI runtime exec failed: exec failed: unable to start container process: read init-p: connection reset by peer: unknown",
        1, .processLimit
      ),
      (
        "executable file `tcpdump` not found in $PATH: No such file or directory\ncommand terminated with exit code 127",
        127, .noProgram(name: "tcpdump", why: .missing)
      ),
      (
        "open executable: Permission denied\ncommand terminated with exit code 126", 126,
        .noProgram(name: "", why: .notExecutable)
      ),
      (
        "open executable: Operation not permitted\ncommand terminated with exit code 126", 126,
        .noProgram(name: "", why: .notExecutable)
      ),
      (
        "OCI runtime exec failed: exec failed: unable to start container process: exec: \"/t\": exec format error: unknown\ncommand terminated with exit code 126",
        126, .noProgram(name: "/t", why: .wrongFormat)
      ),
    ] as [(String, Int32, KubectlCause)])
  func runtimes(_ errors: String, _ status: Int32, _ cause: KubectlCause) {
    let end = KubectlCause.execEnd("-", status: .exited(status), errors: errors)
    guard case .failed(let failure) = end else {
      Issue.record("It reads as the program's own end.")
      return
    }
    #expect(failure.kind == .noRoute)
    #expect(failure.sentence == cause.failure("-").sentence)
  }
}

/// Every sentence of the catalogue, to be read by people.
@Suite struct CatalogueTests {
  @Test func wordings() throws {
    var failures: [(String, Failure)] = []
    let admissions = AdmissionRefusalTests.expected.sorted { $0.key < $1.key }
    for (id, cause) in admissions {
      failures.append((id, AdmissionRefusal(cause).failure("Cannot add a container.")))
    }
    let denial = AccessDenial(
      "pods \"x\" is forbidden: User \"dev\" cannot update resource \"pods/ephemeralcontainers\" in API group \"\" in the namespace \"demo\""
    )
    for cause in [
      AdmissionRefusal.Cause.forbidden(denial), .other("etcd is full"),
      .podSecurity(level: nil, violations: []), .webhook(name: "w", message: ""),
      .securityContext("provider restricted-v2: .capabilities.add: Invalid value: \"NET_RAW\""),
      .securityContext(""),
    ] {
      failures.append(("refusal", AdmissionRefusal(cause).failure("Cannot create a pod.")))
    }
    for trouble in [
      StartTrouble.image(reason: "ImagePullBackOff", "Back-off pulling image \"a\""),
      .image(reason: "InvalidImageName", "A"), .image(reason: "ErrImageNeverPull", "not present"),
      .configuration("configmap \"settings\" not found"),
      .cannotStart(reason: "RunContainerError", "no such file"),
      .ended(reason: "Completed", exitCode: 0), .ended(reason: "OOMKilled", exitCode: 137),
      .ended(reason: nil, exitCode: 1), .podGone, .podReplaced, .podEnding,
      .podFinished("Evicted"), .podFinished("Succeeded"), .tooLong("pulling image a"),
    ] {
      failures.append(("start", trouble.failure("Container c of pod shop/web does not start.")))
    }
    for cause in [
      ExitCause.processLimit, .notExecutable, .wrongArchitecture, .missing, .killed, .terminated,
      .crashed(signal: 11), .timeLimit, .gaveUp(status: 1, words: ""),
      .gaveUp(status: 2, words: "usage"),
    ] {
      failures.append(
        ("exit", cause.failure("Cannot capture.", program: "tcpdump", place: "the container")))
    }
    for cause in [
      KubectlCause.processLimit, .noProgram(name: "", why: .missing),
      .noProgram(name: "", why: .notExecutable), .noProgram(name: "", why: .other),
      .noProgram(name: "t", why: .wrongFormat), .oldKubectl(flag: "--custom"),
      .badImageName("A"), .expired,
    ] {
      failures.append(("kubectl", cause.failure("Cannot run it.")))
    }
    var text = ""
    for (id, failure) in failures {
      text += "\(id)\n  \(failure.kind): \(failure.why ?? "")\n    \(failure.fix ?? "")\n"
      for part in [failure.why, failure.fix] {
        let sentence = try #require(part)
        #expect(sentence.hasSuffix(".") && !sentence.hasSuffix(".."), "\(sentence)")
      }
    }
    if ProcessInfo.processInfo.environment["RECORD_GOLDEN"] == "1" {
      let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      let file = folder.appendingPathComponent("Data/catalogue.txt")
      try text.write(to: file, atomically: true, encoding: .utf8)
      Issue.record("Data/catalogue.txt was recorded anew.")
    }
    #expect(text == String(decoding: try Recording.bytes("catalogue.txt"), as: UTF8.self))
  }

  /// Recorded entries that have no cause, and why they need none.
  static let without: [String: String] = {
    let waiting = "kubectl wait and delete --timeout are never called"
    let checked = "names are checked before kubectl is started"
    let fixed = "the command line is fixed"
    return [
      "wait-timeout": waiting, "wait-selector-none": waiting, "wait-delete-timeout": waiting,
      "delete-timeout": waiting, "node-not-ready-delete": waiting,
      "name-slash": checked, "name-slash-type": checked, "name-dots": checked,
      "name-percent": checked, "name-empty": checked, "ns-slash": checked,
      "exec-no-command": fixed, "exec-no-dashdash": fixed, "command-unknown": fixed,
      "missing-file": fixed, "debug-bad-profile": fixed,
    ]
  }()

  @Test func everyRecordingHasACause() throws {
    var unused = Set(Self.without.keys)
    for error in try RecordedError.all() {
      let id = error.id.prefix { $0 != "@" }
      guard case .exited(let status) = error.status, status != 0,
        case .failed = KubectlCause.execEnd("-", status: error.status, errors: error.stderr)
      else { continue }
      guard case .unknown(let words) = KubectlCause(errors: error.stderr) else {
        #expect(Self.without[String(id)] == nil, "\(error.id) has a cause by now.")
        continue
      }
      unused.remove(String(id))
      #expect(Self.without[String(id)] != nil, "\(error.id): \(words)")
    }
    #expect(unused.isEmpty)
  }
}
