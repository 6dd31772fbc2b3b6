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
  random=$(od -An -v -tx1 -w32 -N $((32 * 800)) /dev/urandom | tr -d ' ' | jq -R . | jq -s -c .)
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

# Prints what pod-start reads about the running pods of a node, or about the one with that uid.
plan_lines() { # NODE [UID]
  local image lowerdirs
  lowerdirs=$(for image in "${image_names[@]}"; do echo "$image $(image_lowerdir "$image")"; done |
    jq -R 'split(" ") | {(.[0]): .[1]}' | jq -s add)
  jq -r --arg node "$1" --arg uid "${2-}" --argjson lowerdirs "$lowerdirs" '
    .pods[] | select(.running and .node == $node and ($uid == "" or .uid == $uid))
    | "pod \(.namespace) \(.name) \(.uid) \(.lab.sandbox) \(.lab.netns) \(.lab.interface // "-") \(.podIP) \(.quiet // false)",
      ([(.volumes // [])[] | select(.emptyDir and .emptyDir.medium != "Memory").name] | join(",")) as $volumes
      | .containers[] | "container \(.id) \($lowerdirs[.image]) \(if $volumes == "" then "-" else $volumes end)"' \
    "$LAB_DIR/inventory.json"
}

write_plan() {
  local node
  jq -r .dns "$LAB_DIR/inventory.json" >"$LAB_DIR/plan/dns"
  for node in "${LAB_NODES[@]}"; do plan_lines "$node" >"$LAB_DIR/plan/$node"; done
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

# Prints the process id, here, of the process in that cgroup which the node calls by $3.
process_here() { # NODE CGROUP PID
  local pid ids
  for pid in $(<"$(tracking_hierarchy)/$LAB_CGROUP/$1$2/cgroup.procs"); do
    read -ra ids < <(grep ^NSpid: "/proc/$pid/status") && [[ ${ids[2]-} == "$3" ]] && echo "$pid" && return
  done
  return 1
}

# Records the first process of each of the lab's containers, or of those of the pod with that uid, in pids/ID.
record_processes() { # [UID]
  local node name id cgroup pid root
  mkdir -p "$LAB_DIR/pids"
  while read -r node name id cgroup; do
    root=/proc/$(node_pid "$node")/root
    pid=$(process_here "$node" "$cgroup/$id" "$(<"$root/var/lib/containers/$id/pid")") ||
      die "container $name on $node has ended: $(container_log "$node" "$id")"
    record "$LAB_DIR/pids/$id" "$pid"
  done < <(jq -r --arg uid "${1-}" '.pods[] | select(.running and ($uid == "" or .uid == $uid)) | . as $pod
    | (.containers[] | [.name, .id]), ["pause", .lab.sandbox] | "\($pod.node) \($pod.name)/\(.[0]) \(.[1]) \($pod.lab.cgroup)"' \
    "$LAB_DIR/inventory.json")
}

# Writes lab.json, whole or not at all.
write_lab_json() {
  local pids pretend=false
  [[ ! -e $LAB_DIR/pretend ]] || pretend=true
  pids=$(cd "$LAB_DIR" && jq -R '[input_filename, (split(" ")[0] | tonumber)]' nodes/n1.pid nodes/n2.pid pids/* |
    jq -s 'map({(.[0] | split("/")[1] | rtrimstr(".pid")): .[1]}) | add')
  jq --argjson pretend "$pretend" --argjson pids "$pids" --arg images "${image_names[*]}" -f "$LAB_SOURCE/lab_json.jq" "$LAB_DIR/inventory.json" \
    >"$LAB_DIR/lab.json.new"
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

# `lab pretend on|off`: nodes that exist for the API only, and what is on them.
pretend() {
  case ${1-} in
    on) : >"$LAB_DIR/pretend" ;;
    off) rm -f "$LAB_DIR/pretend" ;;
    *) die "usage: lab pretend on|off" ;;
  esac
  write_lab_json
  tell_api reload
}

new_id() { od -An -v -tx1 -N 32 /dev/urandom | tr -d ' \n'; }

# Changes the inventory by a jq program, in which $pod is the pod NAMESPACE/POD.
change_inventory() { # NAMESPACE/POD PROGRAM [JQ-ARGUMENT...]
  local pod=$1 program=$2
  shift 2
  jq --arg pod "$pod" "$@" "$program" "$LAB_DIR/inventory.json" >"$LAB_DIR/inventory.json.new"
  mv "$LAB_DIR/inventory.json.new" "$LAB_DIR/inventory.json"
}

# Writes bundles and starts what the plan on stdin says, on a node.
start_more() { # NODE UID
  local id configuration plan=$LAB_DIR/plan/$2
  cat >"$plan"
  while IFS=$'\t' read -r id configuration; do
    [[ -e $LAB_DIR/bundles/$id.json ]] || printf '%s\n' "$configuration" >"$LAB_DIR/bundles/$id.json"
  done < <(jq --arg uid "$2" '.pods |= map(select(.uid == $uid))' "$LAB_DIR/inventory.json" | oci_configurations)
  in_node "$1" "$LAB_DIR/bin/pod-start" "$LAB_DIR" "$(jq -r .runtime "$LAB_DIR/inventory.json")" "$1" "$2"
  rm "$plan"
  record_processes "$2"
  write_lab_json
  tell_api reload
}

# `lab restart NAMESPACE/POD[/CONTAINER]`: the container is killed, and started anew as its kubelet would.
restart_container() {
  local node old new namespace name container uid sandbox runtime started
  read -r node old < <(find_container "$1") && [[ $old ]] || exit 1
  IFS=/ read -r namespace name container <<<"$1"
  new=$(new_id)
  read -r uid sandbox runtime < <(jq -r --arg id "$old" '.runtime as $runtime
    | .pods[] | select(any(.containers[]; .id == $id)) | "\(.uid) \(.lab.sandbox) \($runtime)"' "$LAB_DIR/inventory.json")
  started=$(date -u -r "$LAB_DIR/pids/$old" +%Y-%m-%dT%H:%M:%SZ)
  end_recorded "$LAB_DIR/pids/$old" KILL 50
  in_node "$node" "$LAB_DIR/bin/container-run" "$LAB_DIR" "$runtime" remove "$old"
  rm -f "$LAB_DIR/bundles/$old.json" "$LAB_DIR/pids/$old"
  change_inventory "$namespace/$name" '(.pods[].containers[] | select(.id == $old)) |= (.id = $new
    | .restartCount = (.restartCount // 0) + 1 | .startedAt = (now | todate)
    | .lastState = {exitCode: 137, containerID: ("containerd://" + $old), startedAt: $started, finishedAt: (now | todate)})' \
    --arg old "$old" --arg new "$new" --arg started "$started"
  { echo "resume $namespace $name $uid $sandbox"; plan_lines "$node" "$uid" | grep "^container $new "; } | start_more "$node" "$uid"
}

# `lab replace NAMESPACE/POD`: the pod is deleted, and another one comes up: of that name, or of a new one where a
# ReplicaSet makes it.
replace_pod() {
  local node uid interface owner name=${1#*/}
  read -r node uid interface owner < <(jq -er --arg pod "$1" 'first(.pods[] | select(.running and "\(.namespace)/\(.name)" == $pod))
    | "\(.node) \(.uid) \(.lab.interface) \(if .owner.kind == "ReplicaSet" then .owner.name else "" end)"' \
    "$LAB_DIR/inventory.json") || die "no running pod $1"
  if [[ $owner ]]; then
    name=$owner-$(new_id | tr 0-9a-f bcdfghjklmnpqrst | cut -c1-5)
    [[ $interface != cali* ]] || interface=$(calico_name "${1%%/*}" "$name")
  fi
  # One that was deleted comes back.
  if api_running; then tell_api delete "$1" 2>/dev/null || true; else stop_pod "$1"; fi
  uid=$(cat /proc/sys/kernel/random/uuid)
  [[ $interface != veth* ]] || interface=veth$(od -An -v -tx1 -N 4 /dev/urandom | tr -d ' \n')
  change_inventory "$1" '(.pods[] | select("\(.namespace)/\(.name)" == $pod)) |= (
      .name = $name | .lab.cgroup |= sub("pod[^/]*$"; "pod" + $uid) | .uid = $uid | .lab.sandbox = $ids[0] | .lab.netns = "cni-" + $uid
      | .lab.interface = (if .lab.interface then $interface else null end)
      | .containers |= [to_entries[] | .value + {id: $ids[.key + 1], startedAt: null, restartCount: 0, lastState: null}])' \
    --arg name "$name" --arg uid "$uid" --arg interface "$interface" --argjson ids "$(for _ in {1..8}; do new_id; echo; done | jq -R . | jq -s -c .)"
  plan_lines "$node" "$uid" | start_more "$node" "$uid"
  forget_neighbours
}

# A network plugin announces a pod whose address had another link address before. Here everybody forgets the old one: until then
# the bridge shows what is sent to it to every pod of its node.
forget_neighbours() {
  local node pid
  for node in "${LAB_NODES[@]}"; do in_node "$node" ip neigh flush all 2>/dev/null || true; done
  while read -r pid; do nsenter --target "$pid" --net ip neigh flush all 2>/dev/null || true
  done < <(jq -r '.pods[].containers[0].pid // empty' "$LAB_DIR/lab.json")
}
