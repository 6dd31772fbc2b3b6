import Base
import Testing

@testable import Broker

@Suite(.ownThreads) struct StopSourceTests {
  @Test func theFirstReasonCounts() async {
    let stops = StopSource()
    #expect(stops.reason == nil)
    stops.request(.signal)
    stops.request(.parentGone)
    #expect(stops.reason == .signal)
    #expect(await stops.requested() == .signal)
  }

  @Test func whoeverWaitsIsToldAndWhoeverComesLaterToo() async throws {
    let stops = StopSource()
    let waiting = (0..<20).map { _ in Task { await stops.requested() } }
    try await Task.sleep(for: .milliseconds(30))
    stops.request(.duration)
    for task in waiting { #expect(await task.value == .duration) }
    #expect(await stops.requested() == .duration)
  }

  @Test func manyRequestsAtOnceAreOne() async {
    let stops = StopSource()
    let reasons: [StopReason] = [.signal, .parentGone, .duration, .ttl, .silence]
    await withTaskGroup(of: Void.self) { group in
      for number in 0..<100 {
        group.addTask { stops.request(reasons[number % reasons.count]) }
        group.addTask { _ = await stops.requested() }
      }
    }
    let first = stops.reason
    #expect(first != nil)
    #expect(await stops.requested() == first)
  }

  @Test func cancellationEndsTheWaiting() async throws {
    let stops = StopSource()
    let task = Task { await stops.requested() }
    try await Task.sleep(for: .milliseconds(20))
    task.cancel()
    #expect(await task.value == nil)
    #expect(stops.reason == nil)
    stops.request(.signal)  // the one who left is not waited for
    #expect(await stops.requested() == .signal)
  }

  @Test func workThatEndsFirstIsReturned() async throws {
    let stops = StopSource()
    #expect(try await stops.interrupting { () async throws(Failure) in 42 } == 42)
    await #expect(throws: Failure(.denied, "No.")) {
      _ = try await stops.interrupting { () async throws(Failure) -> Int in
        throw Failure(.denied, "No.")
      }
    }
    #expect(stops.reason == nil)
  }

  @Test func workIsCancelledOnRequest() async throws {
    let stops = StopSource()
    async let result = stops.interrupting { () async throws(Failure) -> String in
      try? await Task.sleep(for: .seconds(1000))
      return "too late"
    }
    try await Task.sleep(for: .milliseconds(20))
    stops.request(.signal)
    #expect(try await result == nil)
  }

  @Test func workThatThrowsWhenGivenUpIsNoFailure() async throws {
    let stops = StopSource()
    stops.request(.signal)
    let result = try await stops.interrupting { () async throws(Failure) -> String in
      do { try await Task.sleep(for: .seconds(1000)) } catch {
        throw Failure(.other, "Interrupted.")
      }
      return "too late"
    }
    #expect(result == nil)
  }

  // MARK: - A beginning that can be given up

  @Test func aBeginningIsGivenUp() async throws {
    let stops = StopSource()
    async let result = stops.interruptingStart { (_) async throws(Failure) -> String in
      try? await Task.sleep(for: .seconds(1000))
      return Task.isCancelled ? "cancelled" : "slept"
    }
    try await Task.sleep(for: .milliseconds(20))
    stops.request(.signal)
    #expect(try await result == nil)
  }

  /// What has begun is not cancelled: it hears of the end by itself, and its result counts.
  @Test func whatHasBegunEndsByItself() async throws {
    let stops = StopSource()
    let begun = StopSource()
    async let result = stops.interruptingStart { start async throws(Failure) -> String in
      start(true)
      begun.request(.signal)
      let reason = await stops.requested()
      try? await Task.sleep(for: .milliseconds(50))
      return "\(reason == .signal) \(Task.isCancelled)"
    }
    _ = await begun.requested()
    stops.request(.signal)
    #expect(try await result == "true false")
  }

  @Test func whatFailsAfterTheBeginningFails() async throws {
    let stops = StopSource()
    let begun = StopSource()
    async let result = stops.interruptingStart { start async throws(Failure) -> String in
      start(true)
      begun.request(.signal)
      _ = await stops.requested()
      throw Failure(.unreachable, "Cut.")
    }
    _ = await begun.requested()
    stops.request(.signal)
    do {
      let text = try await result
      Issue.record("No failure but \(text ?? "nothing").")
    } catch {
      #expect((error as? Failure) == Failure(.unreachable, "Cut."))
    }
  }

  @Test func withoutARequestTheResultIsTheWorks() async throws {
    let stops = StopSource()
    for begins in [true, false] {
      let result = try await stops.interruptingStart { start async throws(Failure) in
        if begins { start(true) }
        return 42
      }
      #expect(result == 42)
      await #expect(throws: Failure(.denied, "No.")) {
        _ = try await stops.interruptingStart { start async throws(Failure) -> Int in
          if begins { start(true) }
          throw Failure(.denied, "No.")
        }
      }
    }
    #expect(stops.reason == nil)
  }

  @Test func aRequestBeforeTheBeginningIsHeard() async throws {
    let stops = StopSource()
    stops.request(.signal)
    let result = try await stops.interruptingStart { (_) async throws(Failure) -> Int in
      try? await Task.sleep(for: .seconds(1000))
      return 1
    }
    #expect(result == nil)
  }
}
