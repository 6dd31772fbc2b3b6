package import Base

/// How far a container is on its way to running, read from its pod and the pod's events.
package enum ContainerStart: Sendable, Equatable {
  case running
  /// It is on its way; the words say what it waits for.
  case waiting(String)
  /// It waits for something that has failed and is tried again.
  case failing(StartTrouble)
  /// It cannot run any more.
  case never(StartTrouble)

  /// Reads the state.
  ///
  /// - Parameters:
  ///   - container: The container's name.
  ///   - pod: The pod as it is now; nil when it is gone.
  ///   - uid: The pod's UID when the wait began; nil when it was not known.
  ///   - events: What is known of the pod's events, the newest first.
  package init(_ container: String, of pod: Pod?, uid: String?, events: [PodEvent]) {
    guard let pod else {
      self = .never(.podGone)
      return
    }
    if let uid, !pod.uid.isEmpty, pod.uid != uid {
      self = .never(.podReplaced)
    } else if pod.isFinished {
      self = .never(.podFinished(pod.reason ?? pod.phase))
    } else if pod.deletion != nil {
      self = .never(.podEnding)
    } else {
      let own = events.filter { $0.container == nil || $0.container == container }
      self = Self.state(pod.container(named: container)?.state ?? .unknown, own)
    }
  }

  private static func state(_ state: Container.State, _ events: [PodEvent]) -> ContainerStart {
    switch state {
    case .running: .running
    case .terminated(let reason, let code): .never(.ended(reason: reason, exitCode: code))
    case .unknown: .waiting(words(of: events) ?? "waiting for the kubelet")
    case .waiting(let reason, let message): waiting(reason ?? "", message, events)
    }
  }

  private static func waiting(
    _ reason: String, _ message: String?, _ events: [PodEvent]
  ) -> ContainerStart {
    // What the state itself says is newer than any event.
    let words = message ?? events.first { $0.isWarning }?.message ?? reason
    switch reason {
    case "", "ContainerCreating", "PodInitializing":
      return .waiting(Self.words(of: events) ?? "starting the container")
    case "ErrImagePull", "ImagePullBackOff", "ImageInspectError", "RegistryUnavailable":
      return .failing(.image(reason: reason, words))
    case "ErrImageNeverPull", "InvalidImageName": return .never(.image(reason: reason, words))
    case "CreateContainerConfigError": return .never(.configuration(words))
    case "CreateContainerError", "RunContainerError", "StartError", "CrashLoopBackOff",
      "PostStartHookError":
      return .never(.cannotStart(reason: reason, words))
    default: return .waiting(message.map { "\(reason): \($0)" } ?? reason)
    }
  }

  /// What the newest event says that tells of waiting.
  private static func words(of events: [PodEvent]) -> String? {
    for event in events {
      switch event.reason {
      case "Pulling":
        let image = event.message.split(separator: "\"").dropFirst().first
        return "pulling image \(image.map(String.init) ?? "")"
      case "Pulled", "Created", "Scheduled": return nil
      default:
        if event.isWarning { return "\(event.reason): \(event.message)" }
      }
    }
    return nil
  }
}

/// Why a container does not run.
package enum StartTrouble: Sendable, Equatable {
  /// Its image is not there, or cannot be fetched.
  case image(reason: String, String)
  /// It cannot be made as it is described: a missing ConfigMap, a user that is not allowed.
  case configuration(String)
  /// The runtime cannot start it.
  case cannotStart(reason: String, String)
  case ended(reason: String?, exitCode: Int)
  case podGone
  case podReplaced
  /// The pod is being deleted.
  case podEnding
  /// The pod has failed or is done: "Failed", "Evicted".
  case podFinished(String)
  /// It took too long; the last thing that it waited for.
  case tooLong(String)

  /// The trouble in words, for a line of progress.
  package var text: String {
    switch self {
    case .image(let reason, let words): "\(reason): \(words)"
    default: why
    }
  }

  /// The failure that the user sees.
  ///
  /// - Parameter what: What was tried, a full sentence.
  /// - Returns: What, why and what to do.
  package func failure(_ what: String) -> Failure {
    Failure(kind, what, why: printable(why, limit: 600), fix: fix)
  }

  private var kind: Failure.Kind {
    switch self {
    case .podGone, .podReplaced: .notFound
    case .podEnding, .podFinished: .noRoute
    case .image, .configuration, .cannotStart, .ended, .tooLong: .other
    }
  }

  private var why: String {
    switch self {
    case .image("InvalidImageName", let words): "The image's name is not valid: \(words)."
    case .image("ErrImageNeverPull", let words): "The image may not be pulled: \(words)."
    case .image(_, let words): "The image cannot be pulled: \(words)."
    case .configuration(let words): "The container cannot be made: \(words)."
    case .cannotStart(let reason, let words):
      "The container cannot be started (\(reason)): \(words)."
    case .ended("OOMKilled", _): "The container was out of memory and is gone."
    case .ended(let reason, let code):
      "The container has ended already (\(reason.map { "\($0), " } ?? "")exit status \(code))."
    case .podGone: "The pod has been deleted."
    case .podReplaced: "The pod has been replaced by another of the same name."
    case .podEnding: "The pod is being deleted."
    case .podFinished("Evicted"): "The pod was evicted from its node."
    case .podFinished(let reason): "The pod is finished (\(reason)); no container of it will run."
    case .tooLong(let words): "It does not run in time. Last: \(words)."
    }
  }

  private var fix: String {
    switch self {
    case .image:
      "Name an image that the node has or can pull: debug or node in [image] of the configuration."
    case .configuration, .cannotStart: "Use another image or another route."
    case .ended: "Use an image with sh and sleep, or another route."
    case .podGone, .podReplaced, .podEnding, .podFinished:
      "Choose a pod that runs; poddump list shows them."
    case .tooLong: "Check the node and the image: kubectl describe pod."
    }
  }
}
