import ArgumentParser
import Base
import Broker
import Cluster
import Extcap
import Testing

@testable import poddump

/// Wireshark's dialog and the command line are two ways to say the same.
@Suite struct DialogTests {
  /// What is done, as far as it is decided before the cluster is asked.
  private struct Order: Equatable {
    var request: Broker.CaptureRequest
    var configuration: poddump.Configuration
    var allowed: [RouteName]
    var duration: Int?
    var size: Int?
  }

  private static func byDialog(
    _ options: [String: String], _ configuration: poddump.Configuration = .init()
  ) throws -> Order {
    let options = options.merging(["pod": "shop/web"]) { mine, _ in mine }
    let wanted = Extcap.CaptureRequest(interface: "poddump", fifo: "/fifo", options: options)
    let order = try ExtcapCapture(wanted).order(configuration, Kubectl(executable: "/kubectl"))
    var request = order.request
    request.session = ""
    return Order(
      request: request, configuration: order.configuration,
      allowed: ExtcapTarget.allowed(options), duration: order.duration, size: order.size)
  }

  private static func byCommandLine(
    _ words: [String], _ configuration: poddump.Configuration = .init()
  ) throws -> Order {
    let command = try CaptureCommand.parse(["shop/web"] + words)
    let configuration = try configuration.overridden(by: command.settings)
    let order = try command.options.order(configuration)
    var request = order.request
    request.session = ""
    request.target = order.targets.first
    return Order(
      request: request, configuration: configuration,
      allowed: command.options.way.allow?.routes ?? [],
      duration: command.options.packets.duration?.value,
      size: command.output.maxSize?.value)
  }

  /// Checklist 15: no argument but the pod means what the command line means.
  @Test func withoutOptionsBothDoTheSame() throws {
    #expect(try Self.byDialog([:]) == Self.byCommandLine([]))
    // Wireshark always sends selectors, with their defaults.
    var sent: [String: String] = [:]
    for argument in Argument.all {
      if let choice = argument.choices.first(where: \.isDefault), !choice.value.isEmpty {
        sent[argument.name] = choice.value
      }
    }
    #expect(sent.count > 5)
    #expect(try Self.byDialog(sent) == Self.byCommandLine([]))
  }

  @Test func theConfigurationCountsForBoth() throws {
    let configuration = try poddump.Configuration(
      text: """
        [capture]
        snaplen = 96
        ttl = "2h"
        engine = "tap"
        [ssh]
        user = "ops"
        """, path: "/c")
    #expect(try Self.byDialog([:], configuration) == Self.byCommandLine([], configuration))
    #expect(try Self.byDialog([:], configuration).request.snapLength == 96)
    #expect(
      try Self.byDialog(["snaplen": "128", "ttl": "1h"], configuration)
        == Self.byCommandLine(["--snaplen", "128", "--ttl", "1h"], configuration))
  }

  /// An argument for every option, and what is not the default for it.
  private static let values: [String: String] = [
    "container": "main", "interface": "lo", "route": "ssh", "at": "pod", "engine": "tap",
    "snaplen": "96", "throughput": "true", "count": "7", "duration": "30s", "max-size": "10MB",
    "ssh-user": "ops", "ssh-host": "{node}.example.com", "ssh-port": "2222",
    "ssh-key": "/k", "ssh-jump": "bastion", "ssh-sudo": "no", "ssh-engine": "openssh",
    "ttl": "1h", "allow": "node", "include-own-traffic": "true", "image-debug": "a/b:1",
    "image-node": "c/d:2",
  ]
  /// What chooses the target and the log, and is looked at elsewhere.
  private static let others: Set = ["context", "namespace", "pod", "log-file", "log-level"]

  @Test func everyArgumentDoesWhatItsOptionDoes() throws {
    #expect(Set(Argument.all.map(\.name)) == Set(Self.values.keys).union(Self.others))
    let plain = try Self.byDialog([:])
    for argument in Argument.all {
      guard let value = Self.values[argument.name] else { continue }
      #expect(argument.problem(with: value) == nil)
      let asked = try Self.byDialog([argument.name: value])
      #expect(asked != plain, "--\(argument.name) does nothing")
      let words =
        argument.kind == .flag ? ["--\(argument.name)"] : ["--\(argument.name)", value]
      #expect(try asked == Self.byCommandLine(words), "--\(argument.name)")
    }
  }

  @Test func theLogHasItsOptionsToo() throws {
    let command = try CaptureCommand.parse(["shop/web", "--log-file", "/l", "--log-level", "error"])
    #expect(command.output.logFile == "/l")
    #expect(command.output.logLevel == .error)
    #expect(Argument.logLevel.choices.map(\.value) == LogLevel.allCases.reversed().map(\.rawValue))
    // What is left empty is the same here and there.
    let plain = try CaptureCommand.parse(["shop/web"]).output.logLevel
    #expect(Argument.logLevel.choices.filter(\.isDefault).map(\.value) == [plain.rawValue])
    #expect(ExtcapLog().terminal.logLevel == plain)
  }

  @Test(arguments: [
    ("image-debug", "a b"), ("image-node", "\u{1b}x"), ("max-size", "much"), ("duration", "soon"),
    ("ttl", "never"), ("interface", "-w/x"),
  ])
  func aWrongValueIsRefused(name: String, value: String) throws {
    let failure = #expect(throws: Failure.self) { try Self.byDialog([name: value]) }
    #expect(failure?.kind == .usage)
    #expect(failure?.fix != nil)
  }

  /// Whoever says how nodes are reached wants them reached; an engine alone is enough.
  @Test func settingsOfSSHMakeItConfigured() throws {
    #expect(try !Self.byDialog([:]).configuration.nodes.isConfigured)
    #expect(try Self.byDialog(["ssh-engine": "openssh"]).configuration.nodes.isConfigured)
    #expect(try !Self.byDialog(["ssh-engine": "auto"]).configuration.nodes.isConfigured)
  }
}
