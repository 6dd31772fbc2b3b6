import Foundation
import Testing

/// A desktop for Wireshark's window: a display that nobody sees, and the home of an ordinary user, who is
/// not the one that runs the tests. As root Wireshark behaves otherwise.
///
/// poddump and kubectl are copied to where that user can reach them, wherever the repository is.
final class Desktop {
  let path: String
  /// The display's name: ":1".
  let display: String
  private let server: Program

  var home: String { path + "/home" }
  /// Where Wireshark puts its FIFOs.
  var temporary: String { path + "/tmp" }
  /// The log of what Wireshark called poddump-extcap with.
  private var log: String { path + "/tmp/calls" }

  /// What Wireshark's version is called in its calls: "4.0".
  static let version: String = {
    let run = try? Program.run(["/usr/bin/env", "tshark", "--version"])
    let match = run?.output.firstMatch(of: /([0-9]+\.[0-9]+)\.[0-9]+/)
    return match.map { String($0.1) } ?? "unknown"
  }()

  init(width: Int = 1100, height: Int = 700) throws {
    path = "/tmp/poddump-test-\(UUID().uuidString.prefix(8).lowercased())"
    for folder in ["bin", "global", "home/.config/wireshark", "tmp", "run"] {
      try FileManager.default.createDirectory(
        atPath: "\(path)/\(folder)", withIntermediateDirectories: true)
    }
    let kubectl = try Program.run(["/bin/sh", "-c", "command -v kubectl"]).output
      .trimmingCharacters(in: .newlines)
    for program in [Lab.poddump, Lab.extcap, kubectl] {
      let name = (program as NSString).lastPathComponent
      try FileManager.default.copyItem(
        atPath: (program as NSString).resolvingSymlinksInPath, toPath: "\(path)/bin/\(name)")
    }
    try FileManager.default.copyItem(atPath: Lab.kubeconfig, toPath: path + "/kubeconfig")
    // The server looks for a free display by itself, and says which.
    server = try Program([
      "/usr/bin/env", "Xvfb", "-displayfd", "1", "-screen", "0", "\(width)x\(height)x24",
      "-nolisten", "tcp", "-noreset",
    ])
    let answers = server
    answers.wait(20) { answers.bytes.contains(0x0A) || !answers.process.isRunning }
    let number = String(decoding: server.bytes, as: UTF8.self)
      .trimmingCharacters(in: .whitespacesAndNewlines)
    try #require(Int(number) != nil, "Xvfb: \(number) \(server.errors)")
    display = ":\(number)"
    // No question at the end about packets that are in no file of the user's.
    try prefer(["gui.ask_unsaved: FALSE", "gui.update.enabled: FALSE"])
    try install()
    try give()
  }

  deinit {
    kill(server.pid, SIGTERM)
    _ = server.finish(within: 5)
    try? FileManager.default.removeItem(atPath: path)
  }

  /// Everything in the folder is the user's.
  private func give() throws {
    let run = try Program.run(["/usr/bin/env", "chown", "-Rh", "nobody:nogroup", path])
    try #require(run.status == 0, "\(run.errors)")
    chmod(path + "/run", 0o700)
  }

  /// Writes Wireshark's preferences.
  func prefer(_ lines: [String]) throws {
    try write(lines.joined(separator: "\n") + "\n", to: ".config/wireshark/preferences")
  }

  /// Writes poddump's configuration.
  func configure(_ text: String) throws { try write(text, to: ".config/poddump/config.toml") }

  /// Writes a file in the home.
  func write(_ text: String, to name: String) throws {
    let file = "\(home)/\(name)"
    try FileManager.default.createDirectory(
      atPath: (file as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
    try text.write(toFile: file, atomically: true, encoding: .utf8)
  }

  /// Puts poddump-extcap into the personal folders of Wireshark, behind a script that writes down what it is
  /// called with, and becomes it.
  private func install() throws {
    let script = """
      #!/bin/sh
      IFS='\t'
      printf '%s\\n' "$*" >>\(log)
      exec \(path)/bin/poddump-extcap "$@"

      """
    for folder in [".config/wireshark/extcap", ".local/lib/wireshark/extcap"] {
      let folder = "\(home)/\(folder)"
      try FileManager.default.createDirectory(
        atPath: folder, withIntermediateDirectories: true)
      let file = folder + "/poddump-extcap"
      try script.write(toFile: file, atomically: true, encoding: .utf8)
      chmod(file, 0o755)
    }
  }

  /// What poddump-extcap was called with, call by call.
  var calls: [[String]] {
    let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
    return text.split(separator: "\n").map {
      $0.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
    }
  }

  /// A command line that the user runs, with hardly any environment.
  func asUser(_ words: [String], mark: String = "none") -> [String] {
    [
      "/usr/bin/env", "setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "env", "-i",
      "HOME=\(home)", "TMPDIR=\(temporary)", "XDG_RUNTIME_DIR=\(path)/run", "LANG=C.UTF-8",
      "PATH=\(path)/bin:/usr/bin:/bin", "KUBECONFIG=\(path)/kubeconfig", "DISPLAY=\(display)",
      // No other extcap than ours, and as many calls.
      "WIRESHARK_EXTCAP_DIR=\(path)/global", "PODDUMP_TEST=\(mark)",
    ] + words
  }

  /// Fills the listing cache.
  func list() throws {
    let run = try Program.run(asUser(["\(path)/bin/poddump", "list", "-A"]), in: path)
    try #require(run.status == 0, "\(run.errors)")
  }

  /// Runs xdotool to its end; what it printed, without the last newline.
  @discardableResult
  func xdotool(_ words: [String]) throws -> String {
    let run = try Program.run(
      ["/usr/bin/env", "xdotool"] + words, environment: ["DISPLAY": display], within: 10)
    return run.output.trimmingCharacters(in: .newlines)
  }

  func click(_ x: Int, _ y: Int, times: Int = 1) throws {
    try xdotool([
      "mousemove", "\(x)", "\(y)", "click", "--repeat", "\(times)", "--delay", "50", "1",
    ])
  }

  /// What is selected with the mouse.
  var selection: String {
    let run = try? Program.run(
      ["/usr/bin/env", "xsel", "--primary", "--output"], environment: ["DISPLAY": display],
      within: 10)
    return run?.output ?? ""
  }
}
