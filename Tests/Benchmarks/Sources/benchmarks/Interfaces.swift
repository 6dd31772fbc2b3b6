import Foundation

/// What listed pods add to `tshark -D`, beside an empty extcap folder: rounds of both, one after the other.
func benchmarkInterfaces(_ board: Scoreboard) throws {
  let empty = try WiresharkHome(installed: false)
  let ours = try WiresharkHome(installed: true)
  defer {
    empty.remove()
    ours.remove()
    _ = try? Command.output([Setting.api, "fault", "clear", "--state", Setting.state])
  }
  for (pods, isStale) in [(300, false), (10_000, false), (10_000, true)] {
    _ = try Command.output([
      Setting.api, "fault", "extra-pods", "\(pods)", "--state", Setting.state,
    ])
    var extra: [Double] = []
    var base: [Double] = []
    for round in 0..<8 {
      try ours.list()
      if isStale {
        // So that the list is printed and made anew beside; the last attempt must be some seconds ago.
        try ours.touchKubeconfig()
        sleep(6)
      }
      let a = try empty.devices()
      let b = try ours.devices()
      guard b.interfaces == 251 else { throw Failed("\(b.interfaces) interfaces are listed") }
      if round == 0 { continue }  // warm-up
      base.append(a.seconds)
      extra.append(b.seconds - a.seconds)
    }
    let median = Spread(extra).median
    board.row(
      "tshark -D, 250 listed of \(pods) pods\(isStale ? ", list made anew" : "")",
      "\(number(median)) s more", limit: "1.0 s more", holds: median <= 1.0)
    board.note(
      "median of \(extra.count) pairs, \(number(Spread(extra).sorted.first ?? 0)) to "
        + "\(number(Spread(extra).sorted.last ?? 0)) s; empty folder \(number(Spread(base).median)) s"
    )
  }
}

/// What the filter box waits for at each key: the answer to a good filter and to a bad one, for a pod of
/// the list, with no cluster to ask.
func benchmarkFilter(_ board: Scoreboard) throws {
  let home = try WiresharkHome(installed: true)
  defer { home.remove() }
  try home.list()
  for (title, filter, isRefused) in [
    ("good", "tcp port 80 and host 198.51.100.7", false), ("bad", "tcp prt 80", true),
  ] {
    var times: [Double] = []
    for _ in 0..<21 {
      let answer = try home.check(filter, interface: "pod:shop/web")
      guard answer.isRefused == isRefused else { throw Failed("\(filter): \(answer)") }
      times.append(answer.seconds * 1000)
    }
    let spread = Spread(Array(times.dropFirst()))
    board.row(
      "a \(title) capture filter judged", "\(number(spread.median)) ms", limit: "100 ms",
      holds: spread.median <= 100)
    board.note(
      "median of \(times.count - 1), \(number(spread.sorted.first ?? 0)) to \(number(spread.sorted.last ?? 0)) ms"
    )
  }
}

/// A home in which tshark finds poddump-extcap, or nothing.
private struct WiresharkHome {
  let path: String

  init(installed: Bool) throws {
    path = NSTemporaryDirectory() + "poddump-bench-home-\(UUID().uuidString)"
    for folder in [".config/wireshark/extcap", ".local/lib/wireshark/extcap"] {
      let folder = "\(path)/\(folder)"
      try FileManager.default.createDirectory(
        atPath: folder, withIntermediateDirectories: true)
      guard installed else { continue }
      try FileManager.default.createSymbolicLink(
        atPath: folder + "/poddump-extcap", withDestinationPath: Setting.extcap)
    }
    try FileManager.default.copyItem(
      atPath: Setting.state + "/kubeconfig", toPath: path + "/kubeconfig")
  }

  func remove() { try? FileManager.default.removeItem(atPath: path) }

  private var environment: [String] {
    [
      "/usr/bin/env", "HOME=\(path)", "XDG_CACHE_HOME=\(path)/.cache",
      "KUBECONFIG=\(path)/kubeconfig",
    ]
  }

  func list() throws { _ = try Command.output(environment + [Setting.poddump, "list", "-A"]) }

  func touchKubeconfig() throws {
    try FileManager.default.setAttributes(
      [.modificationDate: Date()], ofItemAtPath: path + "/kubeconfig")
  }

  /// How long the answer to a capture filter takes, and whether the filter is refused.
  func check(_ filter: String, interface: String) throws -> (seconds: Double, isRefused: Bool) {
    let begin = DispatchTime.now().uptimeNanoseconds
    let output = try Command.output(
      environment + [
        Setting.extcap, "--extcap-interface", interface, "--extcap-capture-filter", filter,
      ])
    return (Double(DispatchTime.now().uptimeNanoseconds - begin) / 1e9, !output.isEmpty)
  }

  /// How long `tshark -D` takes, and how many interfaces of ours it lists.
  func devices() throws -> (seconds: Double, interfaces: Int) {
    let begin = DispatchTime.now().uptimeNanoseconds
    let output = try Command.output(environment + ["/bin/sh", "-c", "tshark -D 2>/dev/null"])
    let seconds = Double(DispatchTime.now().uptimeNanoseconds - begin) / 1e9
    let lines = output.split(separator: "\n").filter {
      $0.contains(" · lab)") || $0.contains("Kubernetes: choose a pod")
    }
    return (seconds, lines.count)
  }
}
