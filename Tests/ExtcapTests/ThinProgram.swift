import Foundation
import Testing

@testable import Extcap

/// What a program did.
struct Outcome: Equatable {
  var status: Int32
  var output: String
  var errors: String
}

/// A copy of the built poddump-extcap, in a home of its own, with or without a poddump beside it.
final class ThinProgram {
  let folder: TemporaryFolder
  /// The program's path.
  let program: String
  /// What the stand-in for poddump wrote down.
  let log: String
  /// The variables it is started with.
  var environment: [String: String]

  /// Copies the program into a folder of its own, with or without a poddump beside it.
  ///
  /// - Parameter sibling: A shell script in place of poddump; nil for none.
  /// - Throws: What the file system says.
  init(sibling: String? = nil) throws {
    folder = try TemporaryFolder()
    for name in ["bin", "home"] {
      try FileManager.default.createDirectory(
        atPath: folder(name), withIntermediateDirectories: true)
    }
    // A copy: it looks for poddump beside its own file, links resolved.
    program = folder("bin/poddump-extcap")
    try FileManager.default.copyItem(atPath: Self.built, toPath: program)
    log = folder("log")
    environment = ["HOME": folder("home"), "PATH": "/usr/bin:/bin", "LOG": log]
    if let sibling { try install(sibling, at: folder("bin/poddump")) }
  }

  /// The program that this test run has built, beside the tests' own bundle, or the one that
  /// PODDUMP_EXTCAP names: a release build, say.
  static var built: String {
    ProcessInfo.processInfo.environment["PODDUMP_EXTCAP"]
      ?? Bundle.module.bundleURL.deletingLastPathComponent().appending(path: "poddump-extcap")
      .path(percentEncoded: false)
  }

  var cache: ListingCache {
    get throws {
      let environment = environment
      return try #require(ListingCache { environment[$0] })
    }
  }

  func install(_ script: String, at path: String) throws {
    try Data("#!/bin/sh\n\(script)\n".utf8).write(to: URL(filePath: path))
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
  }

  /// Fills the cache with pods `shop/web-0` and so on, listed at `written`.
  func fillCache(pods: Int = 3, written: Int64 = Int64(Date().timeIntervalSince1970)) throws {
    let listing = Listing(
      context: "staging", written: written, kubeconfig: Kubeconfig(files: []),
      entries: (0..<pods).compactMap { Sample.pod("shop", "web-\($0)") })
    let cache = try cache
    try cache.write(listing)
    try cache.write(
      Shown(written: written, kubeconfig: listing.kubeconfig, contexts: ["staging"]),
      kubeconfigVariable: environment["KUBECONFIG"] ?? "")
  }

  /// Runs the program to its end.
  func run(_ arguments: String..., in workingFolder: String = "/") throws -> Outcome {
    try Self.run(program, arguments, environment, in: workingFolder)
  }

  /// Runs a line of shell in which `$E` is the program.
  func shell(_ line: String, in workingFolder: String = "/") throws -> Outcome {
    var environment = environment
    environment["E"] = program
    return try Self.run("/bin/sh", ["-c", line], environment, in: workingFolder)
  }

  static func run(
    _ program: String, _ arguments: [String], _ environment: [String: String],
    in workingFolder: String = "/"
  ) throws -> Outcome {
    // Files, not pipes: a pipe would be held open by whatever outlives the program.
    let files = try TemporaryFolder()
    let process = Process()
    process.executableURL = URL(filePath: program)
    process.arguments = arguments
    process.environment = environment
    process.currentDirectoryURL = URL(filePath: workingFolder)
    for name in ["output", "errors"] {
      _ = FileManager.default.createFile(atPath: files(name), contents: nil)
    }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle(forWritingAtPath: files("output"))
    process.standardError = FileHandle(forWritingAtPath: files("errors"))
    try process.run()
    process.waitUntilExit()
    return Outcome(
      status: process.terminationStatus,
      output: try String(contentsOfFile: files("output"), encoding: .utf8),
      errors: try String(contentsOfFile: files("errors"), encoding: .utf8))
  }

  /// The lines that the stand-in has written down, once there are so many; fewer after ten seconds.
  func logged(lines count: Int) throws -> [String] {
    let end = Date(timeIntervalSinceNow: 10)
    while true {
      let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
      let lines = text.split(separator: "\n").map(String.init)
      if lines.count >= count || Date() > end { return lines }
      usleep(20_000)
    }
  }
}
