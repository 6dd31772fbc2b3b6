internal import Foundation

/// The real programs that tests run. One that is missing fails the test; nothing is skipped.
package enum Programs {
  package struct Missing: Error, CustomStringConvertible {
    package let description: String
  }

  /// The absolute path of a program on the PATH.
  package static func path(_ name: String) throws -> String {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "") + ":/usr/sbin:/sbin"
    for folder in folders.split(separator: ":") {
      let path = "\(folder)/\(name)"
      if FileManager.default.isExecutableFile(atPath: path) { return path }
    }
    throw Missing(description: "\(name) is not on the PATH; make test installs it.")
  }

  /// The real kubectl: the one that KUBECTL names, else the one on the PATH.
  package static func kubectl() throws -> String {
    let named = ProcessInfo.processInfo.environment["KUBECTL"] ?? ""
    return named.isEmpty ? try path("kubectl") : named
  }
}

/// The shells that a container may have, and how each is started.
package enum TestShell: String, CaseIterable, Sendable, CustomStringConvertible {
  case bash, dash, busybox

  package var description: String { rawValue }

  /// Whether its `read` takes a time limit.
  package var timesReads: Bool { self != .dash }

  /// The words before `-c`: the program's path and, for busybox, the applet.
  package func words() throws -> [String] {
    let path = try Programs.path(rawValue)
    return self == .busybox ? [path, "sh"] : [path]
  }
}
