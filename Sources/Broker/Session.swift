package import Base
package import Packets

/// Why a capture is asked to end before its far end does.
package enum StopReason: Sendable, Equatable {
  /// Ctrl-C, SIGTERM or SIGHUP.
  case signal
  /// The process that started us (Wireshark, tshark) is gone.
  case parentGone
  /// `--duration` is over.
  case duration
  /// `--ttl` is over: a cut.
  case ttl
  /// Nothing was heard from the far end for too long: a cut.
  case silence
  /// The far end lives, and its engine has not delivered as much as a header.
  case late
  /// The stream that it writes into together with others ends.
  case streamEnds
  /// Its pod is gone: a cut.
  case gone
}

/// How a capture that delivered its stream came to its end.
package enum CaptureEnd: Sendable, Equatable {
  /// A limit was reached: packets, bytes or time.
  case limit
  /// Whoever read the packets closed its end.
  case readerClosed
  /// Somebody asked.
  case stopped
  /// The engine at the far end ended by itself, in good order.
  case farEnd
}

/// What became of a capture that was started.
package struct CaptureReport: Sendable, Equatable {
  /// How it ended.
  package var end: CaptureEnd
  /// Why it did not start, or was cut; nil when all went well.
  package var failure: Failure?
  /// Packets and bytes that were written.
  package var packets: Int
  package var bytes: Int
  /// The engine's own counters.
  package var statistics: CaptureStatistics
  /// What the far end's packet header said; nil when none arrived.
  package var header: PcapHeader?

  /// Packets that were lost on the way, as the engine counted them.
  package var drops: UInt64 { statistics.drops }
}

/// A plan that runs: starts the far end, keeps it alive, moves its packets to the sink, and ends it.
package struct Session: Sendable {
  /// What is run.
  package let plan: Plan
  private let transport: any Transport
  private let sink: Sink
  private let encoding: StreamEncoding
  private let limits: PumpLimits
  private let duration: Duration?
  private let meter: PumpMeter
  private let stops: StopSource
  private let readerStop: Bell?

  /// How long the far end may take to end in good order after its input was closed.
  private static let farewell = Duration.seconds(1)

  /// How often counters are written into the stream while nothing is lost.
  private static let countersPause = Duration.seconds(10)

  /// How long an engine may take to its header, which it sends as soon as it captures: resolving the names of a
  /// filter takes a few seconds.
  private static let headerPatience = Duration.seconds(15)

  /// Prepares a session; nothing is started yet.
  ///
  /// - Parameters:
  ///   - plan: What to run.
  ///   - transport: How to reach the far end.
  ///   - sink: Where packets go; open already, with the section header written if there is one.
  ///   - encoding: How packets are written.
  ///   - limits: The most packets and bytes written.
  ///   - duration: How long to capture, from the first moment that the far end delivers.
  ///   - meter: Counts what was written, for a progress line.
  ///   - stops: Asks for the end; the first value counts.
  ///   - readerStop: Where others write into the sink too: ends waiting for its reader, for all of them.
  package init(
    plan: Plan, transport: any Transport, sink: Sink, encoding: StreamEncoding,
    limits: PumpLimits, duration: Duration?, meter: PumpMeter, stops: StopSource,
    readerStop: Bell? = nil
  ) {
    self.plan = plan
    self.transport = transport
    self.sink = sink
    self.encoding = encoding
    self.limits = limits
    self.duration = duration
    self.meter = meter
    self.stops = stops
    self.readerStop = readerStop
  }

  /// Runs to the end.
  ///
  /// - Parameter started: Called once, when the far end's packet header has arrived.
  /// - Returns: What became of it, also when it failed: what was written by then stays.
  /// - Throws: `Failure` when the transport could not be started.
  package func run(
    started: @escaping @Sendable (PcapHeader) -> Void
  ) async throws(Failure) -> CaptureReport {
    let messages = FarEndMessages()
    let (streamed, end) = try await transport.withProcess(
      plan.remoteArguments, errors: { (_: Streamed) in messages.text }
    ) { streams throws(Failure) in
      try await self.stream(streams, messages: messages, started: started)
    }
    var report = CaptureReport(
      end: .farEnd, packets: meter.packets, bytes: meter.bytes, statistics: messages.statistics,
      header: streamed.header)
    do throws(Failure) {
      report.end = try judge(streamed, end, messages)
    } catch {
      report.failure = error
    }
    return report
  }

  // MARK: - While it runs

  /// What the streaming part came to.
  struct Streamed: Sendable {
    var pumped: Result<PumpEnd, Failure>
    var stop: StopReason?
    var header: PcapHeader?
  }

  private enum Event: Sendable {
    case pumped(Result<PumpEnd, Failure>)
    case stop(StopReason)
    case farewellOver
    case heardAll
    case nothing
  }

  private func stream(
    _ streams: RemoteStreams, messages: FarEndMessages,
    started: @escaping @Sendable (PcapHeader) -> Void
  ) async throws(Failure) -> Streamed {
    let input = FarEndInput(streams.input)
    let stopPump = try Bell()
    let stopRest = try Bell()
    let delivering = Delivering()
    return await withTaskGroup(of: Event.self) { group in
      group.addTask {
        do throws(Failure) {
          return .pumped(
            .success(
              try await pump(
                from: streams.output, to: sink, as: encoding, limits: limits, meter: meter,
                stop: stopPump, readerStop: readerStop
              ) { header in
                delivering.begin(header)
                started(header)
              }))
        } catch {
          return .pumped(.failure(error))
        }
      }
      group.addTask {
        await input.keepBeating(every: Stanza.heartbeat) {
          // It hears the signal from right after its header on: a second is plenty.
          guard plan.answersCounters, let since = delivering.since else { return false }
          return ContinuousClock.now - since > .seconds(1)
        }
        return .nothing
      }
      group.addTask {
        await keepCounting(messages)
        return .nothing
      }
      group.addTask {
        await stops.requested().map { .stop($0) } ?? .nothing
      }
      group.addTask {
        await clock(delivering, messages).map { .stop($0) } ?? .nothing
      }
      group.addTask {
        // Messages are read until the far end is done, also after the last packet.
        try? await onOwnThread("messages", stop: {}) { () throws(Failure) in
          try messages.read(from: streams.errors, stop: stopRest)
        }
        return .heardAll
      }

      var stop: StopReason?
      var pumped: Result<PumpEnd, Failure>?
      var isAllHeard = false
      while pumped == nil, let event = await group.next() {
        switch event {
        case .pumped(let result):
          pumped = result
        case .stop(let reason) where stop == nil:
          stop = reason
          input.end()
          group.addTask {
            try? await Task.sleep(for: reason == .silence ? .zero : Self.farewell)
            return .farewellOver
          }
        case .farewellOver:
          stopPump.ring()
        case .heardAll:
          isAllHeard = true
        case .stop, .nothing:
          break
        }
      }
      // The rest of the far end's output is thrown away, or it could not end for a full pipe; and its
      // last words, the statistics, are waited for, but not for ever.
      input.end()
      group.addTask {
        try? await Task.sleep(for: Self.farewell)
        stopRest.ring()
        return .nothing
      }
      try? await onOwnThread("drain", stop: {}) { () throws(Failure) in
        drain(streams.output, stop: stopRest)
      }
      // ssh says why its connection is lost after it has closed its output.
      while !isAllHeard, let event = await group.next() {
        if case .heardAll = event { isAllHeard = true }
      }
      group.cancelAll()
      stopRest.ring()
      await group.waitForAll()
      return Streamed(
        pumped: pumped ?? .success(.stopped), stop: stop, header: delivering.header)
    }
  }

  /// Passes the far end's counters on, as they come while it captures: into the stream every ten seconds, and
  /// at once when packets were lost.
  private func keepCounting(_ messages: FarEndMessages) async {
    let begin = WallTime.now
    var written = CaptureStatistics()
    var next = ContinuousClock.now + Self.countersPause
    while (try? await Task.sleep(for: .milliseconds(250))) != nil {
      let counters = messages.statistics
      guard counters.hasCounters else { continue }
      let isMore = meter.note(drops: counters.drops)
      guard isMore || (ContinuousClock.now >= next && counters != written) else { continue }
      written = counters
      next = .now + Self.countersPause
      meter.note(
        PcapngStatistics(counters, delivered: meter.packets, start: begin, end: .now))
    }
  }

  /// Waits for whatever ends a capture by time: its duration, its time limit, or silence.
  private func clock(_ delivering: Delivering, _ messages: FarEndMessages) async -> StopReason? {
    let begin = ContinuousClock.now
    let patience = Duration.seconds(Stanza.silence)
    while true {
      do {
        try await Task.sleep(for: .milliseconds(100))
      } catch {
        return nil
      }
      if let duration, let since = delivering.since, ContinuousClock.now - since >= duration {
        return .duration
      }
      if plan.ttl > 0, ContinuousClock.now - begin >= .seconds(plan.ttl) { return .ttl }
      let silence = min(messages.silence, meter.silence ?? messages.silence)
      if silence >= patience, !meter.isWaitingForReader { return .silence }
      // One that says nothing at all is cut for that.
      if delivering.since == nil, silence < Self.headerPatience,
        ContinuousClock.now - begin >= Self.headerPatience
      {
        return .late
      }
    }
  }

  // MARK: - Afterwards

  /// Says, from how everything ended, whether the capture did.
  private func judge(
    _ streamed: Streamed, _ end: RemoteEnd, _ messages: FarEndMessages
  ) throws(Failure) -> CaptureEnd {
    let cut = "The capture from \(plan.target) was cut."
    let far = plan.route == .ssh ? "node" : "cluster"
    let again = "Check the connection to the \(far), and capture again."
    let pumped = try streamed.pumped.get()
    switch streamed.stop {
    case .ttl:
      throw Failure(
        .other, cut, why: "Its time limit of \(plan.ttl) s was reached.",
        fix: "Give it more with --ttl.")
    case .silence:
      throw Failure(
        .unreachable, cut, why: "Nothing was heard from it for \(Stanza.silence) s.", fix: again,
        detail: messages.text)
    case .late:
      throw Failure(
        .other, "Cannot capture from \(plan.target).",
        why: "\(plan.engine) there was started and has not begun to capture for "
          + "\(Self.headerPatience.components.seconds) s.",
        fix: "Run again with -v to see everything it said, or use another route.",
        detail: messages.text)
    case .gone:
      throw Failure(
        .other, cut, why: "The pod is gone.", fix: "Capture from its successor: poddump list.")
    case .signal, .parentGone, .streamEnds: return .stopped
    case .duration: return .limit
    case nil: break
    }
    switch pumped {
    case .readerClosed: return .readerClosed
    case .limitReached: return .limit
    case .stopped: return .stopped
    case .sourceEnded(let complete):
      if var failure = farEndFailure(end, messages) {
        // It had begun, whatever the transport or the engine makes of its end.
        failure.what = cut
        failure.fix = failure.fix ?? again
        throw failure
      }
      guard complete else {
        throw Failure(
          .other, cut, why: "Its last packet arrived in part only.", fix: again,
          detail: messages.text)
      }
      return .farEnd
    case .noCapture(_, let reason):
      if let failure = farEndFailure(end, messages) { throw failure }
      throw Failure(
        .other, "Cannot capture from \(plan.target).",
        why: reason?.why ?? "The far end ended without sending anything.",
        fix: "Run again with -v to see everything it said.",
        detail: [reason?.detail, messages.text].compactMap(\.self).joined(separator: "\n"))
    }
  }

  /// The failure that the far end's end amounts to; nil when it ended in good order.
  private func farEndFailure(_ end: RemoteEnd, _ messages: FarEndMessages) -> Failure? {
    switch end {
    case .exited(0): nil
    case .exited(let code):
      TcpdumpCause.failure(
        target: plan.target, interface: plan.interface, program: plan.engine, place: plan.place,
        exitCode: code,
        messages: messages.text)
    case .failed(let failure): failure
    }
  }
}
