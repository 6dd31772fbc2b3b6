/// Our answers to Wireshark, as pure functions of what is known.
package enum Reply {
  /// The program's version.
  package static let version = "0.1.0"
  /// Where Wireshark's Help button leads.
  package static let helpPage = "file:///usr/share/doc/poddump/README.md"

  /// The answer to `--extcap-interfaces`: the portal, and what the listings list.
  package static func interfaces(_ listings: [Listing]) -> String {
    var lines = Lines()
    lines.add(.extcap(version: version, help: helpPage, display: "poddump"))
    lines.add(.interface(.portal, display: portalTitle))
    var taken: Set<InterfaceValue> = []
    for listing in listings {
      for entry in listing.listed where taken.insert(entry.value).inserted {
        lines.add(.interface(entry.value, display: entry.display))
      }
    }
    return lines.text
  }

  /// The answer to `--extcap-dlts`.
  ///
  /// Wireshark only shows it; what the packets really are the stream says.
  package static func dlts() -> String {
    // DLT_EN10MB of pcap-linktype(7).
    var lines = Lines()
    lines.add(.dlt(number: 1, name: "EN10MB", display: "Ethernet"))
    return lines.text
  }

  /// The answer to `--extcap-config` for the portal.
  ///
  /// - Parameter view: What the cache knows; nil if it knows nothing.
  /// - Returns: Lines for standard output.
  package static func portal(_ view: ListingCache.View?) -> String {
    arguments(of: .portal) { argument in
      switch argument.name {
      case Argument.context.name: contexts(view)
      case Argument.namespace.name:
        [Choice("", display: "(the pod's, else the context's)", isDefault: true)]
          + unique(view?.listings.flatMap(\.namespaces) ?? []).map { Choice($0) }
      case Argument.pod.name: pods(view?.listings.flatMap(\.listed) ?? [])
      case Argument.container.name: containers(of: nil)
      default: argument.choices
      }
    }
  }

  /// The answer to `--extcap-config` for any other interface.
  ///
  /// - Parameters:
  ///   - value: The interface.
  ///   - entry: What the cache knows of it; nil if it knows nothing.
  /// - Returns: Lines for standard output.
  package static func config(_ value: InterfaceValue, entry: Entry?) -> String {
    arguments(of: value.kind) { argument in
      argument.name == Argument.container.name ? containers(of: entry) : argument.choices
    }
  }

  /// The answer to the dialog's reload button: the choices of that argument alone.
  ///
  /// - Parameters:
  ///   - reload: What is asked for. The choice that is made at the moment stays among the choices.
  ///   - value: The interface whose dialog it is.
  ///   - choices: The new choices.
  ///   - problem: Why there are none, as a sentence; it becomes a choice that chooses nothing.
  /// - Returns: Lines for standard output; empty if the interface has no such argument.
  package static func reload(
    _ reload: Reload, of value: InterfaceValue, choices: [Choice], problem: String? = nil
  ) -> String {
    guard
      let number = Argument.all(of: value.kind).firstIndex(where: { $0.name == reload.argument })
    else { return "" }
    var choices = choices
    if let problem { choices.insert(Choice("", display: problem, isDefault: true), at: 0) }
    if let current = reload.options[reload.argument],
      !choices.contains(where: { $0.value == current })
    {
      choices.append(Choice(current))
    }
    var lines = Lines()
    for choice in choices { lines.add(.value(argument: number, choice)) }
    return lines.text
  }

  // MARK: Choices

  /// The choices of the portal's context: the current one, and all that the kubeconfig knows.
  package static func contexts(_ view: ListingCache.View?) -> [Choice] {
    let current = view?.shown.contexts.first
    let title = current.map { "current (" + $0 + ")" } ?? "current"
    return [Choice("", display: title, isDefault: true)]
      + (view?.shown.known ?? []).map { Choice($0) }
  }

  /// The choices of the portal's pod.
  ///
  /// - Parameters:
  ///   - entries: What is known; only pods that run are taken.
  ///   - namespace: If it is given, only its pods, by their bare names.
  /// - Returns: The choices, the first of which chooses nothing.
  package static func pods(_ entries: [Entry], in namespace: String? = nil) -> [Choice] {
    var choices = [Choice("", display: "choose a pod…", isDefault: true)]
    for entry in entries where entry.kind == .pod && entry.isRunning {
      guard namespace == nil || entry.namespace == namespace else { continue }
      let name = namespace == nil ? entry.namespace + "/" + entry.name : entry.name
      choices.append(Choice(name, display: entry.node.isEmpty ? "" : name + " · " + entry.node))
    }
    return choices
  }

  /// The choices of the container: the default one, and all of the pod's.
  package static func containers(of entry: Entry?) -> [Choice] {
    let title = entry?.defaultContainer.map { "default (" + $0 + ")" } ?? "default"
    return [Choice("", display: title, isDefault: true)]
      + (entry?.containers ?? []).map { Choice($0) }
  }

  /// The title of the portal in Wireshark's list.
  package static let portalTitle = "Kubernetes: choose a pod…"

  // MARK: Help

  /// The answer to `--help` and to no arguments at all.
  package static let help = """
    poddump-extcap shows the pods of a Kubernetes cluster as interfaces of Wireshark.
    Wireshark starts it; people use poddump, which says more with: poddump --help

      --extcap-interfaces                            lists the interfaces
      --extcap-config --extcap-interface VALUE       describes an interface's arguments
      --extcap-dlts --extcap-interface VALUE         lists an interface's link types
      --extcap-capture-filter FILTER --extcap-interface VALUE
                                                     says what is wrong with a filter
      --capture --extcap-interface VALUE --fifo PATH [--extcap-capture-filter FILTER] …
                                                     captures into a FIFO
      --help, --version

    """

  private static func arguments(
    of kind: InterfaceValue.Kind, choices: (Argument) -> [Choice]
  ) -> String {
    var lines = Lines()
    for (number, argument) in Argument.all(of: kind).enumerated() {
      // Wireshark keeps one set of preferences for pod:a-b/c and pod:a/b-c: only the portal saves.
      lines.add(.argument(argument, number: number, isSaved: kind == .portal))
      guard argument.hasChoices else { continue }
      for choice in choices(argument) { lines.add(.value(argument: number, choice)) }
    }
    return lines.text
  }

  private static func unique(_ names: [String]) -> [String] {
    var taken: Set<String> = []
    return names.filter { taken.insert($0).inserted }
  }
}

/// Sentences gathered into an answer.
private struct Lines {
  var text = ""

  mutating func add(_ sentence: Sentence?) {
    guard let sentence else { return }
    text += sentence.text
    text += "\n"
  }
}
