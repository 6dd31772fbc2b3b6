internal import Base
internal import Broker

/// Says on standard error what happens to a capture.
struct CaptureMessages: Sendable {
  let terminal: Terminal
  /// Whether it is one pod or node: then everything is about that.
  let isSingle: Bool
  /// How many refusals of routes were said.
  private let refusals = Locked(0)

  init(terminal: Terminal, isSingle: Bool) {
    self.terminal = terminal
    self.isSingle = isSingle
  }

  func tell(_ event: CaptureEvent) {
    switch event {
    case .told(let text, let member):
      terminal.say(member.map { "\($0): \(text)" } ?? text)
    case .limited(let text): terminal.warn(text)
    case .opening(let plan, let decision): opening(plan, decision)
    case .capturing(let plan, _):
      terminal.say("Capturing from \(plan.target) by \(plan.route.rawValue).")
      terminal.detail("there: \(plan.engineArguments.joined(separator: " "))")
    case .ended(let member, let failure, let isNamed, _, let others):
      let why =
        isNamed
        ? failure?.sentence ?? "Its capture has ended."
        : failure?.why ?? failure?.what ?? "Its capture has ended."
      let left = others == 1 ? "1 other goes on" : "\(others) others go on"
      terminal.say("No longer from \(member), \(others == 0 ? "the last one" : left): \(why)")
      if let words = failure?.detail { terminal.detail(words) }
    case .waitingForRestart, .seekingSuccessor: break
    }
  }

  private func opening(_ plan: Plan, _ decision: Decision) {
    let said = decision.options.compactMap { option -> String? in
      guard case .refused(let failure) = option.verdict else { return nil }
      return "Not by \(option.route.rawValue): \(failure.why ?? failure.what)"
    }
    if isSingle {
      let new = refusals.withLock { count in
        defer { count = said.count }
        return said.dropFirst(count)
      }
      for refusal in new { terminal.say(refusal) }
      for note in plan.notes { terminal.say("Note: \(note)") }
    } else {
      // Of each of many, that is for those who ask.
      for text in said + plan.notes.map({ "Note: \($0)" }) {
        terminal.detail("\(plan.target): \(text)")
      }
    }
    if let point = plan.point { terminal.detail("capturing on \(point)") }
    if let connection = plan.connection { terminal.detail(connection) }
    terminal.detail("route \(plan.route.rawValue): \(plan.engineArguments.joined(separator: " "))")
    terminal.detail("connecting to \(plan.target) by \(plan.route.rawValue)")
  }
}
