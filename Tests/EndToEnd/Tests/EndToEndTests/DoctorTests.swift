import Foundation
import Testing

extension InLab {
  /// `poddump doctor` says what works from here, and what to do about what does not.
  @Suite(.serialized, .timeLimit(.minutes(2)))
  struct DoctorTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private func doctor(
      _ name: String, _ words: [String] = [], _ changes: [String: String?] = [:], status: Int32,
      within seconds: Double = 10, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
      let run = try scratch.poddump(["doctor"] + words, environment: changes)
      #expect(run.status == status, sourceLocation: sourceLocation)
      #expect(run.errors.isEmpty, sourceLocation: sourceLocation)
      #expect(run.seconds < seconds, sourceLocation: sourceLocation)
      // Where kubectl is, how many pods there are, and for which machines there were compilers, is
      // nobody's promise.
      let text = run.output.replacing(
        /kubectl        \/[^ ]*kubectl \(v1\.[0-9.]+\)/, with: "kubectl        KUBECTL"
      ).replacing(/[0-9]+ in namespace/, with: "SOME in namespace")
      Golden.expect(
        Self.withoutMachines(text), "Doctor", name, scratch: scratch,
        sourceLocation: sourceLocation)
    }

    private static func withoutMachines(_ text: String) -> String {
      text.replacing(/tap for x86_64, aarch64.*/, with: "tap for MACHINES")
        .replacing(/\/tshark \([0-9.]+\)/, with: "/tshark (VERSION)")
    }

    @Test func allIsWell() throws {
      try scratch.install()
      try doctor("all is well", status: 0)
      try doctor("by certificate", ["--context", "lab-cert"], status: 0)
    }

    @Test(arguments: ["lab-viewer", "lab-nobody", "lab-expired", "nope"])
    func aContextThatDoesNotDo(context: String) throws {
      try scratch.install()
      try doctor("context \(context)", ["--context", context], status: 1)
    }

    @Test(arguments: [["black-hole", "on"], ["refuse"]])
    func aClusterThatDoesNotAnswer(fault: [String]) throws {
      try scratch.install()
      try Lab.with(fault: fault) { try doctor("API \(fault[0])", status: 1) }
    }

    @Test func whatIsMissingHere() throws {
      try scratch.write("broken.yaml", "clusters: [a\n  b: c\n")
      try doctor("not installed in Wireshark", status: 1)
      try doctor(
        "broken kubeconfig", [], ["KUBECONFIG": scratch.path + "/broken.yaml"], status: 1)
      try doctor("no kubeconfig", [], ["KUBECONFIG": nil], status: 1)
      let config = try scratch.write("config.toml", "[listing]\nlimt = 3\n")
      try doctor("broken configuration", [], ["PODDUMP_CONFIG": config], status: 1)
    }

    @Test func whereThereIsNoKubectl() throws {
      let run = try scratch.run(withoutKubectl([Lab.poddump, "doctor"]))
      #expect(run.status == 1)
      Golden.expect(
        Self.withoutMachines(run.output), "Doctor", "no kubectl", scratch: scratch)
    }
  }
}
