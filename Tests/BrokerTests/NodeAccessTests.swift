import Base
import Cluster
import SSH
import Testing

@testable import Broker

@Suite struct NodeAccessTests {
  private static let node: Node = {
    var node = Node(name: "n1")
    node.addresses = [
      .init(type: "Hostname", address: "n1.example"),
      .init(type: "ExternalIP", address: "203.0.113.7"),
      .init(type: "InternalIP", address: "198.51.100.11"),
      .init(type: "InternalIP", address: "2001:db8::11"),
    ]
    return node
  }()

  private static func access(_ host: String?) -> NodeAccess {
    var access = NodeAccess()
    access.host = host
    return access
  }

  struct Case: Sendable {
    var host: String? = nil
    var hostIP: String? = "198.51.100.11"
    var hasNode = true
    var hasOwn = false
    var hosts: [String]
  }

  @Test(arguments: [
    // The user's own settings, the pod's hostIP, InternalIP, ExternalIP, Hostname; each once.
    Case(hosts: ["198.51.100.11", "203.0.113.7", "n1.example"]),
    Case(hasOwn: true, hosts: ["n1", "198.51.100.11", "203.0.113.7", "n1.example"]),
    Case(
      hostIP: "198.51.100.99",
      hosts: ["198.51.100.99", "198.51.100.11", "203.0.113.7", "n1.example"]),
    Case(hostIP: nil, hosts: ["198.51.100.11", "203.0.113.7", "n1.example"]),
    Case(hostIP: "", hosts: ["198.51.100.11", "203.0.113.7", "n1.example"]),
    Case(hasNode: false, hosts: ["198.51.100.11"]),
    Case(hostIP: nil, hasNode: false, hasOwn: true, hosts: ["n1"]),
    // A template is all that counts.
    Case(host: "bastion.example", hasOwn: true, hosts: ["bastion.example"]),
    Case(host: "{node}", hosts: ["n1"]),
    Case(host: "{node}.example", hasNode: false, hosts: ["n1.example"]),
    Case(host: "{internalip}", hosts: ["198.51.100.11"]),
    Case(host: "{internalip}", hostIP: "198.51.100.99", hosts: ["198.51.100.11"]),
    Case(host: "{internalip}", hostIP: "198.51.100.99", hasNode: false, hosts: ["198.51.100.99"]),
    Case(host: "{externalip}", hosts: ["203.0.113.7"]),
    Case(host: "{hostname}", hosts: ["n1.example"]),
    Case(host: "{node}-{internalip}.{node}", hosts: ["n1-198.51.100.11.n1"]),
    Case(host: "{other}", hosts: ["{other}"]),
  ])
  func hosts(_ it: Case) throws {
    let hosts = try Self.access(it.host).hosts(
      of: "n1", hostIP: it.hostIP, node: it.hasNode ? Self.node : nil, hasOwnSettings: it.hasOwn)
    #expect(hosts == it.hosts)
  }

  @Test(
    arguments: [
      (nil, "The cluster knows no address of it."),
      ("{internalip}", "The cluster knows nothing of it to put for {internalip} in host of [ssh]."),
      ("{externalip}", "The cluster knows nothing of it to put for {externalip} in host of [ssh]."),
      ("a{hostname}b", "The cluster knows nothing of it to put for {hostname} in host of [ssh]."),
    ] as [(String?, String)])
  func nowhereToGo(_ host: String?, _ why: String) throws {
    for node in [nil, Node(name: "n1")] {
      let failure = try #require(
        #expect(throws: Failure.self) {
          try Self.access(host).hosts(of: "n1", hostIP: nil, node: node, hasOwnSettings: false)
        })
      #expect(failure.kind == .unreachable && failure.what == "Cannot reach node n1 by ssh.")
      #expect(failure.why == why && failure.fix?.hasSuffix(".") == true)
    }
  }

  @Test func ofSeveralMissingThingsTheFirstIsNamed() {
    for _ in 0..<20 {
      let failure = #expect(throws: Failure.self) {
        try Self.access("{hostname}.{externalip}").hosts(
          of: "n1", hostIP: nil, node: nil, hasOwnSettings: false)
      }
      #expect(
        failure?.why == "The cluster knows nothing of it to put for {externalip} in host of [ssh].")
    }
  }

  /// What the API has put into an address is no template.
  @Test func valuesAreNotReadAgain() throws {
    var node = Node(name: "{hostname}")
    node.addresses = [.init(type: "Hostname", address: "{node}{internalip}")]
    for _ in 0..<20 {
      let hosts = try Self.access("{node}+{hostname}").hosts(
        of: node.name, hostIP: nil, node: node, hasOwnSettings: false)
      #expect(hosts == ["{hostname}+{node}{internalip}"])
    }
  }

  @Test func aHostileNameCannotDriveTheTerminal() {
    let failure = #expect(throws: Failure.self) {
      try NodeAccess().hosts(of: "\u{1b}[2J", hostIP: nil, node: nil, hasOwnSettings: false)
    }
    #expect(failure?.what.contains("\u{1b}") == false)
  }

  @Test(
    arguments: [
      (nil, "198.51.100.11", false), (nil, nil, true), ("{node}", nil, false),
      ("{internalip}", "198.51.100.11", false), ("{internalip}", nil, true),
      ("{externalip}", "198.51.100.11", true), ("{hostname}", "198.51.100.11", true),
    ] as [(String?, String?, Bool)])
  func theNodeIsAskedForOnlyWhereNeeded(_ host: String?, _ hostIP: String?, _ needed: Bool) {
    #expect(Self.access(host).needsNode(hostIP: hostIP) == needed)
  }

  @Test(
    arguments: [
      (SSHEngine.openssh, nil, "ssh to a@b, carried by the OpenSSH client"),
      (.openssh, "ProxyJump", "ssh to a@b, carried by the OpenSSH client"),
      (.libssh2, nil, "ssh to a@b, carried by libssh2 \(SSHLibrary.version)"),
    ] as [(SSHEngine, String?, String)])
  func whatCarriesIt(_ engine: SSHEngine, _ note: String?, _ text: String) {
    let login = NodeLogin(
      destination: "a@b", engine: engine, note: note, command: Command("/usr/bin/ssh", []))
    #expect(login.text == text)
  }
}

@Suite struct IPAddressTests {
  @Test(arguments: [
    ("198.51.100.66", "198.51.100.66", #"198\.51\.100\.66"#),
    ("0.0.0.0", "0.0.0.0", #"0\.0\.0\.0"#),
    ("255.255.255.255", "255.255.255.255", #"255\.255\.255\.255"#),
    ("2001:db8::66", "2001:db8::66", "20010db8000000000000000000000066"),
    ("2001:DB8:0:0::0066", "2001:db8::66", "20010db8000000000000000000000066"),
    ("::", "::", "00000000000000000000000000000000"),
    ("::1", "::1", "00000000000000000000000000000001"),
    ("::ffff:198.51.100.66", "::ffff:198.51.100.66", "00000000000000000000ffffc6336442"),
    ("fe80::1", "fe80::1", "fe800000000000000000000000000001"),
  ])
  func addresses(_ text: String, _ canonical: String, _ pattern: String) throws {
    let address = try #require(IPAddress(text))
    #expect(address.text == canonical && address.pattern == pattern)
    #expect(IPAddress(address.text) == address)
  }

  @Test(arguments: [
    "", " ", "198.51.100", "198.51.100.256", "198.51.100.66.1", "198.51.100.66/24",
    " 198.51.100.66",
    "198.51.100.66 ", "198.51.100.66\n", "0x7f.1", "1", "2001:db8::66/64", "2001:db8::66%eth0",
    "[2001:db8::66]", "2001:db8:::66", "2001:db8", "g::1", "n1", "-w", "198.51.100.66 or ip",
    "198,51,100,66", "１９８.51.100.66", "198.51.100.66\u{0}x",
  ])
  func noAddresses(_ text: String) { #expect(IPAddress(text) == nil) }
}
