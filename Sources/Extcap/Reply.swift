/// Our answers to Wireshark, as pure functions of what is known: UTF-8, for standard output.
package enum Reply {
  /// The numbers of the portal's arguments whose choices a listing holds ready: namespace and pod.
  static let portalArguments = [Argument.namespace, .pod].compactMap { number(of: $0, .portal) }

  /// The answer to `--extcap-interfaces`: the portal, and what the listings list.
  ///
  /// - Parameters:
  ///   - listings: What is known.
  ///   - help: Where Wireshark's Help button leads.
  /// - Returns: Lines for standard output.
  package static func interfaces(
    _ listings: [ListingHead], help: String = HelpPage.ofPackages
  ) -> [UInt8] {
    // Wireshark 4.4 reads saved settings again only if the last interface has new ones, and only the portal
    // has any; so it comes last.
    Sentence.lines([.extcap(version: programVersion, help: help, display: ToolbarText.title)])
      + listings.flatMap(\.interfaces)
      + Sentence.lines([.interface(.portal, display: portalTitle)])
      + Sentence.lines(ToolbarControl.allCases.map(\.sentence))
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
  /// - Parameters:
  ///   - view: What the cache knows; nil if it knows nothing.
  ///   - wireshark: The Wireshark that asks.
  /// - Returns: Lines for standard output.
  package static func portal(
    _ view: ListingCache.View?, for wireshark: WiresharkVersion
  ) -> [UInt8] {
    // A value may stand anywhere after its argument.
    arguments(of: .portal, wireshark) { argument in
      switch argument.name {
      case Argument.context.name: contexts(view)
      case Argument.namespace.name: namespaces([])
      case Argument.pod.name: [Choice("", display: "choose a pod…", isDefault: true)]
      case Argument.container.name: containers(of: nil)
      default: argument.choices
      }
    }
      // Of the context that counts if none is chosen.
      + (view?.listings.first { $0.context == view?.shown.contexts.first }?.choices ?? [])
  }

  /// The answer to `--extcap-config` for any other interface.
  ///
  /// - Parameters:
  ///   - value: The interface.
  ///   - entry: What the cache knows of it; nil if it knows nothing.
  ///   - wireshark: The Wireshark that asks.
  /// - Returns: Lines for standard output.
  package static func config(
    _ value: InterfaceValue, entry: Entry?, for wireshark: WiresharkVersion
  ) -> [UInt8] {
    arguments(of: value.kind, wireshark) { argument in
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
  ) -> [UInt8] {
    guard let argument = Argument.named(reload.argument) else { return [] }
    var choices = choices
    if choices.count > mostChoices {
      let more = choices.count - mostChoices
      choices.removeLast(more)
      choices.append(Choice("", display: "… \(more) more: narrow the choice above, or type a name"))
    }
    if let problem { choices.insert(Choice("", display: problem, isDefault: true), at: 0) }
    if let current = reload.options[reload.argument],
      !choices.contains(where: { $0.value == current })
    {
      choices.append(Choice(current))
    }
    return values(argument, choices, of: value.kind)
  }

  /// The most choices of one list; a dialog with more is slow.
  package static let mostChoices = 1000

  // MARK: Choices

  /// The choices of the portal's context: the current one, and all that the kubeconfig knows.
  package static func contexts(_ view: ListingCache.View?) -> [Choice] {
    let current = view?.shown.contexts.first
    let title = current.map { "current (" + $0 + ")" } ?? "current"
    return [Choice("", display: title, isDefault: true)]
      + (view?.shown.known ?? []).map { Choice($0) }
  }

  /// The choices of the portal's namespace: none, and these.
  package static func namespaces(_ names: [String]) -> [Choice] {
    [Choice("", display: "(the pod's, else the context's)", isDefault: true)]
      + names.map { Choice($0) }
  }

  /// The choices of the portal's pod.
  ///
  /// - Parameters:
  ///   - entries: What is known; only pods that run are taken.
  ///   - namespace: If it is given, only its pods, by their bare names.
  /// - Returns: The choices.
  package static func pods(_ entries: [Entry], in namespace: String? = nil) -> [Choice] {
    entries.filter { $0.kind == .pod && $0.isRunning }
      .filter { namespace == nil || $0.namespace == namespace }
      .map { entry in
        let name = namespace == nil ? entry.namespace + "/" + entry.name : entry.name
        return Choice(name, display: entry.node.isEmpty ? "" : name + " · " + entry.node)
      }
  }

  /// The choices of the network interface.
  ///
  /// - Parameter names: Those that are there; the usual ones are always among the choices.
  /// - Returns: The choices.
  package static func interfaces(named names: [String]) -> [Choice] {
    let usual = Argument.interface.choices
    return usual
      + names.filter { name in !usual.contains { $0.value == name } }.map { Choice($0) }
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
    Wireshark starts it; people use poddump: see poddump --help.

      --extcap-interfaces
            lists the interfaces
      --extcap-config --extcap-interface VALUE
            describes the arguments of an interface
      --extcap-dlts --extcap-interface VALUE
            lists the link types of an interface
      --extcap-capture-filter FILTER --extcap-interface VALUE
            says what is wrong with a filter
      --capture --extcap-interface VALUE --fifo PATH [--extcap-capture-filter FILTER]
            captures into a FIFO
      --help, --version

    """

  private static func arguments(
    of kind: InterfaceValue.Kind, _ wireshark: WiresharkVersion, choices: (Argument) -> [Choice]
  ) -> [UInt8] {
    var sentences: [Sentence] = []
    for (number, argument) in Argument.all(of: kind).enumerated() {
      // Wireshark keeps one set of preferences for pod:a-b/c and pod:a/b-c: only the portal saves.
      sentences.append(
        .argument(argument, number: number, isSaved: kind == .portal, for: wireshark))
      guard argument.hasChoices(for: wireshark) else { continue }
      sentences += choices(argument).compactMap { .value(argument: number, $0) }
    }
    return Sentence.lines(sentences)
  }

  /// The choices of an argument as lines; none if that sort of interface does not have it.
  static func values(
    _ argument: Argument, _ choices: [Choice], of kind: InterfaceValue.Kind = .portal
  ) -> [UInt8] {
    guard let number = number(of: argument, kind) else { return [] }
    return Sentence.lines(choices.compactMap { .value(argument: number, $0) })
  }

  private static func number(of argument: Argument, _ kind: InterfaceValue.Kind) -> Int? {
    Argument.all(of: kind).firstIndex { $0.name == argument.name }
  }
}
