# The lab's cgroup in every hierarchy, /<name>/<node>/…, and inside a node (whose cgroup namespace begins at <node>) the tree
# that a kubelet makes: /kubepods/besteffort/pod<uid>/<container id>. Works on cgroup v1, on a hybrid and on pure v2.

LAB_CGROUP=poddump-lab-$(printf %s "$LAB_DIR" | sha1sum | cut -c1-8)

# v2 if /sys/fs/cgroup itself is a cgroup2, otherwise v1 (a hybrid counts as v1: its controllers are there).
cgroup_version() {
  if [[ $(stat -f -c %T /sys/fs/cgroup) == cgroup2fs ]]; then echo 2; else echo 1; fi
}

# Prints the mount point of each hierarchy that the lab uses.
hierarchies() {
  if [[ $(cgroup_version) == 2 ]]; then
    echo /sys/fs/cgroup
  else
    awk '$5 ~ "^/sys/fs/cgroup/" && / - cgroup / { print $5 }' /proc/self/mountinfo
  fi
}

# The hierarchy whose membership tells which processes are the lab's; one, because every migration costs milliseconds.
tracking_hierarchy() {
  local hierarchy all
  all=$(hierarchies)
  for hierarchy in /sys/fs/cgroup/pids $all; do
    [[ $'\n'$all$'\n' == *$'\n'$hierarchy$'\n'* ]] && echo "$hierarchy" && return
  done
  die "no cgroup hierarchy is mounted below /sys/fs/cgroup"
}

# A v1 cpuset is unusable until it has CPUs and memory nodes; other directories have no such files.
fill_cpuset() {
  local file
  for file in cpuset.cpus cpuset.mems; do
    [[ ! -e $1/$file ]] || cat "$1/../$file" >"$1/$file"
  done
}

# On v2, hands on to $1's children what $1 has itself; what is missing is missed where a limit is set (memory_limits).
hand_on_controllers() {
  local controller
  [[ $(cgroup_version) == 2 ]] || return 0
  for controller in $(<"$1/cgroup.controllers"); do
    echo "+$controller" 2>/dev/null >"$1/cgroup.subtree_control" || true
  done
}

create_cgroups() {
  local hierarchy node path
  for hierarchy in $(hierarchies); do
    # Processes may not sit beside child cgroups that have controllers (v2), so a node's own go into the leaf "system".
    for path in / /up /net /n1 /n1/system /n2 /n2/system; do
      path=$hierarchy/$LAB_CGROUP$path
      mkdir -p "$path"
      fill_cpuset "$path"
      [[ $path != */ ]] || hand_on_controllers "$path"
    done
  done
  for node in "${LAB_NODES[@]}"; do
    echo "$(tracking_hierarchy)/$LAB_CGROUP/$node/system/cgroup.procs" >"$LAB_DIR/nodes/$node.cgroup"
  done
}

# Moves this very shell into directory $1 below the lab's cgroup, in all hierarchies.
join_cgroup() {
  local hierarchy
  for hierarchy in $(hierarchies); do
    echo "$BASHPID" >"$hierarchy/$LAB_CGROUP/$1/cgroup.procs"
  done
}

# While `up` works, it is itself in the lab's cgroup: should it be killed, `down` finds what it had started.
enter_up_cgroup() {
  local hierarchy
  hierarchy=$(tracking_hierarchy)
  cgroup_before=$(awk -F: -v name="${hierarchy##*/}" '$2 == name || (name == "cgroup" && $1 == 0) { print $3 }' \
    /proc/self/cgroup)
  # In a container the path may not be below what is mounted here.
  if [[ -d $hierarchy$cgroup_before ]]; then cgroup_before=$hierarchy$cgroup_before; else cgroup_before=$hierarchy; fi
  echo $$ >"$hierarchy/$LAB_CGROUP/up/cgroup.procs"
}

leave_up_cgroup() { [[ ! ${cgroup_before-} ]] || echo $$ >"$cgroup_before/cgroup.procs"; }

# True if memory limits of containers are enforced here.
memory_limits() {
  if [[ $(cgroup_version) == 2 ]]; then
    grep -qw memory "/sys/fs/cgroup/$LAB_CGROUP/n1/cgroup.subtree_control"
  else
    hierarchies | grep -q 'memory'
  fi
}

# True if limits on the number of processes are enforced here.
pids_limits() {
  if [[ $(cgroup_version) == 2 ]]; then
    grep -qw pids "/sys/fs/cgroup/$LAB_CGROUP/n1/cgroup.subtree_control"
  else
    hierarchies | grep -qw 'pids'
  fi
}

cgroup_members() {
  local hierarchy
  for hierarchy in $(hierarchies); do
    [[ ! -d $hierarchy/$LAB_CGROUP ]] ||
      find "$hierarchy/$LAB_CGROUP" -name cgroup.procs -exec cat {} + 2>/dev/null
  done | sort -un
}

# Ends what is still in the lab's cgroup (only processes that the lab put there can be) and removes its directories.
remove_cgroups() {
  local hierarchy member attempt left
  for ((attempt = 0; attempt < 100; attempt++)); do
    for member in $(cgroup_members); do kill -s KILL "$member" 2>/dev/null || true; done
    left=0
    for hierarchy in $(hierarchies); do
      [[ -d $hierarchy/$LAB_CGROUP ]] || continue
      find "$hierarchy/$LAB_CGROUP" -depth -type d -exec rmdir {} + 2>/dev/null || true
      [[ ! -d $hierarchy/$LAB_CGROUP ]] || left=1
    done
    ((left)) || return 0
    sleep 0.1
  done
  say "lab: cgroups named $LAB_CGROUP cannot be removed; in them: $(cgroup_members | tr '\n' ' ')"
  return 1
}
