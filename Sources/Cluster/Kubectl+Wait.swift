package import Base
internal import Synchronization

extension Kubectl {
  /// Waits until a container runs.
  ///
  /// One kubectl watches the pod, so that a start is known at once. Beside it the pod and its events are
  /// read every two seconds: for the reasons, which the watch does not have, and for users who may not
  /// watch.
  ///
  /// - Parameters:
  ///   - container: The container's name.
  ///   - pod: Its pod; with a UID, a successor of the same name does not count.
  ///   - deadline: When to give up.
  ///   - tell: Called with each new reason for waiting, in words; from any thread.
  /// - Returns: The pod, its container running.
  /// - Throws: `Failure` when the container cannot run any more, when its image could not be pulled for
  ///   fifteen seconds, at the deadline, or when the pod cannot be read.
  @discardableResult
  package func wait(
    for container: String, of pod: PodReference, deadline: ContinuousClock.Instant,
    tell: @escaping @Sendable (String) -> Void
  ) async throws(Failure) -> Pod {
    let what =
      "Container \(printable(container, limit: 80)) of pod \(pod.text) does not start\(whereText)."
    try Self.check(container, isValid: ResourceName.isLabel(container), "container")
    _ = try pod.path()
    let progress = WaitProgress(
      ContainerWait(container: container, uid: pod.uid), deadline: deadline, tell: tell)
    let end = await withTaskGroup(of: WaitEnd?.self) { group in
      group.addTask { await watch(what, pod, progress) }
      group.addTask { await poll(what, pod, progress) }
      var end: WaitEnd?
      // The watch may end without a result; the other goes on until there is one.
      while end == nil, let next = await group.next() { end = next }
      group.cancelAll()
      return end
    }
    switch end {
    case .ready(let pod): return pod
    case .giveUp(let trouble): throw trouble.failure(what)
    case .failed(let failure): throw failure
    case nil: throw Failure(.other, what, why: "It was interrupted.")
    }
  }

  /// Watches the pod until there is a result; nil when the watch ends without one.
  private func watch(_ what: String, _ pod: PodReference, _ progress: WaitProgress) async
    -> WaitEnd?
  {
    let watch = PodWatch(what: what) { change in
      switch change {
      case .over: return false
      case .pod(let pod): return progress.take(pod) == nil
      case .deleted: return progress.take(nil) == nil
      }
    }
    do throws(Failure) {
      let seconds = max(1, progress.left.components.seconds)
      let path = try Self.path(
        "/api/v1", "pods", namespace: pod.namespace,
        query: [
          ("watch", "true"), ("fieldSelector", "metadata.name=\(pod.name)"),
          ("timeoutSeconds", String(seconds)),
        ])
      _ = try await stream(
        what, ["get", "--raw", path.text], within: Patience(progress.left), into: watch)
    } catch {
      // Whatever it is, the other way of asking finds it out as well.
    }
    progress.endWatch()
    return progress.end
  }

  /// Reads the pod and its events again and again until there is a result.
  private func poll(_ what: String, _ pod: PodReference, _ progress: WaitProgress) async -> WaitEnd?
  {
    var pause = Duration.milliseconds(500)
    while !Task.isCancelled {
      // Cancelled: there is a result.
      guard (try? await Task.sleep(for: min(pause, progress.left))) != nil else { return nil }
      if let end = progress.end { return end }
      guard progress.left > .zero else { return .giveUp(.tooLong(progress.lastWords)) }
      do throws(Failure) {
        let found = try await self.pod(
          namespace: pod.namespace, name: pod.name, within: bounded(by: progress))
        if let end = progress.take(found) { return end }
      } catch {
        guard error.kind == .notFound else { return Task.isCancelled ? nil : .failed(error) }
        return progress.take(nil)
      }
      // Users who may not read events wait without reasons.
      if let events = try? await events(of: pod, within: bounded(by: progress)),
        let end = progress.take(events)
      {
        return end
      }
      pause = progress.isWatching ? .seconds(2) : .milliseconds(300)
    }
    return nil
  }

  private func bounded(by progress: WaitProgress) -> Patience {
    Patience(silence: patience.silence, total: max(.seconds(1), min(patience.total, progress.left)))
  }
}

/// How a wait ended.
enum WaitEnd: Sendable {
  case ready(Pod)
  case giveUp(StartTrouble)
  case failed(Failure)
}

/// A wait that several tasks have news for.
private final class WaitProgress: Sendable {
  private struct State {
    var wait: ContainerWait
    var isWatching = true
    var end: WaitEnd?
  }

  private let state: Mutex<State>
  private let deadline: ContinuousClock.Instant
  private let start = ContinuousClock.now
  private let tell: @Sendable (String) -> Void

  init(
    _ wait: ContainerWait, deadline: ContinuousClock.Instant,
    tell: @escaping @Sendable (String) -> Void
  ) {
    state = Mutex(State(wait: wait))
    self.deadline = deadline
    self.tell = tell
  }

  /// The time until the deadline.
  var left: Duration { max(.zero, deadline - ContinuousClock.now) }
  var end: WaitEnd? { state.withLock { $0.end } }
  var isWatching: Bool { state.withLock { $0.isWatching } }
  var lastWords: String { state.withLock { $0.wait.lastWords } }

  func endWatch() {
    state.withLock { $0.isWatching = false }
  }

  /// Takes the pod as it is now, nil when it is gone; returns the result as soon as there is one.
  func take(_ pod: Pod?) -> WaitEnd? {
    let time = ContinuousClock.now - start
    return take { $0.take(pod, at: time) }
  }

  func take(_ events: [PodEvent]) -> WaitEnd? {
    let time = ContinuousClock.now - start
    return take { $0.take(events, at: time) }
  }

  private func take(
    _ news: (inout ContainerWait) -> (verdict: ContainerWait.Verdict, news: String?)
  ) -> WaitEnd? {
    let (end, words) = state.withLock { state -> (WaitEnd?, String?) in
      // The first result counts; after it nothing is told.
      if let end = state.end { return (end, nil) }
      let (verdict, words) = news(&state.wait)
      switch verdict {
      case .goOn: break
      case .ready(let pod): state.end = .ready(pod)
      case .giveUp(let trouble): state.end = .giveUp(trouble)
      }
      return (state.end, words)
    }
    if let words { tell(words) }
    return end
  }
}
