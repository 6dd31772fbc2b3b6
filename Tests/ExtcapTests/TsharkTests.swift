import Foundation
import Testing

@testable import Extcap

/// Where tshark is; nil if it is not installed.
private let tsharkPath = ["/usr/bin/tshark", "/usr/local/bin/tshark", "/opt/homebrew/bin/tshark"]
  .first { FileManager.default.isExecutableFile(atPath: $0) }

/// The real tshark with the built poddump-extcap in a personal folder.
///
/// On a computer without tshark these tests do not run, except where CI=true: there they fail.
@Suite(
  .enabled(
    if: tsharkPath != nil || ProcessInfo.processInfo.environment["CI"] == "true",
    "tshark is not installed"))
struct TsharkTests {
  private let thin: ThinProgram
  private let hostile: Int

  /// 250 listed pods, among them those with hostile companions.
  init() throws {
    thin = try ThinProgram()
    // The folders of Wireshark 4.0 and of 4.2 and newer; both hold links, as our installer makes them.
    for name in [".config/wireshark/extcap", ".local/lib/wireshark/extcap"] {
      let folder = thin.folder("home/" + name)
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      try FileManager.default.createSymbolicLink(
        atPath: folder + "/poddump-extcap", withDestinationPath: thin.program)
    }
    var entries = Sample.hostileNames.enumerated().map { index, name in
      Sample.pod("hostile", "pod-\(index)", node: name, context: name, containers: [name])
    }
    entries += Sample.hostileNames.map { Sample.pod("names", $0, context: $0) }
    hostile = entries.compactMap(\.self).count
    entries += (0..<1000).map { Sample.pod("zoo", "web-\($0)") }
    let now = Int64(Date().timeIntervalSince1970)
    let listing = Listing(
      context: "Ünïcödé} {x}", written: now, kubeconfig: Kubeconfig(files: []),
      entries: entries.compactMap(\.self))
    let cache = try thin.cache
    try cache.write(listing)
    try cache.write(
      Shown(
        written: now, kubeconfig: listing.kubeconfig, contexts: [listing.context],
        known: Sample.hostileNames), kubeconfigVariable: "")
  }

  private func tshark(_ arguments: String...) throws -> Outcome {
    let tshark = try #require(tsharkPath, "tshark is not installed")
    return try ThinProgram.run(tshark, arguments, thin.environment)
  }

  @Test func listsThePods() throws {
    let outcome = try tshark("-D")
    #expect(outcome.status == 0)
    let lines = outcome.output.split(separator: "\n")
    // Wireshark prints junk on its standard output for a sentence it cannot read.
    #expect(lines.allSatisfy { $0.first?.isNumber == true })
    let pods = lines.filter { $0.contains(" pod:") }
    #expect(pods.count == Listing.defaultLimit)
    #expect(
      pods.filter { $0.contains("pod:hostile/") || $0.contains("pod:names/") }.count == hostile)
    #expect(lines.contains { $0.hasSuffix(" poddump (Kubernetes: choose a pod…)") })
    #expect(lines.contains { $0.contains("pod:zoo/web-0 (zoo/web-0 · n1 · staging)") })
    #expect(!outcome.errors.contains("poddump"))
  }

  @Test func keepsItsPreferences() throws {
    let outcome = try tshark("-G", "currentprefs")
    #expect(outcome.status == 0)
    let ours = outcome.output.split(separator: "\n").filter { $0.contains("extcap.poddump.") }
      .compactMap { $0.split(separator: ":").first?.split(separator: ".").last.map(String.init) }
    #expect(
      Set(ours)
        == Set(Argument.all.map { $0.name.split(separator: "-").joined() }))
    // Arguments of pods are saved nowhere.
    #expect(!outcome.output.contains("extcap.pod_"))
  }

  @Test func knowsLinkTypesOfPods() throws {
    for interface in ["pod:zoo/web-0", "zoo/web-1", "poddump"] {
      let outcome = try tshark("-i", interface, "-L")
      #expect(outcome.status == 0)
      #expect((outcome.output + outcome.errors).contains("EN10MB (Ethernet)"), "\(interface)")
    }
  }

  /// A capture that fails must end Wireshark 4.0 too, which waits for its FIFO for ever.
  @Test(.timeLimit(.minutes(1)), arguments: ["pod:zoo/web-0", "poddump"])
  func aFailingCaptureEnds(interface: String) throws {
    let outcome = try tshark(
      "-i", interface, "-o", "extcap.poddump.pod:zoo/web-999", "-o",
      "extcap.poddump.throughput:TRUE", "-c", "1", "-w", thin.folder("out.pcapng"))
    #expect(outcome.status != 0)
    #expect(outcome.errors.contains("poddump was not found"))
  }
}
