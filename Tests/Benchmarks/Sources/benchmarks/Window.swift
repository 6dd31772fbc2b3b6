import Foundation

/// Wireshark's window from its start until it captures, with 100 and with 250 pods listed, beside without poddump; in turns.
///
/// It is told to capture from a FIFO at once (`-k -i`), which it does when it has asked about all interfaces; that is
/// seen by its opening the FIFO. It runs as an ordinary user on a display of Xvfb's.
///
/// Wireshark forks itself for each of the two calls per interface, whatever is called. What that costs is shown by a program that
/// prints what poddump-extcap does, and nothing else.
func benchmarkWindow(_ board: Scoreboard) throws {
  let pods = 5000
  let folder = "/tmp/poddump-bench-window-\(getpid())"
  defer { try? FileManager.default.removeItem(atPath: folder) }
  let homes = [0, 100, 250, BenchmarkDesktop.printer]
  _ = try Command.output([Setting.api, "fault", "extra-pods", "\(pods)", "--state", Setting.state])
  defer {
    _ = try? Command.output([Setting.api, "fault", "clear", "--state", Setting.state])
  }
  let desktop = try BenchmarkDesktop(folder)
  defer { desktop.end() }
  for listed in homes { try desktop.makeHome(listed) }
  var seconds: [Int: [Double]] = [:]
  for round in 0..<6 {
    for listed in homes {
      let one = try desktop.start(listed)
      if round > 0 { seconds[listed, default: []].append(one) }  // after a warm-up
    }
  }
  let without = seconds[0] ?? []
  for (listed, limit) in [(100, 1.0), (250, 1.5)] {
    let extra = Spread(zip(seconds[listed] ?? [], without).map { $0 - $1 })
    board.row(
      "Wireshark's window, \(listed) pods listed - without", "\(number(extra.median)) s more",
      limit: "\(number(limit, 1)) s", holds: extra.median <= limit)
  }
  let share = Spread(
    zip(seconds[250] ?? [], seconds[BenchmarkDesktop.printer] ?? []).map { $0 - $1 })
  board.row(
    "  … 250 listed - by a program that only prints the same", "\(number(share.median)) s more",
    limit: "1.5 s", holds: share.median <= 1.5)
  board.note(
    "\(pods) pods known, median of \(without.count) in turns; without \(number(Spread(without).median)) s"
  )
}

/// A display, and homes of an ordinary user with more or fewer pods listed.
private struct BenchmarkDesktop {
  /// The home with the program that only prints.
  static let printer = -1
  let folder: String
  private let server = Process()
  private let display: String

  init(_ folder: String) throws {
    self.folder = folder
    for name in ["bin", "global", "tmp"] {
      try FileManager.default.createDirectory(
        atPath: "\(folder)/\(name)", withIntermediateDirectories: true)
    }
    for program in [Setting.poddump, Setting.extcap, Setting.kubectl] {
      try FileManager.default.copyItem(
        atPath: (program as NSString).resolvingSymlinksInPath,
        toPath: "\(folder)/bin/\((program as NSString).lastPathComponent)")
    }
    try FileManager.default.copyItem(
      atPath: Setting.state + "/kubeconfig", toPath: folder + "/kubeconfig")
    let pipe = Pipe()
    server.executableURL = URL(filePath: "/usr/bin/env")
    server.arguments = [
      "Xvfb", "-displayfd", "1", "-screen", "0", "1280x800x24", "-nolisten", "tcp", "-noreset",
    ]
    server.standardOutput = pipe
    server.standardError = FileHandle.nullDevice
    try server.run()
    try pipe.fileHandleForWriting.close()
    let number = String(decoding: pipe.fileHandleForReading.availableData, as: UTF8.self)
      .trimmingCharacters(in: .whitespacesAndNewlines)
    guard Int(number) != nil else { throw Failed("Xvfb does not start") }
    display = ":" + number
  }

  func end() {
    server.terminate()
    server.waitUntilExit()
  }

  private func asUser(_ listed: Int, _ words: [String]) -> [String] {
    [
      "/usr/bin/env", "setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "env", "-i",
      "HOME=\(folder)/\(listed)", "TMPDIR=\(folder)/tmp", "XDG_RUNTIME_DIR=\(folder)/\(listed)/run",
      "PATH=\(folder)/bin:/usr/bin:/bin", "KUBECONFIG=\(folder)/kubeconfig", "DISPLAY=\(display)",
      "LANG=C.UTF-8", "WIRESHARK_EXTCAP_DIR=\(folder)/global",
    ] + words
  }

  /// A home where so many pods are listed; with none, poddump is not installed.
  func makeHome(_ listed: Int) throws {
    let home = "\(folder)/\(listed)"
    for name in [".config/wireshark", ".config/poddump", "run"] {
      try FileManager.default.createDirectory(
        atPath: "\(home)/\(name)", withIntermediateDirectories: true)
    }
    try "gui.update.enabled: FALSE\ngui.ask_unsaved: FALSE\n".write(
      toFile: home + "/.config/wireshark/preferences", atomically: true, encoding: .utf8)
    try "[listing]\nlimit = \(listed)\n".write(
      toFile: home + "/.config/poddump/config.toml", atomically: true, encoding: .utf8)
    chmod(home + "/run", 0o700)
    _ = try Command.output(["/usr/bin/env", "chown", "-Rh", "nobody:nogroup", folder])
    if listed == Self.printer { try installPrinter(home) }
    guard listed > 0 else { return }
    _ = try Command.output(asUser(listed, ["poddump", "list", "-A", "-o", "name"]))
    _ = try Command.output(asUser(listed, ["poddump", "install"]))
    let shown = try Command.output(asUser(listed, ["poddump-extcap", "--extcap-interfaces"]))
    let count = shown.split(separator: "\n").count { $0.hasPrefix("interface {") }
    guard count > listed else { throw Failed("only \(count) interfaces are listed") }
  }

  /// Installs a program that answers with what poddump-extcap answers in the home with 250 pods.
  private func installPrinter(_ home: String) throws {
    for (name, words) in [
      ("interfaces", ["--extcap-interfaces"]),
      ("config", ["--extcap-config", "--extcap-interface", "pod:shop/web"]),
      ("dlts", ["--extcap-dlts", "--extcap-interface", "pod:shop/web"]),
    ] {
      let text = try Command.output(asUser(250, ["poddump-extcap"] + words))
      try text.write(toFile: "\(folder)/\(name)", atomically: true, encoding: .utf8)
    }
    let source = """
      #include <fcntl.h>
      #include <stdio.h>
      #include <unistd.h>
      int main(int count, char **words) {
        static char buffer[1 << 16], path[256];
        if (count < 2) return 1;
        snprintf(path, sizeof path, "\(folder)/%s", words[1] + 9);
        int file = open(path, O_RDONLY);
        for (long n; (n = read(file, buffer, sizeof buffer)) > 0;) if (write(1, buffer, n) < n) return 1;
        return 0;
      }
      """
    try source.write(toFile: folder + "/printer.c", atomically: true, encoding: .utf8)
    let extcap = home + "/.config/wireshark/extcap"
    try FileManager.default.createDirectory(atPath: extcap, withIntermediateDirectories: true)
    try FileManager.default.createDirectory(
      atPath: home + "/.local/lib/wireshark", withIntermediateDirectories: true)
    _ = try Command.output([
      "/usr/bin/env", "gcc", "-O2", "-static", "-o", extcap + "/printer", folder + "/printer.c",
    ])
    try FileManager.default.createSymbolicLink(
      atPath: home + "/.local/lib/wireshark/extcap", withDestinationPath: extcap)
    _ = try Command.output(["/usr/bin/env", "chown", "-Rh", "nobody:nogroup", folder])
  }

  /// Starts Wireshark and ends it when it captures; the seconds that took.
  func start(_ listed: Int) throws -> Double {
    let fifo = "\(folder)/tmp/fifo"
    guard mkfifo(fifo, 0o666) == 0, chmod(fifo, 0o666) == 0 else { throw Failed("mkfifo") }
    defer { unlink(fifo) }
    let words = asUser(listed, ["wireshark", "-k", "-i", fifo])
    let wireshark = Process()
    wireshark.executableURL = URL(filePath: words[0])
    wireshark.arguments = Array(words.dropFirst())
    wireshark.standardInput = FileHandle.nullDevice
    wireshark.standardOutput = FileHandle.nullDevice
    wireshark.standardError = FileHandle.nullDevice
    let begin = DispatchTime.now()
    try wireshark.run()
    defer {
      kill(wireshark.processIdentifier, SIGKILL)
      wireshark.waitUntilExit()
    }
    let deadline = Date(timeIntervalSinceNow: 60)
    while Date() < deadline {
      // Without a reader there is nobody to open it for (ENXIO in open(2)).
      let writer = open(fifo, O_WRONLY | O_NONBLOCK)
      if writer >= 0 {
        let seconds = Double(DispatchTime.now().uptimeNanoseconds - begin.uptimeNanoseconds) / 1e9
        close(writer)
        return seconds
      }
      usleep(2000)
    }
    throw Failed("Wireshark does not capture")
  }
}
