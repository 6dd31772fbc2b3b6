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

extension Ring: ExpressibleByArgument {
  init?(argument: String) { self.init(argument) }
}

/// `poddump capture`: packets from a pod to a pipe, a file or Wireshark.
struct CaptureCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "capture", abstract: "Capture packets from a pod.",
    discussion: """
      Packets go to standard output unless -w names a file; on a terminal, Wireshark is opened.

        poddump capture shop/web -w web.pcapng
        poddump capture shop/web -f 'tcp port 80' -w - | tshark -r -
        poddump capture deploy/api -n shop --duration 30s -w api.pcap
      """)

  @OptionGroup var options: CaptureOptions
  @OptionGroup var messages: MessageOptions

  @Option(name: [.customShort("w"), .long], help: "The file to write, or - for standard output.")
  var write: String?

  @Option(name: .long, help: "The file format. (default: by the file's name; pcap for a pipe)")
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

  @Option(name: .long, help: "A file that gets every message as well.")
  var logFile: String?

  func run() async throws {
    var terminal = messages.terminal
    if let logFile { terminal.log = try openLog(logFile) }
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
      write: write, ring: ring, open: open, outputIsTerminal: Terminal.outputIsTerminal,
      wireshark: Wireshark.onScreen)
    let configuration = try Configuration.load()
    let request = try options.request(configuration)
    try CaptureFilter.check(
      request.filter, linkType: .expected(onInterface: request.interface ?? "eth0"))
    try destination.check()
    let kubectl = try options.kubernetes.kubectl()

    let finder = try options.finder(configuration, kubectl)
    let duration = options.duration?.duration
    let limits = PumpLimits(packets: request.count, bytes: maxSize?.value)
    let format = format
    let output = Output(destination, asPcapng: destination.isPcapng(format))
    // A file that no route has filled does not stay behind.
    defer { output.close() }
    let told = Told()
    let names = output.isPcapng ? try StreamNames(kubectl) : nil
    // Before the capture begins, a stop gives everything up; from then on it ends in good order.
    let report = try await StreamNames.keptFresh(names) { () async throws(Failure) in
      try await stops.interruptingStart {
        (begun) async throws(Failure) -> CaptureReport in
        try await finder.attempt(request, tell: { terminal.say($0) }) {
          investigation async throws(Failure) in
          let plan = try investigation.decision.chosen()
          for refusal in told.new(investigation.decision) { terminal.say(refusal) }
          for note in plan.notes { terminal.say("Note: \(note)") }
          if let point = plan.point { terminal.detail("capturing on \(point)") }
          if let connection = plan.connection { terminal.detail(connection) }
          terminal.detail(
            "route \(plan.route.rawValue): \(plan.engineArguments.joined(separator: " "))")
          var capture = Capture(
            plan: plan, investigation: investigation, kubectl: kubectl, context: kubectl.context,
            limits: limits, duration: duration, stops: stops)
          capture.begun = begun
          capture.names = names
          return try await Self.run(capture, into: output, terminal)
        }
      }
    }
    guard let report else { return }
    terminal.live("")
    if report.header != nil {
      terminal.say(Progress.summary(report))
    } else if report.failure == nil {
      terminal.say("Stopped before the capture began.")
    }
    if report.drops > 0 {
      terminal.say(
        "Warning: packets were lost at the far end. Narrow the filter (-f), shorten packets (-s 96) "
          + "or use --throughput.")
    }
    if let failure = report.failure { throw failure }
  }

  private static func run(
    _ capture: Capture, into output: Output, _ terminal: Terminal
  ) async throws(Failure) -> Attempt<CaptureReport> {
    terminal.detail("connecting to \(capture.plan.target) by \(capture.plan.route.rawValue)")
    let progress = Progress(terminal: terminal, meter: capture.meter)
    let ticking = Task { await progress.run() }
    defer { ticking.cancel() }
    return try await capture.run(
      into: { () throws(Failure) in try output.sink() }, asPcapng: output.isPcapng
    ) { plan, _ in
      terminal.say("Capturing from \(plan.target) by \(plan.route.rawValue).")
      terminal.detail("there: \(plan.engineArguments.joined(separator: " "))")
    }
  }

  private func openLog(_ path: String) throws(Failure) -> OwnedFD {
    let log = OwnedFD(openForAppending(path))
    guard log.raw >= 0 else { throw .system("Cannot write the log file \(path).", errno: errno) }
    return log
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
    if let sink = opened.value { return sink }
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

/// Why the routes before were not taken, each said once.
private final class Told: Sendable {
  private let count = Locked(0)

  func new(_ decision: Decision) -> [String] {
    let refusals = decision.options.compactMap { option -> String? in
      guard case .refused(let failure) = option.verdict else { return nil }
      return "Not by \(option.route.rawValue): \(failure.why ?? failure.what)"
    }
    return count.withLock { count in
      defer { count = refusals.count }
      return Array(refusals.dropFirst(count))
    }
  }
}

extension CaptureOptions {
  /// Who finds out what a plan needs to know.
  ///
  /// - Throws: `Failure` when the binary that was named cannot be used.
  func finder(_ configuration: Configuration, _ kubectl: Kubectl) throws(Failure) -> FactFinder {
    try configuration.finder(
      kubectl, isInteractive: true, allowed: allow?.routes ?? [], binary: binary)
  }

  /// The request that these options and the configuration mean.
  ///
  /// - Throws: `Failure` of kind `usage` for a target or selector that is none.
  func request(_ configuration: Configuration) throws(Failure) -> CaptureRequest {
    guard targets.count <= 1 else {
      throw Failure(
        .usage, "Cannot capture from \(targets.count) targets at once.",
        why: "One pod is captured at a time.", fix: "Start one poddump for each.")
    }
    var request = CaptureRequest(
      target: nil, selector: selector.flatMap { LabelSelector($0) },
      namespace: kubernetes.namespace)
    if let target = targets.first {
      request.target = try Target(target, namespace: kubernetes.namespace)
    } else if let namespace = kubernetes.namespace {
      try Target.check(namespace: namespace)
    }
    request.container = container
    request.interface = interface
    request.filter = filter
    request.snapLength = snaplen ?? configuration.snapLength
    request.throughput = throughput
    request.count = count
    if let ttl = ttl.map({ ($0.value + 999) / 1000 }) ?? configuration.ttl { request.ttl = ttl }
    request.route = route.route
    request.engine = engine.engine ?? configuration.engine
    request.point = at
    request.includesOwnTraffic = includeOwnTraffic
    return request
  }
}
