internal import Base
internal import Broker
internal import Extcap

/// What Wireshark's toolbar shows of one capture, and what is pressed there. Without a toolbar it keeps still.
final class Toolbar: Sendable {
  private let pipes: ControlPipes?

  /// How a capture goes, as far as the toolbar shows it.
  enum Stage: Sendable {
    /// Something is waited for; the text says what.
    case waiting(String)
    /// Packets flow from there.
    case capturing(from: String, count: @Sendable () -> Counted)
    /// It has ended.
    case over(String)
  }

  /// What was counted so far.
  struct Counted: Sendable, Equatable {
    var packets = 0
    var bytes = 0
    /// Packets that were lost at the far end; nil as long as nobody said.
    var drops: UInt64?
  }

  private struct State {
    var stage = Stage.waiting("Connecting…")
    var before: (counted: Counted, at: ContinuousClock.Instant)?
    var shown = ""
    var restart: (@Sendable () -> Void)?
    var hasWarned = false
  }

  private let state = Locked(State())

  /// How often the numbers change, in milliseconds.
  private static let interval: Int32 = 2000

  private init(_ wanted: Extcap.CaptureRequest) {
    pipes = ControlPipes(input: wanted.controlIn, output: wanted.controlOut)
  }

  /// Has a toolbar while a capture runs. Call it before anything slow.
  ///
  /// - Parameters:
  ///   - wanted: What Wireshark passed.
  ///   - hurries: Asked at the end: whether the process is to end at once.
  ///   - capture: The capture.
  /// - Returns: What the capture returns.
  static func with<R: Sendable>(
    _ wanted: Extcap.CaptureRequest, hurries: () -> Bool,
    _ capture: (Toolbar) async -> R
  ) async -> R {
    let toolbar = Toolbar(wanted)
    guard let pipes = toolbar.pipes else { return await capture(toolbar) }
    pipes.send(ToolbarText.beginning)
    async let talk: Void = toolbar.talk(pipes)
    let result = await capture(toolbar)
    pipes.close(hurry: hurries())
    await talk
    return result
  }

  private func talk(_ pipes: ControlPipes) async {
    try? await onOwnThread("toolbar", stop: { pipes.close(hurry: true) }) {
      pipes.run(
        every: Self.interval, tick: { self.tick() }, heard: { self.heard($0) })
    }
  }

  // MARK: - What is told

  /// Whether there is one.
  var isThere: Bool { pipes != nil }

  /// Shows what happens to a capture, and offers a restart where one is waited for.
  func tell(_ event: CaptureEvent, of group: CaptureGroup) {
    if case .waitingForRestart = event {
      onRestart { group.restart() }
    } else {
      onRestart(nil)
    }
    switch event {
    case .told(let text, let member): log(member.map { "\($0): \(text)" } ?? text)
    case .limited(let text):
      log(text)
      warnOnce(text)
    case .opening(let plan, _):
      for note in plan.notes { log("Note: \(note)") }
      if group.status.capturing == 0 {
        show(.waiting("Connecting to \(plan.target) by \(plan.route.rawValue)…"))
      }
    case .capturing(let plan, _):
      log("Capturing from \(plan.target): \(plan.engineArguments.joined(separator: " "))")
      let others = group.status.capturing - 1
      let place =
        others > 0
        ? "\(others + 1) interfaces" : "\(plan.interfaceName) by \(plan.route.rawValue)"
      show(
        .capturing(from: place) {
          let status = group.status
          return Toolbar.Counted(
            packets: status.packets, bytes: status.bytes, drops: status.drops)
        })
    case .ended(let member, let failure, _, let wasCaptured, let others):
      log("No longer from \(member): \(failure?.sentence ?? "its capture has ended")")
      if others == 0 {
        show(.waiting("Waiting for pods…"))
      } else if let failure, !wasCaptured {
        warnOnce("\(member) is not captured, others are. \(failure.sentence)")
      }
    case .waitingForRestart(let member, let failure):
      let why = failure?.sentence ?? "Its capture has ended."
      log("\(member) is captured no more. \(why)")
      show(
        .waiting(
          "\(member) is captured no more. Restart goes on, with its successor if it is gone."))
      // The toolbar is hidden unless somebody has shown it, and the capture looks as if it went on.
      pipes?.send([ToolbarText.cut(member, why: why)])
    case .seekingSuccessor(let member):
      show(.waiting("Looking for the successor of \(member)…"))
    }
  }

  /// Shows that something else is going on.
  func show(_ stage: Stage) {
    guard let pipes else { return }
    state.withLock { state in
      state.stage = stage
      state.before = nil
    }
    pipes.send(tick(), replaces: true)
    // Numbers stay out of the status bar, which is there for everybody.
    switch stage {
    case .waiting(let text), .over(let text): pipes.send([ControlFrame(.status, text: text)])
    case .capturing(let place, _):
      pipes.send([ControlFrame(.status, text: "Capturing from \(place).")])
    }
  }

  /// Shows a dialog, the first time that something is missing from a capture that goes on: more are in the log.
  private func warnOnce(_ text: String) {
    let isFirst = state.withLock { state in
      defer { state.hasWarned = true }
      return !state.hasWarned
    }
    if isFirst { pipes?.send([ControlFrame(.warning, text: text)]) }
  }

  /// Adds a line to the log.
  func log(_ text: String) { pipes?.send(ToolbarText.log(text)) }

  /// What the Restart button does; nil while it can do nothing.
  func onRestart(_ restart: (@Sendable () -> Void)?) {
    let changed = state.withLock { state in
      defer { state.restart = restart }
      return (state.restart == nil) != (restart == nil)
    }
    if changed { pipes?.send([ToolbarText.canRestart(restart != nil)]) }
  }

  /// The status field, if it is to change.
  private func tick() -> [ControlFrame] {
    let now = ContinuousClock.now
    return state.withLock { state in
      let text: String
      switch state.stage {
      case .waiting(let what), .over(let what): text = what
      case .capturing(let place, let count):
        let counted = count()
        text = Self.text(place, counted, before: state.before.map { ($0.counted, now - $0.at) })
        state.before = (counted, now)
      }
      guard text != state.shown else { return [] }
      state.shown = text
      return [ToolbarText.status(text)]
    }
  }

  /// The status field while packets flow: "shop/web by exec: 1200 packets, 1.2 MB, 40 packets/s, 0 dropped".
  ///
  /// - Parameters:
  ///   - place: Where from.
  ///   - counted: What there is.
  ///   - before: What there was, and how long ago; nil at the beginning.
  /// - Returns: One line.
  static func text(
    _ place: String, _ counted: Counted, before: (Counted, Duration)?
  ) -> String {
    var text = "\(place): \(counted.packets) packets, \(Quantities.describe(bytes: counted.bytes))"
    if let (earlier, time) = before, time >= .milliseconds(200) {
      let rate = Double(max(0, counted.packets - earlier.packets)) / (time / .seconds(1))
      text += ", \(Int(rate.rounded())) packets/s"
    }
    if let drops = counted.drops { text += ", \(drops) dropped" }
    return text
  }

  // MARK: - What is pressed

  private func heard(_ frame: ControlFrame) {
    // A button that was pressed is set to nothing.
    guard frame.command == .set, frame.payload.isEmpty,
      let control = ToolbarControl(rawValue: frame.control)
    else { return }
    switch control {
    case .restart:
      let restart = state.withLock { $0.restart }
      restart?()
    case .help: pipes?.send([ControlFrame(.information, text: ToolbarControl.explanation)])
    case .status, .log: break
    }
  }
}
