internal import Base

/// News of the pods that a query selects.
package enum PodNews: Sendable {
  /// These are all there are; only some of them where the list was cut.
  case all(Listed<Pod>)
  /// This one is there, as it is now.
  case one(Pod)
  /// This one is gone, or is selected no more.
  case gone(Pod)
}

extension Kubectl {
  /// Follows the pods of a query until the task is cancelled.
  ///
  /// One kubectl watches, so that a pod that runs is known at once. A watch ends after a minute, since a
  /// connection that is black-holed would be silent for ever; then, and where watching is refused, the pods
  /// are listed anew, every two seconds at most. A cluster that does not answer is asked again: what was
  /// known stays true as far as anybody knows.
  ///
  /// - Parameters:
  ///   - query: Which pods.
  ///   - first: The pods as they were listed last: the watch goes on from there.
  ///   - each: Takes the news, from any thread.
  package func follow(
    _ query: PodQuery, from first: Listed<Pod>, each: @escaping @Sendable (PodNews) -> Void
  ) async {
    var mayWatch = true
    var version = first.version
    while !Task.isCancelled {
      let begin = ContinuousClock.now
      if mayWatch, let version {
        do throws(Failure) {
          try await watch(query, from: version, each: each)
        } catch {
          mayWatch = error.kind != .denied
        }
      }
      let pause = Self.listingPause - (ContinuousClock.now - begin)
      if pause > .zero { try? await Task.sleep(for: pause) }
      guard !Task.isCancelled, let listed = try? await pods(query) else { continue }
      version = listed.version
      each(.all(listed))
    }
  }

  /// The shortest time between two lists.
  private static let listingPause = Duration.seconds(2)
  /// The longest time of one watch, in seconds.
  private static let watchTime = 60

  /// Hands on what changes until the watch ends.
  private func watch(
    _ query: PodQuery, from version: String, each: @escaping @Sendable (PodNews) -> Void
  ) async throws(Failure) {
    let what = "Cannot watch pods\(whereText)."
    let path = try Self.path(
      "/api/v1", "pods", namespace: query.namespace,
      query: [
        ("watch", "true"), ("labelSelector", query.labels?.text), ("resourceVersion", version),
        ("timeoutSeconds", String(Self.watchTime)),
      ])
    let watch = PodWatch(what: what) { change in
      switch change {
      case .pod(let pod): each(.one(pod))
      case .deleted(let pod?): each(.gone(pod))
      // What it was cannot be read: the list says what is left. The same where the version is too old.
      case .deleted(nil), .over: return false
      }
      return true
    }
    _ = try await stream(
      what, ["get", "--raw", path.text], within: Patience(.seconds(Self.watchTime + 5)),
      isTied: true,
      into: watch)
  }
}
