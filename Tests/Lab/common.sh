# What every part of the lab shares: where it keeps its state, how it speaks, and which processes are its own.
# Sourced by `lab`. Everything of a running lab is below $LAB_DIR, in its cgroup, or in a namespace of its own.

LAB_DIR=${PODDUMP_LAB:-/run/poddump-lab}
# The path becomes part of mount options and patterns, so it must not need quoting there.
[[ $LAB_DIR =~ ^(/[A-Za-z0-9_][A-Za-z0-9._-]*)+$ ]] ||
  { echo "lab: PODDUMP_LAB must be an absolute path of letters, digits and . _ -: $LAB_DIR" >&2; exit 2; }
LAB_SOURCE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
LAB_NODES=(n1 n2)
declare -A NODE_ADDRESS=([n1]=198.51.100.11 [n2]=198.51.100.12)

say() { printf '%s\n' "$*" >&2; }
die() {
  say "lab: $*"
  exit 1
}

# Prints the start time of process $1 in clock ticks since boot: field 22 of proc_pid_stat(5). Fails if there is none.
# $2 is the proc file system to look into, the machine's own unless given.
start_time() {
  local stat fields
  { read -r stat <"${2:-/proc}/$1/stat"; } 2>/dev/null || return 1
  read -ra fields <<<"${stat##*) }"
  [[ ${fields[0]} != [ZX] ]] || return 1
  printf '%s\n' "${fields[19]}"
}

record() { printf '%s %s\n' "$2" "$(start_time "$2")" >"$1.new" && mv "$1.new" "$1"; }

# Prints the process id in record file $1 if that very process still runs: an id alone may have been given away again.
recorded_pid() {
  local pid began
  [[ -r $1 ]] && read -r pid began <"$1" && [[ $(start_time "$pid") == "$began" ]] && printf '%s\n' "$pid"
}

# Ends the recorded process: with signal $2 first, by SIGKILL when it has not gone within $3 tenths of a second.
end_recorded() {
  local file=$1 signal=$2 patience=$3 pid
  pid=$(recorded_pid "$file") || { rm -f "$file"; return 0; }
  kill -s "$signal" "$pid" 2>/dev/null
  for ((; patience > 0; patience--)); do
    recorded_pid "$file" >/dev/null || break
    sleep 0.1
  done
  pid=$(recorded_pid "$file") && kill -s KILL "$pid" 2>/dev/null
  for ((patience = 50; patience > 0; patience--)); do
    recorded_pid "$file" >/dev/null || { rm -f "$file"; return 0; }
    sleep 0.1
  done
  say "lab: process $pid does not end"
  return 1
}

node_pid() { recorded_pid "$LAB_DIR/nodes/$1.pid" || die "$1 is not running; start the lab by: $LAB_SOURCE/lab up"; }
in_node() { "$LAB_SOURCE/in-node" "$LAB_DIR" "$@"; }
