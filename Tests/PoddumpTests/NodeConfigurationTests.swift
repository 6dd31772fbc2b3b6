import Base
import Broker
import Foundation
import SSH
import Testing

@testable import poddump

/// `[route]` and `[ssh]` of the configuration file.
@Suite struct NodeConfigurationTests {
  private static func read(_ text: String) throws(Failure) -> poddump.Configuration {
    try poddump.Configuration(text: text, path: "/home/u/config.toml")
  }

  @Test func withoutAnythingNobodysNodesAreKnockedAt() throws {
    let configuration = try Self.read("")
    #expect(configuration.routes.order == [.exec, .ssh, .upload, .debug, .node])
    #expect(!configuration.nodes.isConfigured && configuration.nodes.host == nil)
    #expect(configuration.nodes.options == SSHOptions())
    #expect(SSHOptions().sudo && SSHOptions().hostKeys == .strict && SSHOptions().engine == nil)
  }

  @Test(arguments: [
    ("[\"exec\", \"ssh\"]", [RouteName.exec, .ssh], true),
    ("[\"ssh\", \"exec\"]", [.ssh, .exec], true),
    ("[\"ssh\"]", [.ssh], true), ("[\"exec\"]", [.exec], false),
    ("[\"ssh\", \"exec\", \"ssh\"]", [.ssh, .exec], true),
  ])
  func theOrderOfRoutes(_ text: String, _ order: [RouteName], _ isConfigured: Bool) throws {
    let configuration = try Self.read("[route]\norder = \(text)")
    #expect(configuration.routes.order == order)
    #expect(configuration.nodes.isConfigured == isConfigured)
  }

  @Test func routesThatAreAllowedAndWhatTheyTake() throws {
    #expect(try Self.read("").routes == RouteSettings())
    let routes = try Self.read(
      """
      [route]
      allow = ["node", "node"]
      [image]
      debug = "registry.example/net:1"
      node = "registry.example/node@sha256:0123"
      [node]
      namespace = "capture"
      """
    ).routes
    var expected = RouteSettings()
    expected.allowed = [.node]
    expected.debugImage = "registry.example/net:1"
    expected.nodeImage = "registry.example/node@sha256:0123"
    expected.nodeNamespace = "capture"
    #expect(routes == expected)
  }

  @Test(
    arguments: [
      ("auto", nil), ("tcpdump", .tcpdump), ("tap", .tap),
    ] as [(String, EngineName?)])
  func whatCaptures(_ text: String, _ engine: EngineName?) throws {
    #expect(try Self.read("[capture]\nengine = \"\(text)\"").engine == engine)
  }

  @Test func everyKeyOfSSH() throws {
    let configuration = try Self.read(
      """
      [ssh]
      host = "{node}.example"
      user = "ops"
      port = 2222
      key = "/keys/id"
      jump = "bastion.example"
      sudo = false
      engine = "openssh"
      known_hosts = "/keys/known_hosts"
      strict_host_key_checking = "accept-new"
      """)
    var options = SSHOptions()
    options.user = "ops"
    options.port = 2222
    options.key = "/keys/id"
    options.jump = "bastion.example"
    options.sudo = false
    options.engine = .openssh
    options.knownHosts = "/keys/known_hosts"
    options.hostKeys = .acceptNew
    #expect(configuration.nodes.options == options)
    #expect(configuration.nodes.host == "{node}.example" && configuration.nodes.isConfigured)
    #expect(configuration.routes.order == RouteName.allCases)
  }

  @Test func anEmptyTableIsWordEnough() throws {
    let configuration = try Self.read("[ssh]")
    #expect(configuration.nodes.isConfigured && configuration.nodes.options == SSHOptions())
    // Both say so; naming exec alone takes nothing back.
    #expect(try Self.read("[route]\norder = [\"exec\"]\n[ssh]").nodes.isConfigured)
  }

  @Test(
    arguments: [
      ("auto", nil), ("libssh2", .libssh2), ("openssh", .openssh),
    ] as [(String, SSHEngine?)])
  func engines(_ text: String, _ engine: SSHEngine?) throws {
    #expect(try Self.read("[ssh]\nengine = \"\(text)\"").nodes.options.engine == engine)
  }

  @Test func aTildeIsTheHome() throws {
    let home = try #require(ProcessInfo.processInfo.environment["HOME"])
    let options = try Self.read("[ssh]\nkey = \"~/.ssh/id\"\nknown_hosts = \"~/k\"").nodes.options
    #expect(options.key == home + "/.ssh/id" && options.knownHosts == home + "/k")
    let others = try Self.read("[ssh]\nkey = \"~other/id\"\nknown_hosts = \"a~/k\"").nodes.options
    #expect(others.key == "~other/id" && others.knownHosts == "a~/k")
  }

  @Test(arguments: [
    (
      "[route]\norder = [\"exce\"]", "There is no route exce for route.order.", "Did you mean exec?"
    ),
    ("[route]\norder = [\"exec\", \"shh\"]", "There is no route shh", "Did you mean ssh?"),
    ("[route]\norder = []", "route.order names no route.", "Write order = [\"exec\", \"ssh\"]."),
    ("[route]\norder = [\"\\u001b[2J\"]", "There is no route �[2J for", "Did you mean"),
    ("[route]\norder = \"ssh\"", "order is not a list of texts.", "Write order = [\"…\"]."),
    ("[route]\norder = [1]", "order is not a list of texts.", "Write order"),
    ("[route]\nallow = [\"nod\"]", "There is no route nod for route.allow.", "Did you mean node?"),
    ("[image]\ndebug = \"a b\"", "image.debug is no name of an image.", "Write debug ="),
    ("[image]\nnode = \"\\u001b\"", "image.node is no name of an image.", "Write node ="),
    ("[image]\nnode = \"\"", "node is not a text.", "Write node ="),
    ("[capture]\nengine = \"tshark\"", "capture.engine is tshark.", "Write auto, tcpdump or tap."),
    ("route = \"ssh\"", "route is not a table.", "Write [route] above its keys."),
    ("ssh = true", "ssh is not a table.", "Write [ssh] above its keys."),
    ("[ssh]\nhost = 1", "host is not a text.", "Write host = \"…\"."),
    ("[ssh]\nhost = \"\"", "host is not a text.", "Write host"),
    ("[ssh]\nuser = []", "user is not a text.", "Write user"),
    ("[ssh]\nkey = true", "key is not a text.", "Write key"),
    ("[ssh]\njump = 1", "jump is not a text.", "Write jump"),
    ("[ssh]\nknown_hosts = 1", "known_hosts is not a text.", "Write known_hosts"),
    ("[ssh]\nport = \"22\"", "port is not a number from 1 to 65535.", "Correct it."),
    ("[ssh]\nport = 0", "port is not a number from 1 to 65535.", "Correct it."),
    ("[ssh]\nport = 65536", "port is not a number from 1 to 65535.", "Correct it."),
    ("[ssh]\nsudo = \"yes\"", "ssh.sudo is neither true nor false.", "Write sudo = true."),
    ("[ssh]\nsudo = 1", "ssh.sudo is neither true nor false.", "Write sudo = true."),
    ("[ssh]\nengine = \"putty\"", "ssh.engine is putty.", "Write auto, libssh2 or openssh."),
    ("[ssh]\nengine = 1", "engine is not a text.", "Write engine"),
    (
      "[ssh]\nstrict_host_key_checking = \"no\"", "ssh.strict_host_key_checking is no.",
      "Write yes or accept-new."
    ),
    (
      "[ssh]\nstrict_host_key_checking = false", "strict_host_key_checking is not a text.",
      "Write strict_host_key_checking"
    ),
  ])
  func aValueThatIsNoneIsNamed(_ text: String, _ why: String, _ fix: String) {
    let failure = #expect(throws: Failure.self) { try Self.read(text) }
    #expect(failure?.kind == .usage)
    #expect(failure?.what == "Cannot use the configuration /home/u/config.toml.")
    #expect(failure?.why?.contains(why) == true, "\(failure?.sentence ?? "")")
    #expect(failure?.fix?.hasPrefix(fix) == true, "\(failure?.fix ?? "")")
  }
}
