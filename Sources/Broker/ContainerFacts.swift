internal import Base
internal import Cluster

/// What was found out inside a container, in one round trip.
package struct ContainerFacts: Sendable, Equatable {
  /// Where tcpdump is, or nil.
  package var tcpdump: String?
  /// The first line of `tcpdump --version`.
  package var version: String?
  /// Where bash is, or nil.
  package var bash: String?
  /// Whether the container's `sh` can time a read (`read -t`).
  package var shTimesReads = false
  /// Whether there is a `sleep`, which the time limit needs.
  package var hasSleep = false
  /// The effective user ID of a process started there.
  package var uid: UInt32?
  /// Linux capability sets (capabilities(7)), bit numbers as in linux/capability.h.
  package var effective: UInt64?
  package var bounding: UInt64?
  /// Whether file capabilities are ignored there (no_new_privs in proc_pid_status(5)).
  package var noNewPrivileges = false
  /// Whether tcpdump there could open an interface; true where nobody tried.
  package var opens = true
  /// The machine's name as uname(1) has it, or nil.
  package var machine: String?
  /// The programs there that putting a file there takes.
  package var programs: Set<String> = []
  /// Of the directories asked about, those where a file may be written and run, in their order.
  package var directories: [String] = []
  /// The names in /proc/net/dev.
  package var interfaces: [String] = []

  package init() {}

  /// The programs that are needed to put a file there and to check it.
  static let placingPrograms = ["cat", "chmod", "rm", "head", "sha256sum", "tar", "wc"]

  /// Where a file may be put that is to be run: `$@` are the directories. It changes nothing, so that whether they
  /// are any good is read from their rights and their mounts.
  ///
  /// The root, whose path is nothing but the slash, has a variable of its own: bash 5.2 matches no pattern
  /// that begins with a quoted expansion like `"${m%/}"` if nothing is left of it.
  static let directoryQuestions = #"""
    for d in "$@"; do
      [ -d "$d" ] && [ -w "$d" ] && [ -x "$d" ] && echo "dir=$d"
    done
    while read -r x m t o x; do
      r=${m%/}
      for d in "$@"; do
        case $d/ in "$r"/*) echo "mount=$m $o"; break ;; esac
      done
    done </proc/self/mounts
    """#

  /// What is asked of every far end. Constant; needs a POSIX shell and nothing else. It prints `name=value`
  /// lines; the scripts that hold it end them with `end=`, so that an answer cut short is noticed. Where there is no uname, Linux 6.1 and later say what
  /// it would (proc_sys_kernel(5), arch). A tcpdump that is not run by root tries the loopback: its file may
  /// have the capability.
  static let questions = """
    for n in tcpdump bash; do
      p=$(command -v "$n") && echo "$n=$p"
    done
    for n in sleep \(placingPrograms.joined(separator: " ")); do
      command -v "$n" >/dev/null && echo "$n=yes"
    done
    (read -t 1 x </dev/null) 2>/dev/null
    [ $? = 2 ] || echo timed=yes
    while read -r k v e x; do case $k in
      Uid:) u=$e; echo "uid=$e" ;;
      CapEff: | CapBnd: | NoNewPrivs:) echo "$k=$v" ;;
    esac; done </proc/self/status
    while read -r k x; do case $k in *:*) echo "if=${k%%:*}" ;; esac; done </proc/net/dev
    if command -v uname >/dev/null; then
      echo "machine=$(uname -m)"
    elif read -r v </proc/sys/kernel/arch; then
      echo "machine=$v"
    fi 2>/dev/null
    if command -v tcpdump >/dev/null; then
      tcpdump --version 2>&1 | { read -r v; echo "version=$v"; }
      [ "$u" = 0 ] || tcpdump -L -i lo >/dev/null 2>&1 || echo opens=no
    fi
    """

  /// Reads the script's answer; nil when it has no end. Unknown lines are skipped; names that no
  /// interface can have are too.
  ///
  /// - Parameter answer: What the far end printed: hostile until read.
  package init?(answer: String) {
    var complete = false
    var mounts: [Substring: Bool] = [:]
    for line in answer.split(separator: "\n", omittingEmptySubsequences: true) {
      guard let equals = line.firstIndex(of: "=") else { continue }
      let value = String(line[line.index(after: equals)...])
      switch line[..<equals] {
      case "tcpdump": tcpdump = Self.path(value)
      case "bash": bash = Self.path(value)
      case "sleep": hasSleep = true
      case "timed": shTimesReads = true
      case "uid": uid = UInt32(value)
      case "CapEff:": effective = UInt64(value, radix: 16)
      case "CapBnd:": bounding = UInt64(value, radix: 16)
      case "NoNewPrivs:": noNewPrivileges = value == "1"
      case "opens": opens = value != "no"
      case "if": if isInterfaceName(value), interfaces.count < 256 { interfaces.append(value) }
      case "machine": machine = printable(value, limit: 32)
      case "version": version = printable(value, limit: 100)
      case "dir":
        if let path = Self.path(value), directories.count < 64 { directories.append(path) }
      case "mount":
        let parts = line[equals...].dropFirst().split(separator: " ", maxSplits: 1)
        guard parts.count == 2, mounts.count < 256 else { continue }
        let options = parts[1].split(separator: ",")
        // Mounts are listed in the order in which they cover each other.
        mounts[parts[0]] = !options.contains("noexec") && !options.contains("ro")
      case let name where Self.placingPrograms.contains(String(name)):
        programs.insert(String(name))
      case "end": complete = true
      default: break
      }
    }
    guard complete else { return nil }
    directories = directories.filter { directory in
      let holding = mounts.filter { mount, _ in
        mount == "/" || directory == mount || directory.hasPrefix(mount + "/")
      }
      return holding.max { $0.key.count < $1.key.count }?.value ?? true
    }
  }

  /// A path is only believed when it is one: absolute, and of ordinary characters.
  private static func path(_ value: String) -> String? {
    let ordinary = value.unicodeScalars.allSatisfy { $0.value > 0x20 && $0.value < 0x7f }
    return value.hasPrefix("/") && ordinary && value.utf8.count < 1024 ? value : nil
  }
}

/// The capabilities that matter here, as bits of the sets in /proc/self/status.
package enum Capability {
  /// CAP_KILL, 5: signalling another user's process.
  package static let kill: UInt64 = 1 << 5
  /// CAP_SETGID, 6.
  package static let setgid: UInt64 = 1 << 6
  /// CAP_SETUID, 7.
  package static let setuid: UInt64 = 1 << 7
  /// CAP_NET_RAW, 13: opening a packet socket (packet(7)).
  package static let netRaw: UInt64 = 1 << 13
}

extension ContainerFacts {
  /// Where an engine could be put: what the pod's author meant to be written to, then what Linux has.
  static func directories(of container: Container) -> [String] {
    var directories: [String] = []
    for path in container.writableMounts + ["/tmp", "/var/tmp", "/run", "/dev/shm", "/"]
    where !directories.contains(path) { directories.append(path) }
    return directories
  }
}

/// Whether the kernel would take a text as an interface's name: 1 to 15 bytes without `/`, blanks or
/// control characters (net/core/dev.c, dev_valid_name), and, ours, not beginning with a dash.
package func isInterfaceName(_ name: String) -> Bool {
  let bytes = name.utf8
  guard (1...15).contains(bytes.count), bytes.first != UInt8(ascii: "-") else { return false }
  guard name != ".", name != ".." else { return false }
  return bytes.allSatisfy {
    $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: ":")
  }
}
