internal import ArgumentParser
internal import Base
internal import Broker
internal import Cluster

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// `poddump clean`: finds and removes what an interrupted run left in the cluster or on nodes.
struct CleanCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "clean",
    abstract: "Find and remove what an interrupted run left in the cluster or on nodes.",
    discussion: """
      What poddump wrote down before it made it is undone in whatever context that was. Then all \
      namespaces that may be seen in the current context are searched for pods and ephemeral \
      containers of poddump's. What somebody uses is left alone.
      """)

  @OptionGroup var kubernetes: KubernetesOptions

  @Flag(name: .long, help: "Say what would be done, and change nothing.")
  var dryRun = false

  func run() async throws {
    if let namespace = kubernetes.namespace { try Target.check(namespace: namespace) }
    let configuration = try Configuration.load()
    let journal = Journal(folder: try Journal.folderOfUser())
    let contents = journal.entries()
    let rules = CleanRules(
      user: UserName.current, entries: contents.entries, now: Int(time(nil)))
    var cleaning = Cleaning(isDryRun: dryRun)

    if !dryRun { journal.sweep() }
    for path in contents.unreadable {
      let left = CleanText.left(isDryRun: dryRun)
      cleaning.tell("\(printable(path, limit: 500)): \(left), since it is no entry of the journal")
    }
    let undoer = EntryUndoer(
      nodes: configuration.nodes, isInteractive: true, patience: kubernetes.patience())
    for entry in contents.entries {
      let decision = rules.decision(entry)
      let undone = await cleaning.handle(
        entry.change, entry.cluster.text, isSeen: false, decision
      ) {
        () async throws(Failure) in try await undoer.undo(entry)
      }
      if undone?.isSettled == true { journal.strike(entry) }
    }
    try await search(contents.entries, rules, &cleaning)
    if let failure = cleaning.failure { throw ExitCode(failure.rawValue) }
  }

  /// Looks for what no journal knows.
  private func search(
    _ entries: [JournalEntry], _ rules: CleanRules, _ cleaning: inout Cleaning
  ) async throws(Failure) {
    let kubectl = try kubernetes.kubectl()
    let known = entries.compactMap { entry in
      switch entry.change {
      case .pod(let namespace, _), .file(let namespace, _, _, _, _),
        .ephemeralContainer(let namespace, _, _, _):
        namespace
      case .nodeFile, .nodeProcess: nil
      }
    }
    let found = try await LeftoverSearch(kubectl).run(
      namespace: kubernetes.namespace, known: known)
    for leftover in found.leftovers where !cleaning.hasSettled(leftover.change) {
      let decision = rules.decision(leftover)
      await cleaning.handle(leftover.change, kubectl.whereText, isSeen: true, decision) {
        () async throws(Failure) in
        try await undo(leftover.change, kubectl: kubectl, ifUnused: decision.asksFirst)
      }
    }
    for line in CleanText.ending(found, asked: kubernetes.namespace) { cleaning.tell(line) }
    if cleaning.isEmpty { cleaning.tell("Nothing is left\(kubectl.whereText)") }
  }
}

/// A run of `poddump clean`: does or leaves things, says so, and remembers what could not be done.
struct Cleaning {
  let isDryRun: Bool
  private var handled: [FarChange] = []
  /// Whether nothing has been said yet.
  private(set) var isEmpty = true
  /// Why something is left that could be removed; nil when nothing is.
  private(set) var failure: Failure.Kind?

  init(isDryRun: Bool) { self.isDryRun = isDryRun }

  /// Whether a thing was dealt with already.
  func hasSettled(_ change: FarChange) -> Bool { handled.contains(change) }

  /// Says a line of its own.
  mutating func tell(_ line: String) {
    isEmpty = false
    Terminal.answer(line + ".\n")
  }

  /// Undoes a thing or leaves it, as was decided, and says which and why.
  ///
  /// - Parameters:
  ///   - change: What made the thing.
  ///   - place: Which cluster, behind the thing's own place.
  ///   - isSeen: Whether it was found, rather than written down once.
  ///   - decision: What is to be done.
  ///   - undo: Does it.
  /// - Returns: What became of it; nil when nothing was tried.
  @discardableResult
  mutating func handle(
    _ change: FarChange, _ place: String, isSeen: Bool, _ decision: CleanDecision,
    _ undo: () async throws(Failure) -> Undone
  ) async -> Undone? {
    handled.append(change)
    let thing = printable(change.text, limit: 600) + place
    switch decision {
    case .leave(let why):
      tell("\(thing): \(CleanText.left(isDryRun: isDryRun)), since \(why)")
      return nil
    case .undo(let why) where isDryRun, .undoIfUnused(let why) where isDryRun:
      failure = failure ?? .other  // it is still there
      let condition = CleanText.condition(isSeen: isSeen, asksFirst: decision.asksFirst)
      tell("\(thing): would be \(CleanText.verb(change))\(condition), since \(why)")
      return nil
    case .undo(let why), .undoIfUnused(let why):
      do throws(Failure) {
        let undone = try await undo()
        if case .left = undone { failure = failure ?? .other }
        tell("\(thing): \(CleanText.outcome(undone, change, why))")
        return undone
      } catch {
        failure = error.kind == .denied || failure == .denied ? .denied : .other
        let reason = [error.why, error.fix].compactMap(\.self).joined(separator: " ")
        tell("\(thing): left. \(CleanText.withoutStop(reason.isEmpty ? error.what : reason))")
        return nil
      }
    }
  }
}

/// The words of `poddump clean`.
enum CleanText {
  /// What is done to undo a change.
  static func verb(_ change: FarChange) -> String {
    switch change {
    case .pod: "deleted"
    case .file, .nodeFile: "removed"
    case .ephemeralContainer, .nodeProcess: "ended"
    }
  }

  static func left(isDryRun: Bool) -> String { isDryRun ? "would be left" : "left" }

  /// On what it depends whether a change would be undone: a dry run looks at the cluster's lists only.
  ///
  /// - Parameters:
  ///   - isSeen: Whether it was found, rather than written down once.
  ///   - asksFirst: Whether a look into it would come first.
  /// - Returns: Words with a blank before them, or nothing.
  static func condition(isSeen: Bool, asksFirst: Bool) -> String {
    if asksFirst { return " unless a capture runs in it" }
    return isSeen ? "" : " if it is still there"
  }

  /// What became of a change that was to be undone.
  static func outcome(_ undone: Undone, _ change: FarChange, _ why: String) -> String {
    switch undone {
    case .done: "\(verb(change)), since \(why)"
    case .gone: "gone already"
    case .inUse: "left, since a capture runs in it, which ends it"
    case .left(let reason): "left. \(withoutStop(reason))"
    }
  }

  /// What is said at the end of a search.
  ///
  /// - Parameters:
  ///   - found: What the search found.
  ///   - asked: The namespace that the user named.
  /// - Returns: Sentences without their full stops.
  static func ending(_ found: FoundLeftovers, asked: String?) -> [String] {
    var lines: [String] = []
    if found.ended > 0 {
      let count = found.ended == 1 ? "1 ended container" : "\(found.ended) ended containers"
      lines.append(
        "\(count) of poddump's can still be seen in the specs of pods: nothing can remove such an "
          + "entry, it does nothing, and it goes with its pod")
    }
    if asked == nil, let namespaces = found.namespaces {
      lines.append(
        "You may not list pods in all namespaces; only these were searched: "
          + printable(namespaces.joined(separator: ", "), limit: 600))
    }
    return lines
  }

  static func withoutStop(_ sentence: String) -> String {
    sentence.hasSuffix(".") ? String(sentence.dropLast()) : sentence
  }
}
