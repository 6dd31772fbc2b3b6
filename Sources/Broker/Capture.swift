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

  /// Runs the capture into a sink and ends the stream with its statistics.
  ///
  /// - Parameters:
  ///   - sink: Open; for pcapng with the section header written.
  ///   - asPcapng: Whether the stream is pcapng; else the far end's own bytes.
  ///   - started: Called when packets begin to flow.
  /// - Returns: What became of it.
  /// - Throws: `Failure` when nothing could be started, or the sink cannot be ended.
  package func run(
    into sink: Sink, asPcapng: Bool, started: @escaping @Sendable (PcapHeader) -> Void = { _ in }
  ) async throws(Failure) -> CaptureReport {
    let begin = WallTime.now
    let session = Session(
      plan: plan, transport: try investigation.transport(of: plan), sink: sink,
      encoding: asPcapng ? .pcapng(interface) : .pcap, limits: limits, duration: duration,
      meter: meter, stops: stops)
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
    try sink.finish(trailer)
    return report
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
