/// The one piece of shell that starts, watches and ends a process at the far end, whatever the
/// transport: a dead-man switch on standard input, a heartbeat, and a time limit.
///
/// It is constant; everything variable reaches it as positional parameters, never as text. It needs
/// a POSIX shell and `sleep`, and was tried in dash, bash and busybox sh.
package enum Stanza {
  /// How often the client writes a newline to the far end's standard input. Any byte would do; a
  /// newline is harmless if a shell reads ahead. It also defeats idle cuts by balancers.
  package static let heartbeat = Duration.seconds(5)

  /// How long the far end waits for a heartbeat, in seconds, before it takes silence for death, where
  /// its shell can time a read (bash, busybox; not dash): four heartbeats.
  package static let silence = 20

  /// What the far end answers to each heartbeat on standard error, so that the client notices a dead
  /// connection as well: without it only the next packet would tell, which an idle pod never sends.
  package static let alive = "poddump: alive"

  /// How much later than the client the far end enforces the time limit, in seconds: the client's own
  /// clock ends the capture in good order, and the far end's is there for when the client is gone.
  static let margin = 15

  /// The words after the container's own: a shell, the script and its parameters.
  ///
  /// - Parameters:
  ///   - argv: The program to run and its arguments.
  ///   - shell: The shell there: `bash` where there is one, since it can time its reads.
  ///   - ttl: The time limit in seconds; 0 for none.
  package static func wrap(_ argv: [String], shell: String, ttl: Int) -> [String] {
    [shell, "-c", script, "poddump", ttl == 0 ? "0" : String(ttl + margin), String(silence)] + argv
  }

  /// The script. `$1` time limit in seconds (0: none), `$2` seconds of silence, the rest the command.
  ///
  /// Why it is as it is:
  /// - Standard input moves to descriptor 3, which only the watcher reads: a program that reads its
  ///   input (or a background job, whose input a shell replaces by /dev/null) would eat heartbeats.
  /// - The time limit is a `sleep`, not `timeout`: busybox's forks a watcher that nobody reaps, which
  ///   stays as a zombie in a container whose first process does not wait for strangers.
  /// - `read -t` is unknown to dash, whose `read` then returns 2.
  /// - Everything started is ended and waited for, for the same reason.
  package static let script = """
    ttl=$1 silence=$2
    shift 2
    exec 3<&0 </dev/null
    "$@" 3<&- &
    p=$!
    t=
    if [ "$ttl" != 0 ]; then
      (
        trap 'kill "$s"; wait "$s"; exit' TERM
        sleep "$ttl" &
        s=$!
        wait "$s" && kill -s INT "$p"
      ) >/dev/null 2>&1 3<&- &
      t=$!
    fi
    (
      (read -t 1 x </dev/null) 2>/dev/null
      if [ $? = 2 ]; then timed=; else timed="-t $silence"; fi
      while read $timed x <&3; do echo "\(alive)" >&2; done
      kill "$p" 2>/dev/null
    ) >/dev/null &
    w=$!
    wait "$p"
    rc=$?
    { kill "$w" $t; wait "$w" $t; } 2>/dev/null
    exit "$rc"
    """
}
