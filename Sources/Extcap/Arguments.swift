/// One of the values that a selector offers.
package struct Choice: Equatable, Sendable {
  /// What comes back when it is chosen.
  package var value: String
  /// What people see; empty for the value itself.
  package var display: String
  /// Whether it is chosen at first. Wireshark does not send it then: the program has the same default.
  package var isDefault: Bool

  /// Creates a choice.
  package init(_ value: String, display: String = "", isDefault: Bool = false) {
    self.value = value
    self.display = display
    self.isDefault = isDefault
  }
}

/// A capture option as Wireshark's dialog asks for it and its command line sends it.
///
/// Each is defined once, here; its name is the long option of poddump's own command line too.
package struct Argument: Equatable, Sendable {
  /// How the value is asked for.
  package enum Kind: Equatable, Sendable {
    /// Any text.
    case text
    /// A whole number, not below zero.
    case number
    /// On or off, and off at first: Wireshark brings an unticked flag that defaults to on back on.
    case flag
    /// One of fixed choices.
    case choice([Choice])
    /// One of the choices, or any text where Wireshark can ask for it so. A saved value that is not
    /// among them is kept then, which is why objects of a cluster are asked for in this way.
    case openChoice([Choice])
    /// Any text; some are suggested where Wireshark can ask for both.
    case suggestion([Choice])
    /// The path of a file to write.
    case saveFile
    /// The path of a file that is there.
    case openFile
  }

  /// The name of the option without its dashes: lower case, unique also without its inner dashes,
  /// because Wireshark takes those out for the name of the preference.
  package let name: String
  /// What the dialog calls it; at most 80 printable characters, or Wireshark aborts at start.
  package let title: String
  /// How the value is asked for.
  package let kind: Kind
  /// The tab it stands on.
  package let group: String
  /// A sentence shown when the pointer rests on it.
  package var tooltip: String?
  /// Shown where nothing is entered; for a reloadable argument, the button's text.
  package var placeholder: String?
  /// Whether nothing can start without it. Never together with a default value.
  package var isRequired = false
  /// Whether the choices can be asked for again.
  package var isReloadable = false
  /// The bounds of a number.
  package var range: ClosedRange<Int>?
  /// A regular expression that the dialog searches in a text.
  package var validation: String?

  /// Wireshark's word for the kind.
  ///
  /// - Parameter wireshark: The Wireshark that asks.
  /// - Returns: A type that it knows.
  package func type(for wireshark: WiresharkVersion) -> String {
    switch kind {
    case .text: "string"
    case .number: "unsigned"
    case .flag: "boolflag"
    case .choice: "selector"
    case .openChoice: wireshark.hasEditableSelectors ? "editselector" : "selector"
    case .suggestion: wireshark.hasEditableSelectors ? "editselector" : "string"
    case .saveFile, .openFile: "fileselect"
    }
  }

  /// Whether a Wireshark can be given choices for it.
  package func hasChoices(for wireshark: WiresharkVersion) -> Bool {
    switch kind {
    case .choice, .openChoice: true
    case .suggestion: wireshark.hasEditableSelectors
    case .text, .number, .flag, .saveFile, .openFile: false
    }
  }

  /// The choices it always has.
  package var choices: [Choice] {
    switch kind {
    case .choice(let choices), .openChoice(let choices), .suggestion(let choices): choices
    case .text, .number, .flag, .saveFile, .openFile: []
    }
  }

  /// Says why a value cannot be, as a sentence; nil if it can. An empty one stands for "not given".
  package func problem(with value: String) -> String? {
    guard !value.isEmpty else { return nil }
    switch kind {
    case .text, .openChoice, .suggestion, .saveFile, .openFile:
      return nil
    case .number:
      let bounds = range ?? 0...Int(Int32.max)
      if value.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(value),
        bounds.contains(number)
      {
        return nil
      }
      return "--\(name) is a number from \(bounds.lowerBound) to \(bounds.upperBound), "
        + "not \"\(Grammar.shown(value, limit: 60))\"."
    case .flag:
      return value == "true" || value == "false" ? nil : "--\(name) is true or false."
    case .choice(let choices):
      if choices.contains(where: { $0.value == value }) { return nil }
      let known = choices.map(\.value).joined(separator: ", ")
      return "--\(name) is one of \(known), not \"\(Grammar.shown(value, limit: 60))\"."
    }
  }
}

extension Argument {
  /// The kubeconfig context. Empty means the current one.
  package static let context = Argument(
    name: "context", title: "Context", kind: .openChoice([]), group: target,
    tooltip: "The kubeconfig context, and so the cluster, to capture in",
    placeholder: "Reload", isReloadable: true)
  /// The namespace. Empty means the pod's own, written before its name, else the context's.
  package static let namespace = Argument(
    name: "namespace", title: "Namespace", kind: .openChoice([]), group: target,
    tooltip: "The namespace of the pod, unless it is written before the pod's name",
    placeholder: "Reload", isReloadable: true)
  /// The pod, as `name` or `namespace/name`.
  package static let pod = Argument(
    name: "pod", title: "Pod", kind: .openChoice([]), group: target,
    tooltip: "The pod to capture from, as name or namespace/name",
    placeholder: "Reload", isRequired: true, isReloadable: true)
  /// The container whose tools are used. Empty means the pod's default one.
  package static let container = Argument(
    name: "container", title: "Container", kind: .openChoice([]), group: target,
    tooltip: "The container whose programs are used; all of a pod share its network",
    placeholder: "Reload", isReloadable: true)
  /// The network interface inside the target. Empty means the pod's eth0, or the node's main one.
  package static let interface = Argument(
    name: "interface", title: "Network interface (eth0, any, lo …)",
    kind: .suggestion([
      Choice("", display: "default (eth0; a node's: the one with its address)", isDefault: true),
      Choice("eth0"), Choice("any", display: "any (all of them)"),
      Choice("lo", display: "lo (between the pod's containers, such as a mesh's sidecar)"),
    ]), group: target,
    tooltip: "The network interface inside the pod: eth0, lo, any, …", placeholder: "eth0",
    isReloadable: true)
  /// How the packets are reached.
  package static let route = Argument(
    name: "route", title: "Route",
    kind: .choice([
      Choice("auto", display: "auto (the smallest footprint that works)", isDefault: true),
      Choice("exec", display: "exec (kubectl exec, tcpdump in the container)"),
      Choice("ssh", display: "ssh (tcpdump on the node)"),
      Choice("upload", display: "upload (poddump's own engine, put into the container)"),
      Choice("debug", display: "debug (an ephemeral container in the pod)"),
      Choice("node", display: "node (a helper pod on the pod's node)"),
    ]), group: capture, tooltip: "How poddump gets at the packets")
  /// Where on a node the packets are taken.
  package static let at = Argument(
    name: "at", title: "What to see, on a node",
    kind: .choice([
      Choice("auto", display: "auto (the host's side, if that is confirmed)", isDefault: true),
      Choice("host", display: "host (the node's end of the pod's interface)"),
      Choice("pod", display: "pod (the pod's own network, and its loopback)"),
    ]), group: capture, tooltip: "Where the packets are taken, by route ssh")
  /// What captures at the far end.
  package static let engine = Argument(
    name: "engine", title: "Engine",
    kind: .choice([
      Choice("auto", display: "auto (tcpdump where there is one, else the tap)", isDefault: true),
      Choice("tcpdump"),
      Choice("tap", display: "tap (poddump's own, brought along)"),
    ]), group: capture, tooltip: "The program that captures at the far end")
  /// Which routes may be taken that are not taken unasked.
  package static let allow = Argument(
    name: "allow", title: "Allow a route that is not taken unasked",
    kind: .choice([
      Choice("none", isDefault: true),
      Choice("node", display: "node (may create a helper pod on the pod's node)"),
    ]), group: advanced,
    tooltip: "For the route auto; what the configuration allows is allowed here too")
  /// Whether the capture's own connection is captured too.
  package static let includeOwnTraffic = Argument(
    name: "include-own-traffic", title: "Keep the capture's own connection", kind: .flag,
    group: advanced,
    tooltip: "On a node's own interface, the capture's own packets are left out otherwise")
  /// The most bytes kept of each packet.
  package static let snaplen = Argument(
    name: "snaplen", title: "Bytes kept of each packet", kind: .number, group: capture,
    tooltip: "Longer packets are cut", placeholder: "65535", range: 1...262_144)
  /// Whether packets may arrive late for the sake of high rates.
  package static let throughput = Argument(
    name: "throughput", title: "For high packet rates (packets show up later)", kind: .flag,
    group: capture, tooltip: "Loses fewer packets at high rates; each may show up a second late")
  /// When to stop.
  package static let duration = Argument(
    name: "duration", title: "Stop after (30s, 5m, 1h)", kind: .text, group: capture,
    tooltip: "Ends the capture after this time", placeholder: "never",
    validation: durationPattern)
  /// How many packets to take.
  package static let count = Argument(
    name: "count", title: "Stop after this many packets", kind: .number, group: capture,
    tooltip: "Ends the capture after this many packets", placeholder: "no limit",
    range: 1...Int(Int32.max))
  /// How many bytes to take.
  package static let maxSize = Argument(
    name: "max-size", title: "Stop after this much (100MB)", kind: .text, group: capture,
    tooltip: "Ends the capture when so much has been captured", placeholder: "no limit",
    validation: "^[0-9]+([kKmMgG](i?[bB])?|[bB])?$")
  /// The longest a far end may live on without us.
  package static let ttl = Argument(
    name: "ttl", title: "Time limit at the far end", kind: .text, group: advanced,
    tooltip: "Whatever happens, the capture in the cluster ends after this time",
    placeholder: "24h", validation: durationPattern)
  /// Where debug output goes.
  package static let logFile = Argument(
    name: "log-file", title: "Log file", kind: .saveFile, group: advanced,
    tooltip: "A file for messages; Wireshark shows none while a capture runs")
  /// How much goes there.
  package static let logLevel = Argument(
    name: "log-level", title: "Log level",
    kind: .choice([
      Choice("error"), Choice("warning"), Choice("info"), Choice("debug", isDefault: true),
    ]), group: advanced, tooltip: "How much is written to the log file")

  /// The image of ephemeral containers; empty for the configuration's.
  package static let debugImage = Argument(
    name: "image-debug", title: "Image of the ephemeral container (route debug)", kind: .text,
    group: advanced, tooltip: "An image with a shell", placeholder: "as configured")
  /// The image of helper pods; empty for the configuration's.
  package static let nodeImage = Argument(
    name: "image-node", title: "Image of the helper pod (route node)", kind: .text,
    group: advanced, tooltip: "An image with a shell", placeholder: "as configured")
  /// Who logs in on nodes.
  package static let sshUser = Argument(
    name: "ssh-user", title: "Login name", kind: .text, group: ssh,
    tooltip: "Who logs in on the node; empty: what the settings and ssh say",
    placeholder: "as configured")
  /// The host of a node.
  package static let sshHost = Argument(
    name: "ssh-host", title: "Host of a node", kind: .text, group: ssh,
    tooltip:
      "May hold node, internalip, externalip or hostname in curly braces, for the node's own",
    placeholder: "as configured")
  /// The port of nodes.
  package static let sshPort = Argument(
    name: "ssh-port", title: "Port", kind: .number, group: ssh,
    tooltip: "The port of sshd on the node", placeholder: "as configured", range: 1...65_535)
  /// The file of a private key.
  package static let sshKey = Argument(
    name: "ssh-key", title: "File of a private key", kind: .openFile, group: ssh,
    tooltip: "No other key is offered then; a passphrase is asked of the agent")
  /// A host on the way.
  package static let sshJump = Argument(
    name: "ssh-jump", title: "Jump host", kind: .text, group: ssh,
    tooltip: "A host on the way, as ssh -J takes it", placeholder: "as configured")
  /// Whether sudo is used.
  package static let sshSudo = Argument(
    name: "ssh-sudo", title: "sudo on the node",
    kind: .choice([
      Choice(
        "auto", display: "auto (as configured, else where the login is not root)", isDefault: true),
      Choice("yes"), Choice("no"),
    ]), group: ssh, tooltip: "Whether sudo -n is used where the login is not root")
  /// Which SSH carries the connection.
  package static let sshEngine = Argument(
    name: "ssh-engine", title: "SSH engine",
    kind: .choice([
      Choice(
        "auto", display: "auto (as configured, else what the connection needs)", isDefault: true),
      Choice("libssh2", display: "libssh2 (built in)"),
      Choice("openssh", display: "openssh (the ssh program)"),
    ]), group: ssh, tooltip: "What carries the connection to the node")

  /// All of them, in the portal's order.
  package static let all: [Argument] = choosingPod + [container] + capturing

  /// The arguments of an interface, in order; an argument's number is its place among them.
  package static func all(of kind: InterfaceValue.Kind) -> [Argument] {
    switch kind {
    case .portal: all
    case .pod, .deployment, .statefulSet, .daemonSet, .service: [container] + capturing
    case .node: capturing
    }
  }

  /// Those that stand for settings of the configuration.
  package static let settings = [
    sshUser, sshHost, sshPort, sshKey, sshJump, sshSudo, sshEngine, debugImage, nodeImage,
  ]

  private static let choosingPod = [context, namespace, pod]
  private static let capturing = [
    interface, route, at, engine, snaplen, throughput, count, duration, maxSize,
    sshUser, sshHost, sshPort, sshKey, sshJump, sshSudo, sshEngine,
    ttl, allow, includeOwnTraffic, debugImage, nodeImage, logFile, logLevel,
  ]

  /// The argument of that name.
  package static func named(_ name: some StringProtocol) -> Argument? {
    all.first { $0.name == name }
  }

  private static let target = "Target"
  private static let capture = "Capture"
  private static let ssh = "SSH"
  private static let advanced = "Advanced"
  /// As `Quantities` reads durations.
  private static let durationPattern = "^[0-9]+(ms|s|m|h|d)?$"
}
