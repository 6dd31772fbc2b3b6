# What the tests of the lab share. Sourced, with PODDUMP_LAB set, in this folder. A test ends by `finish`.

work=$(mktemp -d)
declare -A NODE_ADDRESS=([n1]=198.51.100.11 [n2]=198.51.100.12)
passed=0 failed=0

check() { # NAME COMMAND...
  local name=$1
  shift
  if "$@" >"$work/out" 2>&1; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "FAILED $name: $*" | head -n 1 | cut -c1-200 >&2
    head -n 8 "$work/out" | sed 's/^/    /' >&2
  fi
}
refute() { # NAME COMMAND...
  local name=$1
  shift
  check "$name" fails "$@"
}
fails() { ! "$@"; }
same() { [[ $1 == "$2" ]] || { printf '%s\n' "expected: $2" "found:    $1"; return 1; }; }
matches() { [[ $1 =~ $2 ]] || { printf '%s\n' "expected: $2" "found:    $1"; return 1; }; }
under() { (($1 < $2)) || { echo "$1 is not below $2"; return 1; }; }
over() { (($1 > $2)) || { echo "$1 is not above $2"; return 1; }; }

lab() { ./lab "$@"; }
object() { jq -er "$@" "$PODDUMP_LAB/lab.json"; }
pid_of() { # POD [CONTAINER]
  object --arg pod "$1" --arg container "${2-}" \
    'first(.pods[] | select(.name == $pod).containers[] | select($container == "" or .name == $container) | .pid)'
}
init_of() { object --arg node "$1" '.nodes[] | select(.name == $node).initPid'; }
namespace_of() { readlink "/proc/$1/ns/$2"; }
running_pods() { object '.pods[] | select(.containers[0].pid) | "\(.name) \(.node) \(.hostNetwork)"'; }
calico() { echo "cali$(printf %s "$1" | sha1sum | cut -c1-11)"; }
alive() { [[ -d /proc/$1 && $(cut -d')' -f2 "/proc/$1/stat" 2>/dev/null | cut -c2) =~ [^Z] ]]; }

# The name of the node's interface whose other end is the pod's eth0, by index as a person would find it.
host_interface() { # POD NODE
  local index
  index=$(cat "/proc/$(pid_of "$1")/root/sys/class/net/eth0/iflink")
  grep -lx "$index" "/proc/$(init_of "$2")/root/sys/class/net/"*/ifindex | sed 's,/ifindex$,,; s,.*/,,'
}

# What the machine itself looks like: its links, routes, names of namespaces, mounts and settings.
machine() {
  ip -o link | sed 's/ state .*//'
  ip route show table all
  ip netns
  sort /proc/self/mounts
  cat /proc/sys/net/ipv4/ip_forward
  find /sys/fs/cgroup -type d -name 'poddump-lab*' 2>/dev/null | grep -F "$(lab_cgroup)"
  ls -d "$PODDUMP_LAB"* 2>/dev/null
}
lab_cgroup() { echo "poddump-lab-$(printf %s "$PODDUMP_LAB" | sha1sum | cut -c1-8)"; }

# Every process that is in the lab's cgroup or in one of its network namespaces.
lab_processes() {
  local proc inode
  find /sys/fs/cgroup -path "*/$(lab_cgroup)/*" -name cgroup.procs -exec cat {} + 2>/dev/null
  for proc in /proc/[0-9]*; do
    inode=$(readlink "$proc/ns/net" 2>/dev/null) && grep -qxF "$inode" "$work/namespaces" && echo "${proc#/proc/}"
  done
}

nothing_left() { # NAME
  check "$1: the machine is as before" same "$(machine)" "$(cat "$work/machine")"
  check "$1: no process is left" same "$(lab_processes)" ""
  check "$1: leftovers" lab leftovers
}

# Everything that is the lab's own: its init processes, and the network namespaces that they and the containers are in.
remember_processes() {
  { object '.pods[].containers[].pid // empty'; for node in n1 n2; do init_of "$node"; done
    cut -d' ' -f1 "$PODDUMP_LAB/nodes/switch.pid" "$PODDUMP_LAB/nodes/laptop.pid"; } >"$work/pids"
  while read -r pid; do namespace_of "$pid" net; done <"$work/pids" | sort -u >"$work/namespaces"
}

finish() {
  echo "$passed passed, $failed failed"
  ((failed == 0))
}
trap './lab down; rm -rf "$work"' EXIT
: >"$work/namespaces"
