# The pods: from pods.json to running containers, to lab.json, and back to nothing one by one.

# crun if it can work here: it is several times quicker than runc and hands exec's descriptors on as they are. On cgroup v2
# it has to raise its limit of locked memory, which a root without CAP_SYS_RESOURCE cannot.
container_runtime() {
  local name order="crun runc"
  [[ $(cgroup_version) == 1 ]] || (ulimit -l unlimited) 2>/dev/null || order="runc crun"
  for name in ${LAB_RUNTIME:-$order}; do
    type -P "$name" >/dev/null && echo "$name" && return
  done
  die "neither crun nor runc is installed"
}

# Draws every random number of this run and works out what there will be.
write_inventory() {
  local random
  random=$(od -An -v -tx1 -w32 -N $((32 * 400)) /dev/urandom | tr -d ' ' | jq -R . | jq -s -c .)
  jq --argjson random "$random" --arg directory "$LAB_DIR" --arg source "$LAB_SOURCE" \
    --arg runtime "$(container_runtime)" -f "$LAB_SOURCE/inventory.jq" "$LAB_SOURCE/pods.json" |
    name_interfaces >"$LAB_DIR/inventory.json"
}

# Replaces the interface name "calico" by what Calico computes for that pod.
name_interfaces() {
  local inventory namespace name
  inventory=$(cat)
  while read -r namespace name; do
    echo "$namespace $name $(calico_name "$namespace" "$name")"
  done < <(jq -r '.pods[] | select(.lab.interface == "calico") | "\(.namespace) \(.name)"' <<<"$inventory") |
    jq -R 'split(" ")' | jq -s 'map({("\(.[0])/\(.[1])"): .[2]}) | add' |
    jq --slurpfile names /dev/stdin '.pods |= map(if .lab.interface == "calico"
      then .lab.interface = $names[0]["\(.namespace)/\(.name)"] else . end)' <(printf '%s' "$inventory")
}

# inventory.json, or a part of it, on stdin → "ID<tab>CONFIGURATION" for each of its containers and sandboxes.
oci_configurations() {
  local limits=false pids=false mqueue=false cgroup2=false
  ! memory_limits || limits=true
  ! pids_limits || pids=true
  ! grep -qw mqueue /proc/filesystems || mqueue=true
  [[ $(cgroup_version) == 1 ]] || cgroup2=true
  jq -r --argjson limits "$limits" --argjson pids "$pids" --argjson mqueue "$mqueue" --argjson cgroup2 "$cgroup2" \
    --argjson all_capabilities "$(own_capabilities)" -f "$LAB_SOURCE/oci.jq"
}

# In the order of their bits (linux/capability.h).
capability_names=(CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE
  NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT
  SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG
  WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE)

# Prints what this process itself may hand on, as JSON.
own_capabilities() {
  local bits number names=
  bits=0x$(awk '/^CapBnd/ { print $2 }' /proc/self/status)
  for number in "${!capability_names[@]}"; do
    if ((bits >> number & 1)); then names+=",\"CAP_${capability_names[number]}\""; fi
  done
  echo "[${names#,}]"
}

# A runtime configuration for each container: bundles/ID.json.
write_bundles() {
  local id configuration
  memory_limits || say "lab: no memory controller for cgroups here: limits are not enforced"
  pids_limits || say "lab: no pids controller for cgroups here: limits of processes are not enforced"
  while IFS=$'\t' read -r id configuration; do
    printf '%s\n' "$configuration" >"$LAB_DIR/bundles/$id.json"
  done < <(oci_configurations <"$LAB_DIR/inventory.json")
}

# What pod-start reads on each node.
write_plan() {
  local node image lowerdirs
  jq -r .dns "$LAB_DIR/inventory.json" >"$LAB_DIR/plan/dns"
  lowerdirs=$(jq -r '[.pods[].containers[].image] | unique[]' "$LAB_DIR/inventory.json" |
    while read -r image; do echo "$image $(image_lowerdir "$image")"; done |
    jq -R 'split(" ") | {(.[0]): .[1]}' | jq -s add)
  for node in "${LAB_NODES[@]}"; do
    jq -r --arg node "$node" --argjson lowerdirs "$lowerdirs" '
      .pods[] | select(.running and .node == $node)
      | "pod \(.namespace) \(.name) \(.uid) \(.lab.sandbox) \(.lab.netns) \(.lab.interface // "-") \(.podIP) \(.quiet // false)",
        ([(.volumes // [])[].name] | join(",")) as $volumes
        | .containers[] | "container \(.id) \($lowerdirs[.image]) \(if $volumes == "" then "-" else $volumes end)"' \
      "$LAB_DIR/inventory.json" >"$LAB_DIR/plan/$node"
  done
  # Something else carries the interface name that would be computed for shop/moved.
  echo "decoy decoy $(calico_name shop moved) 198.51.100.94" >>"$LAB_DIR/plan/n1"
}

prepare_pods() {
  write_inventory
  write_bundles
  write_plan
}

start_pods() {
  local node job jobs=()
  for node in "${LAB_NODES[@]}"; do
    in_node "$node" "$LAB_DIR/bin/pod-start" "$LAB_DIR" "$(jq -r .runtime "$LAB_DIR/inventory.json")" "$node" 9>&- &
    jobs+=($!)
  done
  for job in "${jobs[@]}"; do wait "$job" || die "the pods cannot be started"; done
}

# Prints the process id, here, of PID 1 in the container whose cgroup (on its node) is given.
first_process() { # NODE CGROUP
  local pid ids
  for pid in $(<"$(tracking_hierarchy)/$LAB_CGROUP/$1$2/cgroup.procs"); do
    ids=$(grep ^NSpid: "/proc/$pid/status") && [[ ${ids##*[[:space:]]} == 1 ]] && echo "$pid" && return
  done
  return 1
}

# Records every container's process in pids/ID and writes lab.json, whole or not at all.
write_lab_json() {
  local node name id cgroup pid pids
  mkdir -p "$LAB_DIR/pids"
  while read -r node name id cgroup; do
    pid=$(first_process "$node" "$cgroup/$id") || die "container $name on $node has ended: $(container_log "$node" "$id")"
    record "$LAB_DIR/pids/$id" "$pid"
  done < <(jq -r '.pods[] | select(.running) | . as $pod
    | (.containers[] | [.name, .id]), ["pause", .lab.sandbox] | "\($pod.node) \($pod.name)/\(.[0]) \(.[1]) \($pod.lab.cgroup)"' \
    "$LAB_DIR/inventory.json")
  pids=$(cd "$LAB_DIR" && jq -R '[input_filename, (split(" ")[0] | tonumber)]' nodes/n1.pid nodes/n2.pid pids/* |
    jq -s 'map({(.[0] | split("/")[1] | rtrimstr(".pid")): .[1]}) | add')
  jq --argjson pids "$pids" --arg images "${image_names[*]}" -f "$LAB_SOURCE/lab_json.jq" "$LAB_DIR/inventory.json" >"$LAB_DIR/lab.json.new"
  mv "$LAB_DIR/lab.json.new" "$LAB_DIR/lab.json"
}

container_log() { in_node "$1" cat "/var/lib/containers/$2/log" 2>/dev/null; }

# Prints "NODE ID" of container NAMESPACE/POD[/CONTAINER].
find_container() {
  local namespace name container
  IFS=/ read -r namespace name container <<<"$1"
  jq -er --arg namespace "$namespace" --arg name "$name" --arg container "$container" '
    first(.pods[] | select(.running and .namespace == $namespace and .name == $name)
      | .node as $node | .containers[] | select($container == "" or .name == $container) | "\($node) \(.id)")' \
    "$LAB_DIR/inventory.json" || die "no container $1"
}

exec_in() { # NAMESPACE/POD[/CONTAINER] COMMAND...
  local node id prefix
  read -r node id < <(find_container "$1") && [[ $id ]] || exit 1
  shift
  readarray -t prefix < <(jq -r --arg id "containerd://$id" \
    '.pods[].containers[] | select(.containerID == $id) | .exec[]' "$LAB_DIR/lab.json")
  exec "${prefix[@]}" "$@"
}

# Every file that a container (NAMESPACE/POD[/CONTAINER]) or a node sees in its own file systems, as "TYPE MODE SIZE PATH".
list_files() {
  local pid node id directories
  if [[ $1 == */* ]]; then
    read -r node id < <(find_container "$1") && [[ $id ]] || exit 1
    pid=$(recorded_pid "$LAB_DIR/pids/$id") || die "$1 is not running"
    directories="./dev ./dev/shm $(jq -r --arg id "$id" '.pods[].containers[] | select(.id == $id)
      | (.volumeMounts // [])[] | "." + .mountPath' "$LAB_DIR/inventory.json")"
  else
    pid=$(node_pid "$1")
    directories="./run ./dev ./dev/shm"
  fi
  # A directory has no size here: overlayfs changes it when a file is made and removed again.
  (cd "/proc/$pid/root" && find . $directories -xdev \( -type d -printf '%y %m - %p\n' -o -printf '%y %m %s %p\n' \)) |
    sed -E 's, \.(/|$), /,' | sort -u
}

# Ends a pod's containers as a kubelet does (SIGTERM, a short grace, SIGKILL) and removes what it had on the node.
stop_pod() {
  local namespace=${1%%/*} name=${1#*/} node uid cgroup netns interface runtime ids id
  read -r node uid cgroup netns interface runtime ids < <(jq -er --arg namespace "$namespace" --arg name "$name" '
    .runtime as $runtime | first(.pods[] | select(.running and .namespace == $namespace and .name == $name))
    | "\(.node) \(.uid) \(.lab.cgroup) \(.lab.netns) \(.lab.interface // "-") \($runtime) \([.containers[].id, .lab.sandbox]
      | join(" "))"' "$LAB_DIR/inventory.json") || die "no running pod $1"
  # Ephemeral containers are in its cgroup only.
  for id in $(tracking=$(tracking_hierarchy)/$LAB_CGROUP/$node$cgroup; cd "$tracking" 2>/dev/null && printf '%s\n' */); do
    [[ $id != ????????*/ || " $ids " == *" ${id%/} "* ]] || ids="${id%/} $ids"
  done
  for id in $ids; do
    end_recorded "$LAB_DIR/pids/$id" TERM 20 &
  done
  wait
  in_node "$node" "$LAB_DIR/bin/pod-stop" "$LAB_DIR" "$runtime" "$uid" "$netns" "$interface" $ids
}
