#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// The listings on disk: one file per context and kubeconfig, and for each value of KUBECONFIG one that
/// says which of them Wireshark is shown.
///
/// A file that is torn, foreign, of another version or not ours is no file. Nothing here waits for a lock,
/// and nothing reaches the network.
package struct ListingCache: Sendable {
  /// The folder, `~/.cache/poddump` or its like.
  package let folder: String

  /// A listing older than this is shown, and made anew.
  package static let freshFor: Int64 = 30
  /// A listing that was not made anew for so long is removed: 30 days, in seconds.
  private static let keptFor: Int64 = 30 * 24 * 3600
  /// The most files that are looked at.
  private static let mostFiles = 1000

  /// Uses a folder; it need not exist.
  package init(folder: String) {
    self.folder = folder
  }

  /// Uses the user's cache folder: `$XDG_CACHE_HOME/poddump` (if that is an absolute path) or
  /// `~/.cache/poddump`, on macOS `~/Library/Caches/poddump`. Nil without either variable.
  package init?(environment: (String) -> String? = environmentVariable) {
    if let folder = environment("XDG_CACHE_HOME"), folder.utf8.first == 0x2f {
      self.init(folder: folder + "/poddump")
    } else if let home = environment("HOME"), home.utf8.first == 0x2f {
      self.init(folder: (home == "/" ? "" : home) + cacheFolderInHome)
    } else {
      return nil
    }
  }

  // MARK: Reading

  /// What Wireshark is shown.
  package struct View: Equatable, Sendable {
    /// Which contexts, of which kubeconfig.
    package var shown: Shown
    /// What is listed of each, in the same order; one that is missing is left out.
    package var listings: [ListingHead]

    /// Creates a view.
    package init(shown: Shown, listings: [ListingHead]) {
      self.shown = shown
      self.listings = listings
    }

    /// Whether it ought to be made anew: a listing is old, missing or from the future, or a
    /// kubeconfig has changed.
    ///
    /// - Parameter now: Seconds since 1970.
    /// - Returns: Whether to make it anew.
    package func isStale(at now: Int64) -> Bool {
      if listings.count < shown.contexts.count || shown.kubeconfig.hasChanged { return true }
      let times = listings.isEmpty ? [shown.written] : listings.map(\.written)
      return times.contains { $0 > now + 5 || $0 + freshFor < now }
    }
  }

  /// What Wireshark is shown under a value of KUBECONFIG (empty if unset); nil if that is not known.
  ///
  /// A cluster of which nothing could be learned gives a view without listings.
  package func view(kubeconfigVariable: String) -> View? {
    guard let shown = shown(kubeconfigVariable: kubeconfigVariable) else { return nil }
    let files = shown.contexts.map { ($0, file(context: $0, kubeconfig: shown.kubeconfig)) }
    let listings = files.compactMap { context, file in
      start(of: file, to: { $0.choices })
        .flatMap(ListingFormat.head)
        .flatMap { $0.context == context ? $0 : nil }
    }
    // Where there are files, and nothing of use in them, they are as good as no cache.
    guard !listings.isEmpty || files.allSatisfy({ access($0.1, F_OK) != 0 }) else { return nil }
    return View(shown: shown, listings: listings)
  }

  /// Which contexts are shown under a value of KUBECONFIG; nil if that is not known.
  package func shown(kubeconfigVariable: String) -> Shown? {
    pointer(shownPrefix, kubeconfigVariable)
  }

  private func pointer(_ prefix: String, _ kubeconfigVariable: String) -> Shown? {
    guard PrivateFile.isPrivateFolder(folder) else { return nil }
    return PrivateFile.read(path(prefix, kubeconfigVariable)).flatMap(ShownFormat.decode)
  }

  /// A whole listing; nil if there is none.
  package func listing(context: String, kubeconfig: Kubeconfig) -> Listing? {
    guard PrivateFile.isPrivateFolder(folder) else { return nil }
    return PrivateFile.read(file(context: context, kubeconfig: kubeconfig))
      .flatMap { ListingFormat.decode($0) }
      .flatMap { $0.context == context ? $0 : nil }
  }

  /// An entry, and where it was found.
  package struct Found: Equatable, Sendable {
    /// The entry.
    package var entry: Entry
    /// The context whose listing produced it.
    package var context: String
    /// The kubeconfig that defines the context.
    package var kubeconfig: Kubeconfig
    /// A note about the cluster for people.
    package var cluster: String
    /// When it was listed, in seconds since 1970.
    package var written: Int64

    init(_ item: RecentValues.Item) {
      entry = Entry(value: item.value, name: item.name, context: item.context)
      context = item.context
      kubeconfig = Kubeconfig(observing: item.kubeconfig)
      cluster = ""
      written = item.used
    }

    init(_ found: (entry: Entry, head: ListingHead)) {
      entry = found.entry
      context = found.head.context
      kubeconfig = found.head.kubeconfig
      cluster = found.head.cluster
      written = found.head.written
    }
  }

  /// Looks a value up in what Wireshark was shown last under a value of KUBECONFIG, else in what it
  /// would be shown now.
  package func findShown(_ value: InterfaceValue, kubeconfigVariable: String) -> Found? {
    let printed = pointer(printedPrefix, kubeconfigVariable)
    if let printed, let found = find(value, in: printed) { return found }
    guard let shown = shown(kubeconfigVariable: kubeconfigVariable) else { return nil }
    return printed.map(shown.isAlike) == true ? nil : find(value, in: shown)
  }

  private func find(_ value: InterfaceValue, in shown: Shown) -> Found? {
    for context in shown.contexts {
      let path = file(context: context, kubeconfig: shown.kubeconfig)
      if let found = find(value, in: path) { return found }
    }
    return nil
  }

  /// Looks a value up everywhere: what is shown first, then all other listings, the newest first; if
  /// none has it, what was captured last.
  ///
  /// The first one found is what the value means; more than one tells that the same name was listed
  /// from several clusters.
  package func find(_ value: InterfaceValue, kubeconfigVariable: String) -> [Found] {
    let first = findShown(value, kubeconfigVariable: kubeconfigVariable)
    let others = files(listingPrefix).compactMap { find(value, in: folder + "/" + $0) }
      .filter { $0.context != first?.context || $0.kubeconfig.files != first?.kubeconfig.files }
      .sorted { $0.written > $1.written }
    let found = (first.map { [$0] } ?? []) + others
    return found.isEmpty ? recent().items.filter { $0.value == value }.map(Found.init) : found
  }

  private func find(_ value: InterfaceValue, in path: String) -> Found? {
    // Nearly always it is among the listed ones: try the file's start before the whole of it.
    if let bytes = start(of: path, to: { $0.listed }),
      let found = ListingFormat.find(value.text, in: bytes)
    {
      return Found(found)
    }
    return start(of: path, to: { $0.all }).flatMap { ListingFormat.find(value.text, in: $0) }
      .map(Found.init)
  }

  /// The bytes of a listing's file up to the end of a part; nil if it is torn or no listing.
  private func start(
    of path: String, to end: (ListingFormat.Parts) -> Int
  ) -> [UInt8]? {
    PrivateFile.read(path, first: 64 << 10) { start, size in
      ListingFormat.parts(start).flatMap { $0.all == size ? end($0) : nil }
    }
  }

  // MARK: Writing

  /// Puts a listing in place of the one before, of which it remembers for a day what has gone.
  package func write(_ listing: Listing) throws(CacheError) {
    try PrivateFile.makeFolder(folder)
    let earlier = self.listing(context: listing.context, kubeconfig: listing.kubeconfig)
    try PrivateFile.write(
      ListingFormat.encode(earlier.map(listing.remembering) ?? listing),
      to: file(context: listing.context, kubeconfig: listing.kubeconfig))
    removeOld(now: listing.written)
  }

  /// Says which contexts Wireshark is shown under a value of KUBECONFIG. Write the listings first.
  package func write(_ shown: Shown, kubeconfigVariable: String) throws(CacheError) {
    try PrivateFile.makeFolder(folder)
    try PrivateFile.write(ShownFormat.encode(shown), to: path(shownPrefix, kubeconfigVariable))
  }

  /// Notes that Wireshark has now been shown this; call it whenever a list of interfaces was printed.
  ///
  /// A value means what it meant in the list that was printed, also when a refresh has since
  /// followed the user to another context. Writes only if something has changed.
  package func notePrinted(_ shown: Shown, kubeconfigVariable: String) throws(CacheError) {
    guard pointer(printedPrefix, kubeconfigVariable).map(shown.isAlike) != true else { return }
    try PrivateFile.makeFolder(folder)
    try PrivateFile.write(ShownFormat.encode(shown), to: path(printedPrefix, kubeconfigVariable))
  }

  /// Removes listings that nobody has made anew for a month, and what interrupted writers left.
  private func removeOld(now: Int64) {
    for name in files("")
    where [listingPrefix, shownPrefix, printedPrefix, "recent"].contains(where: name.hasPrefix) {
      let path = folder + "/" + name
      guard let changed = fileStatus(path)?.modified else { continue }
      let age = now - changed / 1_000_000_000
      if age > (name.hasSuffix(".tmp") ? 600 : Self.keptFor) { unlink(path) }
    }
  }

  // MARK: Names

  private var listingPrefix: String { "listing-" }
  private var shownPrefix: String { "shown-" }
  private var printedPrefix: String { "printed-" }

  /// A context's name alone does not tell a cluster: many a kubeconfig calls its context `default`.
  private func file(context: String, kubeconfig: Kubeconfig) -> String {
    var hash = StableHash(context)
    for file in kubeconfig.files {
      hash.add(0)
      hash.add(file.path)
    }
    return folder + "/" + listingPrefix + hash.sixteenDigits
  }

  private func path(_ prefix: String, _ kubeconfigVariable: String) -> String {
    folder + "/" + prefix + StableHash(kubeconfigVariable).sixteenDigits
  }

  /// The names of the folder's files that begin with `prefix`, at most so many.
  private func files(_ prefix: String) -> [String] {
    guard PrivateFile.isPrivateFolder(folder), let stream = opendir(folder) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while names.count < Self.mostFiles, let entry = readdir(stream) {
      let name = name(of: entry)
      if name.hasPrefix(prefix), !name.hasSuffix(".tmp") || prefix.isEmpty { names.append(name) }
    }
    return names.sorted()
  }
}

/// The value of an environment variable, nil when it is unset or empty.
package func environmentVariable(_ name: String) -> String? {
  guard let value = getenv(name), value.pointee != 0 else { return nil }
  return String(cString: value)
}
