import Base
import Cluster
import Foundation
import TestSupport
import Testing

@testable import poddump

/// Links, which come from anywhere.
struct PodLinkTests {
  @Test(arguments: [
    ("poddump://staging/shop/web-0", "staging", "shop", "web-0"),
    ("PodDump://staging/shop/web-0", "staging", "shop", "web-0"),
    ("poddump://admin@prod/shop/web", "admin@prod", "shop", "web"),
    ("poddump://admin%40prod/shop/web", "admin@prod", "shop", "web"),
    (
      "poddump://arn:aws:eks:eu-central-1:1234:cluster%2Fprod/shop/web",
      "arn:aws:eks:eu-central-1:1234:cluster/prod", "shop", "web"
    ),
    (
      "poddump://gke_project_zone_name/kube-system/dns.a", "gke_project_zone_name", "kube-system",
      "dns.a"
    ),
    ("poddump://c/n/%70od", "c", "n", "pod"),
  ])
  func isRead(text: String, context: String, namespace: String, pod: String) throws {
    let link = try PodLink(text)
    #expect(link.context == context && link.namespace == namespace && link.pod == pod)
  }

  static let refused: [String] = [
    "", "poddump:", "poddump://", "poddump:///", "poddump://a", "poddump://a/b", "poddump://a/b/",
    "poddump://a//c", "poddump:///b/c", "poddump://a/b/c/", "poddump://a/b/c/d", "http://a/b/c",
    " poddump://a/b/c", "poddump://a/b/c ", "poddump:a/b/c", "-poddump://a/b/c",
    // No options, in whatever dress.
    "poddump://a/b/c?container=x", "poddump://a/b/c#x", "poddump://a/b/--help", "poddump://a/-n/c",
    "poddump://--context/b/c", "poddump://-a/b/c", "poddump://%2Da/b/c", "poddump://a/b/c%20-w%20x",
    "poddump://a/b/c%0A-o", "poddump://a/b/c -o x", "poddump://a b/c/d",
    // What a name never has.
    "poddump://a/B/c", "poddump://a/b/C", "poddump://a/b/c_d", "poddump://a/b/..",
    "poddump://a/../c",
    "poddump://a/b/c%2Fd", "poddump://a/b/$(id)", "poddump://a/b/`id`", "poddump://a/b/c;d",
    "poddump://a/b.c/d", "poddump://a/b/.c", "poddump://a/b/%E2%80%AEc",
    // What could look like something else in the question.
    "poddump://a%0Ab/c/d", "poddump://a%00/c/d", "poddump://%3Cb%3Ea/c/d", "poddump://a%5Cn/c/d",
    "poddump://a%26amp/c/d", "poddump://%D0%B0/c/d", "poddump://a%E2%80%AEb/c/d",
    "poddump://a%20b/c/d",
    "poddump://a'b/c/d", "poddump://a%22/c/d", "poddump://a$b/c/d",
    // Broken encoding.
    "poddump://a%/b/c", "poddump://a%4/b/c", "poddump://a%zz/b/c", "poddump://a%FF/b/c",
    "poddump://a%%40/b/c", "poddump://ä/b/c",
    "poddump://" + String(repeating: "a", count: 501) + "/b/c",
    "poddump://a/" + String(repeating: "b", count: 64) + "/c",
    "poddump://a/b/" + String(repeating: "c", count: 254),
    "poddump://" + String(repeating: "a", count: 4000) + "/b/c",
  ]

  @Test(arguments: refused) func isRefused(text: String) {
    do {
      let link = try PodLink(text)
      Issue.record("\(text) was read as \(link)")
    } catch {
      #expect(error.kind == .usage && error.why != nil && error.fix != nil)
      #expect(error.sentence.utf8.count < 600)
      #expect(error.sentence.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x202E })
    }
  }

  /// Whatever is read names what it says, letter for letter, and nothing that could be taken for an option.
  @Test(arguments: 1...20 as ClosedRange<UInt64>) func chanceFindsNoWayIn(seed: UInt64) throws {
    var chance = SeededGenerator(seed)
    let pieces = [
      "poddump://", "a", "b-c", "%", "%2F", "%2D", "%0a", "/", "/", "/", "-", "--", ".", "A", "@",
      ":", "?",
      "#", " ", "\n", "\0", "%41", "é", "\u{202e}", "'", "\"", "<", "&", "$(", "=", "..", "0",
    ]
    for _ in 0..<3000 {
      let count = Int.random(in: 0...9, using: &chance)
      var text = Bool.random(using: &chance) ? "poddump://" : ""
      for _ in 0..<count { text += try #require(pieces.randomElement(using: &chance)) }
      guard let link = try? PodLink(text) else { continue }
      #expect(ResourceName.isLabel(link.namespace) && ResourceName.isSubdomain(link.pod))
      #expect(!link.context.hasPrefix("-") && link.context.allSatisfy(\.isASCII))
      let words = link.arguments
      #expect(words.count == 11 && words.count { $0 == "-o" } == 4)
      #expect(words.contains("extcap.poddump.context:\(link.context)"))
      #expect(link.question.contains("Context: \(link.context)\n"))
      let parts = text.dropFirst(10).split(separator: "/", omittingEmptySubsequences: false)
      #expect(parts.count == 3 && PercentCoding.decoded(parts[0]) == link.context)
    }
  }

  @Test func theContextIsOneOfTheKubeconfigs() throws {
    let link = try PodLink("poddump://prod/shop/web")
    #expect(try link.resolved(among: ["lab", "prod", "PROD"]).context == "prod")
    // Written as a host, in lower case.
    #expect(try link.resolved(among: ["lab", "Prod"]).context == "Prod")
    for known in [[], ["lab"], ["Prod", "PROD"], ["prod\u{202e}"]] {
      #expect(throws: Failure.self) { try link.resolved(among: known) }
    }
  }

  @Test func theQuestion() throws {
    try Golden().check(
      try PodLink("poddump://admin@prod/shop/web-0").question + "\n", "link-question.txt")
    #expect(
      try PodLink("poddump://a:b/c/d").arguments == [
        "-k", "-i", "poddump", "-o", "extcap.poddump.context:a:b", "-o",
        "extcap.poddump.namespace:c",
        "-o", "extcap.poddump.pod:d", "-o", "extcap.poddump.container:", "-o",
        "extcap.poddump.interface:",
      ])
  }
}
