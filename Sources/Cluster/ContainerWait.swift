internal import Base

/// What is known of a container that is waited for, and what follows from it; no clock and no I/O.
struct ContainerWait: Sendable {
  /// What is to be done after the last news.
  enum Verdict: Sendable {
    case goOn
    case ready(Pod)
    case giveUp(StartTrouble)
  }

  /// How long something that is tried again may fail: an image is pulled again after ten seconds.
  static let grace = Duration.seconds(15)

  let container: String
  let uid: String?
  private var pod: Pod?
  private var isKnown = false
  private var events: [PodEvent] = []
  private var failingSince: Duration?
  private var told: Set<String> = []
  /// What it waited for last, in words.
  private(set) var lastWords = "waiting for the kubelet"

  init(container: String, uid: String?) {
    self.container = container
    self.uid = uid
  }

  /// Takes the pod as it is now; nil when it is gone.
  mutating func take(_ pod: Pod?, at time: Duration) -> (verdict: Verdict, news: String?) {
    self.pod = pod
    isKnown = true
    return judge(at: time)
  }

  /// Takes the pod's events, the newest first.
  mutating func take(_ events: [PodEvent], at time: Duration) -> (verdict: Verdict, news: String?) {
    self.events = events
    return judge(at: time)
  }

  /// Judges what is known.
  ///
  /// - Parameter time: Since the wait began.
  /// - Returns: What is to be done, and a reason for waiting that has not been told yet.
  private mutating func judge(at time: Duration) -> (verdict: Verdict, news: String?) {
    guard isKnown else { return (.goOn, nil) }
    switch ContainerStart(container, of: pod, uid: uid, events: events) {
    case .running:
      guard let pod else { return (.goOn, nil) }
      return (.ready(pod), nil)
    case .waiting(let words):
      failingSince = nil
      return (.goOn, tell(words))
    case .never(let trouble): return (.giveUp(trouble), nil)
    case .failing(let trouble):
      let since = failingSince ?? time
      failingSince = since
      if time - since >= Self.grace { return (.giveUp(trouble), nil) }
      return (.goOn, tell(trouble.text))
    }
  }

  private mutating func tell(_ words: String) -> String? {
    lastWords = printable(words, limit: 400).replacing("\n", with: " ")
    // Whoever writes events does not decide how much is remembered.
    guard told.count < 50, told.insert(lastWords).inserted else { return nil }
    return lastWords
  }
}
