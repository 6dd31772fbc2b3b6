internal import Base
internal import Cluster
internal import Packets

/// Captures from one member of a group, and tells the group what becomes of it.
struct MemberRun: Sendable {
  let group: CaptureGroup
  let id: Members.ID
  let request: CaptureRequest
  /// The pod where it was looked up already.
  let pod: Pod?
  let sink: SharedSink
  let asPcapng: Bool
  /// Asks this member to end.
  let stops: StopSource
  /// Set where others write into the sink too.
  let readerStop: Bell?
  let tell: @Sendable (CaptureEvent) -> Void
  let meter = PumpMeter()

  /// Captures until it ends.
  func run() async {
    let subject = Locked<Subject?>(nil)
    var end = MemberEnd(name: request.target?.text ?? "")
    do throws(Failure) {
      // Before the capture begins, a stop gives everything up; from then on it ends in good order.
      end.report = try await stops.interruptingStart {
        (begun) async throws(Failure) -> CaptureReport in
        try await attempt(begun) { subject.value = $0 }
      }
      end.failure = end.report?.failure
    } catch {
      end.failure = error
    }
    end.subject = subject.value
    group.post.yield(.ended(id, end))
  }

  private func attempt(
    _ begun: @escaping @Sendable (Bool) -> Void, found: @escaping @Sendable (Subject) -> Void
  ) async throws(Failure) -> CaptureReport {
    let name = group.order.isSingle ? nil : request.target?.text
    return try await group.finder.attempt(
      request, pod: pod, tell: { tell(.told($0, member: name)) }
    ) { investigation async throws(Failure) in
      let plan = try investigation.decision.chosen()
      found(investigation.facts.subject)
      tell(.opening(plan, investigation.decision))
      let kubectl = group.finder.kubectl
      var capture = Capture(
        plan: plan, investigation: investigation, kubectl: kubectl, context: kubectl.context,
        limits: group.order.limits, duration: group.isShared ? nil : group.order.duration,
        stops: stops)
      capture.meter = meter
      capture.begun = begun
      capture.names = group.names
      capture.readerStop = readerStop
      return try await capture.run(
        into: { () throws(Failure) in
          let (sink, isNew) = try sink.use()
          if isNew { group.post.yield(.opened(sink)) }
          return sink
        }, asPcapng: asPcapng
      ) { plan, header in
        tell(.capturing(plan, header))
        group.post.yield(.begun(id))
      }
    }
  }
}
