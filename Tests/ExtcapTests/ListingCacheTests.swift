import Foundation
import Testing

@testable import Extcap

struct ListingCacheTests {
  private let folder: TemporaryFolder
  private let cache: ListingCache

  init() throws {
    folder = try TemporaryFolder()
    cache = ListingCache(folder: folder("cache/poddump"))
  }

  private func view(_ listing: Listing, contexts: [String]? = nil) -> Shown {
    Shown(
      written: listing.written, kubeconfig: listing.kubeconfig,
      contexts: contexts ?? [listing.context], known: [listing.context])
  }

  @Test func findsTheUsersFolder() {
    func folder(_ variables: [String: String]) -> String? {
      ListingCache { variables[$0] }?.folder
    }
    #expect(folder(["XDG_CACHE_HOME": "/c", "HOME": "/h"]) == "/c/poddump")
    #if os(macOS)
    #expect(folder(["HOME": "/h"]) == "/h/Library/Caches/poddump")
    #else
    #expect(folder(["HOME": "/h"]) == "/h/.cache/poddump")
    #expect(folder(["HOME": "/"]) == "/.cache/poddump")
    #expect(folder(["XDG_CACHE_HOME": "relative", "HOME": "/h"]) == "/h/.cache/poddump")
    #endif
    #expect(folder([:]) == nil)
    #expect(folder(["HOME": "relative"]) == nil)
  }

  @Test func whatIsWrittenIsRead() throws {
    #expect(cache.view(kubeconfigVariable: "") == nil)
    #expect(cache.find(.portal, kubeconfigVariable: "") == [])
    try cache.write(Sample.cluster)
    #expect(cache.view(kubeconfigVariable: "") == nil)
    try cache.write(view(Sample.cluster), kubeconfigVariable: "")
    let seen = try #require(cache.view(kubeconfigVariable: ""))
    #expect(seen.listings == [ListingHead(Sample.cluster)])
    #expect(cache.view(kubeconfigVariable: "/other") == nil)
    // A cluster that was asked and did not answer is known to have nothing: nobody waits for it.
    var silent = view(Sample.cluster)
    silent.contexts = ["silent"]
    try cache.write(silent, kubeconfigVariable: "/silent")
    #expect(cache.view(kubeconfigVariable: "/silent")?.listings == [])
    #expect(
      cache.listing(context: "staging", kubeconfig: Sample.kubeconfig) == Sample.cluster)
    for entry in Sample.cluster.entries {
      let found = try #require(cache.findShown(entry.value, kubeconfigVariable: ""))
      #expect(found.entry == entry)
      #expect(found.context == "staging")
      #expect(found.kubeconfig == Sample.kubeconfig)
    }
  }

  @Test func filesAreOursAlone() throws {
    try cache.write(Sample.cluster)
    try cache.write(view(Sample.cluster), kubeconfigVariable: "")
    try cache.notePrinted(view(Sample.cluster), kubeconfigVariable: "")
    try cache.note(.init(value: .portal, name: "", context: "c", kubeconfig: [], used: 1))
    _ = RefreshLock(cache)
    let names = try FileManager.default.contentsOfDirectory(atPath: cache.folder)
    #expect(names.count == 5)
    for name in names {
      #expect(try mode(cache.folder + "/" + name) == 0o600, "\(name)")
    }
    #expect(try mode(cache.folder) == 0o700)
    #expect(try mode(folder("cache")) == 0o700)
  }

  private func mode(_ path: String) throws -> Int {
    let attributes = try FileManager.default.attributesOfItem(atPath: path)
    return (attributes[.posixPermissions] as? Int ?? 0) & 0o777
  }

  @Test func foldersOfOthersAreNotTrusted() throws {
    try cache.write(Sample.cluster)
    try cache.write(view(Sample.cluster), kubeconfigVariable: "")
    for bits in [0o777, 0o770, 0o720] {
      chmod(cache.folder, mode_t(bits))
      #expect(cache.view(kubeconfigVariable: "") == nil)
      #expect(throws: CacheError.self) { try cache.write(Sample.cluster) }
      #expect(Holder(cache) == nil)
    }
    chmod(cache.folder, 0o700)
    #expect(cache.view(kubeconfigVariable: "") != nil)
    // A link in the folder's place.
    rename(cache.folder, folder("elsewhere"))
    symlink(folder("elsewhere"), cache.folder)
    #expect(cache.view(kubeconfigVariable: "") == nil)
    #expect(throws: CacheError.self) { try cache.write(Sample.cluster) }
  }

  @Test(.enabled(if: geteuid() == 0))
  func filesOfOthersAreNotTrusted() throws {
    try cache.write(Sample.cluster)
    try cache.write(view(Sample.cluster), kubeconfigVariable: "")
    for name in try FileManager.default.contentsOfDirectory(atPath: cache.folder)
    where name.hasPrefix("listing-") {
      chown(cache.folder + "/" + name, 65534, 65534)
    }
    #expect(cache.view(kubeconfigVariable: "") == nil)
    #expect(cache.findShown(Sample.cluster.listed[0].value, kubeconfigVariable: "") == nil)
    chown(cache.folder, 65534, 65534)
    #expect(throws: CacheError.self) { try cache.write(Sample.cluster) }
    // Root leaves nothing behind in another user's home.
    mkdir(folder("home"), 0o755)
    chown(folder("home"), 65534, 65534)
    let foreign = ListingCache(folder: folder("home/.cache/poddump"))
    #expect(throws: CacheError.self) { try foreign.write(Sample.cluster) }
    #expect(access(folder("home/.cache"), F_OK) != 0)
  }

  @Test func whatIsNoRegularFileIsNotRead() throws {
    try cache.write(Sample.cluster)
    try cache.write(view(Sample.cluster), kubeconfigVariable: "")
    let listing = try #require(
      FileManager.default.contentsOfDirectory(atPath: cache.folder)
        .first { $0.hasPrefix("listing-") })
    let path = cache.folder + "/" + listing
    rename(path, folder("moved"))
    symlink(folder("moved"), path)
    #expect(cache.view(kubeconfigVariable: "") == nil)
    unlink(path)
    // Opening a FIFO must not wait for its writer.
    mkfifo(path, 0o600)
    #expect(cache.view(kubeconfigVariable: "") == nil)
    unlink(path)
    mkdir(path, 0o700)
    #expect(cache.view(kubeconfigVariable: "") == nil)
    rmdir(path)
    #expect(FileManager.default.createFile(atPath: path, contents: Data()))
    #expect(cache.view(kubeconfigVariable: "") == nil)
    truncate(path, off_t(PrivateFile.largest + 1))
    #expect(cache.view(kubeconfigVariable: "") == nil)
    unlink(path)
    rename(folder("moved"), path)
    #expect(cache.view(kubeconfigVariable: "") != nil)
  }

  @Test func staleness() throws {
    let file = folder("kubeconfig")
    try Data("a".utf8).write(to: URL(filePath: file))
    let kubeconfig = Kubeconfig(observing: [file, folder("missing")])
    #expect(kubeconfig.files[1].size == -1)
    let listing = Listing(context: "c", written: 1000, kubeconfig: kubeconfig, entries: [])
    let shown = Shown(written: 1000, kubeconfig: kubeconfig, contexts: ["c"])
    let fresh = ListingCache.View(shown: shown, listings: [ListingHead(listing)])
    #expect(!fresh.isStale(at: 1000))
    #expect(!fresh.isStale(at: 1030))
    #expect(fresh.isStale(at: 1031))
    #expect(!fresh.isStale(at: 995))
    #expect(fresh.isStale(at: 900))
    #expect(ListingCache.View(shown: shown, listings: []).isStale(at: 1000))
    let none = Shown(written: 1000, kubeconfig: kubeconfig, contexts: [])
    #expect(!ListingCache.View(shown: none, listings: []).isStale(at: 1030))
    #expect(ListingCache.View(shown: none, listings: []).isStale(at: 1031))
    try Data("b".utf8).write(to: URL(filePath: folder("missing")))
    #expect(fresh.isStale(at: 1000))
    unlink(folder("missing"))
    #expect(!fresh.isStale(at: 1000))
    try Data("ab".utf8).write(to: URL(filePath: file))
    #expect(fresh.isStale(at: 1000))
  }

  /// Two clusters with a pod of the same name.
  @Test func aValueMeansTheContextThatWasPrinted() throws {
    let value = try #require(InterfaceValue("pod:shop/web-0"))
    let staging = Sample.listing([Sample.pod("shop", "web-0")], written: 1000)
    let prod = Sample.listing(
      [Sample.pod("shop", "web-0", context: "prod")], context: "prod", written: 2000)
    try cache.write(staging)
    try cache.write(view(staging), kubeconfigVariable: "")
    try cache.notePrinted(view(staging), kubeconfigVariable: "")
    // The user changes the context; a refresh follows, the window has not been told yet.
    try cache.write(prod)
    try cache.write(view(prod), kubeconfigVariable: "")
    #expect(cache.findShown(value, kubeconfigVariable: "")?.context == "staging")
    #expect(cache.find(value, kubeconfigVariable: "").map(\.context) == ["staging", "prod"])
    try cache.notePrinted(view(prod), kubeconfigVariable: "")
    #expect(cache.findShown(value, kubeconfigVariable: "")?.context == "prod")
    // Its pod goes: the value still means prod, not the cluster that has one left.
    try cache.write(Sample.listing([], context: "prod", written: 3000))
    let found = try #require(cache.findShown(value, kubeconfigVariable: ""))
    #expect(found.context == "prod")
    #expect(found.entry.lastSeen == 2000)
    // Another environment, of which nothing is known, knows the other listings.
    #expect(cache.findShown(value, kubeconfigVariable: "/x") == nil)
    #expect(cache.find(value, kubeconfigVariable: "/x").map(\.context) == ["prod", "staging"])
  }

  @Test func contextsOfTheSameNameInTwoKubeconfigsAreTwo() throws {
    let value = try #require(InterfaceValue("pod:shop/web-0"))
    var one = Sample.listing([Sample.pod("shop", "web-0")], context: "default")
    one.kubeconfig = Kubeconfig(files: [.init(path: "/one", modified: 1, size: 1)])
    one.cluster = "one"
    var two = one
    two.kubeconfig = Kubeconfig(files: [.init(path: "/two", modified: 1, size: 1)])
    two.cluster = "two"
    try cache.write(one)
    try cache.write(two)
    try cache.write(view(one), kubeconfigVariable: "/one")
    try cache.write(view(two), kubeconfigVariable: "/two")
    #expect(cache.findShown(value, kubeconfigVariable: "/one")?.cluster == "one")
    #expect(cache.findShown(value, kubeconfigVariable: "/two")?.cluster == "two")
  }

  @Test func whatWasCapturedLastIsRemembered() throws {
    let value = try #require(InterfaceValue("pod:shop/web-0"))
    for number in 0..<(RecentValues.most + 20) {
      let other = try #require(InterfaceValue("pod:shop/p\(number)"))
      try cache.note(
        .init(
          value: other, name: "p\(number)", context: "c", kubeconfig: ["/k"], used: Int64(number)))
    }
    try cache.note(.init(value: value, name: "web-0", context: "c", kubeconfig: ["/k"], used: 1000))
    try cache.note(.init(value: value, name: "web-0", context: "c", kubeconfig: ["/k"], used: 1001))
    let recent = cache.recent()
    #expect(recent.items.count == RecentValues.most)
    #expect(recent.items.prefix(2).map(\.used) == [1001, Int64(RecentValues.most + 19)])
    let found = try #require(cache.find(value, kubeconfigVariable: "").first)
    #expect(found.context == "c")
    #expect(found.kubeconfig.files.map(\.path) == ["/k"])
    #expect(found.entry.name == "web-0")
  }

  @Test func oldFilesAreRemoved() throws {
    try cache.write(Sample.cluster)
    for (name, age) in [
      ("listing-0000000000000000", 31.0 * 86400), ("listing-1111111111111111", 29.0 * 86400),
      ("shown-0000000000000000", 31.0 * 86400), ("listing-2222.1.1.tmp", 3600),
      ("listing-3333.1.1.tmp", 0), ("foreign", 100.0 * 86400),
    ] {
      let path = cache.folder + "/" + name
      #expect(FileManager.default.createFile(atPath: path, contents: Data("x".utf8)))
      try FileManager.default.setAttributes(
        [.modificationDate: Date(timeIntervalSinceNow: -age)], ofItemAtPath: path)
    }
    try cache.write(
      Sample.listing([], context: "other", written: Int64(Date().timeIntervalSince1970)))
    let left = try FileManager.default.contentsOfDirectory(atPath: cache.folder).sorted()
    #expect(left.contains("listing-1111111111111111"))
    #expect(left.contains("listing-3333.1.1.tmp"))
    #expect(left.contains("foreign"))
    #expect(left.count == 5)
  }

  /// Two writers and a reader: the reader sees one listing or the other, whole.
  @Test func twoWriters() async throws {
    let cache = cache
    let big = Sample.listing((0..<400).map { Sample.pod("shop", "big-\($0)") }, written: 1)
    let small = Sample.listing([Sample.pod("shop", "small")], written: 1)
    try cache.write(view(big), kubeconfigVariable: "")
    try cache.write(small)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for listing in [big, small] {
        group.addTask {
          for _ in 0..<50 { try cache.write(listing) }
        }
      }
      group.addTask {
        for _ in 0..<200 {
          let view = try #require(cache.view(kubeconfigVariable: ""))
          let head = try #require(view.listings.first)
          #expect(head == ListingHead(big) || head == ListingHead(small))
        }
      }
      try await group.waitForAll()
    }
    let left = try FileManager.default.contentsOfDirectory(atPath: cache.folder)
    #expect(left.filter { $0.hasSuffix(".tmp") } == [])
  }

  @Test func aFullOrReadOnlyPlaceIsAnErrorThatSaysWhere() throws {
    let impossible = ListingCache(folder: "/proc/poddump")
    let error = try #require(throws: CacheError.self) { try impossible.write(Sample.cluster) }
    #expect(error.sentence.contains("/proc/poddump"))
    #expect(Holder(impossible) == nil)
  }

  @Test func oneRefreshAtATimeAndNotOneAfterTheOther() throws {
    let now = Int64(Date().timeIntervalSince1970)
    do {
      let lock = try #require(Holder(cache))
      #expect(Holder(cache) == nil)
      #expect(lock.mayStart(at: now))
      #expect(!lock.mayStart(at: now))
      #expect(!lock.mayStart(at: now + RefreshLock.pause - 2))
      #expect(lock.mayStart(at: now + RefreshLock.pause + 1))
    }
    let again = try #require(Holder(cache))
    #expect(!again.mayStart(at: now + 1))
    // A clock that was set back must not stop refreshes until it has caught up.
    #expect(again.mayStart(at: now - 3600))
  }

  /// Lets a lock, which cannot be copied, pass through the macros.
  private final class Holder: Equatable {
    static func == (a: Holder, b: Holder) -> Bool { a === b }
    private let lock: RefreshLock
    init?(_ cache: ListingCache) {
      guard let lock = RefreshLock(cache) else { return nil }
      self.lock = lock
    }
    func mayStart(at now: Int64) -> Bool { lock.mayStart(at: now) }
  }
}
