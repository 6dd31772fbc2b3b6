internal import Base
internal import Cluster

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Darwin)
internal import Darwin
#endif

/// The Wireshark on this machine.
enum Wireshark {
  /// A program of Wireshark's by its name (`wireshark`, `tshark`); nil where there is none.
  static func program(_ name: String) -> String? {
    let application = "/Applications/Wireshark.app/Contents/MacOS"
    return KubectlFinder.find(
      name, in: KubectlFinder.directories(environmentValue) + [application])
  }

  /// Wireshark, if there is a screen that it could open on.
  static func onScreen() -> String? {
    #if canImport(Glibc)
    guard environmentValue("DISPLAY") != nil || environmentValue("WAYLAND_DISPLAY") != nil else {
      return nil
    }
    return program("wireshark")
    #else
    return program("Wireshark") ?? program("wireshark")
    #endif
  }

  /// Starts Wireshark reading from a pipe. It stays open when the capture ends, so that nobody waits
  /// for it and nothing ends it.
  ///
  /// - Parameter program: Wireshark's path.
  /// - Returns: The pipe's writing end.
  /// - Throws: `Failure` when it cannot be started.
  static func open(_ program: String) throws(Failure) -> OwnedFD {
    let pipe = try Pipe(bufferSize: Pipe.packetBufferSize)
    var actions = emptySpawnActions()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, pipe.reader.raw, STDIN_FILENO)
    for descriptor in [STDOUT_FILENO, STDERR_FILENO] {
      posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_WRONLY, 0)
    }
    var attributes = emptySpawnAttributes()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    // A process group of its own: Ctrl-C ends the capture, not the window.
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
    var words = [program, "-k", "-i", "-"].map { strdup($0) } + [nil]
    defer { for word in words { free(word) } }
    var child: pid_t = 0
    let code = posix_spawn(&child, program, &actions, &attributes, &words, environ)
    guard code == 0 else { throw .system("Cannot start \(program).", errno: code) }
    return pipe.writer
  }
}
