# inventory.json → lines "FILE<tab>JSON": an OCI runtime configuration (config.json, runtime-spec 1.0) for every container and
# for every pod's sandbox, with what containerd gives an ordinary pod. @SANDBOX@ stands for the sandbox's process id.
# @TARGET@ for the first process of a container whose processes are shared. Arguments: $limits, $pids (whether limits of memory
# and of processes can be enforced), $mqueue (whether the kernel has POSIX message queues), $cgroup2 (whether the machine has pure
# cgroup v2, where containerd gives a container a cgroup namespace), $all_capabilities (what a privileged container gets).

def default_capabilities: ["CHOWN", "DAC_OVERRIDE", "FSETID", "FOWNER", "MKNOD", "NET_RAW", "SETGID", "SETUID", "SETFCAP",
  "SETPCAP", "NET_BIND_SERVICE", "SYS_CHROOT", "KILL", "AUDIT_WRITE"] | map("CAP_" + .);

# As containerd's CRI plugin: ALL first, then what is added, then what is dropped.
def capabilities($container): ($container.securityContext // {}) as $context
  | (($context.capabilities // {}) | [.add, .drop] | map((. // []) | map(ascii_upcase | ltrimstr("CAP_")))) as [$add, $drop]
  | if $context.privileged then $all_capabilities else
      (if any($add[]; . == "ALL") then $all_capabilities else default_capabilities end
        | if any($drop[]; . == "ALL") then [] else . end)
      + ($add - ["ALL"] | map("CAP_" + .)) - ($drop - ["ALL"] | map("CAP_" + .)) | unique
    end
  | {bounding: ., effective: ., permitted: .};

def bytes: if . == null then null elif (.[-1:] | test("[0-9]")) then tonumber
  else capture("^(?<n>[0-9.]+)(?<unit>[A-Za-z]+)$")
    | {Ki: 1024, Mi: 1048576, Gi: 1073741824, k: 1e3, M: 1e6, G: 1e9}[.unit] * (.n | tonumber) | floor end;

def bind($from; $to): {destination: $to, type: "bind", source: $from, options: ["rbind", "rprivate", "rw"]};

def system_mounts: [
  {destination: "/proc", type: "proc", source: "proc", options: ["nosuid", "noexec", "nodev"]},
  {destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["nosuid", "strictatime", "mode=755", "size=65536k"]},
  {destination: "/dev/pts", type: "devpts", source: "devpts",
   options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]},
  (if $mqueue then {destination: "/dev/mqueue", type: "mqueue", source: "mqueue", options: ["nosuid", "noexec", "nodev"]} else empty end),
  {destination: "/dev/shm", type: "tmpfs", source: "shm", options: ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]},
  {destination: "/sys", type: "sysfs", source: "sysfs", options: ["nosuid", "noexec", "nodev", "ro"]},
  {destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: ["nosuid", "noexec", "nodev", "relatime", "ro"]}];

def pod_mounts($pod): "/var/lib/kubelet/pods/\($pod.uid)" as $home |
  [("hosts", "hostname", "resolv.conf") | bind("\($home)/\(.)"; "/etc/\(.)")];

# emptyDir on the node's disk or in memory (if the lab says so, noexec), and hostPath; other volumes do not exist here.
def volume_mounts($pod): [(.volumeMounts // [])[] | . as $mount | ($pod.volumes // [])[] | select(.name == $mount.name)
  | if .emptyDir.medium == "Memory" then {destination: $mount.mountPath, type: "tmpfs", source: "tmpfs",
      options: (["nosuid", "nodev", "mode=1777", "size=\((.emptyDir.sizeLimit | bytes) // 67108864)"] + if .noexec then ["noexec"] else [] end)}
    elif .emptyDir then bind("/var/lib/kubelet/pods/\($pod.uid)/volumes/kubernetes.io~empty-dir/\(.name)"; $mount.mountPath)
    elif .hostPath then bind(.hostPath.path; $mount.mountPath)
    else empty end
  | if $mount.readOnly then .options += ["ro"] else . end];

def masked: {
  maskedPaths: ["/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list",
    "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware", "/sys/devices/virtual/powercap"],
  readonlyPaths: ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]};

def environment($hostname): ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOSTNAME=\($hostname)"];

def network($pod): if $pod.hostNetwork then [] else [{type: "network", path: "/run/netns/\($pod.lab.netns)"}] end;

def joined($type; $pid): {type: $type, path: "/proc/\($pid)/ns/\($type)"};

# The namespaces that a container shares with its pod; without an entry it is in the node's.
def shared($pod; $target): [joined("uts"; "@SANDBOX@")] + (if $pod.hostIPC then [] else [joined("ipc"; "@SANDBOX@")] end)
  + if $pod.hostPID then [] elif $pod.shareProcessNamespace then [joined("pid"; "@SANDBOX@")]
    elif $target then [joined("pid"; "@TARGET@")] else [{type: "pid"}] end;

def linux($pod; $id; $namespaces; $container): ($container.memoryLimit | bytes) as $memory
  | (if $container.securityContext.privileged then {} else masked end) as $masked | {
  cgroupsPath: "\($pod.lab.cgroup)/\($id)",
  namespaces: ([{type: "mount"}] + network($pod) + $namespaces + if $cgroup2 then [{type: "cgroup"}] else [] end),
  resources: ({devices: [{allow: ($container.securityContext.privileged // false), access: "rwm"}]}
    + if $memory != null and $limits then {memory: {limit: $memory, swap: $memory}} else {} end
    + if $container.pidsLimit and $pids then {pids: {limit: $container.pidsLimit}} else {} end)} + $masked;

def hostname($pod): if $pod.hostNetwork then $pod.node else $pod.name end;

def sandbox($pod): {
  ociVersion: "1.0.2", hostname: hostname($pod),
  root: {path: "rootfs", readonly: true},
  process: {args: ["/pause"], cwd: "/", env: environment(hostname($pod)), user: {uid: 65534, gid: 65534},
    capabilities: capabilities({}), noNewPrivileges: true},
  mounts: [system_mounts[] | select(.destination | startswith("/sys/fs") | not)],
  linux: linux($pod; $pod.lab.sandbox; [{type: "uts"}] + (if $pod.hostIPC then [] else [{type: "ipc"}] end)
    + (if $pod.hostPID then [] else [{type: "pid"}] end); {})};

def user($pod): .securityContext as $own | $pod.securityContext as $of_pod
  | {uid: ($own.runAsUser // $of_pod.runAsUser // 0), gid: ($own.runAsGroup // $of_pod.runAsGroup // 0)}
  + if $of_pod.supplementalGroups then {additionalGids: $of_pod.supplementalGroups} else {} end;

def process_arguments: (.command // []) + (.args // []) | if . == [] then ["sh"] else . end;

# A privileged container may write to /sys and to the cgroups.
def writable($container): if $container.securityContext.privileged then .options -= ["ro"] else . end;

def container($pod): . as $container | {
  ociVersion: "1.0.2",
  root: {path: "rootfs", readonly: (.securityContext.readOnlyRootFilesystem // false)},
  process: {args: process_arguments, cwd: (.workingDir // "/"),
    env: (environment(hostname($pod)) + [(.env // [])[] | select(.value) | "\(.name)=\(.value)"]),
    user: user($pod), capabilities: capabilities($container),
    noNewPrivileges: (.securityContext.allowPrivilegeEscalation == false)},
  mounts: ([system_mounts[] | writable($container)] + pod_mounts($pod) + volume_mounts($pod)),
  linux: linux($pod; .id; shared($pod; .target); $container)};

.pods[] | select(.running) | . as $pod
| [.lab.sandbox, (sandbox($pod) | tojson)],
  (.containers[] | [.id, (container($pod) | tojson)])
| "\(.[0])\t\(.[1])"
