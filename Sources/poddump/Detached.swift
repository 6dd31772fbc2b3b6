internal import Base

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// Starts a program that outlives us: in a session of its own, so that no Ctrl-C meant for us reaches
/// it, holding none of our descriptors but its input, and hearing every signal again.
///
/// - Parameters:
///   - program: The program's path.
///   - arguments: Its arguments.
///   - input: What becomes its standard input; nil for /dev/null.
/// - Throws: `Failure` when it cannot be started.
func startDetached(
  _ program: String, _ arguments: [String], input: OwnedFD? = nil
) throws(Failure) {
  var actions = emptySpawnActions()
  posix_spawn_file_actions_init(&actions)
  defer { posix_spawn_file_actions_destroy(&actions) }
  if let input {
    posix_spawn_file_actions_adddup2(&actions, input.raw, STDIN_FILENO)
  } else {
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
  }
  for descriptor in [STDOUT_FILENO, STDERR_FILENO] {
    posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_WRONLY, 0)
  }
  var attributes = emptySpawnAttributes()
  posix_spawnattr_init(&attributes)
  defer { posix_spawnattr_destroy(&attributes) }
  // We ignore the signals that we turn into requests, and Dispatch's threads block them all; a
  // Wireshark that inherited that could only be killed.
  var none = sigset_t()
  sigemptyset(&none)
  var all = sigset_t()
  sigfillset(&all)
  posix_spawnattr_setsigmask(&attributes, &none)
  posix_spawnattr_setsigdefault(&attributes, &all)
  posix_spawnattr_setflags(
    &attributes,
    spawnInNewSession | Int16(POSIX_SPAWN_SETSIGMASK) | Int16(POSIX_SPAWN_SETSIGDEF))
  var words: [UnsafeMutablePointer<CChar>?] = []
  for word in [program] + arguments { words.append(strdup(word)) }
  words.append(nil)
  defer { for word in words { free(word) } }
  // What our own parent left open in us is not passed on: whoever waits for its end would wait for a
  // program that outlives us.
  for descriptor in (STDERR_FILENO + 1)..<256 { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
  var child: pid_t = 0
  let code = posix_spawn(&child, program, &actions, &attributes, &words, environment())
  guard code == 0 else { throw .system("Cannot start \(program).", errno: code) }
}

/// Lets everything else go first, for this process and all that it starts; only where it leads a group of
/// its own, as a detached one does.
func yieldToOthers() {
  guard getpgrp() == getpid() else { return }
  _ = setpriority(priorityOfGroup, 0, 10)
}
