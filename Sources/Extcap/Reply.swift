/// Our answers to Wireshark, as pure functions of what is known: UTF-8, for standard output.
package enum Reply {
  /// The program's version.
  package static let version = "0.1.0"
  /// Where Wireshark's Help button leads.
  package static let helpPage = "file:///usr/share/doc/poddump/README.md"

  /// The number of the portal's argument that chooses the pod.
  static let podArgument = Argument.all(of: .portal).firstIndex(of: .pod) ?? 0

  /// The answer to `--extcap-interfaces`: the portal, and what the listings list.
  package static func interfaces(_ listings: [ListingHead]) -> [UInt8] {
    Sentence.lines([
      .extcap(version: version, help: helpPage, display: "poddump"),
      .interface(.portal, display: portalTitle),
    ]) + listings.flatMap(\.interfaces)
  }

  /// The answer to `--extcap-dlts`.
  ///
  /// Wireshark only shows it; what the packets really are the stream says.
  package static func dlts() -> [UInt8] {
    // DLT_EN10MB of pcap-linktype(7).
    Sentence.lines([.dlt(number: 1, name: "EN10MB", display: "Ethernet")])
  }

  /// The answer to `--extcap-config` for the portal.
  ///
  /// - Parameter view: What the cache knows; nil if it knows nothing.
  /// - Returns: Lines for standard output.
  package static func portal(_ view: ListingCache.View?) -> [UInt8] {
    arguments(of: .portal) { argument, number in
      switch argument.name {
      case Argument.context.name: values(number, contexts(view))
      case Argument.namespace.name: values(number, namespaces(view))
      case Argument.pod.name:
        values(number, pods([])) + (view?.listings ?? []).flatMap(\.pods)
      case Argument.container.name: values(number, containers(of: nil))
      default: values(number, argument.choices)
      }
    }
  }

  /// The answer to `--extcap-config` for any other interface.
  ///
  /// - Parameters:
  ///   - value: The interface.
  ///   - entry: What the cache knows of it; nil if it knows nothing.
  /// - Returns: Lines for standard output.
  package static func config(_ value: InterfaceValue, entry: Entry?) -> [UInt8] {
    arguments(of: value.kind) { argument, number in
      let isContainer = argument.name == Argument.container.name
      return values(number, isContainer ? containers(of: entry) : argument.choices)
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
  ) -> [UInt8] {
    guard
      let number = Argument.all(of: value.kind).firstIndex(where: { $0.name == reload.argument })
    else { return [] }
    var choices = choices
    if let problem { choices.insert(Choice("", display: problem, isDefault: true), at: 0) }
    if let current = reload.options[reload.argument],
      !choices.contains(where: { $0.value == current })
    {
      choices.append(Choice(current))
    }
    return values(number, choices)
  }

  // MARK: Choices

  /// The choices of the portal's context: the current one, and all that the kubeconfig knows.
  package static func contexts(_ view: ListingCache.View?) -> [Choice] {
    let current = view?.shown.contexts.first
    let title = current.map { "current (" + $0 + ")" } ?? "current"
    return [Choice("", display: title, isDefault: true)]
      + (view?.shown.known ?? []).map { Choice($0) }
  }

  /// The choices of the portal's namespace.
  package static func namespaces(_ view: ListingCache.View?) -> [Choice] {
    var taken: Set<String> = []
    return [Choice("", display: "(the pod's, else the context's)", isDefault: true)]
      + (view?.listings ?? []).flatMap(\.namespaces).filter { taken.insert($0).inserted }
      .map { Choice($0) }
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
    of kind: InterfaceValue.Kind, values: (Argument, Int) -> [UInt8]
  ) -> [UInt8] {
    var text: [UInt8] = []
    for (number, argument) in Argument.all(of: kind).enumerated() {
      // Wireshark keeps one set of preferences for pod:a-b/c and pod:a/b-c: only the portal saves.
      text += Sentence.lines([.argument(argument, number: number, isSaved: kind == .portal)])
      text += values(argument, number)
    }
    return text
  }

  private static func values(_ number: Int, _ choices: [Choice]) -> [UInt8] {
    Sentence.lines(choices.compactMap { .value(argument: number, $0) })
  }
}
