import Base
import Broker
import Foundation
import TestSupport
import Testing

@testable import poddump

@Suite struct ConfigurationTests {
  private static func read(_ text: String) throws(Failure) -> poddump.Configuration {
    try poddump.Configuration(text: text, path: "/home/u/config.toml")
  }

  /// Whoever copies the README's block has changed nothing, and nodes are not logged in to; and all that is
  /// commented out there can be used.
  @Test func theReadmesBlockChangesNothing() throws {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    let readme = try String(contentsOf: folder.appending(path: "../../README.md"), encoding: .utf8)
    let start = try #require(readme.ranges(of: "```toml\n").first?.upperBound)
    let block = String(
      readme[start...].prefix(
        upTo: try #require(readme[start...].ranges(of: "```").first?.lowerBound)))
    #expect(try poddump.Configuration(text: block, path: "/c") == poddump.Configuration())
    let lines = block.split(separator: "\n").map { $0.trimmingPrefix("# ") }
    let used = try poddump.Configuration(text: lines.joined(separator: "\n"), path: "/c")
    #expect(used.nodes.isConfigured && used.nodes.host == "{node}.example.com")
    #expect(used.favourites == ["pod:shop/web"] && used.ttl == 86_400)
    for key in poddump.Configuration.known.values.joined() {
      #expect(lines.contains { $0.hasPrefix("\(key) = ") || $0.hasPrefix("[\(key)]") }, "\(key)")
    }
  }

  @Test func withoutAnythingAllIsAtItsDefault() throws {
    let configuration = try Self.read("")
    #expect(configuration == poddump.Configuration())
    #expect(configuration.listingLimit == 250)
    #expect(configuration.listingNamespaces.isEmpty && configuration.hiddenNamespaces.isEmpty)
    #expect(configuration.favourites.isEmpty)
    #expect(configuration.snapLength == nil && configuration.ttl == nil)
  }

  @Test func readsEveryKey() throws {
    let configuration = try Self.read(
      """
      # a comment
      favourites = ["pod:shop/web", "pod:shop/db"]

      [listing]
      limit = 40
      contexts = ["production"]
      namespaces = ["shop", "ops"]
      hidden = ["kube-system"]

      [capture]
      snaplen = 96
      ttl = "2h"
      """)
    #expect(configuration.favourites == ["pod:shop/web", "pod:shop/db"])
    #expect(configuration.listingLimit == 40)
    #expect(configuration.listingContexts == ["production"])
    #expect(configuration.listingNamespaces == ["shop", "ops"])
    #expect(configuration.hiddenNamespaces == ["kube-system"])
    #expect(configuration.snapLength == 96)
    #expect(configuration.ttl == 7200)
  }

  @Test(arguments: [("0", 0), ("30", 30), ("500ms", 1), ("1500ms", 2), ("1d", 86400)])
  func aTimeLimitIsNeverRoundedToNone(_ text: String, _ seconds: Int) throws {
    #expect(try Self.read("[capture]\nttl = \"\(text)\"").ttl == seconds)
  }

  @Test(arguments: [
    ("favorites = []", "favorites", "favourites"),
    ("[listings]\nlimit = 1", "listings", "listing"),
    ("[listing]\nlimt = 1", "limt in [listing]", "limit"),
    ("[listing]\nnamespace = []", "namespace in [listing]", "namespaces"),
    ("[capture]\nsnaplength = 1", "snaplength in [capture]", "snaplen"),
    ("[capture]\ntime = 1", "time in [capture]", "ttl"),
    ("[routes]\norder = []", "routes", "route"),
    ("[route]\nodrer = []", "odrer in [route]", "order"),
    ("[shh]\nuser = \"a\"", "shh", "ssh"),
    ("[ssh]\nusr = \"a\"", "usr in [ssh]", "user"),
    ("[ssh]\nknownhosts = \"a\"", "knownhosts in [ssh]", "known_hosts"),
    (
      "[ssh]\nstricthostkeychecking = \"no\"", "stricthostkeychecking in [ssh]",
      "strict_host_key_checking"
    ),
  ])
  func anUnknownKeyNamesTheNearest(_ text: String, _ key: String, _ nearest: String) {
    let failure = #expect(throws: Failure.self) { try Self.read(text) }
    #expect(failure?.kind == .usage)
    #expect(failure?.what == "Cannot use the configuration /home/u/config.toml.")
    #expect(failure?.why == "There is no setting \(key).")
    #expect(failure?.fix == "Did you mean \(nearest)?")
  }

  @Test(arguments: [
    ("favourites = 3", "favourites is not a list"),
    ("favourites = [1]", "favourites is not a list"),
    ("favourites = [\"a\", 1]", "favourites is not a list"),
    ("listing = 3", "listing is not a table"), ("capture = []", "capture is not a table"),
    ("[listing]\nlimit = \"x\"", "limit is not a number from 0 to 10000"),
    ("[listing]\nlimit = -1", "limit is not a number"),
    ("[listing]\nlimit = 10001", "limit is not a number"),
    ("[listing]\nlimit = 1.5", "limit is not a number"),
    ("[listing]\nhidden = \"kube-system\"", "hidden is not a list"),
    ("[capture]\nsnaplen = 0", "snaplen is not a number from 1 to 262144"),
    ("[capture]\nsnaplen = 262145", "snaplen is not a number"),
    ("[capture]\nttl = 30", "ttl is not a duration"),
    ("[capture]\nttl = \"soon\"", "ttl is not a duration"),
  ])
  func aValueOfTheWrongKindIsNamed(_ text: String, _ why: String) {
    let failure = #expect(throws: Failure.self) { try Self.read(text) }
    #expect(failure?.kind == .usage)
    #expect(failure?.why?.contains(why) == true, "\(failure?.sentence ?? "")")
    #expect(failure?.fix != nil)
  }

  @Test(
    arguments: [
      ("limit = ", 1, 9), ("[listing]\nlimit = 1\nlimit = 2", 3, nil), ("[listing\n", 1, nil),
      ("\n\n= 3", 3, 1), ("a = \"\u{1b}[2J\"", 1, nil),
    ] as [(String, Int, Int?)])
  func brokenTextHasItsLineAndColumn(_ text: String, _ line: Int, _ column: Int?) throws {
    let failure = #expect(throws: Failure.self) { try Self.read(text) }
    let why = try #require(failure?.why)
    #expect(why.hasPrefix("Line \(line), column \(column.map(String.init) ?? "")"), "\(why)")
    #expect(!why.contains("\u{1b}"))
    #expect(failure?.kind == .usage)
  }

  @Test func aHostileKeyCannotDriveTheTerminal() throws {
    let failure = #expect(throws: Failure.self) { try Self.read("\"\\u001b[2J\" = 1") }
    #expect(failure?.why?.contains("\u{1b}") == false)
  }
}
