import Foundation

/// A program that was run to its end.
struct Finished {
  var status: Int32
  /// The signal that ended it, or nil.
  var signal: Int32?
  var bytes: Data
  var errors: String
  var seconds: Double

  var output: String { String(decoding: bytes, as: UTF8.self) }
}

/// A program that runs: its input, output and errors are pipes that are read all the time.
final class Program: @unchecked Sendable {
  let process = Process()
  let input = Pipe()
  private let outputPipe = Pipe()
  private let errorPipe = Pipe()
  private let lock = NSLock()
  private var collected = Data()
  private var collectedErrors = Data()
  private let started = Date()
  private let readers = DispatchGroup()

  /// Starts a program: its path and arguments, changes to its environment (nil removes a variable), and
  /// where its standard output goes, if not into `bytes`.
  init(
    _ words: [String], environment: [String: String?] = [:], in folder: String? = nil,
    output: FileHandle? = nil
  ) throws {
    process.executableURL = URL(filePath: words[0])
    process.arguments = Array(words.dropFirst())
    var variables = ProcessInfo.processInfo.environment
    for (name, value) in environment { variables[name] = value }
    process.environment = variables
    if let folder { process.currentDirectoryURL = URL(filePath: folder) }
    process.standardInput = input
    process.standardOutput = output ?? outputPipe
    process.standardError = errorPipe
    // Threads of Dispatch hold signals back, and a program that is started from one would too.
    var none = sigset_t()
    sigemptyset(&none)
    pthread_sigmask(SIG_SETMASK, &none, nil)
    try process.run()
    if output == nil { collect(outputPipe, isErrors: false) }
    collect(errorPipe, isErrors: true)
  }

  private func collect(_ pipe: Pipe, isErrors: Bool) {
    readers.enter()
    Thread.detachNewThread { [self] in
      while true {
        let piece = pipe.fileHandleForReading.availableData
        if piece.isEmpty { break }
        lock.withLock {
          if isErrors { collectedErrors.append(piece) } else { collected.append(piece) }
        }
      }
      readers.leave()
    }
  }

  var pid: Int32 { process.processIdentifier }
  var bytes: Data { lock.withLock { collected } }
  var errors: String { lock.withLock { String(decoding: collectedErrors, as: UTF8.self) } }

  /// Waits until a condition holds; false when it does not in time.
  @discardableResult
  func wait(_ seconds: Double, until condition: () -> Bool) -> Bool {
    let deadline = Date(timeIntervalSinceNow: seconds)
    while Date() < deadline {
      if condition() { return true }
      usleep(20_000)
    }
    return condition()
  }

  /// Waits for the end; a program that does not end in time is killed and reported as status -1.
  func finish(within seconds: Double = 30) -> Finished {
    let ended = wait(seconds) { !process.isRunning }
    if !ended { kill(pid, SIGKILL) }
    process.waitUntilExit()
    // A grandchild may hold the pipes open; what came by then is enough.
    _ = readers.wait(timeout: .now() + 2)
    let bySignal = process.terminationReason == .uncaughtSignal
    return Finished(
      status: ended && !bySignal ? process.terminationStatus : -1,
      signal: bySignal ? process.terminationStatus : nil, bytes: bytes, errors: errors,
      seconds: Date().timeIntervalSince(started))
  }

  /// Runs a program to its end.
  static func run(
    _ words: [String], environment: [String: String?] = [:], in folder: String? = nil,
    within seconds: Double = 30
  ) throws -> Finished {
    let program = try Program(words, environment: environment, in: folder)
    try? program.input.fileHandleForWriting.close()
    return program.finish(within: seconds)
  }

  /// The process numbers of a process's children.
  static func children(of pid: Int32) -> [Int32] {
    let path = "/proc/\(pid)/task/\(pid)/children"
    let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
    return text.split(separator: " ").compactMap { Int32($0) }
  }
}
