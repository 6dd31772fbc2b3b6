internal import Base

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// One process of one machine, told from a later one that has got its number.
package struct ProcessIdentity: Sendable, Equatable {
  /// The machine's host name, for people.
  package var host: String
  package var pid: Int32
  /// When it was started, as the system counts; equal for the same process only.
  package var start: String
  /// What no other machine has, nor a container with processes of its own, and what stays when the host
  /// name changes (`machineMark`); nil where it is not known, and the host name must do.
  package var machine: String?

  package init(host: String, pid: Int32, start: String, machine: String? = nil) {
    self.host = host
    self.pid = pid
    self.start = start
    self.machine = machine
  }

  /// This process.
  package static var current: ProcessIdentity {
    ofThisMachine(pid: getpid(), start: processStart(getpid()) ?? "unknown")
  }

  /// A process of this machine.
  package static func ofThisMachine(pid: Int32, start: String) -> ProcessIdentity {
    ProcessIdentity(host: thisHost, pid: pid, start: start, machine: machineMark())
  }

  /// Whether a process of this machine is meant. The same mark proves it, whatever the host is called by now;
  /// the same name is what is left once the machine was started anew.
  package var isOfThisMachine: Bool {
    machine != nil && machine == machineMark() || host == Self.thisHost
  }

  /// Whether both mean the same process; its machine may have got another name in between.
  func isSame(as other: ProcessIdentity) -> Bool {
    guard pid == other.pid, start == other.start else { return false }
    guard let mine = machine, let its = other.machine else { return host == other.host }
    return mine == its
  }

  /// Whether it is still running; nil for another machine's, which cannot be seen from here.
  package var isRunning: Bool? {
    guard isOfThisMachine else { return nil }
    return processStart(pid) == start
  }

  /// Whether the fields are of the form that `current` gives them.
  var isValid: Bool {
    pid > 0 && Self.isWord(host) && host.utf8.count <= 255 && Self.isWord(start)
      && start.utf8.count <= 100
      && machine.map { Self.isWord($0) && $0.utf8.count <= 100 } ?? true
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
