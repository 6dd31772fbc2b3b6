import Foundation
import Testing

/// A folder for one test, with a home of its own, so that no setting, cache or file of whoever runs the
/// tests plays a part. It is removed at the end.
final class Scratch {
  let path: String

  init() throws {
    path = "/tmp/poddump-test-\(UUID().uuidString.prefix(8).lowercased())"
    for folder in [path, home, temporary] { try Self.make(folder) }
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  var home: String { path + "/home" }
  /// Where tshark puts its FIFOs.
  var temporary: String { path + "/tmp" }
  /// The folder of the listing cache.
  var cache: String { home + "/.cache/poddump" }

  /// What is remembered of the last captures.
  var recent: String { (try? String(contentsOfFile: cache + "/recent", encoding: .utf8)) ?? "" }

  /// The environment of a program that sees this home and nothing else of the user's.
  var environment: [String: String?] {
    [
      "HOME": home, "TMPDIR": temporary, "XDG_CACHE_HOME": nil, "XDG_CONFIG_HOME": nil,
      "PODDUMP_CONFIG": nil, "DISPLAY": nil, "WAYLAND_DISPLAY": nil,
    ]
  }

  /// Writes a file; folders are made.
  @discardableResult
  func write(_ name: String, _ text: String, mode: Int = 0o600) throws -> String {
    let file = "\(path)/\(name)"
    try Self.make((file as NSString).deletingLastPathComponent)
    try Data(text.utf8).write(to: URL(filePath: file))
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file)
    return file
  }

  /// Lets no other route be chosen than exec, so that its refusals are seen.
  func chooseExecOnly() throws {
    try write("home/.config/poddump/config.toml", "[route]\norder = [\"exec\"]\n")
  }

  /// The files directly in the folder, with what they hold.
  var files: [String: Data] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    return Dictionary(
      uniqueKeysWithValues: names.compactMap { name in
        FileManager.default.contents(atPath: "\(path)/\(name)").map { (name, $0) }
      })
  }

  /// Runs poddump here.
  func poddump(
    _ words: [String], environment changes: [String: String?] = [:], within seconds: Double = 30
  ) throws -> Finished { try run([Lab.poddump] + words, changes, within: seconds) }

  /// Runs poddump-extcap here, as Wireshark does.
  func extcap(
    _ words: [String], environment changes: [String: String?] = [:], within seconds: Double = 30
  ) throws -> Finished { try run([Lab.extcap] + words, changes, within: seconds) }

  /// Runs any program here.
  func run(
    _ words: [String], _ changes: [String: String?] = [:], within seconds: Double = 30
  ) throws -> Finished {
    try Program.run(
      words, environment: environment.merging(changes) { $1 }, in: path, within: seconds)
  }

  /// The environment with a kubeconfig of the test's own: a copy of the lab's, with another current
  /// context.
  func environment(currentContext: String) throws -> [String: String?] {
    let text = try String(contentsOfFile: Lab.kubeconfig, encoding: .utf8)
    let changed = text.replacing(
      /"current-context" ?: ?"[^"]*"/, with: "\"current-context\": \"\(currentContext)\"")
    return ["KUBECONFIG": try write("kubeconfig", changed)]
  }

  /// Fills the listing cache.
  func list(_ changes: [String: String?] = [:]) throws {
    let run = try poddump(["list", "-A"], environment: changes)
    try #require(run.status == 0, "\(run.errors)")
  }

  /// The processes whose home this is: what we started, and what that left running.
  var processes: [(pid: Int32, words: [String])] {
    let mine = Data("HOME=\(home)".utf8)
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return names.compactMap { Int32($0) }.compactMap { pid in
      guard let variables = FileManager.default.contents(atPath: "/proc/\(pid)/environ"),
        variables.split(separator: 0).contains(mine)
      else { return nil }
      let line = FileManager.default.contents(atPath: "/proc/\(pid)/cmdline") ?? Data()
      return (pid, line.split(separator: 0).map { String(decoding: $0, as: UTF8.self) })
    }
  }

  /// Waits until nothing runs any more that was started here, such as a refresh of the listing.
  func expectQuiet(within seconds: Double = 15, sourceLocation: SourceLocation = #_sourceLocation) {
    let deadline = Date(timeIntervalSinceNow: seconds)
    while !processes.isEmpty, Date() < deadline { usleep(50_000) }
    #expect(processes.map(\.words) == [], sourceLocation: sourceLocation)
  }

  /// Puts poddump-extcap into the personal folders of Wireshark.
  func install() throws {
    for folder in [".config/wireshark/extcap", ".local/lib/wireshark/extcap"] {
      let folder = "\(home)/\(folder)"
      try Self.make(folder)
      try FileManager.default.createSymbolicLink(
        atPath: "\(folder)/poddump-extcap", withDestinationPath: Lab.extcap)
    }
  }

  private static func make(_ folder: String) throws {
    try FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
  }
}

extension Lab {
  /// The file by which kubectl finds the lab.
  static let kubeconfig = directory + "/kubeconfig"

  /// The requests that the API has had since the last call with `clear`: method and path.
  static func requests() throws -> [String] {
    let run = try Program.run([api, "requests", "--state", directory])
    try #require(run.status == 0, "requests: \(run.errors)")
    return try run.output.split(separator: "\n").map { line in
      let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
      return "\(object?["method"] ?? "") \(object?["path"] ?? "")"
    }
  }

  static func forgetRequests() throws {
    let run = try Program.run([api, "requests", "--clear", "--state", directory])
    try #require(run.status == 0, "requests: \(run.errors)")
  }

  /// Does something while a fault is on.
  static func with<R>(fault words: [String], _ body: () throws -> R) throws -> R {
    func set(_ words: [String]) throws {
      let run = try Program.run([api, "fault"] + words + ["--state", directory])
      try #require(run.status == 0, "fault \(words): \(run.errors)")
    }
    if !words.isEmpty { try set(words) }
    defer { if !words.isEmpty { try? set(["clear"]) } }
    return try body()
  }

  /// The names of the pods of a namespace that begin so.
  static func pods(_ prefix: String, in namespace: String = "shop") throws -> [String] {
    let run = try Program.run([
      "/usr/bin/env", "kubectl", "get", "pods", "-n", namespace, "-o", "name",
    ])
    try #require(run.status == 0, "kubectl: \(run.errors)")
    return run.output.split(separator: "\n").map { String($0.replacing("pod/", with: "")) }
      .filter { $0.hasPrefix(prefix) }
  }
}
