#if canImport(Darwin)
internal import Darwin

/// When a process was started, in seconds and microseconds since 1970 (libproc.h); nil when there is no
/// such process, or only its exit status is left.
func processStart(_ pid: Int32) -> String? {
  var info = proc_bsdinfo()
  let size = Int32(MemoryLayout<proc_bsdinfo>.size)
  guard proc_pidinfo(pid, PROC_PIDTBSDINFO, 0, &info, size) == size, info.pbi_status != SZOMB
  else { return nil }
  return "\(info.pbi_start_tvsec).\(info.pbi_start_tvusec)"
}

/// What tells this machine from all others: the hardware's UUID (gethostuuid(3)); nil if the system does not say.
func machineMark() -> String? {
  var bytes = [UInt8](repeating: 0, count: 16)
  var patience = timespec(tv_sec: 1, tv_nsec: 0)
  guard gethostuuid(&bytes, &patience) == 0 else { return nil }
  return bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
}
#endif
