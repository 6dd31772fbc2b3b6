#if canImport(Darwin)
internal import Darwin
internal import MachO

/// A session of its own for the child (posix_spawnattr_setflags(3)).
let spawnInNewSession = Int16(POSIX_SPAWN_SETSID)

/// Says to setpriority(2) that a process group is meant.
let priorityOfGroup = PRIO_PGRP

func emptySpawnActions() -> posix_spawn_file_actions_t? { nil }
func emptySpawnAttributes() -> posix_spawnattr_t? { nil }

/// The environment to hand on (environ(7): programs get at it through this function).
func environment() -> UnsafeMutablePointer<UnsafeMutablePointer<CChar>?> {
  _NSGetEnviron().pointee
}

/// The path of this program's file, links resolved (dyld(3), realpath(3)).
func ownPath() -> String? {
  var size = UInt32(PATH_MAX)
  var buffer = [CChar](repeating: 0, count: Int(size))
  guard _NSGetExecutablePath(&buffer, &size) == 0, let path = realpath(buffer, nil) else {
    return nil
  }
  defer { free(path) }
  return String(cString: path)
}
#endif
