# inventory.json → lines "FILE<tab>JSON": an OCI runtime configuration (config.json, runtime-spec 1.0) for every container and
# for every pod's sandbox, with what containerd gives an ordinary pod. @SANDBOX@ stands for the sandbox's process id.
# Arguments: $limits (whether memory limits can be enforced), $mqueue (whether the kernel has POSIX message queues), $cgroup2
# (whether the machine has pure cgroup v2, where containerd gives a container a cgroup namespace).

def default_capabilities: ["CHOWN", "DAC_OVERRIDE", "FSETID", "FOWNER", "MKNOD", "NET_RAW", "SETGID", "SETUID", "SETFCAP",
  "SETPCAP", "NET_BIND_SERVICE", "SYS_CHROOT", "KILL", "AUDIT_WRITE"] | map("CAP_" + .);

def capabilities($container):
  (if $container.securityContext.capabilities.drop == ["ALL"] then [] else default_capabilities end)
  | {bounding: ., effective: ., permitted: .};

def bytes: if . == null then null else {Mi: 1048576, Gi: 1073741824}[.[-2:]] * (.[:-2] | tonumber) end;

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

def volume_mounts($pod): [(.volumeMounts // [])[] | bind("/var/lib/kubelet/pods/\($pod.uid)/volumes/kubernetes.io~empty-dir/\(.name)"; .mountPath)];

def masked: {
  maskedPaths: ["/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list",
    "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware", "/sys/devices/virtual/powercap"],
  readonlyPaths: ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]};

def environment($hostname): ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOSTNAME=\($hostname)"];

def network($pod): if $pod.hostNetwork then [] else [{type: "network", path: "/run/netns/\($pod.lab.netns)"}] end;

def linux($pod; $id; $namespaces; $memory): {
  cgroupsPath: "\($pod.lab.cgroup)/\($id)",
  namespaces: ([{type: "pid"}, {type: "mount"}] + network($pod) + $namespaces + if $cgroup2 then [{type: "cgroup"}] else [] end),
  resources: ({devices: [{allow: false, access: "rwm"}]}
    + if $memory != null and $limits then {memory: {limit: $memory, swap: $memory}} else {} end)} + masked;

def hostname($pod): if $pod.hostNetwork then $pod.node else $pod.name end;

def sandbox($pod): {
  ociVersion: "1.0.2", hostname: hostname($pod),
  root: {path: "rootfs", readonly: true},
  process: {args: ["/pause"], cwd: "/", env: environment(hostname($pod)), user: {uid: 65534, gid: 65534},
    capabilities: capabilities({}), noNewPrivileges: true},
  mounts: [system_mounts[] | select(.destination | startswith("/sys/fs") | not)],
  linux: linux($pod; $pod.lab.sandbox; [{type: "ipc"}, {type: "uts"}]; null)};

def container($pod): . as $container | {
  ociVersion: "1.0.2",
  root: {path: "rootfs", readonly: (.securityContext.readOnlyRootFilesystem // false)},
  process: {args: .command, cwd: "/", env: environment(hostname($pod)),
    user: ({uid: ($pod.securityContext.runAsUser // 0), gid: 0}),
    capabilities: capabilities($container)},
  mounts: (system_mounts + pod_mounts($pod) + volume_mounts($pod)),
  linux: linux($pod; .id; [{type: "ipc", path: "/proc/@SANDBOX@/ns/ipc"}, {type: "uts", path: "/proc/@SANDBOX@/ns/uts"}];
    .memoryLimit | bytes)};

.pods[] | select(.running) | . as $pod
| [.lab.sandbox, (sandbox($pod) | tojson)],
  (.containers[] | [.id, (container($pod) | tojson)])
| "\(.[0])\t\(.[1])"
