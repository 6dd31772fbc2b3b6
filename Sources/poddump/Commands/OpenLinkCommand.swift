internal import Base
internal import Cluster

/// `poddump open-link URL`, which a desktop runs for a `poddump://` link: asks, and has Wireshark capture the
/// pod. Not for people, and with a command line of its own: the link is the only word.
enum OpenLinkCommand {
  static let name = "open-link"

  /// Opens a link.
  ///
  /// - Parameter arguments: The link.
  /// - Returns: The exit status.
  static func run(_ arguments: [String]) async -> Int32 {
    let dialogs = Dialogs()
    do throws(Failure) {
      guard arguments.count == 1 else {
        throw Failure(
          .usage, "poddump \(name) takes one link.", fix: "Write poddump://CONTEXT/NAMESPACE/POD.")
      }
      try await open(arguments[0], dialogs)
      return 0
    } catch {
      Terminal(level: .normal).fail(error)
      await dialogs.tell(printable(error.sentence, limit: 1000))
      return error.kind.rawValue
    }
  }

  private static func open(_ text: String, _ dialogs: Dialogs) async throws(Failure) {
    // All that is wrong is found before anybody is asked.
    var link = try PodLink(text)
    guard let program = Wireshark.onScreen() else {
      throw Failure(
        .notFound, "Cannot open Wireshark.", why: "There is none here, or no screen for it.",
        fix: "Use: poddump capture \(link.namespace)/\(link.pod) --context=\(link.context) -w FILE")
    }
    let kubectl = try Kubectl.find(isInteractive: false)
    let config = try await kubectl.config(within: Patience(.seconds(10)))
    link = try link.resolved(among: config.contexts.map(\.name))
    switch await dialogs.ask(link.question) {
    case .yes: try startDetached(program, link.arguments)
    // An answer that somebody has just given needs no words.
    case .no: return
    case .unasked:
      throw Failure(
        .denied, "The link is not opened.",
        why: "It may come from anywhere, and there is no way to ask you: neither a terminal nor "
          + "\(Dialogs.names).",
        fix: "Install one of them, or use: poddump capture \(link.namespace)/\(link.pod) "
          + "--context=\(link.context) --open")
    }
  }
}
