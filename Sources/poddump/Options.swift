internal import ArgumentParser
internal import Base
internal import Broker
internal import Cluster

/// Which cluster and namespace: the words and meanings of kubectl.
struct KubernetesOptions: ParsableArguments {
  @Option(name: .long, help: "The name of the kubeconfig context to use.")
  var context: String?

  @Option(name: .long, help: "Path to the kubeconfig file to use.")
  var kubeconfig: String?

  @Option(name: [.short, .long], help: "The namespace scope of the request.")
  var namespace: String?

  @Option(
    name: .long,
    help:
      "How long kubectl may be silent, such as 10s or 1m; 0 for ever. (default: 30s, unattended 4.5s)"
  )
  var requestTimeout: Milliseconds?

  /// The kubectl that these options mean.
  ///
  /// - Parameter terminal: Where it is said that kubectl is waited for.
  /// - Returns: The kubectl; nothing is started yet.
  /// - Throws: `Failure` when there is none.
  func kubectl(_ terminal: Terminal = Terminal(level: .normal)) throws(Failure) -> Kubectl {
    var kubectl = try Kubectl.find(context: context, kubeconfig: kubeconfig)
    kubectl.patience = patience(isAttended: Terminal.isInteractive, terminal)
    return kubectl
  }

  /// How long a call of kubectl may take. Whoever sits at a terminal logs in meanwhile, is told, and has Ctrl-C;
  /// nobody else waits for a server that cannot be reached.
  func patience(
    isAttended: Bool = Terminal.isInteractive, _ terminal: Terminal = Terminal(level: .normal)
  ) -> Patience {
    var patience: Patience =
      switch requestTimeout?.value {
      case 0?: .endless
      case let value?: .silent(.milliseconds(value))
      case nil: isAttended ? Patience(silence: .seconds(30), total: .seconds(120)) : .standard
      }
    guard isAttended else { return patience }
    patience.notice = SilenceNotice(after: .seconds(3)) { words in
      terminal.say(
        "Waiting for kubectl: for a login in the browser?"
          + (words.isEmpty ? "" : " It says: \(words)."))
    }
    return patience
  }
}

/// How much is said on standard error.
struct MessageOptions: ParsableArguments {
  @Flag(name: [.short, .long], help: "Say more, with the far end's own words.")
  var verbose = false

  @Flag(name: [.short, .long], help: "Say nothing but failures.")
  var quiet = false

  var terminal: Terminal {
    Terminal(level: quiet ? .quiet : verbose ? .verbose : .normal)
  }
}

/// What to capture and how; shared by `capture` and `plan`. In the help each group has a title of its own, and the
/// settings of one capture come behind them.
struct CaptureOptions: ParsableArguments {
  @Argument(
    help: ArgumentHelp(
      "What to capture, as kubectl writes it: web, shop/web, pod/web, deploy/api, svc/api, node/n1. Several share one stream.",
      valueName: "target"))
  var targets: [String] = []

  @OptionGroup(title: "Cluster") var kubernetes: KubernetesOptions
  @OptionGroup(title: "What to capture") var packets: PacketOptions
  @OptionGroup(title: "How to capture it") var way: WayOptions

  func validate() throws {
    if targets.isEmpty, packets.selector == nil {
      throw ValidationError("Name what to capture, such as shop/web or deploy/api.")
    }
    if !targets.isEmpty, packets.selector != nil {
      throw ValidationError("Give either a target or a selector, not both.")
    }
  }
}

/// Which packets.
struct PacketOptions: ParsableArguments {
  @Option(
    name: [.short, .long], help: "The container; by default the one that kubectl would choose.")
  var container: String?

  @Option(
    name: [.short, .long],
    help:
      "The interface as the pod or the node calls it, or any. (default: eth0; a node's: the one with its address)"
  )
  var interface: String?

  @Option(name: [.short, .long], help: "A capture filter, in the syntax of pcap-filter(7).")
  var filter: String = ""

  @Option(name: [.customShort("l"), .long], help: "Select pods by label, as kubectl does.")
  var selector: String?

  @Option(
    name: [.customShort("s"), .long],
    help: "The most bytes kept of a packet. (default: 65535, with --throughput 262144)")
  var snaplen: Int?

  @Option(name: .long, help: "End after this many packets.")
  var count: Int?

  @Option(name: .long, help: "End after this time, such as 30s or 5m.")
  var duration: Milliseconds?

  @Flag(
    name: .long,
    help: "Keep the packets of the capture's own connection, on a node's own interface.")
  var includeOwnTraffic = false

  func validate() throws {
    if let snaplen, !(1...262_144).contains(snaplen) {
      throw ValidationError("--snaplen takes a number from 1 to 262144.")
    }
    if let count, count < 1 { throw ValidationError("--count takes a number of at least 1.") }
    if let interface, interface != "any", !isInterfaceName(interface) {
      throw ValidationError("--interface takes the name of an interface, such as eth0, or any.")
    }
    if let container, !ResourceName.isLabel(container) {
      throw ValidationError("--container takes the name of a container, such as web.")
    }
  }
}

/// How the packets are reached, and by what.
struct WayOptions: ParsableArguments {
  @Option(name: .long, help: "How to reach the packets.")
  var route: RouteChoice = .auto

  @Option(
    name: .long, help: "Where on the node, by ssh: on the host's side or in the pod's network.")
  var at: PointChoice = .auto

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Allow a route that is not taken unasked: node, which creates a pod on the node.",
      valueName: "route"))
  var allow: RouteList?

  @Option(
    name: .long,
    help: "What captures at the far end; auto: tcpdump where there is one, else the tap.")
  var engine: EngineChoice = .auto

  @Option(
    name: .long, help: "A statically linked tcpdump to bring along, instead of poddump's own tap.")
  var binary: String?

  @Flag(name: .long, help: "Larger batches instead of the shortest delay, for high rates.")
  var throughput = false

  @Option(
    name: .long,
    help: "The time limit at the far end; 0 for none. Reaching it is a cut. (default: 24h)")
  var ttl: Milliseconds?
}

/// `--route`: a route's name, or `auto`.
enum RouteChoice: String, ExpressibleByArgument, CaseIterable {
  case auto, exec, ssh, upload, debug, node

  /// The route asked for; nil lets poddump choose.
  var route: RouteName? { RouteName(rawValue: rawValue) }
}

extension PointChoice: ExpressibleByArgument {}

/// `--allow`: names of routes, with commas between.
struct RouteList: ExpressibleByArgument, Sendable, Equatable {
  var routes: [RouteName] = []

  init() {}

  init?(argument: String) {
    for name in argument.split(separator: ",") {
      guard let route = RouteName(rawValue: String(name)) else { return nil }
      routes.append(route)
    }
    if routes.isEmpty { return nil }
  }

  /// The others are taken unasked.
  static var allValueStrings: [String] { [RouteName.node.rawValue] }
}

/// `--engine`: what captures at the far end.
enum EngineChoice: String, ExpressibleByArgument, CaseIterable {
  case auto, tcpdump, tap

  /// The engine asked for; nil lets poddump choose.
  var engine: EngineName? { EngineName(rawValue: rawValue) }
}

/// A duration on the command line.
struct Milliseconds: ExpressibleByArgument, Sendable, Equatable {
  var value: Int

  init(value: Int) { self.value = value }

  init?(argument: String) {
    guard let value = Quantities.milliseconds(argument) else { return nil }
    self.value = value
  }

  var duration: Duration { .milliseconds(value) }
}

/// A size on the command line.
struct Bytes: ExpressibleByArgument, Sendable, Equatable {
  var value: Int

  init?(argument: String) {
    guard let value = Quantities.bytes(argument), value > 0 else { return nil }
    self.value = value
  }
}
