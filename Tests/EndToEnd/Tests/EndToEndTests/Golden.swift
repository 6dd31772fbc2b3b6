import Foundation
import Testing

/// What programs are expected to say: a file for each suite, a section for each case.
///
/// RECORD_GOLDEN=1 writes what they said into the file instead, and fails the run, so that nobody takes a
/// recording for a test.
enum Golden {
  private static let folder = (#filePath as NSString).deletingLastPathComponent + "/Golden"
  private static let isRecording = ProcessInfo.processInfo.environment["RECORD_GOLDEN"] == "1"

  /// Compares a text with the recorded one. The path of `scratch` is volatile, as are addresses of the
  /// lab and names made up by it.
  static func expect(
    _ text: String, _ suite: String, _ name: String, scratch: Scratch? = nil,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let text = stable(text, scratch).trimmingCharacters(in: .newlines)
    let path = "\(folder)/\(suite).txt"
    var sections = read(path)
    if isRecording {
      sections[name] = text
      let all = sections.sorted { $0.key < $1.key }.map { "## \($0.key)\n\($0.value)\n" }
      try? Data(all.joined(separator: "\n").utf8).write(to: URL(filePath: path))
      Issue.record("recorded \(name)", sourceLocation: sourceLocation)
      return
    }
    #expect(
      text == sections[name] ?? "(nothing recorded)", "\(suite): \(name)",
      sourceLocation: sourceLocation)
  }

  private static func stable(_ text: String, _ scratch: Scratch?) -> String {
    var text = text
    if let scratch { text = text.replacing(scratch.path, with: "SCRATCH") }
    text = text.replacing(Lab.directory, with: "LAB").replacing(Lab.top, with: "TOP")
    text = text.replacing(/127\.0\.0\.1:[0-9]+/, with: "SERVER")
    text = text.replacing(/of [0-9]+ received/, with: "of SOME received")
    return text.replacing(/api-[a-z0-9]{9}-[a-z0-9]{5}/, with: "api-REPLICA")
  }

  private static func read(_ path: String) -> [String: String] {
    let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
    var sections: [String: String] = [:]
    for section in ("\n" + text).components(separatedBy: "\n## ").dropFirst() {
      let lines = section.split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false)
      sections[String(lines[0])] =
        lines.count > 1 ? lines[1].trimmingCharacters(in: .newlines) : ""
    }
    return sections
  }
}
