internal import Base

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// One process of one machine, told from a later one that has got its number.
package struct ProcessIdentity: Sendable, Equatable {
  /// The machine's host name.
  package var host: String
  package var pid: Int32
  /// When it was started, as the system counts; equal for the same process only.
  package var start: String

  package init(host: String, pid: Int32, start: String) {
    self.host = host
    self.pid = pid
    self.start = start
  }

  /// This process.
  package static var current: ProcessIdentity {
    ProcessIdentity(host: Self.thisHost, pid: getpid(), start: processStart(getpid()) ?? "unknown")
  }

  /// Whether a process of this machine is meant.
  package var isOfThisMachine: Bool { host == Self.thisHost }

  /// Whether it is still running; nil for another machine's, which cannot be seen from here.
  package var isRunning: Bool? {
    guard isOfThisMachine else { return nil }
    return processStart(pid) == start
  }

  /// Whether the fields are of the form that `current` gives them.
  var isValid: Bool {
    pid > 0 && Self.isWord(host) && host.utf8.count <= 255 && Self.isWord(start)
      && start.utf8.count <= 100
  }

  /// This machine's host name (gethostname(2)).
  package static var thisHost: String {
    var name = [CChar](repeating: 0, count: 256)
    guard gethostname(&name, name.count - 1) == 0 else { return "localhost" }
    let text = String(
      decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return isWord(text) ? text : "localhost"
  }

  private static func isWord(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f }
  }
}
