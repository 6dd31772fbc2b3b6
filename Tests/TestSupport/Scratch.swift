internal import Foundation

/// A folder that lasts as long as a test.
package final class Scratch: Sendable {
  /// The folder's absolute path.
  package let path: String

  package init() throws {
    path = NSTemporaryDirectory() + "poddump-test-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  /// Writes a file.
  ///
  /// - Returns: Its path.
  @discardableResult
  package func file(_ name: String, _ bytes: [UInt8] = [], mode: Int = 0o644) throws -> String {
    let file = path + "/" + name
    try Data(bytes).write(to: URL(fileURLWithPath: file))
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file)
    return file
  }

  /// Writes a text file.
  ///
  /// - Returns: Its path.
  @discardableResult
  package func text(_ name: String, _ text: String, mode: Int = 0o644) throws -> String {
    try file(name, Array(text.utf8), mode: mode)
  }

  /// The names in the folder.
  package func names() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: path).sorted()
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// The bytes of a file.
package func contents(_ path: String) throws -> [UInt8] {
  Array(try Data(contentsOf: URL(fileURLWithPath: path)))
}
