internal import Extcap

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// Has the listings made anew by a child that outlives us and holds none of our descriptors, unless one
/// is at it or was a moment ago. Call it last.
func refresh(_ cache: ListingCache) {
  do {
    guard let lock = RefreshLock(cache), lock.mayStart(at: Int64(time(nil))) else { return }
    // The lock is let go here; poddump takes it again for as long as it works.
  }
  guard let path = Sibling.path() else { return }
  // Whatever Wireshark left open in us must not be held open by the child, whose reader would wait.
  for descriptor in (STDERR_FILENO + 1)..<256 { close(descriptor) }
  var actions = emptySpawnActions()
  posix_spawn_file_actions_init(&actions)
  defer { posix_spawn_file_actions_destroy(&actions) }
  for descriptor in STDIN_FILENO...STDERR_FILENO {
    posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_RDWR, 0)
  }
  var attributes = emptySpawnAttributes()
  posix_spawnattr_init(&attributes)
  defer { posix_spawnattr_destroy(&attributes) }
  posix_spawnattr_setflags(&attributes, spawnInNewSession)
  var arguments = [strdup(path), strdup("extcap"), strdup("--refresh"), nil]
  var child: pid_t = 0
  posix_spawn(&child, path, &actions, &attributes, &arguments, environment())
}
