/// The first process of a container that poddump makes: keeps it alive for captures by kubectl exec, and
/// ends it when nobody has used it for a while, whoever is still there to say so.
enum Caretaker {
  /// How long an unused container of ours stays, in seconds, for the next capture.
  static let idle = 300

  /// How often it looks, in seconds.
  private static let interval = 15

  /// How long a container lives that is made for a capture: beyond its time limit long enough for the next ones to
  /// use it again.
  ///
  /// - Parameter ttl: The capture's time limit in seconds; 0 for none.
  /// - Returns: Seconds; 0 for ever.
  static func lifetime(ttl: Int) -> Int {
    ttl == 0 ? 0 : max(ttl, CaptureRequest.defaultTTL) + CaptureRequest.defaultTTL
  }

  /// The container's command. It needs `sh` and `sleep`, and `grep` to know that it is not used.
  ///
  /// - Parameters:
  ///   - name: The container's name, `poddump-…`: it stands in the command line of every capture in it.
  ///   - lifetime: When it ends at the latest, in seconds; 0 for never.
  ///   - image: The image that was asked for, which a mutating webhook may replace by another; for `Terms`.
  /// - Returns: What is run there.
  static func command(name: String, lifetime: Int, image: String) -> [String] {
    let parts = name.split(separator: "-", maxSplits: 1).map(String.init)
    return [
      "sh", "-c", script, name, String(lifetime), String(idle / interval), String(interval),
      parts.first ?? "", parts.last ?? "", image,
    ]
  }

  /// What the command of a container of ours says about it.
  struct Terms: Equatable {
    var lifetime: Int
    var image: String

    /// Reads a container's command; nil for any other than ours.
    init?(_ command: [String]) {
      guard command.count == 10, let lifetime = Int(command[4]) else { return nil }
      self.lifetime = lifetime
      image = command[9]
    }
  }

  /// `$1` seconds to live (0: no limit), `$2` how often in a row nobody may be found, `$3` seconds between,
  /// `$4` and `$5` the name, cut in two, so that the pattern does not find itself (proc_pid_cmdline(5)); `$6`, the
  /// image, is for whoever reads the pod.
  ///
  /// As the first process it would ignore SIGTERM without the trap. The subshell becomes grep: bash would
  /// else have a second process with the shell's own command line. What cannot look ends by its time only.
  static let script = """
    trap 'exit 0' TERM INT
    left=$1 most=$2 step=$3 a=$4 b=$5 idle=0
    while [ "$idle" -lt "$most" ]; do
      [ "$1" = 0 ] || [ "$left" -gt 0 ] || exit 0
      sleep "$step" &
      wait "$!"
      left=$((left - step))
      used=0
      for p in $(exec grep -ls "$a[-]$b" /proc/[0-9]*/cmdline 2>/dev/null); do used=$((used + 1)); done
      if [ "$used" = 1 ]; then idle=$((idle + 1)); else idle=0; fi
    done
    """
}
