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

  /// A heartbeat that asks the command for its counters: it is sent SIGUSR1. Only a tcpdump that is known to
  /// take that, and runs by then, may be asked (`Plan.answersCounters`).
  package static let question = "?\n"

  /// How much later than the client the far end enforces the time limit, in seconds: the client's own
  /// clock ends the capture in good order, and the far end's is there for when the client is gone.
  static let margin = 15

  /// The script's parameters, for a shell that has the script already.
  package static func parameters(_ argv: [String], ttl: Int) -> [String] {
    [ttl == 0 ? "0" : String(ttl + margin), String(silence)] + argv
  }

  /// What ends the far end and when, in words.
  ///
  /// - Parameters:
  ///   - connection: What carries it: "kubectl".
  ///   - timesReads: Whether the shell there can time a read.
  ///   - means: How a dead connection is noticed there.
  ///   - ttl: The time limit in seconds; 0 for none.
  /// - Returns: A sentence's part for each way to end.
  package static func endings(
    connection: String, timesReads: Bool, by means: String = "the shell there times its reads",
    ttl: Int
  ) -> [String] {
    var endings = [
      "at once when poddump or \(connection) ends, however it ends (end of input)"
    ]
    if timesReads {
      endings.append(
        "\(silence) to \(silence + 5) s after the connection went dead (\(means))")
    } else if ttl == 0 {
      endings.append("never, if the connection goes dead: its shell cannot time its reads")
    } else {
      endings.append(
        "at the time limit, if the connection goes dead: its shell cannot time its reads")
    }
    if ttl > 0 { endings.append("after \(ttl) s in any case (--ttl)") }
    return endings
  }

  /// The script. `$1` time limit in seconds (0: none), `$2` seconds of silence, the rest the command.
  ///
  /// Why it is as it is:
  /// - Standard input moves to descriptor 3, which only the watcher reads: a program that reads its
  ///   input (or a background job, whose input a shell replaces by /dev/null) would eat heartbeats.
  /// - The time limit is a `sleep`, not `timeout`: busybox's forks a watcher that nobody reaps, which
  ///   stays as a zombie in a container whose first process does not wait for strangers.
  /// - Its trap asks for `$!`, which until the sleep is started is the command's: a variable of its own
  ///   would still be empty when the command ends at once, and the sleep stay for a day.
  ///   It kills by SIGKILL: dash and busybox fork with the trap's handler still in place, and a sleep
  ///   that has not begun would swallow a SIGTERM; the shell then waited for it until the time limit.
  /// - SIGTERM, not SIGINT, ends the command: shells start background jobs with SIGINT ignored
  ///   (POSIX.1-2017, 2.11), which only a program that asks for it anyway, as tcpdump does, would hear.
  /// - `read -t` is unknown to dash, whose `read` then returns 2. That is found out first, not by the
  ///   watcher, whose end would leave the subshell to nobody.
  /// - Everything started is ended and waited for, for the same reason; and asked again until it is
  ///   gone, since a signal right before bash's `read -t`, or before a `wait`, is noted and ends neither
  ///   (1 in 1,500 runs). The empty subshell lets the shell take note of the end.
  package static let script = """
    ttl=$1 silence=$2
    shift 2
    exec 3<&0 </dev/null
    (read -t 1 x) 2>/dev/null
    if [ $? = 2 ]; then timed=; else timed="-t $silence"; fi
    "$@" 3<&- &
    p=$!
    t=
    if [ "$ttl" != 0 ]; then
      (
        trap '[ "$!" = "$p" ] || { kill -9 "$!"; wait "$!"; }; exit' TERM
        sleep "$ttl" &
        wait "$!" && kill "$p"
      ) >/dev/null 2>&1 3<&- &
      t=$!
    fi
    (
      while read $timed x <&3; do
        [ "$x" != "?" ] || kill -USR1 "$p" 2>/dev/null
        echo "\(alive)" >&2
      done
      kill "$p" 2>/dev/null
    ) >/dev/null &
    w=$!
    wait "$p"
    rc=$?
    for j in "$w" $t; do
      while kill "$j"; do (:); done
      wait "$j"
    done 2>/dev/null
    exit "$rc"
    """
}
