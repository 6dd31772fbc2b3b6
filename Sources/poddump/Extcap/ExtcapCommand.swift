internal import Base
internal import Broker
internal import Cluster
internal import Extcap
internal import Packets

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// `poddump extcap`, which poddump-extcap becomes for everything that the listing cache does not
/// answer: first fetch, refresh, filter check, reload and capture. Not for people.
enum ExtcapCommand {
  /// Answers one call.
  ///
  /// - Parameter arguments: What Wireshark passed.
  /// - Returns: The exit status.
  static func run(_ arguments: [String]) async -> Int32 {
    // Wireshark may have been started from a desktop, whose PATH is short.
    if let path = ListingCache()?.searchPath() { SearchPath.join(path.directories) }
    switch Request(arguments: arguments) {
    case .interfaces: return await interfaces()
    case .config(let interface, .some(let reload)): return await self.reload(reload, of: interface)
    case .checkFilter(let interface, let filter): return await check(filter, for: interface)
    case .capture(let request): return await ExtcapCapture(request).run()
    case .refresh:
      if let maker = listingMaker() { await maker.refresh() }
      return 0
    case .cleanup:
      await cleanUp()
      return 0
    case .config(_, nil), .dlts, .help, .version, .invalid:
      return fail("poddump-extcap answers this itself.", Failure.Kind.usage.rawValue)
    }
  }

  /// Undoes what captures that are gone have left, as far as it was written down. Most ends by itself, and
  /// the janitor is at it too; Wireshark waits here, so it is tried for a moment only.
  private static func cleanUp() async {
    guard let folder = try? Journal.folderOfUser() else { return }
    let journal = Journal(folder: folder)
    let configuration = (try? Configuration.load()) ?? Configuration()
    let undoer = EntryUndoer(nodes: configuration.nodes, isInteractive: false)
    var owners: [ProcessIdentity] = []
    for entry in journal.entries().entries
    where entry.owner.isRunning == false && !owners.contains(entry.owner) {
      owners.append(entry.owner)
    }
    await withTaskGroup(of: Void.self) { group in
      for owner in owners.prefix(8) {
        group.addTask {
          var janitor = Janitor(journal: journal, owner: owner) { (entry) async throws(Failure) in
            try await undoer.undo(entry)
          }
          janitor.patience = .seconds(2)
          await janitor.run()
        }
      }
    }
  }

  /// How long the very first listing may keep Wireshark waiting, in milliseconds.
  private static let firstFetch = 800

  /// There is no cache: has one made by a child that goes on alone, waits for it a moment, and shows
  /// what there is by then, at least the portal.
  private static func interfaces() async -> Int32 {
    let help = HelpPage.url(ofProgram: ownPath())
    guard let cache = ListingCache() else { return answer(Reply.interfaces([], help: help)) }
    let variable = environmentValue("KUBECONFIG") ?? ""
    // Not being able to start it is no failure here: there is then no listing yet.
    if let program = ownPath() { try? startDetached(program, ["extcap", "--refresh"]) }
    for _ in 0..<(firstFetch / 20) {
      if let view = cache.view(kubeconfigVariable: variable) {
        let status = answer(Reply.interfaces(view.listings, help: help))
        // A cache that cannot be written to is no reason to fail.
        try? cache.notePrinted(view.shown, kubeconfigVariable: variable)
        return status
      }
      usleep(20_000)
    }
    return answer(Reply.interfaces([], help: help))
  }

  private static func reload(_ reload: Reload, of interface: String) async -> Int32 {
    guard let value = InterfaceValue(interface) else { return 1 }
    return answer(await ExtcapReload(value: value, reload: reload).reply())
  }

  /// Wireshark's rule: nothing for a valid filter, one line for one that is not, and exit 0 for both.
  ///
  /// A filter is valid for what the interface's packets begin with, as far as that is known: Ethernet, or
  /// what they began with the last time. Wireshark does not say whether another interface than the
  /// default one is chosen in the dialog; after a capture from such a one, what is valid for either is.
  private static func check(_ filter: String, for interface: String) async -> Int32 {
    let known = InterfaceValue(interface).flatMap {
      ListingCache()?.linkType(of: $0, kubeconfigVariable: environmentValue("KUBECONFIG") ?? "")
    }
    let seen = known.map { LinkType(rawValue: $0.number) } ?? .ethernet
    do throws(Failure) {
      if known?.ofDefault == false,
        (try? await CaptureFilter.check(filter, within: filterPatience)) != nil
      {
        return 0
      }
      try await CaptureFilter.check(filter, linkType: seen, within: filterPatience)
      return 0
    } catch {
      let line = [error.why, error.fix].compactMap(\.self).joined(separator: " ")
      return answer(printable(line.isEmpty ? error.what : line, limit: 300) + "\n")
    }
  }

  /// How long it may take to judge a filter, while Wireshark waits.
  static let filterPatience = Duration.seconds(1)

  /// The maker of listings; nil without a cache folder. A configuration that cannot be used must not
  /// empty Wireshark's list: its defaults are taken, and every command line call says what is wrong.
  static func listingMaker() -> ListingMaker? {
    guard let cache = ListingCache() else { return nil }
    let configuration = (try? Configuration.load()) ?? Configuration()
    return ListingMaker(configuration: configuration, cache: cache)
  }

  /// Writes an answer on standard output.
  private static func answer(_ text: [UInt8]) -> Int32 { put(text, to: STDOUT_FILENO) ? 0 : 1 }

  private static func answer(_ text: String) -> Int32 { answer(Array(text.utf8)) }

  /// Writes a sentence for Wireshark's error dialog, which shows at most 1024 bytes.
  static func fail(_ sentence: String, _ status: Int32) -> Int32 {
    put(printable(sentence, limit: 900) + "\n", to: STDERR_FILENO)
    return status
  }
}
