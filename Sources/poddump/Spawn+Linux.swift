#if os(Linux)
internal import Glibc

/// POSIX_SPAWN_SETSID of <spawn.h>, which Swift's Glibc module hides.
let spawnInNewSession: Int16 = 0x80

/// Says to setpriority(2) that a process group is meant.
let priorityOfGroup = __priority_which_t(PRIO_PGRP.rawValue)

func emptySpawnActions() -> posix_spawn_file_actions_t { posix_spawn_file_actions_t() }
func emptySpawnAttributes() -> posix_spawnattr_t { posix_spawnattr_t() }

/// The environment to hand on.
func environment() -> UnsafeMutablePointer<UnsafeMutablePointer<CChar>?> { environ }

/// The path of this program's file, links resolved (proc(5)); nil without /proc.
func ownPath() -> String? {
  var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
  let count = readlink("/proc/self/exe", &buffer, buffer.count)
  guard count > 0, count < buffer.count else { return nil }
  return String(decoding: buffer[..<count], as: UTF8.self)
}
#endif
