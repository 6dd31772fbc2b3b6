package import Base

/// What the exit status and the last words of a program mean that ran at the far end, whatever program it
/// is. Statuses from 126 are those of the shell (POSIX, Shell Command Language 2.8.2).
package enum ExitCause: Sendable, Equatable {
  /// No process, thread or memory was left for another one.
  case processLimit
  /// 126: it is there and cannot be run.
  case notExecutable
  /// Built for another architecture.
  case wrongArchitecture
  /// 127: it is not there.
  case missing
  /// 137: SIGKILL, by a person, the end of the container, or the kernel for want of memory.
  case killed
  /// 143: SIGTERM.
  case terminated
  /// 139 and the like: a crash.
  case crashed(signal: Int32)
  /// A time limit of timeout(1) was reached (124).
  case timeLimit
  /// It gave up by itself; its last words.
  case gaveUp(status: Int32, words: String)

  /// Reads status and words.
  ///
  /// - Parameters:
  ///   - status: The exit status; 0 reads as giving up without a reason.
  ///   - messages: What was written to standard error, or the end of it.
  package init(status: Int32, messages: String) {
    let lines = messages.split(whereSeparator: \.isNewline).filter {
      !$0.hasPrefix("command terminated with exit code ")
    }
    // A program that goes on after such words and ends well has not failed.
    if lines.contains(where: Self.isLimit), status != 0 {
      self = .processLimit
      return
    }
    if status != 0, lines.contains(where: { $0.contains("xec format error") }) {
      self = .wrongArchitecture
      return
    }
    switch status {
    case 124: self = .timeLimit
    case 126: self = .notExecutable
    case 127: self = .missing
    case 137: self = .killed
    case 143: self = .terminated
    case 132, 134, 135, 136, 139: self = .crashed(signal: status - 128)
    default: self = .gaveUp(status: status, words: printable(lines.last ?? "", limit: 200))
    }
  }

  /// How shells (dash, bash, busybox) and Go's runtime say that there is no process left; measured with a
  /// limit of processes.
  private static func isLimit(_ line: Substring) -> Bool {
    line.hasSuffix("Cannot fork") || line.hasSuffix("fork: Resource temporarily unavailable")
      || line.hasSuffix("fork: retry: Resource temporarily unavailable")
      || line.hasSuffix("pthread_create failed: Resource temporarily unavailable")
      || line.contains("read init-p: connection reset by peer")
  }

  /// The failure that the user sees.
  ///
  /// - Parameters:
  ///   - what: What was tried, a full sentence.
  ///   - program: The program's name.
  ///   - place: Where it ran: "the container", "node n1".
  ///   - detail: The far end's own words, already printable.
  /// - Returns: What, why and what to do.
  package func failure(
    _ what: String, program: String, place: String, detail: String? = nil
  ) -> Failure {
    let there = place.hasPrefix("node ") ? "on \(place)" : "in \(place)"
    let elsewhere =
      place == "the container" ? "Use another route, or another container." : "Use another route."
    let (kind, why, fix): (Failure.Kind, String, String) =
      switch self {
      case .processLimit:
        (
          .noRoute,
          "No other process can be started \(there): its limit of processes is reached.",
          "Use a route that starts nothing there: debug, ssh or node."
        )
      case .notExecutable:
        (
          .noRoute,
          "\(program) cannot be run \(there) (exit status 126): it may not be executed, or lies on a "
            + "file system mounted noexec.", elsewhere
        )
      case .wrongArchitecture:
        (
          .noRoute, "\(program) \(there) is built for another architecture.",
          "Use a file of the node's own architecture."
        )
      case .missing:
        (
          .noRoute, "There is no \(program) \(there).", elsewhere
        )
      case .killed:
        (
          .other, "\(program) was killed \(there) (exit status 137).",
          "The container was stopped, or memory was short: see kubectl describe pod."
        )
      case .terminated:
        (
          .other, "\(program) was ended \(there) (exit status 143).",
          "The container or the pod is being stopped; start again when it runs."
        )
      case .crashed(let signal):
        (
          .other, "\(program) crashed \(there) (signal \(signal)).",
          "Use another build of it, or another route."
        )
      case .timeLimit:
        (.other, "\(program) reached its time limit \(there).", "Start again.")
      case .gaveUp(let status, let words):
        (
          .other,
          "\(program) \(there) ended with exit status \(status)"
            + (words.isEmpty ? " without a word." : " and said: \(words)."),
          "Run again with -v to see everything it said."
        )
      }
    return Failure(kind, what, why: why, fix: fix, detail: detail)
  }
}
