import Foundation
import Testing

/// Wireshark's window, looked at and used from outside: by its windows, its processes and its files.
final class Wireshark {
  let desktop: Desktop
  let program: Program
  private let mark = UUID().uuidString

  /// Starts Wireshark on a desktop.
  init(on desktop: Desktop, _ words: [String]) throws {
    self.desktop = desktop
    program = try Program(
      desktop.asUser(["wireshark"] + words, mark: mark), in: desktop.path)
  }

  deinit {
    for process in processes { kill(process.pid, SIGKILL) }
    _ = program.finish(within: 5)
  }

  /// What it has started, itself included, and what those have.
  var processes: [LocalProcess] { LocalProcess.all(marked: "PODDUMP_TEST=\(mark)") }

  /// The processes that take part in a capture: the extcap, its kubectl, and who reads the FIFO.
  var captureProcesses: [LocalProcess] {
    processes.filter { process in
      switch process.name {
      case "poddump", "kubectl": true
      // Another one counts packets for the list of interfaces.
      case "dumpcap": process.arguments.contains { $0.contains("wireshark_extcap_") }
      default: false
      }
    }
  }

  /// A window: its number in X, its title, and its place on the display.
  struct Pane {
    var id: String
    var title: String
    var x: Int
    var y: Int
    var width: Int
    var height: Int
  }

  /// The windows that are to be seen; the main one and dialogs.
  var panes: [Pane] {
    let ids = (try? desktop.xdotool(["search", "--onlyvisible", "--class", "wireshark"])) ?? ""
    return ids.split(separator: "\n").compactMap { id in
      let id = String(id)
      guard let title = try? desktop.xdotool(["getwindowname", id]),
        let text = try? desktop.xdotool(["getwindowgeometry", "--shell", id])
      else { return nil }
      func number(_ name: String) -> Int? {
        text.split(separator: "\n").first { $0.hasPrefix(name + "=") }
          .flatMap { Int($0.dropFirst(name.count + 1)) }
      }
      guard let x = number("X"), let y = number("Y"), let width = number("WIDTH"),
        let height = number("HEIGHT")
      else { return nil }
      return Pane(id: id, title: title, x: x, y: y, width: width, height: height)
    }
  }

  /// The main window, the biggest of them.
  var main: Pane? { panes.max { $0.width * $0.height < $1.width * $1.height } }

  /// Waits for something, and fails with what is to be seen instead.
  func expect(
    _ what: String, within seconds: Double = 40, sourceLocation: SourceLocation = #_sourceLocation,
    until condition: () -> Bool
  ) {
    if program.wait(seconds, until: condition) { return }
    Issue.record(
      "not in \(seconds) s: \(what); windows \(panes.map(\.title)), processes \(processes), \(program.errors)",
      sourceLocation: sourceLocation)
  }

  /// Presses keys in a window, the main one if no other is meant, until a condition holds: one that is busy may miss some.
  func press(
    _ keys: String, in pane: (() -> Pane?)? = nil, within seconds: Double = 20,
    sourceLocation: SourceLocation = #_sourceLocation,
    until condition: () -> Bool
  ) throws {
    let deadline = Date(timeIntervalSinceNow: seconds)
    repeat {
      let found = pane.map { $0() } ?? main
      if found == nil, condition() { return }
      let pane = try #require(found, "no window", sourceLocation: sourceLocation)
      try desktop.xdotool(["windowfocus", "--sync", pane.id, "key", "--clearmodifiers", keys])
      if program.wait(3, until: condition) { return }
    } while Date() < deadline
    Issue.record(
      "\(keys) does nothing; windows \(panes.map(\.title)), processes \(processes)",
      sourceLocation: sourceLocation)
  }

  /// The dialog in front of the main window, if there is one.
  var dialog: Pane? {
    let main = main?.id
    return panes.first { $0.id != main }
  }

  /// The text of a message, which is there to be selected.
  func text(of pane: Pane) throws -> String {
    for _ in 0..<10 {
      // Between the icon at the left and the button below.
      try desktop.click(pane.x + pane.width / 2, pane.y + pane.height / 3, times: 3)
      usleep(300_000)
      let text = desktop.selection
      if !text.isEmpty { return text }
    }
    return ""
  }
}
