/// The toolbar that Wireshark's window shows under View → Interface Toolbars. Nothing depends on it: tshark
/// has none, and whoever hides it has lost nothing but these texts.
///
/// Raw values are the controls' numbers.
package enum ToolbarControl: UInt8, Sendable, CaseIterable {
  /// How the capture goes.
  case status = 0
  /// Opens the window with the capture's messages, which Wireshark itself keeps.
  case log = 1
  /// Captures again from the pod that took the place of one that is gone.
  case restart = 2
  /// Explains. Wireshark's own sort of Help button does not open pages that are files
  /// (interface_toolbar.cpp), which ours is: so it is a button like any other, and we answer.
  case help = 3

  /// The text of the button, or the title of the field.
  package var title: String {
    switch self {
    case .status: "Capture"
    case .log: "Log"
    case .restart: "Restart"
    case .help: "Help"
    }
  }

  /// How Wireshark is told of it.
  package var sentence: Sentence {
    switch self {
    case .status:
      .control(
        number: Int(rawValue), .string, display: title,
        tooltip: "Where packets come from, and how many there were")
    case .log:
      .control(
        number: Int(rawValue), .button, display: title, role: .logger,
        tooltip: "What poddump had to say about this capture")
    case .restart:
      .control(
        number: Int(rawValue), .button, display: title,
        tooltip: "Captures again: from the pod's successor, if it is gone")
    case .help:
      .control(
        number: Int(rawValue), .button, display: title, tooltip: "Explains this toolbar")
    }
  }

  /// What the Help button shows.
  package static let explanation =
    "Capture says where packets come from and how many there were. Log shows every message of this "
    + "capture. Restart captures again, from a pod's successor if it is gone. "
    + "The whole manual: man poddump, or poddump help."
}

/// What the toolbar says, as messages for Wireshark.
package enum ToolbarText {
  /// What the toolbar is called in Wireshark's menu.
  package static let title = "poddump"

  /// Sets the toolbar up, once Wireshark listens: nobody can type into the status, and there is nothing to
  /// restart yet.
  package static let beginning = [
    ControlFrame(.disable, control: ToolbarControl.status.rawValue),
    ControlFrame(.disable, control: ToolbarControl.restart.rawValue),
  ]

  /// The field that says how the capture goes.
  package static func status(_ text: String) -> ControlFrame {
    ControlFrame(.set, control: ToolbarControl.status.rawValue, text: text)
  }

  /// A line for the log.
  package static func log(_ text: String) -> [ControlFrame] {
    ControlFrame.log(text, control: ToolbarControl.log.rawValue)
  }

  /// A dialog that says that a capture was cut although it is still open.
  ///
  /// - Parameters:
  ///   - place: Where packets came from.
  ///   - why: What happened; cut to what leaves room for what to do.
  /// - Returns: The message.
  package static func cut(_ place: String, why: String) -> ControlFrame {
    let first = "\(ControlFrame.shortened(place, to: 150)) is captured no more. "
    let last =
      " Stop ends the capture. To go on instead, press Restart: View, Interface Toolbars, "
      + "\(title)."
    let room = ControlFrame.longestPayload - first.utf8.count - last.utf8.count
    return ControlFrame(.warning, text: first + ControlFrame.shortened(why, to: room) + last)
  }

  /// Whether the Restart button can be pressed.
  package static func canRestart(_ can: Bool) -> ControlFrame {
    ControlFrame(can ? .enable : .disable, control: ToolbarControl.restart.rawValue)
  }
}
