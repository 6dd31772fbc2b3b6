#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// A process as /proc shows it (proc_pid_stat(5)).
package struct ProcessEntry: Sendable, Equatable, CustomStringConvertible {
  package let pid: Int32
  package let name: String
  /// "Z" for one that nobody has waited for.
  package let state: String
  package let parent: Int32
  package let group: Int32
  package let session: Int32

  package var description: String { "\(pid) \(name) \(state)" }
}

/// The processes of this machine. Plain system calls: tests look often, and side by side.
package enum ProcessTable {
  /// All processes that can be seen.
  package static func all() -> [ProcessEntry] {
    guard let folder = opendir("/proc") else { return [] }
    defer { closedir(folder) }
    var entries: [ProcessEntry] = []
    while let item = readdir(folder) {
      let name = withUnsafeBytes(of: &item.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if let pid = Int32(name), let entry = entry(pid) { entries.append(entry) }
    }
    return entries
  }

  /// The processes of a session, zombies too.
  package static func session(_ id: Int32) -> [ProcessEntry] { all().filter { $0.session == id } }

  /// The processes of a group, zombies too.
  package static func group(_ id: Int32) -> [ProcessEntry] { all().filter { $0.group == id } }

  /// One process; nil when there is none.
  package static func entry(_ pid: Int32) -> ProcessEntry? {
    let descriptor = open("/proc/\(pid)/stat", O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var buffer = [UInt8](repeating: 0, count: 1024)
    let count = read(descriptor, &buffer, buffer.count)
    guard count > 0 else { return nil }
    let text = String(decoding: buffer[..<count], as: UTF8.self)
    // The name stands in parentheses and may hold anything.
    guard let open = text.firstIndex(of: "("), let close = text.lastIndex(of: ")") else {
      return nil
    }
    let rest = text[text.index(after: close)...].split(separator: " ")
    guard rest.count > 3, let parent = Int32(rest[1]), let group = Int32(rest[2]),
      let session = Int32(rest[3])
    else { return nil }
    return ProcessEntry(
      pid: pid, name: String(text[text.index(after: open)..<close]), state: String(rest[0]),
      parent: parent, group: group, session: session)
  }
}
