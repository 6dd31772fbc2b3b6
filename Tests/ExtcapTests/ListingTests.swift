import Testing

@testable import Extcap

struct ListingTests {
  @Test func theLimitKeepsFavouritesAndIsTheSameInEveryRun() throws {
    var entries = (0..<1000).map { Sample.pod("team-\($0 % 7)", "pod-\($0)") }
    entries += (0..<10).map { Sample.pod("zoo", "favourite-\($0)", rank: 9 - $0) }
    entries += [
      Sample.pod("aaa", "done", phase: "Succeeded"), Sample.object(.deployment, "aaa", "api"),
      Sample.pod("zoo", "favourite-0", node: "twice", rank: 0),
    ]
    let listing = Sample.listing(entries, limit: 250)
    #expect(listing.listed.count == 250)
    #expect(listing.listed.prefix(10).map(\.name) == (0..<10).reversed().map { "favourite-\($0)" })
    #expect(listing.listed.allSatisfy { $0.isRunning })
    #expect(listing.listed.filter { $0.kind != .pod }.map(\.value.text) == ["deploy:aaa/api"])
    #expect(listing.entries.count == 1012)
    #expect(Set(listing.entries.map(\.value)).count == 1012)
    #expect(listing.namespaces == ["aaa"] + (0..<7).map { "team-\($0)" } + ["zoo"])
    var random = SeededGenerator(state: 7)
    let again = Sample.listing(entries.dropLast().shuffled(using: &random), limit: 250)
    #expect(again.listed == listing.listed)
    #expect(Sample.listing(entries, limit: 0).listed == [])
    #expect(Sample.listing(entries, limit: 5000).listed.count == 1011)
  }

  /// Workloads push no favourite out, and leave four fifths to the pods.
  @Test(arguments: [
    (1000, 1000, 10, 250, [10, 192, 48]), (1000, 3, 10, 250, [10, 237, 3]),
    (5, 1000, 10, 250, [10, 5, 235]), (1000, 1000, 300, 250, [250, 0, 0]),
    (1000, 1000, 0, 4, [0, 4, 0]), (0, 7, 0, 250, [0, 0, 7]), (9, 9, 9, 0, [0, 0, 0]),
  ])
  func theLimitIsDivided(pods: Int, others: Int, ranked: Int, limit: Int, listed: [Int]) {
    let entries =
      (0..<pods).map { Sample.pod("shop", "pod-\($0)") }
      + (0..<others).map { Sample.object(.deployment, "shop", "web-\($0)") }
      + (0..<ranked).map { number in
        var entry = Sample.object(.service, "zoo", "favourite-\(number)")
        entry?.rank = number
        return entry
      }
    let listing = Sample.listing(entries, limit: limit)
    let isRanked = listing.listed.filter { $0.rank != nil }.count
    let isPod = listing.listed.filter { $0.kind == .pod }.count
    #expect([isRanked, isPod, listing.listed.count - isRanked - isPod] == listed)
    #expect(listing.entries.count == pods + others + ranked)
    #expect(Sample.listing(entries, limit: 7).limited(to: limit) == listing)
  }

  @Test(arguments: [
    (250, [1000, 1000], [125, 125]), (250, [10, 1000], [10, 240]), (250, [1000, 10], [240, 10]),
    (250, [5, 6], [5, 6]), (0, [5, 6], [0, 0]), (-1, [5], [0]), (1, [5, 6], [0, 1]), (9, [], []),
    (100, [10, 100, 100], [10, 45, 45]),
  ])
  func contextsShareTheLimit(limit: Int, wanted: [Int], given: [Int]) {
    #expect(Listing.shares(limit, of: wanted) == given)
  }

  /// A favourite of a further context comes before any other pod of the first.
  @Test func favouritesOfAllContextsComeFirst() {
    let first = Sample.listing((0..<100).map { Sample.pod("shop", "a\($0)") })
    let further = Sample.listing(
      (0..<100).map { Sample.pod("shop", "b\($0)", tag: "prod", rank: $0 < 9 ? $0 : nil) },
      context: "prod")
    let shared = Listing.share(10, among: [first, further])
    #expect(shared.map(\.listed.count) == [1, 9])
    #expect(shared[1].listed.count { $0.rank != nil } == 9)
    #expect(shared.map(\.entries.count) == [100, 100])
    #expect(Listing.share(250, among: [first, further]).map(\.listed.count) == [100, 100])
  }

  @Test func displaysNameTheContext() {
    #expect(Sample.pod("shop", "web")?.display == "shop/web · n1 · staging")
    #expect(Sample.pod("shop", "web", node: "")?.display == "shop/web · staging")
    for entry in Sample.cluster.entries { #expect(entry.display.contains("staging")) }
  }

  @Test func whatHasGoneIsRememberedForADay() throws {
    let day = Listing.rememberedFor
    let first = Sample.listing([Sample.pod("shop", "a"), Sample.pod("shop", "b")], written: 1000)
    let second = Sample.listing([Sample.pod("shop", "b")], written: 2000).remembering(first)
    #expect(second.listed.map(\.name) == ["b"])
    #expect(second.others.map(\.name) == ["a"])
    #expect(second.others.first?.lastSeen == 1000)
    #expect(second.others.first?.isRunning == false)
    #expect(Reply.pods(second.entries).map(\.value) == ["shop/b"])
    let third = Sample.listing([], written: 1000 + day - 1).remembering(second)
    #expect(third.others.map(\.name) == ["b", "a"])
    let fourth = Sample.listing([Sample.pod("shop", "a")], written: 1000 + day).remembering(third)
    #expect(fourth.listed.map(\.lastSeen) == [nil])
    #expect(fourth.others.map(\.name) == ["b"])
    let other = Sample.listing([], context: "other", written: 2000).remembering(first)
    #expect(other.entries == [])
    let many = Sample.listing((0..<5000).map { Sample.pod("shop", "p\($0)") }, written: 1)
    #expect(Sample.listing([], written: 2).remembering(many).others.count == 2000)
  }

  @Test func formats() throws {
    try expectGolden("listing.txt", ListingFormat.encode(Sample.cluster))
    try expectGolden("shown.txt", ShownFormat.encode(Sample.view.shown))
  }

  @Test func roundTrip() throws {
    for name in Sample.hostileNames {
      var listing = Sample.listing(
        [
          Sample.pod("shop", "web-0", node: name, context: name, rank: 3, containers: [name, "b"]),
          Sample.pod("shop", "old", phase: name), Sample.object(.node, "", "n1", context: name),
        ], context: name)
      listing.cluster = name
      listing.kubeconfig.files.append(.init(path: name, modified: 0, size: -1))
      listing.others[0].lastSeen = 12
      let bytes = ListingFormat.encode(listing)
      #expect(ListingFormat.decode(bytes) == listing, "\(name)")
      #expect(ListingFormat.head(bytes) == ListingHead(listing), "\(name)")
      for entry in listing.entries {
        let found = try #require(ListingFormat.find(entry.value.text, in: bytes))
        #expect(found.entry == entry)
        #expect(found.head.context == name)
        #expect(found.head.kubeconfig == listing.kubeconfig)
      }
      #expect(ListingFormat.find("pod:shop/web", in: bytes) == nil)
      #expect(ListingFormat.find("pod:shop/web-00", in: bytes) == nil)
      let shown = Shown(
        written: 5, kubeconfig: listing.kubeconfig, contexts: [name, "b"], known: [name])
      #expect(ShownFormat.decode(ShownFormat.encode(shown)) == shown)
      var recent = RecentValues()
      recent.note(
        .init(value: .portal, name: name, context: name, kubeconfig: [name, "b"], used: 4))
      #expect(RecentValues(recent.bytes) == recent)
    }
  }

  /// The start of a file up to the end of a part is all that a part's reader needs, and no less will do.
  @Test func everyCutIsNoticed() throws {
    let bytes = ListingFormat.encode(Sample.cluster)
    let parts = try #require(ListingFormat.parts(bytes))
    #expect(parts.all == bytes.count)
    for count in 0..<bytes.count {
      let cut = Array(bytes[..<count])
      #expect(ListingFormat.decode(cut) == nil)
      #expect((ListingFormat.head(cut) != nil) == (count >= parts.choices))
      #expect((ListingFormat.find("pod:shop/web-0", in: cut) != nil) == (count >= parts.listed))
    }
    let shown = ShownFormat.encode(Sample.view.shown)
    for count in 0..<shown.count { #expect(ShownFormat.decode(Array(shown[..<count])) == nil) }
    #expect(ListingFormat.decode(bytes + [0x0a]) == nil)
    #expect(ListingFormat.decode([]) == nil)
  }

  /// Whatever a disk makes of our files: no crash, and nothing that Wireshark stumbles over.
  @Test func corruptFilesAreNone() throws {
    let listing = ListingFormat.encode(Sample.cluster)
    let shown = ShownFormat.encode(Sample.view.shown)
    var recent = RecentValues()
    recent.note(.init(value: .portal, name: "", context: "staging", kubeconfig: ["/k"], used: 4))
    var random = SeededGenerator(state: 42)
    var survivors = 0
    for _ in 0..<1500 {
      let mutated = mutate(listing, &random)
      if let head = ListingFormat.head(mutated) {
        survivors += 1
        var lint = try WiresharkLint(Reply.interfaces([head]))
        try lint.checkInterfaces()
        #expect(lint.problems == [])
        var portal = try WiresharkLint(
          Reply.portal(.init(shown: Sample.view.shown, listings: [head]), for: .unknown))
        try portal.checkConfig(isPortal: true)
        #expect(portal.problems == [])
      }
      if let found = ListingFormat.find("pod:shop/web-0", in: mutated) {
        var lint = try WiresharkLint(
          Reply.config(found.entry.value, entry: found.entry, for: .unknown))
        try lint.checkConfig(isPortal: false)
        #expect(lint.problems == [])
      }
      _ = ListingFormat.decode(mutated)
      if let shown = ShownFormat.decode(mutate(shown, &random)) {
        let view = ListingCache.View(shown: shown, listings: [])
        _ = view.isStale(at: 0)
        var lint = try WiresharkLint(Reply.portal(view, for: .unknown))
        try lint.checkConfig(isPortal: true)
        #expect(lint.problems == [])
      }
      _ = RecentValues(mutate(recent.bytes, &random))
    }
    // Mutations of the rows are not covered by the checksum of the head.
    #expect(survivors > 50 && survivors < 1450)
  }

  private func mutate(_ bytes: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
    var bytes = bytes
    for _ in 0..<Int.random(in: 1...3, using: &random) where !bytes.isEmpty {
      let place = Int.random(in: 0..<bytes.count, using: &random)
      switch Int.random(in: 0..<6, using: &random) {
      case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
      case 1: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      case 2: bytes.remove(at: place)
      case 3: bytes.insert(UInt8.random(in: 0...255, using: &random), at: place)
      case 4: bytes.removeSubrange(place..<min(bytes.count, place + 40))
      default: bytes[place] = [0x09, 0x0a, 0x5c, 0x30, 0x39].randomElement(using: &random) ?? 0
      }
    }
    return bytes
  }
}
