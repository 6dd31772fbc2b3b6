internal import Foundation

/// Texts that are kept as files beside the tests. `RECORD_GOLDEN=1` writes them anew and fails the run,
/// so that it never stays on.
package struct Golden: Sendable {
  /// Why a text is not the one that was kept.
  package struct Mismatch: Error, CustomStringConvertible {
    package let description: String
  }

  private let folder: URL

  /// The folder `Golden` beside a test's source file.
  package init(beside file: String = #filePath) {
    folder = URL(fileURLWithPath: file).deletingLastPathComponent().appendingPathComponent("Golden")
  }

  /// Compares a text with the kept one.
  ///
  /// - Throws: `Mismatch` when they differ, or when the text was recorded.
  package func check(_ text: String, _ name: String) throws {
    let file = folder.appendingPathComponent(name)
    if ProcessInfo.processInfo.environment["RECORD_GOLDEN"] == "1" {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      try Data(text.utf8).write(to: file)
      throw Mismatch(description: "\(name) was recorded; run again without RECORD_GOLDEN.")
    }
    guard let data = try? Data(contentsOf: file) else {
      throw Mismatch(description: "There is no \(name) yet; RECORD_GOLDEN=1 records it:\n\(text)")
    }
    let kept = String(decoding: data, as: UTF8.self)
    guard kept != text else { return }
    let lines = zip(
      kept.split(separator: "\n", omittingEmptySubsequences: false),
      text.split(separator: "\n", omittingEmptySubsequences: false))
    let first = lines.enumerated().first { $0.element.0 != $0.element.1 }?.offset
    throw Mismatch(
      description: "\(name) differs from line \((first ?? 0) + 1) on; now it is:\n\(text)")
  }
}
