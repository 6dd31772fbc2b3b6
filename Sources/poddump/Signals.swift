internal import Broker
internal import Dispatch

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// What ends a capture from outside: the signals that ask for it, and the death of whoever started us.
final class Signals {
  private let sources: [any DispatchSourceSignal]
  private let parent: any DispatchSourceTimer

  /// Turns SIGINT, SIGTERM and SIGHUP into a request to stop, for as long as the value lives.
  ///
  /// A second signal changes nothing: the clean-up it would interrupt is what matters.
  ///
  /// - Parameters:
  ///   - stops: Is asked to stop.
  ///   - watchesParent: Whether the death of the parent counts too. A killed Wireshark with an idle
  ///     capture leaves its pipe's reader alive, so that nothing else would tell; getppid(2) works on
  ///     every system, where a parent-death signal is Linux's and tied to a thread.
  init(_ stops: StopSource, watchesParent: Bool) {
    let queue = DispatchQueue(label: "poddump.signals")
    sources = [SIGINT, SIGTERM, SIGHUP].map { number in
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
      source.setEventHandler { stops.request(.signal) }
      source.resume()
      return source
    }
    let first = getppid()
    parent = DispatchSource.makeTimerSource(queue: queue)
    parent.schedule(deadline: .now() + 0.5, repeating: 0.5)
    parent.setEventHandler {
      if watchesParent, getppid() != first { stops.request(.parentGone) }
    }
    parent.resume()
  }

  deinit {
    for source in sources { source.cancel() }
    parent.cancel()
  }
}
