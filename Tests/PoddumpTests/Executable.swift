import Foundation
import TestSupport
import Testing

/// The built programs, run as processes in a home and an environment of their own.
struct Executable: Sendable {
  let scratch: Scratch
  /// The environment: nothing of the user's own.
  var environment: [String: String]

  init() throws {
    scratch = try Scratch()
    environment = [
      "HOME": scratch.path, "PATH": scratch.path + "/bin", "COLUMNS": "80", "LC_ALL": "C.UTF-8",
      "KUBECONFIG": scratch.path + "/kubeconfig",
    ]
    try FileManager.default.createDirectory(
      atPath: scratch.path + "/bin", withIntermediateDirectories: true)
  }

  /// A built program, beside the tests' own bundle.
  static func path(_ name: String) throws -> String {
    let path = Bundle.module.bundleURL.deletingLastPathComponent().appendingPathComponent(name).path
    try #require(FileManager.default.isExecutableFile(atPath: path), "\(path) is not built")
    return path
  }

  /// Puts a program into the only folder of the PATH.
  func link(_ name: String, to path: String) throws {
    try FileManager.default.createSymbolicLink(
      atPath: scratch.path + "/bin/" + name, withDestinationPath: path)
  }

  /// Puts a script in kubectl's place that writes down how it was called.
  ///
  /// What is run is a file of the repository: one written just now cannot be run (ETXTBSY) while
  /// another test forks with its descriptor.
  func fakeKubectl(_ script: String) throws {
    let data = try #require(Bundle.module.url(forResource: "Data", withExtension: nil))
    try link("kubectl", to: data.appendingPathComponent("fake-kubectl").path)
    try scratch.text("kubectl.sh", script)
  }

  /// How the script in kubectl's place was called.
  func calls() -> [String] {
    guard let bytes = try? contents(scratch.path + "/calls") else { return [] }
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
  }

  /// Runs poddump to its end.
  func callAsFunction(_ arguments: String...) async throws -> Spawned.Answer {
    try await run(arguments)
  }

  func run(_ arguments: [String]) async throws -> Spawned.Answer {
    try await runProgram([Self.path("poddump")] + arguments, environment: environment)
  }
}
