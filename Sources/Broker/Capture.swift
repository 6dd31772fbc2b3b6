package import Base
package import Cluster
package import Packets

/// One capture from plan to last byte, for everybody who has a sink: the command line and the extcap.
package struct Capture: Sendable {
  /// What to run, and what it was decided from.
  package var plan: Plan
  package var investigation: Investigation
  /// The cluster, for a look at what became of the pod.
  package var kubectl: Kubectl
  /// The context's name for descriptions; nil where nobody asked.
  package var context: String?
  /// When to end by itself.
  package var limits: PumpLimits
  package var duration: Duration?
  /// Who may ask for the end.
  package var stops: StopSource
  /// Counts what was written.
  package var meter = PumpMeter()
  /// The names of the stream, kept fresh by whoever made it; nil where nobody wants any. Only pcapng has them.
  package var names: StreamNames?
  /// Set where others write into the same sink, which then stays open: ends waiting for its reader, for all of
  /// them.
  package var readerStop: Bell?
  /// Told when the capture looks after its end by itself, and when it no longer does.
  package var begun: @Sendable (Bool) -> Void = { _ in }

  package init(
    plan: Plan, investigation: Investigation, kubectl: Kubectl, context: String? = nil,
    limits: PumpLimits = PumpLimits(), duration: Duration? = nil, stops: StopSource
  ) {
    self.plan = plan
    self.investigation = investigation
    self.kubectl = kubectl
    self.context = context
    self.limits = limits
    self.duration = duration
    self.stops = stops
  }

  /// Opens the plan's route, runs the capture into a sink and ends the stream with its statistics.
  ///
  /// - Parameters:
  ///   - sink: Opens it, or gives the one that is open; for pcapng with the section header written. Asked
  ///     only when the route is open.
  ///   - asPcapng: Whether the stream is pcapng; else the far end's own bytes.
  ///   - started: Called when packets begin to flow, with the plan as opening completed it.
  /// - Returns: What became of it, or why the next route is to be tried: nothing was delivered.
  /// - Throws: `Failure` when the sink cannot be opened or ended, or no other route would help.
  package func run(
    into sink: @escaping @Sendable () throws(Failure) -> Sink, asPcapng: Bool,
    started: @escaping @Sendable (Plan, PcapHeader) -> Void = { _, _ in }
  ) async throws(Failure) -> Attempt<CaptureReport> {
    let destination = Destination(open: sink)
    let report: CaptureReport
    do throws(Failure) {
      report = try await plan.route.route.open(plan, investigation.opening) {
        (plan, transport) async throws(Failure) in
        var capture = self
        capture.plan = plan
        return try await capture.run(
          transport, into: destination, asPcapng: asPcapng, started: { started(plan, $0) })
      }
    } catch {
      // What is wrong here is wrong by every route.
      guard !destination.hasFailed, error.kind != .usage, error.kind != .filter else { throw error }
      return .failed(error)
    }
    if let failure = report.failure, report.header == nil, stops.reason == nil,
      failure.kind != .filter
    {
      return .failed(failure)
    }
    return .done(report)
  }

  /// The sink, and whether it is at fault.
  private final class Destination: Sendable {
    private let open: @Sendable () throws(Failure) -> Sink
    private let failed = Locked(false)
    var hasFailed: Bool { failed.value }

    init(open: @escaping @Sendable () throws(Failure) -> Sink) { self.open = open }

    /// Works with the sink.
    func using<R>(_ work: (Sink) throws(Failure) -> R) throws(Failure) -> R {
      do throws(Failure) {
        return try work(try open())
      } catch {
        failed.value = true
        throw error
      }
    }
  }

  private func run(
    _ transport: any Transport, into destination: Destination, asPcapng: Bool,
    started: @escaping @Sendable (PcapHeader) -> Void
  ) async throws(Failure) -> CaptureReport {
    begun(true)
    defer { begun(false) }
    let sink = try destination.using { sink throws(Failure) in sink }
    if asPcapng, let names {
      names.add(investigation.facts.subject)
      names.give(to: sink)
    }
    let begin = WallTime.now
    let session = Session(
      plan: plan, transport: transport, sink: sink,
      encoding: asPcapng ? .pcapng(interface) : .pcap, limits: limits, duration: duration,
      meter: meter, stops: stops, readerStop: readerStop)
    var report = try await session.run(started: started)
    if report.failure != nil, report.end != .readerClosed {
      report.failure = await explained(report)
    }
    var trailer: [UInt8] = []
    if asPcapng, let number = meter.interfaceNumber, let header = report.header {
      let statistics = PcapngStatistics(
        report.statistics, delivered: report.packets, start: begin, end: .now,
        comments: report.failure.map { [$0.sentence] } ?? [])
      PcapngWriter.append(
        statistics, interface: number, resolution: header.resolution, to: &trailer)
    }
    // Another route may still write into it.
    if report.header != nil || report.failure == nil || stops.reason != nil {
      if let readerStop {
        await close(sink, trailer, stop: readerStop)
      } else {
        try destination.using { sink throws(Failure) in try sink.finish(trailer) }
      }
    }
    return report
  }

  /// Writes the last words about one interface of several. A sink that does not take them has said so to those
  /// who write packets.
  private func close(_ sink: Sink, _ trailer: [UInt8], stop: Bell) async {
    guard !trailer.isEmpty else { return }
    _ = try? await onOwnThread("trailer", stop: {}) { () throws(Failure) in
      try sink.write(trailer.span.bytes, stop: stop)
    }
  }

  /// What a packet file says about where its packets came from.
  private var interface: PcapngInterface {
    let place = [
      plan.target, investigation.facts.subject.node.map { "node \($0)" },
      context.map { "context \($0)" },
    ]
    return PcapngInterface(
      name: plan.interfaceName, description: place.compactMap(\.self).joined(separator: ", "),
      filter: plan.filter.isEmpty ? nil : plan.filter, system: "Linux",
      comments: ["route \(plan.route.rawValue): \(plan.engineArguments.joined(separator: " "))"])
  }

  /// A better reason for a capture that was cut, by one more look at the pod: an exec only sees its
  /// connection end, whatever became of the pod.
  private func explained(_ report: CaptureReport) async -> Failure? {
    guard var failure = report.failure, report.packets > 0 || failure.kind == .other,
      case .pod(let before, let chosen) = investigation.facts.subject
    else { return report.failure }
    let place = "\(before.namespace)/\(before.name)"
    do throws(Failure) {
      let pod = try await kubectl.pod(
        namespace: before.namespace, name: before.name, within: Patience(.seconds(2)))
      let container = pod.container(named: chosen.name)
      if pod.uid != before.uid {
        failure.why = "The pod was replaced by another of the same name."
      } else if pod.deletion != nil {
        failure.why = "The pod is being deleted."
      } else if pod.node != before.node {
        failure.why =
          "The pod is on another node now (\(printable(pod.node ?? "none", limit: 100)))."
      } else if container?.containerID != chosen.containerID
        || container?.state != .running
      {
        failure.why = "Its container was restarted or ended (pod status \(printable(pod.status)))."
      } else {
        return failure
      }
      failure.fix =
        "Capture again from the pod that is there now: poddump list -n \(pod.namespace)."
    } catch  where error.kind == .notFound {
      failure.why = "The pod \(place) was deleted."
      failure.fix = "Capture from its successor: poddump list -n \(before.namespace)."
    } catch {
      return failure
    }
    failure.what = "The capture from \(plan.target) was cut."
    return failure
  }
}
