#if os(Linux)
internal import Glibc

/// When a process was started: the boot's identifier and the clock ticks from there (proc_pid_stat(5),
/// field 22); nil when there is no such process, or only its exit status is left.
func processStart(_ pid: Int32) -> String? {
  guard let stat = smallFile("/proc/\(pid)/stat"),
    // The name stands in parentheses and may hold anything.
    let close = stat.lastIndex(of: ")")
  else { return nil }
  let fields = stat[stat.index(after: close)...].split(whereSeparator: \.isWhitespace)
  guard fields.count > 19, !["Z", "X", "x"].contains(fields[0]), UInt64(fields[19]) != nil else {
    return nil
  }
  let boot = smallFile("/proc/sys/kernel/random/boot_id")?.prefix(8) ?? "unknown"
  return "\(boot).\(fields[19])"
}

/// A file of /proc, at most 4 KiB of it.
private func smallFile(_ path: String) -> String? {
  let file = open(path, O_RDONLY | O_CLOEXEC)
  guard file >= 0 else { return nil }
  defer { close(file) }
  var buffer = [UInt8](repeating: 0, count: 4096)
  let count = read(file, &buffer, buffer.count)
  return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : nil
}
#endif
