internal import Base
internal import Cluster
internal import Packets

/// Runs a group: takes one piece of news after the other, and starts and ends members.
struct GroupLoop {
  private let group: CaptureGroup
  private let sink: SharedSink
  private let asPcapng: Bool
  private let tell: @Sendable (CaptureEvent) -> Void
  private let followed: FollowedPods
  private let followedCount: Int
  /// Ends waiting for the sink's reader, for all members.
  private let readerStop: Bell
  private let watchStop: Bell

  private var members: Members
  /// The pods that were there at the beginning, by UID.
  private let first: Set<String>
  /// What was named, and the pod where that is known.
  private var named: [(request: CaptureRequest, pod: Pod?)]
  private var memberStops: [Members.ID: StopSource] = [:]
  private var report = GroupReport()
  /// Why the whole ends; nil while it does not.
  private var ending: StopReason?
  /// Why it fails as a whole.
  private var failure: Failure?
  private var hasBegun = false
  /// What failed: those that were named, and the last others.
  private var namedFailures: [Failure] = []
  private var otherFailures: [Failure] = []
  /// Since when those are not captured that may be again.
  private var gaps: [Members.ID: ContinuousClock.Instant] = [:]
  /// What is gone while its stream stays open, and since when; nil where nothing is.
  private var awaited: Subject?
  private var cut = ContinuousClock.now
  private var isSeeking = false
  /// Counts how often nobody was left; whether that is so now.
  private var quietness = 0
  private var isQuiet = false

  /// How long nobody may be there although pods run, or although nothing was captured yet: what is known of the
  /// pods may be a moment older than the end of a capture.
  private static let quietTime = Duration.seconds(5)
  /// How long the far ends may take to end in good order.
  private static let farewell = Duration.seconds(1)

  init(
    _ group: CaptureGroup, _ sought: Sought, _ sink: SharedSink, asPcapng: Bool,
    tell: @escaping @Sendable (CaptureEvent) -> Void
  ) throws(Failure) {
    self.group = group
    self.sink = sink
    self.asPcapng = asPcapng
    self.tell = tell
    readerStop = try Bell()
    watchStop = try Bell()
    named = sought.named.map { ($0, nil) }
    members = Members(
      named: sought.named.count, namedPods: sought.namedPods,
      container: group.order.request.container)
    let post = group.post
    followed = FollowedPods(sought.followed) { post.yield(.pods) }
    followedCount = sought.followed.count
    first = Set(followed.pods.map(\.uid))
  }

  /// Runs until something ends it, and everybody has ended.
  mutating func run() async throws(Failure) -> GroupReport {
    var this = self
    await withTaskGroup(of: Void.self) { tasks in
      this.watchForEnds(&tasks)
      for index in 0..<this.followedCount {
        let (followed, kubectl) = (this.followed, this.group.finder.kubectl)
        tasks.addTask { await followed.follow(index, kubectl) }
      }
      this.advance(&tasks)
      var news = this.group.news.makeAsyncIterator()
      while !this.isOver, let next = await news.next() {
        this.take(next, &tasks)
        this.advance(&tasks)
      }
      this.watchStop.ring()
      tasks.cancelAll()
    }
    self = this
    return try finished()
  }

  // MARK: - What happens

  private mutating func take(_ news: GroupNews, _ tasks: inout TaskGroup<Void>) {
    switch news {
    case .pods: break
    case .begun(let id):
      members.begun(id)
      group.tally.begun(id)
      if !hasBegun, group.isShared, let duration = group.order.duration {
        post(.stop(.duration), after: duration, &tasks)
      }
      hasBegun = true
    case .ended(let id, let end): take(end, of: id, &tasks)
    case .stop(let reason): endAll(reason, &tasks)
    case .opened(let sink): if group.isShared { watch(sink, &tasks) }
    case .restart: seekSuccessor(&tasks)
    case .successor(let result): takeSuccessor(result)
    case .quiet(let number):
      guard number == quietness, isQuiet, ending == nil else { break }
      if hasBegun, followed.areOver {
        tell(.told("All pods have succeeded, and a Job makes no further ones.", member: nil))
        return endAll(.streamEnds, &tasks)
      }
      // Without a watch that is late, those that could not be captured are still as they were.
      guard !hasBegun || members.isStuck(followed.pods) else { break }
      failure = .several(otherFailures + namedFailures, of: group.order.text)
      endAll(.streamEnds, &tasks)
    }
  }

  private mutating func take(
    _ end: MemberEnd, of id: Members.ID, _ tasks: inout TaskGroup<Void>
  ) {
    members.ended(id, followed.pods)
    memberStops[id] = nil
    group.tally.ended(id, end.report)
    if let report = end.report { self.report.add(report) }
    if let broken = sink.failure {
      failure = failure ?? broken
      return endAll(.streamEnds, &tasks)
    }
    if end.endsStream { return endAll(.streamEnds, &tasks) }
    if group.waitsForRestart, ending == nil, hasBegun, let subject = end.subject ?? awaited {
      if awaited == nil { cut = .now }
      awaited = subject
      return tell(.waitingForRestart(member: subject.text, end.failure))
    }
    if let failure = end.failure {
      if id.isNamed {
        namedFailures.append(failure)
      } else {
        otherFailures = otherFailures.suffix(4) + [failure]
      }
    }
    guard group.isShared, ending == nil else { return }
    if end.report?.header != nil {
      gaps[id] = .now
    } else if let failure = end.failure {
      // It has no interface in the stream, where a remark could be of its own.
      group.tally.remark("\(end.name) is not captured. \(failure.why ?? failure.what)")
    }
    tell(
      .ended(
        member: end.name, end.failure, isNamed: id.isNamed,
        wasCaptured: end.report?.header != nil, others: members.present.count))
  }

  /// Starts and ends members as is to be now.
  private mutating func advance(_ tasks: inout TaskGroup<Void>) {
    guard ending == nil else { return }
    for step in members.next(followed.pods) {
      switch step {
      case .join(let id, let pod): start(id, pod, &tasks)
      case .leave(let id): memberStops[id]?.request(.gone)
      case .full(let pods):
        limited(
          "\(pods) pods run, and \(members.present.count) are captured at the same time, the others "
            + "when there is room.")
      case .exhausted:
        limited("So many pods have come and gone that no further one is added to this capture.")
      }
    }
    guard !followed.isEmpty, members.isEmpty != isQuiet else { return }
    isQuiet.toggle()
    guard isQuiet else { return }
    quietness += 1
    post(.quiet(quietness), after: Self.quietTime, &tasks)
  }

  /// Says that not all are captured, in the stream too.
  private func limited(_ text: String) {
    group.tally.remark(text)
    tell(.limited(text))
  }

  private mutating func start(_ id: Members.ID, _ pod: Pod?, _ tasks: inout TaskGroup<Void>) {
    var request: CaptureRequest
    var pod = pod
    switch id {
    case .named(let number): (request, pod) = named[number]
    case .pod:
      request = group.order.single(
        Target(kind: .pod, namespace: pod?.namespace, name: pod?.name ?? ""))
    }
    let stops = StopSource()
    memberStops[id] = stops
    let run = MemberRun(
      group: group, id: id, request: request, pod: pod, sink: sink, asPcapng: asPcapng,
      stops: stops, readerStop: group.isShared ? readerStop : nil, tell: tell)
    if let since = gaps.removeValue(forKey: id) {
      let name = pod.map { "\($0.namespace)/\($0.name)" } ?? request.target?.text ?? ""
      let seconds = (.now - since) / Duration.seconds(1)
      run.meter.mark("\(name) is captured again: it was not for \(Int(seconds.rounded())) s.")
    } else if let pod, !first.contains(pod.uid) {
      run.meter.mark("\(pod.namespace)/\(pod.name) has joined the capture.")
    }
    group.tally.join(id, run.meter)
    tasks.addTask { await run.run() }
  }

  // MARK: - The end

  /// Whether there is nothing more to wait for.
  private var isOver: Bool {
    if ending != nil { return members.present.isEmpty }
    return members.isEmpty && followed.isEmpty && awaited == nil
  }

  private mutating func endAll(_ reason: StopReason, _ tasks: inout TaskGroup<Void>) {
    guard ending == nil else { return }
    ending = reason
    for stops in memberStops.values { stops.request(reason) }
    if reason == .ttl, group.isShared {
      failure = Failure(
        .other, "The capture from \(group.order.text) was cut.",
        why: "Its time limit of \(group.order.request.ttl) s was reached.",
        fix: "Give it more with --ttl.")
    }
    let bell = readerStop
    tasks.addTask {
      try? await Task.sleep(for: Self.farewell)
      bell.ring()
    }
  }

  private func watchForEnds(_ tasks: inout TaskGroup<Void>) {
    let (stops, news) = (group.stops, group.post)
    tasks.addTask {
      if let reason = await stops.requested() { news.yield(.stop(reason)) }
    }
    let ttl = group.order.request.ttl
    if group.isShared, ttl > 0 { post(.stop(.ttl), after: .seconds(ttl), &tasks) }
  }

  /// Nobody else notices a reader that leaves while no member writes.
  private func watch(_ sink: Sink, _ tasks: inout TaskGroup<Void>) {
    let (news, bell) = (group.post, watchStop)
    tasks.addTask {
      let isGone = try? await onOwnThread("reader", stop: { bell.ring() }) { () throws(Failure) in
        sink.waitForReaderToLeave(stop: bell)
      }
      if isGone == true { news.yield(.stop(.streamEnds)) }
    }
  }

  private func post(_ news: GroupNews, after time: Duration, _ tasks: inout TaskGroup<Void>) {
    let post = group.post
    tasks.addTask {
      guard (try? await Task.sleep(for: time)) != nil else { return }
      post.yield(news)
    }
  }

  /// What became of it; ends the sink where the only member has not.
  private mutating func finished() throws(Failure) -> GroupReport {
    var failure = failure
    if failure == nil {
      failure = .several(
        hasBegun || ending != nil ? namedFailures : namedFailures + otherFailures,
        of: group.order.text)
    }
    if group.isShared, let sink = sink.sink {
      do throws(Failure) {
        try sink.finish()
      } catch {
        failure = failure ?? error
      }
    }
    if report.members == 0, let failure { throw failure }
    report.failure = failure
    return report
  }
}

// MARK: - Restart

extension GroupLoop {
  private mutating func seekSuccessor(_ tasks: inout TaskGroup<Void>) {
    guard let gone = awaited, !isSeeking, ending == nil else { return }
    guard case .pod(let pod, _) = gone else { return goOn(with: nil) }
    isSeeking = true
    tell(.seekingSuccessor(of: gone.text))
    let (news, kubectl) = (group.post, group.finder.kubectl)
    tasks.addTask {
      do throws(Failure) {
        news.yield(.successor(.success(try await Successor.find(after: pod, kubectl))))
      } catch {
        news.yield(.successor(.failure(error)))
      }
    }
  }

  private mutating func takeSuccessor(_ result: Result<Pod, Failure>) {
    isSeeking = false
    guard ending == nil, let gone = awaited else { return }
    switch result {
    case .success(let pod): goOn(with: pod)
    case .failure(let failure):
      tell(.waitingForRestart(member: gone.text, failure))
    }
  }

  /// Goes on with a pod, or with what was named.
  private mutating func goOn(with pod: Pod?) {
    awaited = nil
    var request = named[0].request
    if let pod {
      request = group.order.single(
        Target(kind: .pod, namespace: pod.namespace, name: pod.name))
    }
    named.append((request, pod))
    gaps[.named(members.add())] = cut
  }
}

extension Failure {
  /// What several failures amount to; nil where there are none.
  fileprivate static func several(_ failures: [Failure], of text: String) -> Failure? {
    guard let first = failures.first, failures.count > 1 else { return failures.first }
    var reasons: [String] = []
    for failure in failures {
      let reason = [failure.what, failure.why].compactMap(\.self).joined(separator: " ")
      if !reasons.contains(reason) { reasons.append(reason) }
    }
    let isOfOneKind = failures.allSatisfy { $0.kind == first.kind }
    let isOneFix = failures.allSatisfy { $0.fix == first.fix }
    return Failure(
      isOfOneKind ? first.kind : .other,
      "\(failures.count) captures of \(printable(text, limit: 200)) failed or were cut.",
      why: reasons.prefix(5).joined(separator: " "),
      fix: isOneFix ? first.fix : "See each of them: poddump plan.",
      detail: failures.compactMap(\.detail).first)
  }
}
