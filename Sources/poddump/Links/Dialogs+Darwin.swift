#if canImport(Darwin)
extension Dialogs {
  /// Whether a window could be shown.
  static var hasScreen: Bool { true }

  /// osascript(1), with the text as an argument of a constant script.
  static let programs = [
    Program(
      name: "osascript",
      ask: {
        [
          "-e", "on run argv", "-e",
          "display dialog (item 1 of argv) with title \"poddump\" buttons {\"Cancel\", \"Capture\"} "
            + "default button \"Cancel\" cancel button \"Cancel\" with icon caution",
          "-e", "end run", $0,
        ]
      }, yes: 0, no: [1],
      tell: {
        [
          "-e", "on run argv", "-e",
          "display dialog (item 1 of argv) with title \"poddump\" buttons {\"OK\"} with icon stop",
          "-e", "end run", $0,
        ]
      })
  ]
}
#endif
