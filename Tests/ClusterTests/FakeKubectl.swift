import Base
import Foundation
import Testing

@testable import Cluster

/// A folder that is gone when the test is.
final class Scratch: Sendable {
  let path: String

  init() throws {
    let url = FileManager.default.temporaryDirectory
      .appendingPathComponent("poddump-test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    path = url.path
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func write(_ name: String, _ text: String) throws -> String {
    let file = "\(path)/\(name)"
    try text.write(toFile: file, atomically: true, encoding: .utf8)
    return file
  }

  func read(_ name: String) throws -> String {
    try String(contentsOfFile: "\(path)/\(name)", encoding: .utf8)
  }
}

/// A shell script in kubectl's place, for what the real one cannot be brought to do.
struct FakeKubectl {
  let scratch: Scratch
  var kubectl: Kubectl

  init(_ script: String, isInteractive: Bool = true) throws {
    // As in main: a script that does not read its input must not end the test run.
    signal(SIGPIPE, SIG_IGN)
    scratch = try Scratch()
    let path = try scratch.write("kubectl", "#!/bin/sh\ncd '\(scratch.path)'\n\(script)\n")
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
    kubectl = Kubectl(executable: path, isInteractive: isInteractive)
    // Nothing here is about patience, unless a test sets it.
    kubectl.patience = Patience(.seconds(120))
  }

  /// The IDs that the script wrote to the file `pids`, one a line, that are still processes after
  /// the moment that a signal may take.
  func survivors() async throws -> [Int32] {
    var pids = try scratch.read("pids").split(separator: "\n").compactMap { Int32($0) }
    for _ in 0..<50 where !pids.isEmpty {
      pids = pids.filter(Self.isAlive)
      if !pids.isEmpty { try await Task.sleep(for: .milliseconds(20)) }
    }
    return pids
  }

  private static func isAlive(_ pid: Int32) -> Bool {
    guard kill(pid, 0) == 0 else { return false }
    // An orphan that was killed and that nobody has waited for is dead all the same.
    let status = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)
    return status?.contains(") Z ") != true
  }
}

/// Runs something that must fail, and hands out why and how long it took.
func failure<R>(
  _ body: () async throws(Failure) -> R
) async throws -> (failure: Failure, seconds: Double) {
  let clock = ContinuousClock()
  let start = clock.now
  do throws(Failure) {
    _ = try await body()
  } catch {
    let (seconds, attoseconds) = (clock.now - start).components
    return (error, Double(seconds) + Double(attoseconds) / 1e18)
  }
  throw Unexpected(description: "It did not fail.")
}

/// A bound for what is ended by us and would else last a minute. How quick it is on an idle machine is
/// not for a test that runs beside a hundred others.
let farBelowAMinute = 25.0

struct Unexpected: Error, CustomStringConvertible {
  let description: String
}
