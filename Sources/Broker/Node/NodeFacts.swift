internal import Base

/// A network interface as `ip -o link` describes it.
package struct Link: Sendable, Equatable {
  /// Its number in its own network namespace.
  package var index: Int
  package var name: String
  /// The number of the interface that it is connected to or stands on (`iflink`), in the namespace of
  /// that one; nil where there is none.
  package var peer: Int?
  /// Whether the listing has that one by a name of this namespace: so `ip` writes what an interface stands
  /// on (a VLAN, a macvlan), and busybox every number that it knows here too.
  package var hasNamedPeer = false
  /// The other namespace's number as this one counts them (`link-netnsid`), where it is another.
  package var peerNamespace: Int?
  /// The same by its name in /run/netns, where it has one.
  package var peerNamespaceName: String?
  /// The hardware address, in lower case.
  package var address: String?

  package init(
    index: Int, name: String, peer: Int? = nil, hasNamedPeer: Bool = false,
    peerNamespace: Int? = nil, peerNamespaceName: String? = nil, address: String? = nil
  ) {
    self.index = index
    self.name = name
    self.peer = peer
    self.hasNamedPeer = hasNamedPeer
    self.peerNamespace = peerNamespace
    self.peerNamespaceName = peerNamespaceName
    self.address = address
  }

  /// Reads a listing, line by line: `2: eth0@if7: <…> … link/ether aa:… link-netnsid 0` (ip-link(8)).
  ///
  /// busybox writes the peer's number as the name that the number has in this namespace, which is another
  /// interface's; the number is what counts. Lines and names that cannot be are skipped.
  static func list(_ lines: [Substring]) -> [Link] {
    var links: [Link] = []
    var peers: [(at: Int, name: Substring)] = []
    for line in lines {
      let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" || $0 == "\\" })
      guard words.count >= 2, words[0].hasSuffix(":"), words[1].hasSuffix(":"),
        let index = Int(words[0].dropLast()), index > 0
      else { continue }
      let parts = words[1].dropLast().split(
        separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
      guard let name = parts.first.map(String.init), isInterfaceName(name) else { continue }
      var link = Link(index: index, name: name)
      if parts.count == 2 {
        if parts[1].hasPrefix("if"), let peer = Int(parts[1].dropFirst(2)) {
          link.peer = peer > 0 ? peer : nil
        } else {
          peers.append((links.count, parts[1]))
        }
      }
      for (word, next) in zip(words.dropFirst(2), words.dropFirst(3)) {
        if word == "link-netnsid" { link.peerNamespace = Int(next) }
        if word == "link-netns" { link.peerNamespaceName = String(next) }
        if word == "link/ether" { link.address = String(next).lowercased() }
      }
      links.append(link)
    }
    // Not by a search for each: a hostile answer has as many as fit into it.
    let indices = Dictionary(links.map { ($0.name, $0.index) }) { first, _ in first }
    for (position, name) in peers {
      links[position].peer = indices[String(name)]
      links[position].hasNamedPeer = links[position].peer != nil
    }
    return links
  }
}

/// What was found out on a node, in one round trip; the answer to a `NodeQuestion`.
package struct NodeFacts: Sendable, Equatable {
  /// The two ends of the connection that asked, as the node's sshd sees them.
  package struct Connection: Sendable, Equatable {
    package var client: IPAddress
    package var clientPort: UInt16
    package var server: IPAddress
    package var serverPort: UInt16
  }

  /// A process there: its number, and its start time in clock ticks since the node was started.
  package struct Process: Sendable, Equatable {
    package var pid: Int
    package var start: UInt64
  }

  /// One of the node's addresses.
  package struct Address: Sendable, Equatable {
    package var interface: String
    package var address: IPAddress

    package init(interface: String, address: IPAddress) {
      self.interface = interface
      self.address = address
    }
  }

  /// The programs there, the user and its capabilities.
  package var tools = ContainerFacts()
  /// What precedes a command that is to run as root where the user is not: sudo lets it run tcpdump alone.
  package var mayOnlyRunTcpdump = false
  /// Whether there is no sudo at all, where the user is not root.
  package var hasNoSudo = false
  /// sudo's own words when it refused.
  package var sudoSays: String?
  /// Whether tcpdump itself may open an interface for a user who is not root.
  package var tcpdumpOpens = false
  /// How nsenter(1) is started there, nil where it is missing: ["nsenter"] or ["busybox", "nsenter"].
  package var nsenter: [String]?
  /// Whether other users' processes are hidden (proc(5), hidepid).
  package var hidesProcesses = false
  package var connection: Connection?
  /// The shell that answers; it stays until the capture is over.
  package var shell: Process?
  /// The pod's process, and how it was found.
  package var pid: Int32?
  package var way: NodeQuestion.Way?
  /// Whether the process's network has the pod's address.
  package var isConfirmed = false
  /// The network namespaces of the node and of the pod, as /proc/PID/ns/net names them.
  package var nodeNamespace: String?
  package var podNamespace: String?
  /// The number by which the node's namespace knows the pod's.
  package var namespaceNumber: Int?
  /// The pod's network namespace by its name in /run/netns, where it has one.
  package var namespaceName: String?
  /// The interfaces in the pod and on the node.
  package var podLinks: [Link] = []
  package var nodeLinks: [Link] = []
  /// The node's addresses, by interface.
  package var addresses: [Address] = []
  /// Where the node sends packets for the pod.
  package var routes: [String] = []
  /// The pod's hardware address as the node learnt it.
  package var neighbour: String?
  /// The ports behind which hardware addresses are, of all bridges.
  package var bridgePorts: [String: String] = [:]
  /// The first digits of sha1("namespace.pod"), of which some network plugins make names.
  package var hash: String?

  package init() {}

  /// Whether everything may be done there.
  package var isRoot: Bool { tools.uid == 0 }

  /// Whether the pod has the node's own network.
  package var sharesNetwork: Bool { podNamespace != nil && podNamespace == nodeNamespace }

  /// Reads the script's answer; nil when it has no end. Whatever is not understood is skipped.
  ///
  /// - Parameter answer: What the far end printed: hostile until read.
  package init?(answer: String) {
    let lines = answer.split(separator: "\n")
    // A greeting may end without a line end.
    guard let begin = lines.firstIndex(where: { $0.hasSuffix(NodeScript.greeting) }),
      let tools = ContainerFacts(answer: lines[begin...].joined(separator: "\n"))
    else { return nil }
    self.tools = tools
    var podLines: [Substring] = []
    var nodeLines: [Substring] = []
    for line in lines[begin...] {
      guard let equals = line.firstIndex(of: "=") else { continue }
      let value = line[line.index(after: equals)...]
      switch line[..<equals] {
      case "sudo":
        mayOnlyRunTcpdump = value == "tcpdump"
        hasNoSudo = value == "none"
      case "opens": tcpdumpOpens = value == "yes"
      case "nsenter":
        nsenter =
          ["nsenter", "busybox nsenter"].contains(value)
          ? value.split(separator: " ").map(String.init) : nil
      case "hidden": hidesProcesses = value == "yes"
      case "ssh": connection = Self.connection(value)
      case "shell": shell = Self.process(value)
      case "pid": pid = Int32(value).flatMap { $0 > 1 ? $0 : nil }
      case "by": way = NodeQuestion.Way(rawValue: String(value))
      case "right": isConfirmed = value == "yes"
      case "node": nodeNamespace = Self.namespace(value)
      case "pod": podNamespace = Self.namespace(value)
      case "netns": namespaceName = String(value)
      case "nsid": namespaceNumber = Int(value)
      case "podlink": podLines.append(value)
      case "hostlink": nodeLines.append(value)
      case "address": readAddress(value)
      case "route": if let name = Self.device(in: value) { routes.append(name) }
      case "neighbour": neighbour = Self.word(after: "lladdr", in: value)?.lowercased()
      case "fdb":
        let address = value.prefix { $0 != " " }.lowercased()
        if let port = Self.device(in: value) { bridgePorts[address] = port }
      case "sha1":
        let isHash = value.utf8.count == 11 && value.allSatisfy { $0.isHexDigit }
        hash = isHash ? String(value) : nil
      default: break
      }
    }
    podLinks = Link.list(podLines)
    nodeLinks = Link.list(nodeLines)
  }

  private static func namespace(_ value: Substring) -> String? {
    value.hasPrefix("net:[") && value.utf8.count < 32 ? String(value) : nil
  }

  /// A number and a start time.
  private static func process(_ value: Substring) -> Process? {
    let words = value.split(separator: " ")
    guard words.count == 2, let pid = Int(words[0]), let start = UInt64(words[1]) else {
      return nil
    }
    return Process(pid: pid, start: start)
  }

  /// The value of `SSH_CONNECTION` (ssh(1)): client address and port, server address and port.
  private static func connection(_ value: Substring) -> Connection? {
    let words = value.split(separator: " ")
    // A link-local address has its zone (RFC 4007, 11.2), which is no part of a packet.
    func address(_ word: Substring) -> IPAddress? { IPAddress(String(word.prefix { $0 != "%" })) }
    guard words.count == 4, let client = address(words[0]), let clientPort = UInt16(words[1]),
      let server = address(words[2]), let serverPort = UInt16(words[3])
    else { return nil }
    return Connection(
      client: client, clientPort: clientPort, server: server, serverPort: serverPort)
  }

  private mutating func readAddress(_ value: Substring) {
    let words = value.split(separator: " ")
    guard words.count == 2, isInterfaceName(String(words[0])),
      let address = words[1].split(separator: "/").first.flatMap({ IPAddress(String($0)) })
    else { return }
    addresses.append(Address(interface: String(words[0]), address: address))
  }

  private static func word(after key: String, in line: Substring) -> String? {
    let words = line.split(separator: " ")
    guard let place = words.firstIndex(of: Substring(key)), place + 1 < words.count else {
      return nil
    }
    return String(words[place + 1])
  }

  /// The interface that a line of `ip route` or `bridge fdb` names.
  private static func device(in line: Substring) -> String? {
    word(after: "dev", in: line).flatMap { isInterfaceName($0) ? $0 : nil }
  }
}
