#if os(Linux)
internal import Base

extension Dialogs {
  /// Whether a window could be shown.
  static var hasScreen: Bool {
    environmentValue("DISPLAY") != nil || environmentValue("WAYLAND_DISPLAY") != nil
  }

  /// The programs that show one, the likeliest to look right first. In each, no is what happens by itself.
  static let programs = [
    Program(
      name: "zenity",
      ask: {
        [
          "--question", "--no-markup", "--title=poddump", "--ok-label=Capture",
          "--cancel-label=Cancel", "--default-cancel", "--text=\($0)",
        ]
      }, yes: 0, no: [1],
      tell: { ["--error", "--no-markup", "--title=poddump", "--text=\($0)"] }),
    Program(
      name: "kdialog",
      ask: { ["--title", "poddump", "--warningcontinuecancel", $0] }, yes: 0, no: [1, 2],
      tell: { ["--title", "poddump", "--error", $0] }),
    Program(
      name: "xmessage",
      ask: {
        [
          "-center", "-title", "poddump", "-buttons", "Capture:20,Cancel:21", "-default", "Cancel",
          $0,
        ]
      }, yes: 20, no: [0, 21],
      tell: { ["-center", "-title", "poddump", $0] }),
  ]
}
#endif
