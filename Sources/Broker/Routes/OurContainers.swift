internal import Base
internal import Cluster

/// The ephemeral containers that a pod has of us already, by their image. Nobody can remove an entry, so that
/// another is added only where none of these will do.
struct OurContainers {
  /// The oldest first.
  private let containers: [Container]
  private let pod: Pod

  /// Finds them.
  ///
  /// - Parameters:
  ///   - pod: The pod.
  ///   - image: The image that is asked for now.
  init(of pod: Pod, image: String) {
    self.pod = pod
    containers = pod.ephemeralContainers.filter {
      $0.name.hasPrefix(FarChange.prefix) && Caretaker.Terms($0.command)?.image == image
    }
  }

  /// One that runs, and will until a capture that begins now is over.
  ///
  /// - Parameters:
  ///   - ttl: The capture's time limit in seconds; 0 for none.
  ///   - now: In seconds since 1970.
  /// - Returns: The newest; nil where there is none.
  func usable(for ttl: Int, now: Int) -> Container? {
    containers.last { container in
      guard container.state.isRunning, let terms = Caretaker.Terms(container.command) else {
        return false
      }
      if terms.lifetime == 0 { return true }
      guard ttl > 0, let started = container.started else { return false }
      return started + terms.lifetime >= now + ttl
    }
  }

  /// Why another one would not run either: the newest still waits, and not for its turn.
  func trouble(_ what: String) -> Failure? {
    guard let newest = containers.last, case .waiting = newest.state else { return nil }
    switch ContainerStart(newest.name, of: pod, uid: nil, events: []) {
    case .failing(let trouble), .never(let trouble):
      let words = printable(trouble.text, limit: 400)
      return Failure(
        .other, what,
        why: "Its container \(newest.name), added earlier, still waits: \(words)"
          + (words.hasSuffix(".") ? "" : "."),
        fix: "Set another image: debug in [image] of the configuration.")
    case .running, .waiting: return nil
    }
  }
}
