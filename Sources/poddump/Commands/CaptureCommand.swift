internal import ArgumentParser
internal import Base
internal import Broker
internal import Cluster
internal import Packets

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

extension FormatChoice: ExpressibleByArgument {}
extension LogLevel: ExpressibleByArgument {}

extension Ring: ExpressibleByArgument {
  init?(argument: String) { self.init(argument) }
}

/// Where packets and messages go.
struct OutputOptions: ParsableArguments {
  @Option(name: [.customShort("w"), .long], help: "The file to write, or - for standard output.")
  var write: String?

  @Option(
    name: .long,
    help:
      "The file format. (default: by the file's name; for a pipe pcap, or pcapng where there may be several pods)"
  )
  var format: FormatChoice?

  @Option(name: .long, help: "End when this much has been written, such as 100MB.")
  var maxSize: Bytes?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Keep this many files of this size, such as 10:100MB.", valueName: "files:size"))
  var ring: Ring?

  @Flag(name: .long, help: "Open the capture in Wireshark.")
  var open = false

  @Option(name: .long, help: "A file that gets messages as well.")
  var logFile: String?

  @Option(name: .long, help: "How much is written to the log file.")
  var logLevel: LogLevel = .debug
}

/// `poddump capture`: packets from a pod to a pipe, a file or Wireshark.
struct CaptureCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "capture", abstract: "Capture packets from pods.",
    discussion: """
      Packets go to standard output unless -w names a file; on a terminal, Wireshark is opened.

        poddump capture shop/web -w web.pcapng
        poddump capture shop/web -f 'tcp port 80' -w - | tshark -r -
        poddump capture deploy/api -n shop --duration 30s -w api.pcapng

      Several targets, workloads, services and selectors share one stream (pcapng),
      an interface for each pod. Pods that appear join, those that go are closed.
      """)

  @OptionGroup var options: CaptureOptions
  @OptionGroup(title: "Output") var output: OutputOptions
  @OptionGroup(title: "Settings for this capture alone") var settings: SettingOverrides
  @OptionGroup var messages: MessageOptions

  func run() async throws {
    var terminal = messages.terminal
    if let logFile = output.logFile {
      terminal.log = try openLog(logFile)
      terminal.logLevel = output.logLevel
    }
    do {
      try await run(terminal)
    } catch let failure as Failure {
      terminal.note(failure)
      throw failure
    }
  }

  private func run(_ terminal: Terminal) async throws {
    let stops = StopSource()
    let signals = Signals(stops, watchesParent: false)
    defer { withExtendedLifetime(signals) {} }

    let destination = try Destination.choose(
      write: self.output.write, ring: self.output.ring, open: self.output.open,
      outputIsTerminal: Terminal.outputIsTerminal, wireshark: Wireshark.onScreen)
    let configuration = try Configuration.load().overridden(by: settings)
    var order = try options.order(configuration)
    order.limits = PumpLimits(packets: order.request.count, bytes: self.output.maxSize?.value)
    order.duration = options.packets.duration?.duration
    if !destination.isPcapng(self.output.format, isSingle: order.isSingle) {
      try order.checkClassic()
    }
    try await order.request.checkFilter(within: .seconds(5))
    try destination.check()
    let kubectl = try options.kubernetes.kubectl(terminal)

    let finder = try options.finder(configuration, kubectl)
    let output = Output(
      destination, asPcapng: destination.isPcapng(self.output.format, isSingle: order.isSingle))
    // A file that no route has filled does not stay behind.
    defer { output.close() }
    let messages = CaptureMessages(terminal: terminal, isSingle: order.isSingle)
    let names = output.isPcapng ? try StreamNames(kubectl) : nil
    let group = CaptureGroup(order, finder: finder, stops: stops, names: names)
    let progress = Progress(terminal: terminal) { group.status }
    let ticking = Task { await progress.run() }
    defer { ticking.cancel() }
    let report = try await StreamNames.keptFresh(names) { () async throws(Failure) in
      try await group.run(
        into: { () throws(Failure) in try output.sink() }, asPcapng: output.isPcapng
      ) { messages.tell($0) }
    }
    ticking.cancel()
    terminal.live("")
    if report.members > 0 {
      terminal.say(Progress.summary(report))
    } else if report.failure == nil {
      terminal.say("Stopped before the capture began.")
    }
    if report.drops > 0 {
      terminal.warn(
        "packets were lost at the far end. Narrow the filter (-f), shorten packets (-s 96) "
          + "or use --throughput.")
    }
    if let failure = report.failure { throw failure }
  }
}

/// The sink of the command line: opened at the last moment, so that a failure before leaves no file, and once,
/// whichever route fills it.
private final class Output: Sendable {
  let isPcapng: Bool
  private let destination: Destination
  private let opened = Locked<Sink?>(nil)

  init(_ destination: Destination, asPcapng: Bool) {
    self.destination = destination
    isPcapng = asPcapng
  }

  func sink() throws(Failure) -> Sink {
    let sink: Sink
    switch destination {
    case .standardOutput: sink = Sink(OwnedFD(dup(STDOUT_FILENO)), name: "standard output")
    case .file(let path): sink = try Sink(file: path)
    case .ring(let path, let files, let size):
      sink = try Sink(ring: path, files: files, size: size)
    case .wireshark(let program):
      sink = Sink(try Wireshark.open(program), name: "Wireshark")
    }
    if isPcapng {
      sink.beginWithFirstInterface(PcapngSection.here(application: "poddump \(Version.number)"))
    }
    opened.value = sink
    return sink
  }

  /// Ends it, if it was opened and nobody has done so: a capture that fails leaves that to others.
  func close() { try? opened.value?.finish() }
}

extension CaptureOptions {
  /// Who finds out what a plan needs to know.
  ///
  /// - Throws: `Failure` when the binary that was named cannot be used.
  func finder(_ configuration: Configuration, _ kubectl: Kubectl) throws(Failure) -> FactFinder {
    try configuration.finder(
      kubectl, isInteractive: true, allowed: way.allow?.routes ?? [], binary: way.binary)
  }

  /// What these options and the configuration order.
  ///
  /// - Throws: `Failure` of kind `usage` for a target or selector that is none.
  func order(_ configuration: Configuration) throws(Failure) -> CaptureOrder {
    var request = CaptureRequest(target: nil, namespace: kubernetes.namespace)
    if let namespace = kubernetes.namespace { try Target.check(namespace: namespace) }
    let targets = try Target.all(self.targets, namespace: kubernetes.namespace)
    request.container = packets.container
    request.interface = packets.interface
    request.filter = packets.filter
    request.snapLength = packets.snaplen ?? configuration.snapLength
    request.throughput = way.throughput
    request.count = packets.count
    if let ttl = way.ttl.map({ ($0.value + 999) / 1000 }) ?? configuration.ttl { request.ttl = ttl }
    request.route = way.route.route
    request.engine = way.engine.engine ?? configuration.engine
    request.point = way.at
    request.includesOwnTraffic = packets.includeOwnTraffic
    let order = CaptureOrder(
      targets: targets, selector: packets.selector.flatMap { LabelSelector($0) }, request: request)
    try order.check()
    return order
  }
}
