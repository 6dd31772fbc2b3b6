import Foundation
import TestSupport

@testable import Broker

/// The node's script in a real shell on this machine: asked, answered, and waiting for its order.
struct ScriptRun: Sendable {
  let process: Spawned
  /// What it answered, its last line included.
  let answer: String

  /// What ssh would have set (ssh(1), SSH_CONNECTION).
  static let connection = ["198.51.100.1", "50022", "198.51.100.11", "22"]

  struct NoAnswer: Error, CustomStringConvertible { let description: String }

  /// Starts a shell that reads its commands, asks, and reads the answer.
  ///
  /// - Parameters:
  ///   - words: The whole command.
  ///   - question: What is asked.
  ///   - environment: All of its environment; nil for our own.
  /// - Throws: `NoAnswer` when it ends before its answer does.
  init(
    _ words: [String], _ question: NodeQuestion = NodeQuestion(),
    environment: [String: String]? = nil
  )
    async throws
  {
    let process = try Spawned(words, environment: environment)
    self.process = process
    answer = try await blocking {
      try process.input.write(contentsOf: Array(NodeScript.text(question).utf8))
      var bytes: [UInt8] = []
      while !bytes.reversed().starts(with: "\nend=\n".utf8.reversed()) {
        let more = process.output.whatIsThere()
        guard !more.isEmpty else {
          let left = process.answer()
          throw NoAnswer(
            description: "\(left.end): \(String(decoding: bytes, as: UTF8.self)) \(left.errors)")
        }
        bytes += more
      }
      return String(decoding: bytes, as: UTF8.self)
    }
  }

  init(_ shell: TestShell, _ question: NodeQuestion = NodeQuestion()) async throws {
    try await self.init(shell.words() + ["-s"] + Self.connection, question)
  }

  /// What the answer says.
  var facts: NodeFacts? { NodeFacts(answer: answer) }

  /// Gives the order: the stanza's parameters and a command.
  func order(_ argv: [String], ttl: Int = 1000) async throws {
    let text = NodeScript.order(Stanza.parameters(argv, ttl: ttl)) ?? ""
    try await blocking { try process.input.write(contentsOf: Array(text.utf8)) }
  }

  /// Whether nothing is left of it, not even a zombie.
  func nothingIsLeft() async throws -> Bool {
    let pid = process.pid
    return try await eventually(within: 3) { ProcessTable.session(pid).isEmpty }
  }
}

extension FileHandle {
  /// Waits for bytes and takes what has come, at least one; nothing at the end. `read(upToCount:)` would
  /// wait for all of them.
  func whatIsThere() -> [UInt8] { readOnce(fileDescriptor) }
}

private func readOnce(_ descriptor: Int32) -> [UInt8] {
  var buffer = [UInt8](repeating: 0, count: 1 << 16)
  let count = read(descriptor, &buffer, buffer.count)
  return Array(buffer.prefix(max(0, count)))
}
