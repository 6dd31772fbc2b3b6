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

/// What tells this machine from all others, and a container with processes of its own from its host, as long
/// as it runs: the boot's identifier and the namespace that process IDs are counted in (pid_namespaces(7)); nil
/// without /proc.
///
/// Not /etc/machine-id, which copies of a machine and containers of one image share.
func machineMark() -> String? {
  var status = stat()
  guard let boot = smallFile("/proc/sys/kernel/random/boot_id")?.prefix(36), boot.count == 36,
    stat("/proc/self/ns/pid", &status) == 0
  else { return nil }
  return "\(boot).\(status.st_ino)"
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
