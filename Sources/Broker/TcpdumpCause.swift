package import Base
internal import Cluster

/// What tcpdump's own words on standard error mean for the user.
///
/// The texts are those of tcpdump 4.99.3 with libpcap 1.10.3 as recorded; older ones differ in the
/// words around the parts that are looked for. What is not known is passed on as it is.
package enum TcpdumpCause {
  /// The failure of a tcpdump that ended before it delivered anything.
  ///
  /// - Parameters:
  ///   - target: What was to be captured, such as "shop/web (container web, eth0)".
  ///   - interface: The interface's name.
  ///   - program: What ran: "tcpdump", "tap".
  ///   - place: Where it ran.
  ///   - exitCode: The exit status of the far end.
  ///   - messages: What it wrote to standard error, printable and bounded.
  /// - Returns: The failure that the user sees.
  package static func failure(
    target: String, interface: String, program: String = "tcpdump",
    place: EnginePlace = .container, exitCode: Int32, messages: String
  ) -> Failure {
    let what = "Cannot capture from \(target)."
    let isContainer = if case .node = place { false } else { true }
    // -c chooses among the pod's own containers, and not ours.
    let isOurs = if case .debug = place { true } else { false }
    let other =
      switch place {
      case .container: "choose a container with a newer one with -c"
      case .debug: "use an image with a newer one: debug in [image]"
      case .node: "install a newer one there, or use another route"
      }
    func cause(_ kind: Failure.Kind, _ why: String, _ fix: String?) -> Failure {
      Failure(kind, what, why: why, fix: fix, detail: messages.isEmpty ? nil : messages)
    }
    if messages.contains("have permission to") || messages.contains("Operation not permitted") {
      switch place {
      case .container where messages.contains("Couldn't change to"),
        .debug where messages.contains("Couldn't change to"):
        return cause(
          .denied, "tcpdump there must change its user and the container may not (SETUID, SETGID).",
          isOurs
            ? "Use --engine tap, which keeps its user."
            : "Choose a container with -c that has the runtime's default capabilities.")
      case .container, .debug:
        return cause(
          .denied, "The container may not open packet sockets (it lacks the capability NET_RAW).",
          isOurs
            ? "Use --route ssh or --route node."
            : "Choose a container with -c that runs as root and has NET_RAW.")
      case .node(let name):
        return cause(
          .denied, "tcpdump may not open \(interface) on \(name).",
          "Log in as root, or allow sudo without a password there.")
      }
    }
    if messages.contains("No such device exists") || messages.contains("SIOCGIFHWADDR") {
      return cause(
        .notFound,
        "There is no interface \(interface) \(isContainer ? "in" : "on") \(place.text).",
        "Choose one that is there with -i, or any.")
    }
    if messages.contains("That device is not up") {
      return cause(
        .other, "The interface \(interface) is down.", "Choose another with -i, or bring it up.")
    }
    if filterWords.contains(where: messages.contains) {
      return cause(
        .filter, "tcpdump there does not accept the filter: \(firstLine(messages)).",
        "Write names as numbers: it has its own /etc/services and resolver, and its own libpcap.")
    }
    if messages.contains("unrecognized option") || messages.contains("invalid option") {
      return cause(
        .noRoute, "tcpdump there is too old: \(firstLine(messages)).",
        "Try --throughput, or \(other).")
    }
    switch ExitCause(status: exitCode, messages: messages) {
    case .gaveUp:
      let line = firstLine(messages)
      let said = line.isEmpty ? "without a word" : "and said: \(line)"
      return cause(
        .other, "\(program) there ended with exit status \(exitCode) \(said).",
        "Run again with -v to see everything it said.")
    case .killed where !isContainer:
      return cause(
        .other, "The capture was killed on \(place.text) (exit status 137).",
        "Somebody killed it, or the node is out of memory: see its system log.")
    case let other:
      return other.failure(
        what, program: program, place: place.text, detail: messages.isEmpty ? nil : messages)
    }
  }

  /// What libpcap says about filters that passed the check here and fail there: names are looked up in
  /// the container, and the interface there may have another link type.
  private static let filterWords = [
    "filter expression", "syntax error", "unknown host", "unknown port", "unknown network",
    "unknown protocol", "unknown ether", "supported only on", "modifier applied to",
    "requires a name", "no VLAN support", "no MPLS support", "no PPPoE support",
    "greater than maximum", "illegal port", "illegal link layer", "illegal token",
    "invalid IPv4 address", "invalid IPv6 address", "non-network bits",
  ]

  /// The first line that is not tcpdump's mere announcement, without its name in front.
  private static func firstLine(_ messages: String) -> String {
    let lines = messages.split(separator: "\n").filter {
      !$0.contains("data link type") && !$0.contains("listening on")
        && !$0.hasPrefix("command terminated with exit code ")
    }
    guard var line = lines.first else { return "" }
    for speaker in ["tcpdump: ", "tap: "] where line.hasPrefix(speaker) {
      line = line.dropFirst(speaker.count)
    }
    return printable(line, limit: 200)
  }
}
