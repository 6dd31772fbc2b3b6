# inventory.json + process ids → lab.json, what the API stand-in reads.
# Arguments: $pretend, whether the nodes that are only pretended, and what is on them, are to be seen; $images, the
# names of all images; $pids, an object: node name or container id → process id in the machine's own PID namespace.

def container($pod; $run): {
  name, image: "lab/\(.image):1",
  containerID: (if .id then "containerd://" + .id else null end), pid: (if $pod.running then $pids[.id // ""] else null end),
  restartCount: (.restartCount // 0), lastState: (.lastState // null), startedAt: (.startedAt // null),
  state, command: (.command // ["/serve", "80", .name]), memoryLimit: (.memoryLimit // null), ports: (.ports // null),
  securityContext: (.securityContext // null), volumeMounts: (.volumeMounts // null),
  # crun does not take the user from the configuration
  exec: (if $pod.running then ["\($run.source)/in-node", $run.directory, $pod.node, $run.runtime, "--root", "/run/\($run.runtime)",
      "exec", "--user", "\($pod.securityContext.runAsUser // 0):0", .id]
    else null end)};

. as $run | {
  directory,
  images: ($images | split(" ")),
  kubelet: {command: ["env", "PODDUMP_LAB=\(.directory)", "\(.source)/kubelet"],
    exec: ["\(.source)/in-node", .directory, "@NODE@", .runtime, "--root", "/run/\(.runtime)", "exec"]},
  nodes: ([.nodes[] | {name, uid, internalIP, initPid: $pids[.name], podCIDR}] + if $pretend then .pretendedNodes else [] end),
  namespaces, services, workloads,
  pods: [.pods[] | select($pretend or .real != false) | . as $pod | {
    namespace, name, uid, node: (if $pretend then .shownNode // .node else .node end), phase, podIP, hostNetwork, labels, annotations: (.annotations // {}), owner,
    securityContext: (.securityContext // null), volumes: (if .volumes then [.volumes[] | del(.noexec)] else null end),
    spec: ((if $pretend then .spec // {} else {} end) + if .shareProcessNamespace then {shareProcessNamespace} else {} end | if . == {} then null else . end),
    containers: [.containers[] | container($pod; $run)],
    stop: (if .running then ["\($run.source)/lab", "pod-stop", "\(.namespace)/\(.name)"] else null end)}]}
