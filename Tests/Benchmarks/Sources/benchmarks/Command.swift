import Foundation

/// The folders and programs that the benchmarks use, from the environment that `Tests/Benchmarks/run` sets.
enum Setting {
  static let top = value("TOP")
  static let poddump = value("PODDUMP")
  static let extcap = value("PODDUMP_EXTCAP")
  static let kubectl = value("KUBECTL")
  static let lab = "\(top)/Tests/Lab/lab"
  static let api = value("LAB_API")
  static let state = value("PODDUMP_LAB")

  private static func value(_ name: String) -> String {
    guard let value = ProcessInfo.processInfo.environment[name], !value.isEmpty else {
      print("\(name) is not set; use Tests/Benchmarks/run.")
      exit(2)
    }
    return value
  }
}

/// What a command delivered, and how long that took.
struct Transfer {
  var bytes: Int
  /// Wall-clock seconds from its first byte to its end.
  var seconds: Double
  /// The most memory it ever held, in bytes, without what it started.
  var peak: Int
  /// CPU seconds, of what it started too.
  var cpu: Double
}

/// What a command cost.
struct Cost {
  /// Wall-clock seconds.
  var seconds: Double
  /// The most memory it ever held, in bytes (getrusage(2), its own, without children).
  var peak: Int
  var status: Int32
}

enum Command {
  /// Runs a program to its end with its output thrown away and measures it, without what it starts.
  static func measure(_ words: [String], output: String = "/dev/null") throws -> Cost {
    let start = DispatchTime.now()
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    var argv: [UnsafeMutablePointer<CChar>?] = []
    for word in words { argv.append(strdup(word)) }
    argv.append(nil)
    defer { for word in argv { free(word) } }
    var pid: pid_t = 0
    guard posix_spawn(&pid, words[0], &actions, nil, argv, environ) == 0 else {
      throw Failed("cannot start \(words[0])")
    }
    var status: Int32 = 0
    var usage = rusage()
    // The peak is read from /proc while it runs: rusage counts waited-for children too.
    var peak = 0
    while wait4(pid, &status, WNOHANG, &usage) == 0 {
      peak = max(peak, residentPeak(of: pid))
      usleep(2000)
    }
    let seconds = Double(DispatchTime.now().uptimeNanoseconds - start.uptimeNanoseconds) / 1e9
    return Cost(seconds: seconds, peak: peak, status: (status >> 8) & 0xff)
  }

  /// CPU seconds of all children that were waited for, and of theirs.
  private static func cpuOfChildren() -> Double {
    var usage = rusage()
    getrusage(RUSAGE_CHILDREN.rawValue, &usage)
    return Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
      + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6
  }

  /// Starts a program, waits for the first byte of its output, and ends it.
  ///
  /// Returns the seconds that took.
  static func untilFirstByte(_ words: [String]) throws -> Double {
    let process = Process()
    let pipe = Pipe()
    process.executableURL = URL(filePath: words[0])
    process.arguments = Array(words.dropFirst())
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = pipe
    let start = DispatchTime.now()
    try process.run()
    try pipe.fileHandleForWriting.close()
    var byte: UInt8 = 0
    let count = read(pipe.fileHandleForReading.fileDescriptor, &byte, 1)
    let seconds = Double(DispatchTime.now().uptimeNanoseconds - start.uptimeNanoseconds) / 1e9
    process.terminate()
    process.waitUntilExit()
    guard count == 1 else { throw Failed("\(words) delivered nothing") }
    return seconds
  }

  /// Runs a program and reads its output through a pipe of 1 MiB, as Wireshark's is, or a FIFO that it opens.
  static func transfer(_ words: [String], from fifo: String? = nil) throws -> Transfer {
    let before = cpuOfChildren()
    let process = Process()
    let pipe = Pipe()
    process.executableURL = URL(filePath: words[0])
    process.arguments = Array(words.dropFirst())
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = pipe
    try process.run()
    try pipe.fileHandleForWriting.close()
    let reader = fifo.map { open($0, O_RDONLY) } ?? pipe.fileHandleForReading.fileDescriptor
    defer { if fifo != nil { close(reader) } }
    _ = fcntl(reader, 1031, 1 << 20)  // F_SETPIPE_SZ
    var buffer = [UInt8](repeating: 0, count: 1 << 20)
    var total = 0
    var peak = 0
    var first = DispatchTime.now()
    while true {
      let count = read(reader, &buffer, buffer.count)
      if count <= 0 { break }
      if total == 0 { first = .now() }
      // It may be gone when its output has ended.
      if total >> 24 != (total + count) >> 24 {
        peak = max(peak, residentPeak(of: process.processIdentifier))
      }
      total += count
    }
    let seconds = Double(DispatchTime.now().uptimeNanoseconds - first.uptimeNanoseconds) / 1e9
    peak = max(peak, residentPeak(of: process.processIdentifier))
    process.waitUntilExit()
    return Transfer(
      bytes: total, seconds: seconds, peak: peak, cpu: cpuOfChildren() - before)
  }

  /// Runs a program and gives what it printed.
  static func output(_ words: [String]) throws -> String {
    let process = Process()
    let pipe = Pipe()
    process.executableURL = URL(filePath: words[0])
    process.arguments = Array(words.dropFirst())
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = pipe
    try process.run()
    let bytes = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw Failed("\(words.joined(separator: " ")) ended with \(process.terminationStatus)")
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// VmHWM of a process in bytes (proc_pid_status(5)); 0 when it is gone.
  static func residentPeak(of pid: pid_t) -> Int {
    guard let text = try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8) else {
      return 0
    }
    let line = text.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
    return line?.split(separator: " ").dropFirst().first.flatMap { Int($0) }.map { $0 * 1024 } ?? 0
  }
}

struct Failed: Error, CustomStringConvertible {
  var description: String
  init(_ description: String) { self.description = description }
}

/// Middle, least and most of some numbers.
struct Spread {
  let sorted: [Double]
  init(_ values: [Double]) { sorted = values.sorted() }
  var median: Double { quantile(0.5) }
  func quantile(_ part: Double) -> Double {
    sorted[min(sorted.count - 1, Int((Double(sorted.count) * part).rounded(.down)))]
  }
}

/// Prints a row: what was measured, the number, its limit, and whether it holds.
final class Scoreboard {
  private(set) var failed = 0

  func row(_ what: String, _ value: String, limit: String, holds: Bool) {
    if !holds { failed += 1 }
    let columns = [
      what.padding(toLength: 58, withPad: " ", startingAt: 0),
      value.padding(toLength: 34, withPad: " ", startingAt: 0),
      limit.padding(toLength: 22, withPad: " ", startingAt: 0),
    ]
    say(columns.joined(separator: " ") + (holds ? "ok" : "MISSED"))
  }

  func note(_ text: String) { say("    \(text)") }
}

/// Writes a line at once, also into a pipe.
func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }

func number(_ value: Double, _ digits: Int = 2) -> String { String(format: "%.\(digits)f", value) }
