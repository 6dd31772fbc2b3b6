import Foundation
import Testing

/// A capture that was started and runs: by the command line, or by tshark through the extcap.
///
/// Its processes are told from everybody else's here by a mark in their environment, which holds
/// whatever becomes of parents and process groups, and there by a filter that no other capture has.
final class Capturing {
  enum Way: String, CaseIterable {
    case commandLine = "by the command line"
    case tshark = "by tshark"
  }

  /// Where to capture, and whether packets will come.
  struct Place: Sendable, CustomStringConvertible {
    var pod: String
    var isBusy: Bool
    var description: String { "\(pod), \(isBusy ? "busy" : "idle")" }
  }

  let way: Way
  let place: Place
  /// Who logs in to the node; nil where no node is logged in to.
  let login: SSHLogin?
  let program: Program
  /// Where the packets go.
  let file: String
  /// Wireshark's folder for FIFOs.
  let temporary: String
  private let mark: String
  private let filter: String

  /// Starts a capture in a folder, with more words for poddump or tshark. A reader is a program with its
  /// arguments that takes the packets instead of the file. With a login, it is the laptop that captures; else
  /// a program that becomes poddump may precede it.
  init(
    _ way: Way, _ place: Place, in folder: Folder, _ options: [String] = [],
    reader: [String] = [], by login: SSHLogin? = nil, environment: [String: String?] = [:],
    inside wrapper: [String] = []
  ) throws {
    (self.way, self.place, self.login) = (way, place, login)
    let number = folder.nextNumber()
    mark = "\(folder.path)-\(number)"
    // What an idle capture waits for never comes; what a busy one leaves out never came.
    filter = place.isBusy ? "not udp port \(number)" : "udp port \(number)"
    file = "\(folder.path)/\(number).pcapng"
    temporary = "\(folder.path)/\(number).tmp"
    try FileManager.default.createDirectory(atPath: temporary, withIntermediateDirectories: true)
    var environment = environment.merging(
      try login?.environment(in: folder) ?? folder.environment
    ) { own, _ in own }
    let here = try login?.laptop(in: folder) ?? wrapper
    let target =
      place.pod.hasPrefix("node/") ? "node:\(place.pod.dropFirst(5))" : "pod:\(place.pod)"
    environment["PODDUMP_TEST"] = mark
    environment["TMPDIR"] = temporary
    switch way {
    case .commandLine where reader.isEmpty:
      program = try Program(
        here + [Lab.poddump, "capture", place.pod, "-f", filter, "-w", file] + options,
        environment: environment)
    case .commandLine:
      let pipe = Pipe()
      program = try Program(
        here + [Lab.poddump, "capture", place.pod, "-f", filter, "-w", "-"] + options,
        environment: environment, output: pipe.fileHandleForWriting)
      try pipe.fileHandleForWriting.close()
      let reading = Process()
      reading.executableURL = URL(filePath: "/usr/bin/env")
      reading.arguments = reader
      reading.standardInput = pipe.fileHandleForReading
      reading.standardOutput = FileHandle.nullDevice
      try reading.run()
      try pipe.fileHandleForReading.close()
    case .tshark:
      program = try Program(
        here + ["/usr/bin/env", "tshark", "-q", "-i", target, "-f", filter, "-w", file]
          + options, environment: environment)
    }
  }

  var description: String {
    "\(place) \(way.rawValue)" + (login.map { ", as \($0)" } ?? "")
  }

  /// The processes of this capture here.
  var processesHere: [LocalProcess] { LocalProcess.all(marked: "PODDUMP_TEST=\(mark)") }

  /// The tcpdumps of this capture, wherever they run.
  var processesThere: [LocalProcess] {
    LocalProcess.all { process in
      // On an interface of the node's own the filter is one condition of several.
      let last = process.arguments.last ?? ""
      return process.name == "tcpdump" && (last == filter || last.hasSuffix("and (\(filter))"))
    }
  }

  /// One of the capture's processes here, by the name of its program.
  func here(_ name: String) -> LocalProcess? { processesHere.first { $0.name == name } }

  /// Sends a signal to one of the capture's processes here.
  func send(_ signal: Int32, to name: String) throws {
    // A kubectl that looks something up may run beside the one that carries the packets.
    let process = try #require(
      processesHere.first {
        // Neither a kubectl that looks something up, nor the janitor, which is a poddump too.
        $0.name == name && (name != "kubectl" || $0.arguments.contains("exec")) && !$0.isJanitor
      },
      "no \(name) runs: \(description): \(processesHere): \(program.errors)")
    kill(process.pid, signal)
  }

  /// Whether the far end captures.
  var isCapturing: Bool { !processesThere.isEmpty }

  /// Whether the far end's header has arrived here: the section header's length is in its second word
  /// (draft-ietf-opsawg-pcapng), and more has come than that.
  var hasBegun: Bool {
    guard let handle = FileHandle(forReadingAtPath: file) else { return false }
    defer { try? handle.close() }
    guard let head = try? handle.read(upToCount: 8), head.count == 8 else { return false }
    let length = head.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 4, as: UInt32.self) }
    return size > Int(length)
  }

  /// Whether packets have arrived here.
  var hasPackets: Bool { size > 1000 }

  var size: Int {
    (try? FileManager.default.attributesOfItem(atPath: file))?[.size] as? Int ?? 0
  }

  /// What is left here of the capture; empty when it has gone.
  func left(within seconds: Double) -> [LocalProcess] {
    let deadline = Date(timeIntervalSinceNow: seconds)
    while Date() < deadline, !processesHere.isEmpty { usleep(50_000) }
    return processesHere
  }
}

/// Several captures that run side by side, so that their waits overlap.
extension [Capturing] {
  /// Waits until all capture into their files, and the busy ones have written packets.
  func waitUntilCapturing(
    within seconds: Double = 40, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let deadline = Date(timeIntervalSinceNow: seconds)
    var waiting = self
    while !waiting.isEmpty, Date() < deadline {
      // One with a limit of its own may have come to its end.
      waiting.removeAll {
        ($0.place.isBusy ? $0.hasPackets : $0.hasBegun)
          && ($0.isCapturing || !$0.program.process.isRunning)
      }
      usleep(50_000)
    }
    for capture in waiting {
      Issue.record(
        "does not capture: \(capture.description): \(capture.program.errors)",
        sourceLocation: sourceLocation)
    }
  }

  /// What is left here of any of them.
  func expectNothingHere(
    within seconds: Double = 10, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let deadline = Date(timeIntervalSinceNow: seconds)
    for capture in self {
      let left = capture.left(within: Swift.max(0.1, deadline.timeIntervalSinceNow))
      #expect(
        left.isEmpty, "left here: \(capture.description): \(left)", sourceLocation: sourceLocation)
    }
  }
}

/// A process of this machine, containers of the lab included.
struct LocalProcess: CustomStringConvertible {
  var pid: Int32
  var arguments: [String]

  /// The name of its program.
  var name: String { arguments.first?.split(separator: "/").last.map(String.init) ?? "" }
  /// Whether it is the one that undoes what a poddump left that was killed.
  var isJanitor: Bool { arguments.dropFirst().first == "janitor" }
  var description: String { "\(pid) \(arguments.joined(separator: " ").prefix(200))" }

  static func all(where isWanted: (LocalProcess) -> Bool) -> [LocalProcess] {
    let entries = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return entries.compactMap { entry in
      guard let pid = Int32(entry) else { return nil }
      let words = read("/proc/\(pid)/cmdline")
      guard !words.isEmpty else { return nil }
      let process = LocalProcess(pid: pid, arguments: words)
      return isWanted(process) ? process : nil
    }
  }

  static func all(marked mark: String) -> [LocalProcess] {
    all { read("/proc/\($0.pid)/environ").contains(mark) }
  }

  /// Words that each end in NUL, as in /proc/PID/cmdline and environ (proc(5)).
  private static func read(_ path: String) -> [String] {
    guard let handle = FileHandle(forReadingAtPath: path) else { return [] }
    defer { try? handle.close() }
    let bytes = (try? handle.readToEnd()) ?? Data()
    var words = bytes.split(separator: 0, omittingEmptySubsequences: false)
    if words.last?.isEmpty == true { words.removeLast() }
    return words.map { String(decoding: $0, as: UTF8.self) }
  }
}
