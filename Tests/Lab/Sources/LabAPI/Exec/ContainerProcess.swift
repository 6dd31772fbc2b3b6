#if canImport(Glibc)
internal import Glibc
#else
internal import Darwin
#endif
internal import CSpawn
internal import Foundation

/// A process with pipes, started as a container runtime starts one: in a session of its own, with
/// the signals as they are at first, and with no descriptors but the three.
struct ContainerProcess {
  /// How a process ended.
  enum End: Sendable, Equatable {
    case exited(Int32)
    case signaled(Int32)

    /// The exit code as a container runtime reports it.
    var code: Int32 {
      switch self {
      case .exited(let code): code
      case .signaled(let signal): 128 + signal
      }
    }
  }

  struct Failure: Error {
    var errno: Int32
  }

  let pid: pid_t
  /// Our ends of the pipes; nil for what nobody asked for. They belong to whoever starts a process.
  let stdin: Int32?
  let stdout: Int32?
  let stderr: Int32?

  /// Between a process and the client's connection a real cluster has two pipes of 64 KiB each, the
  /// process's own and containerd's FIFO. One twice as large stands for both.
  private static let pipeSize: Int32 = 128 * 1024

  /// Starts a program.
  /// - Parameters:
  ///   - arguments: the program, searched in PATH, and its arguments.
  ///   - stdin: whether there is a pipe to it; else it reads `/dev/null`.
  ///   - stdout: whether there is a pipe for it; else it goes to `/dev/null`.
  ///   - stderr: likewise.
  /// - Returns: the process, which runs.
  /// - Throws: ``Failure``
  static func start(_ arguments: [String], stdin: Bool, stdout: Bool, stderr: Bool) throws -> Self {
    var actions = posix_spawn_file_actions_t()
    var attributes = posix_spawnattr_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawnattr_init(&attributes)
    defer {
      posix_spawn_file_actions_destroy(&actions)
      posix_spawnattr_destroy(&attributes)
    }
    var ours: [Int32?] = []
    var theirs: [Int32] = []
    defer { for descriptor in theirs { close(descriptor) } }
    do {
      for (number, wanted) in [stdin, stdout, stderr].enumerated() {
        guard wanted else {
          posix_spawn_file_actions_addopen(
            &actions, Int32(number), "/dev/null", number == 0 ? O_RDONLY : O_WRONLY, 0)
          ours.append(nil)
          continue
        }
        let (reading, writing) = try makePipe()
        ours.append(number == 0 ? writing : reading)
        theirs.append(number == 0 ? reading : writing)
        posix_spawn_file_actions_adddup2(
          &actions, number == 0 ? reading : writing, Int32(number))
      }
      // SIGPIPE is ignored here, and what is ignored would stay so in the program.
      var all = sigset_t()
      sigfillset(&all)
      posix_spawnattr_setsigdefault(&attributes, &all)
      var none = sigset_t()
      sigemptyset(&none)
      posix_spawnattr_setsigmask(&attributes, &none)
      lab_spawn_close_from(&actions, 3)
      let flags = Int16(POSIX_SPAWN_SETSIGDEF) | Int16(POSIX_SPAWN_SETSIGMASK)
      posix_spawnattr_setflags(&attributes, flags | lab_spawn_session_flags())
      var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
      defer { for word in words { free(word) } }
      var pid = pid_t()
      guard let program = words[0] else { throw Failure(errno: EINVAL) }
      let error = posix_spawnp(&pid, program, &actions, &attributes, &words, environ)
      guard error == 0 else { throw Failure(errno: error) }
      return ContainerProcess(pid: pid, stdin: ours[0], stdout: ours[1], stderr: ours[2])
    } catch {
      for case let descriptor? in ours { close(descriptor) }
      throw error
    }
  }

  /// Waits for the end on a thread of its own; `report` is called there.
  func whenEnded(_ report: @escaping @Sendable (End) -> Void) {
    let pid = self.pid
    let thread = Thread {
      var status: Int32 = 0
      while waitpid(pid, &status, 0) == -1, errno == EINTR {}
      let signal = status & 0x7f
      report(signal == 0 ? .exited((status >> 8) & 0xff) : .signaled(signal))
    }
    thread.stackSize = 256 * 1024
    thread.start()
  }

  private static func makePipe() throws -> (reading: Int32, writing: Int32) {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { throw Failure(errno: errno) }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    lab_set_pipe_size(ends[1], pipeSize)
    return (ends[0], ends[1])
  }
}
