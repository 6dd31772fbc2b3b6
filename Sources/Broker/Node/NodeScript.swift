internal import SSH

/// What a node is asked, before anything is decided.
package struct NodeQuestion: Sendable, Equatable {
  /// How a pod's process is looked for, in the order in which it is tried.
  package enum Way: String, Sendable, CaseIterable {
    /// By the container's ID, then by the pod's UID, in /proc/PID/cgroup.
    case cgroup, uid
    /// By the pod's address, in /proc/PID/net.
    case address
    /// By the container runtimes' own commands.
    case runtime
  }

  /// Container IDs, 64 hexadecimal digits each; the chosen container's first. Empty for a node.
  package var containerIDs: [String] = []
  /// The pod's UID, and for a static pod its hash.
  package var uids: [String] = []
  /// The pod's addresses.
  package var addresses: [IPAddress] = []
  /// "namespace.pod", of which some network plugins make the interface's name.
  package var name = ""
  package var ways = Way.allCases
  /// Whether sudo may be asked what it allows, where the user is not root.
  package var mayUseSudo = true

  /// Asks about a node itself.
  package init() {}

  /// The words of the question, in the order of the script's parameters.
  var words: [String] {
    [
      containerIDs.joined(separator: " "), uids.joined(separator: " "),
      addresses.map(\.pattern).joined(separator: " "),
      addresses.map(\.text).joined(separator: " "), name,
      ways.map(\.rawValue).joined(separator: " "), mayUseSudo ? "yes" : "no",
    ]
  }
}

/// The one piece of shell that a node runs: it answers a question with facts, waits for the order, and
/// becomes the stanza. One connection, one process, and nothing is decided in it.
///
/// It needs a POSIX shell and what is there of grep, ip, nsenter and the rest; it was tried in dash, bash
/// and busybox sh.
package enum NodeScript {
  /// The line that the answer begins with: whatever comes before it is a greeting.
  package static let greeting = "poddump: facts"

  /// The line that the answer ends with.
  static let answered = "end="
  /// The line that says that a file was put there, or was not.
  static let placed = "placed="

  /// The command that the login shell is given: constant, without anything that any shell (POSIX shells,
  /// rbash, fish, csh) would read more into, so that nothing of ours or the user's reaches that shell.
  ///
  /// It becomes root if it can, prefers bash, which can time its reads, and reads the script from
  /// standard input. `SSH_CONNECTION`, which sudo takes away, comes along as parameters.
  ///
  /// - Parameter sudo: Whether sudo may be tried.
  /// - Returns: One command line.
  package static func loader(sudo: Bool) -> String {
    let root =
      sudo
      ? #"test "$(id -u)" = 0 || { sudo -n "$s" -c : && exec sudo -n "$s" -s $SSH_CONNECTION; }; "#
      : ""
    return #"sh -c 's=$(command -v bash || echo sh); \#(root)exec "$s" -s $SSH_CONNECTION'"#
  }

  /// What is written to the far end's standard input first: the script, and the question.
  ///
  /// All of it is one function, so that the shell has read it to the end before it runs: the stanza
  /// takes standard input away.
  package static func text(_ question: NodeQuestion) -> String {
    """
    poddump_ssh=$*
    poddump() {
    \(look)
    echo \(answered)
    \(order)
    \(Stanza.script)
    }
    poddump \(question.words.map(ShellWord.quote).joined(separator: " "))

    """
  }

  /// What may be written next, before the file's bytes: where an engine goes. Where it runs, the answer has its
  /// SHA-256, or its size where nothing there computes one (`Placement.arrival`).
  static func put(path: String, size: Int, isTap: Bool) -> String {
    "put\n\(path)\n\(size)\n\(isTap ? "--facts" : "--version")\n"
  }

  /// What is written next: the words of the stanza, one a line, after their number.
  ///
  /// - Returns: nil if a word cannot be sent: it has a line end or a NUL, which no command line of ours
  ///   has.
  package static func order(_ words: [String]) -> String? {
    guard words.allSatisfy({ !$0.utf8.contains { $0 == 0x0a || $0 == 0 } }) else { return nil }
    return ([String(words.count)] + words).map { $0 + "\n" }.joined()
  }

  /// Reads the order. Without one, everything ends: at once at the end of input, and after a while where
  /// the shell can time its reads, since a connection may have gone dead in between.
  ///
  /// Whatever becomes of a file, all its bytes are read: the next would be taken for an order. The shell stays
  /// until its engine has ended, and removes the file that the engine may not have removed.
  static let order = """
    (read -t 1 x </dev/null) 2>/dev/null
    if [ $? = 2 ]; then t=; else t="-t 60"; fi
    f=
    trap '[ -z "$f" ] || rm -f "$f"' EXIT
    while
      IFS= read -r $t n || exit 0
      [ "$n" = put ]
    do
      [ -z "$f" ] || rm -f "$f"
      IFS= read -r $t f && IFS= read -r $t s && IFS= read -r $t a || exit 0
      (
        umask 077
        head -c "$s" | { cat >"$f" || { cat >/dev/null; exit 1; }; } && chmod 700 "$f" && echo &&
          "$f" "$a" 2>&1 </dev/null && {
          if command -v sha256sum >/dev/null; then
            sha256sum <"$f" | { read -r s x && echo "sha256=$s"; }
          elif command -v wc >/dev/null; then echo "size=$(($(wc -c <"$f")))"
          else echo "size=$s"; fi
        }
      ) || rm -f "$f"
      echo
      echo \(placed)
    done
    set --
    while [ "$n" -gt 0 ]; do
      IFS= read -r $t x || exit 0
      set -- "$@" "$x"
      n=$((n - 1))
    done
    [ "$1" != \(direct) ] || {
      shift
      "$@"
      exit
    }
    """

  /// The first word of an order for an engine that watches its own input: no stanza does so for it.
  static let direct = "direct"

  /// Finds everything out. `$1` container IDs, `$2` UIDs, `$3` address patterns, `$4` addresses, `$5`
  /// the pod's "namespace.name", `$6` the ways, `$7` whether sudo may be asked; each checked by us before it is sent.
  ///
  /// Why it is as it is:
  /// - The process is looked for by the ID alone: the path before it depends on cgroup version, driver,
  ///   service class and runtime. Of several (a container may hold containers) the first counts that
  ///   has the pod's address in its network.
  /// - The shell says which process it is, and when that was started (proc_pid_stat(5), field 22, the 20th from
  ///   the name's end): it stays for the whole capture, and is ended by that if it outlives its connection.
  /// - Links are read by netlink (`ip`) from within the pod's network namespace: sysfs belongs to the mount,
  ///   and after a mere `nsenter -n` answers for somebody else. /proc/PID/root is its own sysfs.
  /// - busybox may have the applets without links to them.
  /// - `lsns` says by which number this network knows the pod's (rtnetlink(7), link-netnsid); where the
  ///   namespace has a name in /run/netns (ip-netns(8)), `ip` writes that instead of the number.
  /// - The runtimes' commands come last: they want the right socket, and may hang. podman is asked by root
  ///   alone and where it is in use: for anybody else it looks into a store of that user's own, and for that
  ///   leaves a process (`podman pause`) and folders behind.
  private static let look = #"""
    ids=$1 uids=$2 patterns=$3 addresses=$4 name=$5 ways=$6 sudo=$7
    PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin
    LC_ALL=C
    export PATH LC_ALL
    unset IFS
    has() { command -v "$1" >/dev/null 2>&1; }
    may() { [ "$1" != podman ] || { [ "$u" = 0 ] && [ -d /run/libpod ]; } && has "${1%% *}"; }
    brief() { if has timeout; then timeout 3 "$@"; else "$@"; fi; }
    echo "\#(greeting)"
    \#(ContainerFacts.questions)
    { read -r x <"/proc/$$/stat"; } 2>/dev/null && {
      set -f
      set -- ${x##*) }
      set +f
      echo "shell=$$ ${20}"
    }
    set -- /run /tmp /var/tmp /dev/shm
    \#(ContainerFacts.directoryQuestions)
    echo "ssh=$poddump_ssh"
    u=$(id -u 2>/dev/null)
    if [ "$u" != 0 ]; then
      if [ "$sudo" = no ]; then :
      elif has sudo; then
        sudo -n -l tcpdump >/dev/null 2>&1 && echo "sudo=tcpdump"
      else
        echo "sudo=none"
      fi
      has tcpdump && tcpdump -L -i lo >/dev/null 2>&1 && echo "opens=yes"
    fi
    ip=ip nsenter=nsenter
    has ip || ip="busybox ip"
    has nsenter || nsenter="busybox nsenter"
    $nsenter --help >/dev/null 2>&1 && echo "nsenter=$nsenter"
    [ -e /proc/1/stat ] || echo "hidden=yes"
    echo "node=$(readlink /proc/1/ns/net 2>/dev/null)"
    candidates() {
      case $1 in
        cgroup) for i in $ids; do grep -ls -e "$i" /proc/[0-9]*/cgroup; done ;;
        uid)
          for i in $uids; do
            grep -ls -e "$i" -e "$(echo "$i" | tr - _)" /proc/[0-9]*/cgroup
          done
          ;;
        address)
          for i in $patterns; do
            case $i in
              *.*) grep -Hs -A 1 -e "[ -]$i\$" /proc/[0-9]*/net/fib_trie | grep -e "host LOCAL" ;;
              *) grep -ls -e "^$i " /proc/[0-9]*/net/if_inet6 ;;
            esac
          done
          ;;
        runtime)
          for i in $ids; do
            for t in docker podman "nerdctl -n k8s.io"; do
              may "$t" && brief $t inspect -f '{{.State.Pid}}' "$i"
            done
            for t in crictl "k3s crictl"; do
              has "${t%% *}" && brief $t inspect "$i" |
                sed -n 's/.*"pid": *\([0-9][0-9]*\).*/\1/p' | head -n 1
            done
            for t in ctr "k3s ctr" "microk8s ctr"; do
              has "${t%% *}" && brief $t -n k8s.io task ls | sed -n "s/^$i  *\([0-9][0-9]*\) .*/\1/p"
            done
          done
          ;;
      esac 2>/dev/null | sed 's,^/proc/,,; s,/.*,,' | head -n 200
    }
    lives_there() {
      for i in $patterns; do
        case $i in
          *.*)
            grep -s -A 1 -e "[ -]$i\$" "/proc/$1/net/fib_trie" | grep -q -e "host LOCAL" && return 0
            ;;
          *) grep -qs -e "^$i " "/proc/$1/net/if_inet6" && return 0 ;;
        esac
      done
      return 1
    }
    pid= by= right=
    if [ -n "$ids$uids" ]; then
      for way in $ways; do
        for p in $(candidates "$way"); do
          case $p in '' | 0 | *[!0-9]*) continue ;; esac
          [ -e "/proc/$p/stat" ] || continue
          [ -n "$pid" ] || { pid=$p by=$way; }
          if lives_there "$p"; then
            pid=$p by=$way right=yes
            break 2
          fi
        done
      done
    fi
    links() {
      for d in "$1"/sys/class/net/*; do
        [ -r "$d/ifindex" ] || continue
        read -r a <"$d/ifindex" && read -r b <"$d/iflink" && read -r c <"$d/address" || continue
        e=
        [ "$a" = "$b" ] || e=@if$b
        echo "$a: ${d##*/}$e: link/ether $c"
      done 2>/dev/null
    }
    if [ -n "$pid" ]; then
      echo "pid=$pid"
      echo "by=$by"
      echo "right=$right"
      echo "pod=$(readlink "/proc/$pid/ns/net" 2>/dev/null)"
      l=$($nsenter -t "$pid" -n $ip -o link 2>/dev/null) || l=$(links "/proc/$pid/root")
      if [ -z "$l" ]; then
        for t in docker podman "nerdctl -n k8s.io"; do
          for i in $ids; do
            [ -z "$l" ] && may "$t" && l=$(
              brief $t exec "$i" cat /sys/class/net/eth0/ifindex /sys/class/net/eth0/iflink 2>/dev/null |
                { read -r a && read -r b && echo "$a: eth0@if$b:"; }
            )
          done
        done
      fi
      echo "$l" | head -n 64 | sed 's/^/podlink=/'
      has lsns && lsns -n -t net -o NETNSID -p "$pid" 2>/dev/null | head -n 1 | sed 's/^ */nsid=/'
      for n in /run/netns/*; do
        [ "$n" -ef "/proc/$pid/ns/net" ] && echo "netns=${n##*/}"
      done
    fi
    h=$($ip -o link 2>/dev/null) || h=$(links "")
    echo "$h" | head -n 4096 | sed 's/^/hostlink=/'
    $ip -o addr 2>/dev/null | head -n 4096 | while read -r n d f a x; do echo "address=$d $a"; done
    for i in $addresses; do
      $ip -o route get "$i" 2>/dev/null | head -n 1 | sed "s/^/route=/"
      $ip neigh show "$i" 2>/dev/null | head -n 1 | sed 's/^/neighbour=/'
    done
    has bridge && bridge fdb show 2>/dev/null | grep ' master ' | head -n 4096 | sed 's/^/fdb=/'
    if [ -n "$name" ]; then
      for t in sha1sum "busybox sha1sum"; do
        has "${t%% *}" || continue
        echo "sha1=$(printf %s "$name" | $t | cut -c 1-11)"
        break
      done
    fi
    """#
}
